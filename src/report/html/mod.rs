//! The page: one self-contained HTML file that answers the question first.
//!
//! Nothing from the network: it can be mailed, printed and kept, and a policy in its head forbids it to ask for anything.
//! Pictures are inline SVG whose colours come from the style sheet, so that they follow the reader's light or dark. A short
//! script of our own sorts and filters tables; without it everything is there, unsorted. It holds no wall-clock time: the
//! same runs give the same page.
//!
//! A page is made in two steps, so that the runs can be drawn in parallel: [`drawn`] says which runs are drawn over time,
//! [`Drawn::draw`] draws one, [`page`] puts the pieces together.

pub mod background;
pub mod backtested;
pub mod backtested_charts;
pub mod chart;
pub mod first;
pub mod fitted;
pub mod log;
pub mod markup;
pub mod policy;
pub mod sheet;
pub mod tables;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod why;

pub use policy::{Drawn, Section};

use super::Comparison;
use chart::over_time::Detail;
use markup::{escape, put};

/// Colours, sizes and places.
const STYLE: &str = include_str!("style.css");
/// Sorting and filtering of tables.
const SCRIPT: &str = include_str!("script.js");
/// Runs that are drawn over time; more would make the page too large to read or to send.
const DRAWN_MAX: usize = 20;

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

/// The runs that are drawn over time: of each policy in each variant that with the lowest seed, as far as there is room.
pub fn drawn(comparisons: &[Comparison]) -> Vec<Drawn<'_>> {
    let groups: usize = comparisons.iter().map(|comparison| comparison.groups.len()).sum();
    let detail = Detail::for_runs(groups.min(DRAWN_MAX));
    // Every scenario gets its share of the room, the first ones what is left.
    let mut left = DRAWN_MAX;
    let mut drawn = Vec::new();
    for (index, comparison) in comparisons.iter().enumerate() {
        let after = comparisons.len() - index - 1;
        let share = left.saturating_sub(after).min(comparison.groups.len());
        left -= share;
        for (number, group) in comparison.groups.iter().take(share).enumerate() {
            let run = &comparison.runs[group.runs[0]];
            drawn.push(Drawn { run, id: section_id(index, number), number: drawn.len(), detail });
        }
    }
    drawn
}

fn section_id(scenario: usize, number: usize) -> String {
    format!("scenario-{scenario}-{number}")
}

/// The page as HTML, with what was drawn of the runs that [`drawn`] names, in its order.
pub fn page(page: &Page<'_>, sections: &[Section]) -> String {
    let names: Vec<&str> = page.comparisons.iter().map(|comparison| comparison.scenario.as_str()).collect();
    let mut html = String::new();
    let several = page.comparisons.len() > 1;
    if several {
        html += &contents(page.comparisons);
    }
    let places = drawn(page.comparisons);
    for (index, comparison) in page.comparisons.iter().enumerate() {
        let prefix = format!("scenario-{index}-");
        let own = places.iter().zip(sections).filter(|(place, _)| place.id.starts_with(&prefix));
        let article = scenario(comparison, &own.collect::<Vec<_>>());
        let article = if several { deeper(&article) } else { article };
        put(&mut html, format_args!("<article id=\"scenario-{index}\">\n{article}</article>\n"));
    }
    html += &background::not_modelled(page.not_modelled);
    html += &background::definitions();
    html += &background::again(page.comparisons, page.command);
    document(&names.join(", "), &html)
}

/// A whole document around what stands in it.
pub fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} · smo</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n\
         {body}</main>\n<script>\n{SCRIPT}</script>\n</body></html>\n",
        escape(title)
    )
}

/// Headings one level down, for one scenario of several. Text cannot hold these: it is escaped.
fn deeper(html: &str) -> String {
    let mut html = html.to_owned();
    for level in [3, 2, 1] {
        for (open, close) in [("<h", " "), ("<h", ">"), ("</h", ">")] {
            html = html.replace(&format!("{open}{level}{close}"), &format!("{open}{}{close}", level + 1));
        }
    }
    html
}

/// Links to the scenarios.
fn contents(comparisons: &[Comparison]) -> String {
    let mut html = format!("<h1>{} scenarios</h1>\n<nav aria-label=\"Scenarios\"><ul>\n", comparisons.len());
    for (index, comparison) in comparisons.iter().enumerate() {
        let (name, answer) = (escape(&comparison.scenario), escape(&comparison.answer()));
        put(&mut html, format_args!("<li><a href=\"#scenario-{index}\">{name}</a>: {answer}</li>\n"));
    }
    html + "</ul></nav>\n"
}

/// Everything about one scenario.
fn scenario(comparison: &Comparison, sections: &[(&Drawn<'_>, &Section)]) -> String {
    let over_time = sections.first().map(|(_, section)| section.load.as_str()).unwrap_or_default();
    let mut html = first::screen(comparison, over_time);
    html += "<h2>Each policy over time</h2>\n<p>Times count from the start of the run, which is 00:00.";
    if comparison.seeds().len() > 1 {
        html += " Of each policy the run with the lowest seed is shown; the table above is over all seeds.";
    }
    html += "</p>\n";
    if sections.len() > 3 {
        html += "<ul class=\"links\">";
        for (place, _) in sections {
            let header = &place.run.manifest.header;
            let variant = header.variant.as_ref().map(|variant| format!(" in {variant}")).unwrap_or_default();
            let name = escape(&format!("{}{variant}", header.policy));
            put(&mut html, format_args!("<li><a href=\"#{}\">{name}</a></li>", place.id));
        }
        html += "</ul>\n";
    }
    html.extend(sections.iter().map(|(_, section)| section.html.as_str()));
    if comparison.groups.len() > sections.len() {
        let rest = comparison.groups.len() - sections.len();
        put(&mut html, format_args!("<p>{rest} more are in the table above and in their records.</p>\n"));
    }
    html + &background::assumed(comparison)
}
