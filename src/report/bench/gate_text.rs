//! A gate in words: what tripped first, then every check; for the terminal and for a pull request.

use super::gate::{Check, Judgement, Outcome};
use super::statistics::Test;
use crate::report::estimate::Estimate;
use crate::report::markdown::{escape, row, rule};
use crate::report::table::wrapped;
use crate::report::unit::Unit;
use std::fmt::Write as _;

/// Columns of a terminal.
const WIDTH: usize = 100;

impl Judgement {
    /// One sentence a trip, then what was checked; with a line feed at its end.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for check in self.tripped() {
            text += &wrapped(&format!("worse: {}", sentence(check)), WIDTH);
        }
        for note in &self.notes {
            text += &wrapped(note, WIDTH);
        }
        text + &wrapped(&self.summary(), WIDTH)
    }

    /// The same as Markdown, with all checks in a table.
    pub fn markdown(&self) -> String {
        let mut text = format!("**{}**\n\n", escape(&self.summary()));
        for note in &self.notes {
            writeln!(text, "> {}\n", escape(note)).expect("a string takes all");
        }
        let heads = ["scenario", "policy", "figure", "baseline", "now", "allowed", "outcome"];
        let mut lines = vec![row(heads.map(str::to_owned)), rule(3, 4)];
        for check in &self.checks {
            let unit = check.measure.unit();
            lines.push(row([
                escape(&check.scenario),
                escape(&check.contestant),
                escape(check.measure.words()),
                escape(&unit.estimate(&check.baseline)),
                escape(&check.current.map_or_else(|| "none".to_owned(), |now| unit.estimate(&now))),
                escape(&unit.text(check.allowed)),
                match &check.outcome {
                    Outcome::Holds => "holds".to_owned(),
                    Outcome::Trips => "**worse**".to_owned(),
                    Outcome::Fails(reason) => format!("**{}**", escape(reason)),
                },
            ]));
        }
        text + &lines.join("\n") + "\n"
    }

    fn tripped(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome != Outcome::Holds)
    }

    fn summary(&self) -> String {
        let (all, tripped) = (self.checks.len(), self.tripped().count());
        match tripped {
            0 => format!("The gate holds: in none of {all} checks is a regression beyond its allowance shown."),
            _ => format!(
                "The gate closes: {tripped} of {all} checks are worse than the baseline beyond allowance and interval."
            ),
        }
    }
}

/// `friday: loss of hpa is 44.1 $ and was 40.0 $: 4.1 $ more, 2.0 $ are allowed (by t over 10 seeds)`
fn sentence(check: &Check) -> String {
    let unit = check.measure.unit();
    let what = format!("{}: {} of {}", check.scenario, check.measure.words(), check.contestant);
    let before = written(unit, &check.baseline);
    let (Some(now), Some(beyond)) = (&check.current, &check.beyond) else {
        let Outcome::Fails(reason) = &check.outcome else { return what };
        return format!("{what} was {before}, and now it {reason}");
    };
    let by = match beyond.test {
        Test::Agree => format!("all {} seeds agree", beyond.pairs),
        Test::Unpaired => "no seed in common, by Welch's t".to_owned(),
        Test::SignedRank => format!("by signed ranks of {} seeds", beyond.pairs),
        Test::Student | Test::Signs => format!("by pairs of {} seeds", beyond.pairs),
    };
    let allowed = unit.text(check.allowed);
    format!(
        "{what} is {} and was {before}: {} beyond the {allowed} allowed ({by})",
        written(unit, now),
        unit.text(beyond.centre)
    )
}

fn written(unit: Unit, estimate: &Estimate) -> String {
    unit.estimate(estimate)
}
