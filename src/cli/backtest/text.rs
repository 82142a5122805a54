//! A back test as text: the answer, a line for each quantity of each service, decisions and drift. It fits 100 columns.
//!
//! Where names are so long that a table beside them would not fit, each stands on a line of its own above its figures.

use super::score::Errors;
use super::verdict::{self, percent};
use super::{Tested, Tests};
use crate::cli::aligned::Columns;
use crate::cli::fit::table::wrapped_at;
use std::io::{self, Write};

/// Columns of the terminal that suffice.
const WIDTH: usize = 100;
/// Where further lines of a sentence begin.
const INDENT: &str = "          ";

/// Prints everything.
///
/// # Errors
/// Where the output does not take it.
pub fn print(tests: &Tests<'_>, out: &mut dyn Write) -> io::Result<()> {
    for sentence in verdict::sentences(tests) {
        wrapped_at(WIDTH, &sentence, "", out)?;
    }
    writeln!(out)?;
    let heads = ["service", "predicted", ">samples", ">MAPE", ">bias", ">inside"];
    table(tests, &heads, figures, out)?;
    writeln!(out)?;
    let heads = ["service", ">tested", ">saturated", ">missed", ">false alarms", "drift"];
    table(tests, &heads, |one| vec![decisions(one, tests)], out)?;
    writeln!(out)?;
    told(tests, out)
}

/// What is said besides the figures.
fn told(tests: &Tests<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut say = |text: &str| wrapped_at(WIDTH, text, INDENT, out);
    for (hours, names) in by_hours(tests) {
        say(&format!("tested    {}: {hours}", verdict::among(&names)))?;
    }
    for one in &tests.all {
        if let Err(why) = &one.scored {
            say(&format!("untested  {}: {why}", one.name))?;
        }
    }
    for note in &tests.gathered.notes {
        say(&format!("read      {note}"))?;
    }
    say(&format!("model     {}", model(tests)))?;
    say(&format!("predicts  where {}", verdict::rule()))?;
    say("better    MAPE, bias, missed and false alarms near 0; inside (the 90 % interval) near 90 %")
}

/// The hours of the test parts, with the services that were tested over them.
fn by_hours(tests: &Tests<'_>) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for (one, scored) in tests.all.iter().filter_map(|one| Some((one, one.scored.as_ref().ok()?))) {
        let hours = format!("{} to {}", tests.instant(scored.score.from), tests.instant(scored.score.to));
        match all.iter_mut().find(|(known, _)| *known == hours) {
            Some((_, names)) => names.push(one.name.clone()),
            None => all.push((hours, vec![one.name.clone()])),
        }
    }
    all
}

/// Where the model comes from.
pub fn model(tests: &Tests<'_>) -> String {
    if let Some(path) = &tests.arguments.capacity {
        let path = path.display();
        return format!("that of {path}; where it was fitted to the same samples, these figures flatter it");
    }
    format!("fitted to the first {} of the samples of each service", percent(tests.options.train))
}

/// A line for each quantity that was predicted.
fn figures(one: &Tested<'_>) -> Vec<Vec<String>> {
    let line = |what: &str, errors: Option<Errors>| {
        let of = |figure: fn(&Errors) -> Option<f64>| {
            errors.as_ref().and_then(figure).map_or_else(|| "–".to_owned(), percent)
        };
        let samples = errors.map_or_else(|| "–".to_owned(), |errors| errors.samples.to_string());
        vec![what.to_owned(), samples, of(|e| Some(e.mape)), of(|e| Some(e.bias)), of(|e| e.coverage)]
    };
    match &one.scored {
        Err(_) => vec![line("untested", None)],
        Ok(scored) => {
            let score = &scored.score;
            vec![line("CPU", score.cpu), line("latency", score.latency), line("replicas", score.replicas)]
        }
    }
}

fn decisions(one: &Tested<'_>, tests: &Tests<'_>) -> Vec<String> {
    let counts = one.scored.as_ref().map_or([None; 4], |scored| {
        let score = &scored.score;
        [score.tested, score.saturated, score.saturation_missed, score.false_alarms].map(Some)
    });
    let mut cells: Vec<String> =
        counts.map(|count| count.map_or_else(|| "–".to_owned(), |count| count.to_string())).to_vec();
    cells.push(match &one.drift.verdict {
        Some(verdict) if verdict.drifted => verdict.at.map_or_else(|| "yes".to_owned(), |at| tests.instant(at)),
        Some(_) if verdict::is_judged(one) => "none".to_owned(),
        _ => "–".to_owned(),
    });
    cells
}

/// A table with one or more lines a service; the name stands beside the first, or above all where it is too long.
fn table(
    tests: &Tests<'_>,
    heads: &[&str],
    lines: impl Fn(&Tested<'_>) -> Vec<Vec<String>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let is_long = tests.all.iter().any(|one| one.name.chars().count() > WIDTH / 2);
    let mut columns = Columns::new(heads.iter().copied());
    let mut names = Vec::new();
    for one in &tests.all {
        for (number, cells) in lines(one).into_iter().enumerate() {
            let name = if number == 0 { one.name.clone() } else { String::new() };
            let beside = if is_long { String::new() } else { name.clone() };
            columns.row(std::iter::once(beside).chain(cells).collect());
            names.push(name);
        }
    }
    if !is_long {
        return columns.print("", out);
    }
    let mut text = Vec::new();
    columns.print("", &mut text)?;
    let text = String::from_utf8_lossy(&text);
    let mut printed = text.lines();
    writeln!(out, "{}", printed.next().unwrap_or_default())?;
    for (name, line) in names.iter().zip(printed) {
        if !name.is_empty() {
            writeln!(out, "{name}")?;
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}
