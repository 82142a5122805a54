//! The verdict: sentences in plain words, each made from one statistic, none stronger than it is.
//!
//! Each sentence knows its strength and the place on the page where its figures stand, so that a second reader can check it.
//! Where nothing is shown, that is said: "no difference is shown" is a verdict.

use super::analysis::{Analysis, anchor};
use super::family::Finding;
use super::overall::Row;
use super::regret;
use crate::report::table::counted;
use crate::report::unit::Unit;

/// Names that a sentence lists before it counts the rest.
const NAMES_MAX: usize = 6;

/// A sentence of the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// In plain words; names stand between backticks.
    pub text: String,
    /// The place on the page with the figures.
    pub anchor: String,
    /// How much it claims.
    pub strength: Strength,
}

/// How much a sentence claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// That something is not known.
    Gap,
    /// That no difference is shown.
    Open,
    /// What was done, or a figure without a claim.
    Fact,
    /// That a difference is shown, after correction.
    Shown,
}

/// All sentences in order.
pub fn verdict(analysis: &Analysis<'_>) -> Vec<Sentence> {
    let mut sentences = vec![scope(analysis)];
    if analysis.grid.baseline().is_none() {
        let text = format!(
            "The baseline `{}` is no contestant, so nothing is compared.",
            plain(&analysis.grid.results.suite.baseline)
        );
        sentences.push(Sentence { text, anchor: anchor::SUITE.to_owned(), strength: Strength::Gap });
        return sentences;
    }
    sentences.extend(leader(analysis));
    sentences.extend(ties(analysis));
    sentences.extend(by_scenario(analysis));
    sentences.extend(certain(analysis));
    sentences.extend(front(analysis));
    sentences.extend(regretted(analysis));
    sentences.extend(gaps(analysis));
    sentences
}

/// The verdict as one paragraph.
pub fn paragraph(sentences: &[Sentence]) -> String {
    sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn scope(analysis: &Analysis<'_>) -> Sentence {
    let (suite, grid) = (&analysis.grid.results.suite, &analysis.grid);
    let counts: Vec<usize> = grid.results.cells.iter().map(|cell| cell.runs.len()).collect();
    let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    let seeds = if least == most { counted(least, "seed", "seeds") } else { format!("{least} to {most} seeds") };
    let text = format!(
        "{} compared in {} with {seeds} each, on days that {}, by their loss: the bill plus {} for every million bad requests, so that less is better.",
        match suite.contestants.len() {
            1 => "1 policy was".to_owned(),
            count => format!("{count} policies were"),
        },
        counted(suite.scenarios.len(), "scenario", "scenarios"),
        if grid.contestants().any(|one| grid.is_hindsight(one)) {
            "no knob was tuned on (but for the yardsticks in hindsight)"
        } else {
            "no knob was tuned on"
        },
        Unit::Dollars.text(suite.bad_million_usd),
    );
    Sentence { text, anchor: anchor::SUITE.to_owned(), strength: Strength::Fact }
}

/// Who loses least over all scenarios, and whether that is shown.
fn leader(analysis: &Analysis<'_>) -> Option<Sentence> {
    let (grid, overall) = (&analysis.grid, &analysis.overall);
    let Some(first) = overall.rows.first() else {
        let text =
            "Nobody has figures in every scenario that counts, so there is no ranking over all of them.".to_owned();
        return Some(Sentence { text, anchor: anchor::GAPS.to_owned(), strength: Strength::Gap });
    };
    if overall.rows.len() < 2 {
        return None;
    }
    let baseline = plain(&grid.results.suite.baseline);
    let name = plain(grid.name(first.contestant));
    let over = match overall.scenarios.len() {
        1 => "In the one scenario".to_owned(),
        count => format!("Over {count} scenarios"),
    };
    let (text, strength) = if Some(first.contestant) == grid.baseline() {
        (format!("{over} the baseline `{baseline}` has the least loss on average."), Strength::Open)
    } else if overall.scenarios.len() == 1 {
        in_the_one(analysis, first)
    } else {
        over_all(&over, (&name, &baseline), first)
    };
    Some(Sentence { text, anchor: anchor::rank(first.contestant), strength })
}

/// With one scenario seeds are all there is.
fn in_the_one(analysis: &Analysis<'_>, first: &Row) -> (String, Strength) {
    let grid = &analysis.grid;
    let (name, baseline) = (plain(grid.name(first.contestant)), plain(&grid.results.suite.baseline));
    let less = percent(1.0 - first.ratio);
    let finding = analysis.loss().of_contestant(first.contestant).find(|pair| pair.finding != Finding::Gap);
    match finding.map(|pair| pair.finding) {
        Some(finding) if finding.is_better() => (
            format!("In the one scenario `{name}` has {less} less loss than `{baseline}`; nothing is said of others."),
            Strength::Shown,
        ),
        Some(_) => (
            format!(
                "In the one scenario `{name}` has the least loss on average, but no difference from `{baseline}` is shown."
            ),
            Strength::Open,
        ),
        None => (
            format!("In the one scenario `{name}` has the least loss, but nobody knows how sure that is."),
            Strength::Gap,
        ),
    }
}

fn over_all(over: &str, (name, baseline): (&str, &str), first: &Row) -> (String, Strength) {
    let less = percent(1.0 - first.ratio);
    let Some(interval) = first.interval else {
        return (format!("{over} `{name}` has the least loss, but nobody knows how sure that is."), Strength::Gap);
    };
    if first.is_shown() {
        let (least, most) = (percent(1.0 - interval.high), percent(1.0 - interval.low));
        let text = format!(
            "{over} `{name}` has {less} less loss than `{baseline}` (95 % interval over scenarios: {least} to {most} less)."
        );
        return (text, Strength::Shown);
    }
    if (first.ratio - 1.0).abs() < 1e-9 {
        return (format!("{over} nobody has less loss than `{baseline}`."), Strength::Open);
    }
    let ends = format!("{} to {}", signed(interval.low - 1.0), signed(interval.high - 1.0));
    let text = format!(
        "{over} `{name}` has the least loss on average ({less} less than `{baseline}`), but no difference is shown (95 % interval over scenarios: {ends}; corrected for all contestants)."
    );
    (text, Strength::Open)
}

/// Who cannot be told apart from the first.
fn ties(analysis: &Analysis<'_>) -> Option<Sentence> {
    let (grid, overall) = (&analysis.grid, &analysis.overall);
    let first = overall.rows.first().filter(|_| overall.rows.len() > 1 && overall.scenarios.len() > 1)?;
    let tied: Vec<usize> = overall.tied_with_first().map(|row| row.contestant).collect();
    let name = plain(grid.name(first.contestant));
    let all = overall.rows.len() - 1;
    let (text, strength) = if tied.is_empty() {
        (
            format!(
                "Over the scenarios `{name}` is told apart from {}.",
                if all == 1 { "the other" } else { "all others" }
            ),
            Strength::Shown,
        )
    } else if tied.len() == all && all > 1 {
        (
            format!("Over the scenarios `{name}` is told apart from nobody: any order among them may be chance."),
            Strength::Open,
        )
    } else {
        let names = names(analysis, &tied);
        (
            format!("Over the scenarios `{name}` is not told apart from {names}: which of them is best is not shown."),
            Strength::Open,
        )
    };
    Some(Sentence { text, anchor: anchor::rank(first.contestant), strength })
}

/// Where the first of the others is shown better or worse than the baseline; and whether anybody is.
fn by_scenario(analysis: &Analysis<'_>) -> Vec<Sentence> {
    let (grid, loss) = (&analysis.grid, analysis.loss());
    let compared = loss.pairs.iter().filter(|pair| pair.finding != Finding::Gap).count();
    if compared == 0 {
        let text = "No contestant could be compared with the baseline in any scenario.".to_owned();
        return vec![Sentence { text, anchor: anchor::LOSSES.to_owned(), strength: Strength::Gap }];
    }
    let baseline = plain(&grid.results.suite.baseline);
    if !loss.pairs.iter().any(|pair| pair.finding.is_better() || pair.finding.is_worse()) {
        let text = format!(
            "In no scenario is a difference between `{baseline}` and anybody shown ({}, corrected by Holm).",
            counted(compared, "comparison", "comparisons")
        );
        return vec![Sentence { text, anchor: anchor::LOSSES.to_owned(), strength: Strength::Open }];
    }
    let mut sentences = Vec::new();
    let first = analysis.overall.rows.iter().find(|row| Some(row.contestant) != grid.baseline());
    if let Some(first) = first {
        let (score, name) = (analysis.score(first.contestant), plain(grid.name(first.contestant)));
        let all = score.better + score.worse + score.open + score.gaps;
        let gaps = if score.gaps > 0 { format!(", and not compared in {}", score.gaps) } else { String::new() };
        let text = format!(
            "Scenario by scenario `{name}` is shown better than `{baseline}` in {} of {all}, worse in {}, and not told apart in {}{gaps} (Holm over {}).",
            score.better,
            score.worse,
            score.open,
            counted(loss.tested, "comparison", "comparisons")
        );
        let strength = if score.better + score.worse > 0 { Strength::Shown } else { Strength::Open };
        sentences.push(Sentence { text, anchor: anchor::losses(first.contestant), strength });
    }
    sentences.extend(always_worse(analysis, &baseline));
    sentences
}

/// Who is worse than the baseline wherever it was compared.
fn always_worse(analysis: &Analysis<'_>, baseline: &str) -> Option<Sentence> {
    let worse = |contestant: &usize| {
        let score = analysis.score(*contestant);
        score.worse > 0 && score.better + score.open + score.gaps == 0
    };
    let worse: Vec<usize> = analysis.grid.contestants().filter(worse).collect();
    let first = worse.first()?;
    let verb = if worse.len() == 1 { "is" } else { "are" };
    let text = format!("In every scenario {} {verb} shown worse than `{baseline}`.", names(analysis, &worse));
    Some(Sentence { text, anchor: anchor::losses(*first), strength: Strength::Shown })
}

/// Scenarios without chance.
fn certain(analysis: &Analysis<'_>) -> Option<Sentence> {
    let certain = |scenario: &usize| {
        let mut pairs = analysis.loss().pairs.iter().filter(|pair| pair.place.scenario == *scenario);
        pairs.any(|pair| matches!(pair.finding, Finding::Certain(_)))
    };
    let scenarios: Vec<usize> = analysis.grid.scenarios().filter(certain).collect();
    let first = scenarios.first()?;
    let names: Vec<String> = scenarios.iter().map(|one| format!("`{}`", plain(analysis.grid.scenario(*one)))).collect();
    let text = format!(
        "In {} seeds agree: there a difference is certain for the days that were simulated, and no statement about other days.",
        joined(&names)
    );
    Some(Sentence { text, anchor: anchor::scenario(*first), strength: Strength::Fact })
}

/// Who is on the front.
fn front(analysis: &Analysis<'_>) -> Option<Sentence> {
    let front = &analysis.front;
    let first = front.on_front().next().filter(|_| front.points.len() > 1 && analysis.overall.scenarios.len() > 1)?;
    let on: Vec<usize> = front.on_front().map(|point| point.contestant).collect();
    let aims: Vec<&str> = front.aims[..2].iter().map(|aim| aim.words()).collect();
    let (text, strength) = if on.len() == front.points.len() {
        (format!("Weighing {} apart, nobody is shown beaten in both.", aims.join(" and ")), Strength::Open)
    } else {
        let beaten = front.points.len() - on.len();
        let text = format!(
            "Weighing {} apart, {} of {} are shown beaten (better in one, no worse in the other); not beaten: {}.",
            aims.join(" and "),
            beaten,
            front.points.len(),
            names(analysis, &on)
        );
        (text, Strength::Shown)
    };
    Some(Sentence { text, anchor: anchor::front(first.contestant), strength })
}

/// How far the first is from the bound.
fn regretted(analysis: &Analysis<'_>) -> Option<Sentence> {
    let first = analysis.overall.rows.first()?;
    let regret = regret::overall(&analysis.regrets, first.contestant)?;
    let spread = regret.half_width.map(|half| format!(" (± {} over scenarios)", percent(half))).unwrap_or_default();
    let text = format!(
        "`{}` loses {}{spread} more than the lower bound for any policy that knew everything beforehand; it is a bound and no plan, so how much of that can be gained is not known.",
        plain(analysis.grid.name(first.contestant)),
        percent(regret.mean)
    );
    Some(Sentence { text, anchor: anchor::regret(first.contestant), strength: Strength::Fact })
}

fn gaps(analysis: &Analysis<'_>) -> Option<Sentence> {
    let (grid, gaps) = (&analysis.grid, &analysis.gaps);
    let (place, reason) = gaps.first()?;
    let first = format!(
        "`{}` in `{}` {}",
        plain(grid.name(place.contestant)),
        plain(grid.scenario(place.scenario)),
        plain(reason)
    );
    let text = match gaps.len() {
        1 => format!("One result is missing and nothing is said of it: {first}."),
        count => {
            format!("{count} results are missing or have no interval, and nothing is said of them: first, {first}.")
        }
    };
    Some(Sentence { text, anchor: anchor::GAPS.to_owned(), strength: Strength::Gap })
}

fn names(analysis: &Analysis<'_>, contestants: &[usize]) -> String {
    let shown = contestants.iter().take(NAMES_MAX).map(|one| format!("`{}`", plain(analysis.grid.name(*one))));
    let mut names: Vec<String> = shown.collect();
    if contestants.len() > NAMES_MAX {
        names.push(format!("{} more", contestants.len() - NAMES_MAX));
    }
    joined(&names)
}

fn joined(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
        [] => String::new(),
    }
}

/// A name without what would end the code that it stands in.
fn plain(name: &str) -> String {
    name.replace('`', "'")
}

fn percent(share: f64) -> String {
    Unit::Share.text(share)
}

fn signed(share: f64) -> String {
    format!("{}{}", if share >= 0.0 { "+" } else { "" }, percent(share))
}
