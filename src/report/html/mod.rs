//! The page: one self-contained HTML file that answers the question first.
//!
//! No script, nothing from the network: it can be mailed, printed and kept. Pictures are inline SVG whose colours come
//! from the style sheet, so that they follow the reader's light or dark. It holds no wall-clock time: the same runs give
//! the same page.

pub mod background;
pub mod chart;
pub mod first;
pub mod markup;
pub mod policy;
#[cfg(test)]
mod tests;
pub mod timeline;

use super::Comparison;
use crate::record::RecordError;
use markup::{escape, put};
use timeline::Timeline;

/// Colours, sizes and places.
const STYLE: &str = include_str!("style.css");
/// Policies that are drawn over time; more would make the page too large to read or to send.
const SECTIONS_MAX: usize = 12;

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// One a scenario.
    pub comparisons: &'a [Comparison],
    /// The command that made the runs, as it was typed.
    pub command: &'a str,
    /// What the simulation leaves out, one sentence each.
    pub not_modelled: &'a [&'a str],
}

/// The page as HTML.
///
/// # Errors
/// Where the series or the decisions of a run cannot be read.
pub fn page(page: &Page<'_>) -> Result<String, RecordError> {
    let names: Vec<&str> = page.comparisons.iter().map(|comparison| comparison.scenario.as_str()).collect();
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} · smo</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n",
        escape(&names.join(", "))
    );
    if page.comparisons.len() > 1 {
        html += &contents(page.comparisons);
    }
    for (index, comparison) in page.comparisons.iter().enumerate() {
        put(&mut html, format_args!("<article id=\"scenario-{index}\">\n{}</article>\n", scenario(comparison, index)?));
    }
    html += &background::not_modelled(page.not_modelled);
    html += &background::definitions();
    html += &background::again(page.comparisons, page.command);
    Ok(html + "</main></body></html>\n")
}

/// Links to the scenarios.
fn contents(comparisons: &[Comparison]) -> String {
    let mut html = "<nav aria-label=\"Scenarios\"><ul>\n".to_owned();
    for (index, comparison) in comparisons.iter().enumerate() {
        let (name, answer) = (escape(&comparison.scenario), escape(&comparison.answer()));
        put(&mut html, format_args!("<li><a href=\"#scenario-{index}\">{name}</a>: {answer}</li>\n"));
    }
    html + "</ul></nav>\n"
}

/// Everything about one scenario.
fn scenario(comparison: &Comparison, index: usize) -> Result<String, RecordError> {
    let mut sections = String::new();
    let mut over_time = String::new();
    for (number, group) in comparison.groups.iter().take(SECTIONS_MAX).enumerate() {
        let run = &comparison.runs[group.runs[0]];
        let timeline = Timeline::read(run)?;
        if number == 0 {
            over_time = timeline.entries.first().map(|entry| policy::load(&timeline, entry)).unwrap_or_default();
        }
        sections += &policy::section(run, &timeline, &format!("scenario-{index}-{number}"));
    }
    let mut html = first::screen(comparison, &over_time);
    html += "<h2>Each policy over time</h2>\n";
    if comparison.seeds().len() > 1 {
        html += "<p>Of each policy the run with the lowest seed is shown; the table above is over all seeds.</p>\n";
    }
    html += &sections;
    if comparison.groups.len() > SECTIONS_MAX {
        let rest = comparison.groups.len() - SECTIONS_MAX;
        put(&mut html, format_args!("<p>{rest} more are in the table above and in their records.</p>\n"));
    }
    Ok(html + &background::assumed(comparison))
}
