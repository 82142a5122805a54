//! The answer of a back test in two sentences: whether the model predicts what came after, and whether something drifted.
//!
//! "Predicts" is a rule, and it is told with the answer ([`rule`]). Its limits are no theory: a planner's headroom is 10 % or
//! more, so CPU within 10 % is as good as it needs; latency near saturation is steep, so a third there is still of use.
//! Replicas do not count: they say as much of the scaler as of the service.

use super::score::Score;
use super::{Tested, Tests};
use crate::capacity::drift::CHANGE_MIN;
use crate::cli::fit::table::figure;
use std::fmt::Write as _;

/// Mean absolute error of CPU.
const CPU_MAX: f64 = 0.1;
/// Mean absolute error of latency.
const LATENCY_MAX: f64 = 0.3;
/// Share of the saturated samples that may be missed.
const MISSED_MAX: f64 = 0.1;
/// Share of the tested samples that may be false alarms.
const FALSE_ALARMS_MAX: f64 = 0.05;
/// Services that a sentence names.
const NAMED_MAX: usize = 5;

/// When a model counts as predicting, to be read after "where".
pub fn rule() -> String {
    format!(
        "its mean absolute error (MAPE) is at most {} for CPU and {} for latency, at most {} of the saturated samples were missed, \
         at most {} of all samples are false alarms, and no drift was found in the test part; replicas do not count, for they say \
         as much of the scaler as of the service",
        percent(CPU_MAX),
        percent(LATENCY_MAX),
        percent(MISSED_MAX),
        percent(FALSE_ALARMS_MAX)
    )
}

/// Why a tested model does not predict what came after; none where it does, or was not tested.
pub fn reasons(one: &Tested<'_>, tests: &Tests<'_>) -> Vec<String> {
    let Ok(scored) = &one.scored else { return Vec::new() };
    let score = &scored.score;
    let mut reasons = Vec::new();
    if score.cpu.is_none() && score.latency.is_none() && score.saturated == 0 {
        reasons.push("neither CPU nor latency of the test part can be compared with it".to_owned());
    }
    for (what, errors, most) in [("CPU", score.cpu, CPU_MAX), ("latency", score.latency, LATENCY_MAX)] {
        if let Some(errors) = errors.filter(|errors| errors.mape > most) {
            reasons.push(format!("{what} is off by {} on average", percent(errors.mape)));
        }
    }
    reasons.extend(decisions(score));
    let begins = |at| tests.is_of_file() || at >= score.from;
    if let Some(at) = one.drift.verdict.as_ref().filter(|verdict| verdict.drifted).and_then(|verdict| verdict.at)
        && begins(at)
    {
        reasons.push(format!("it drifted at {}", tests.instant(at)));
    }
    reasons
}

fn decisions(score: &Score) -> Vec<String> {
    let mut reasons = Vec::new();
    if score.saturation_missed as f64 > MISSED_MAX * score.saturated as f64 {
        reasons.push(format!("{} of {} saturated samples were missed", score.saturation_missed, score.saturated));
    }
    if score.false_alarms as f64 > FALSE_ALARMS_MAX * score.tested as f64 {
        reasons.push(format!("{} of {} samples are false alarms", score.false_alarms, score.tested));
    }
    reasons
}

/// A share of one as a percentage. What is below a thousandth of a percent is told as 0: mostly it is the rounding of the machine.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    format!("{} %", figure(if value.abs() < 1e-3 { 0.0 } else { value }))
}

/// The two sentences.
pub fn sentences(tests: &Tests<'_>) -> [String; 2] {
    [predicts(tests), drifted(tests)]
}

fn predicts(tests: &Tests<'_>) -> String {
    let (mut good, mut bad, mut untested) = (Vec::new(), Vec::new(), Vec::new());
    for one in &tests.all {
        let reasons = reasons(one, tests);
        match (&one.scored, reasons.is_empty()) {
            (Err(_), _) => untested.push(one.name.clone()),
            (_, true) => good.push(one.name.clone()),
            (_, false) => bad.push(format!("{} ({})", one.name, reasons.join("; "))),
        }
    }
    let mut text = match (good.is_empty(), bad.is_empty()) {
        (false, true) => format!("Yes: the model predicts what came after, for {}", among(&good)),
        (true, false) => format!("No: the model does not predict what came after, for {}", among(&bad)),
        (false, false) => {
            format!("The model predicts what came after for {}; it does not for {}", among(&good), among(&bad))
        }
        (true, true) => "Nothing could be tested".to_owned(),
    };
    if !untested.is_empty() && untested.len() < tests.all.len() {
        write!(text, "; not tested: {}", among(&untested)).expect("a string takes all");
    }
    text + "."
}

fn drifted(tests: &Tests<'_>) -> String {
    let found: Vec<String> =
        tests.all.iter().filter_map(|one| Some(format!("{} {}", one.name, drift(one, tests)?))).collect();
    let judged = tests.all.iter().filter(|one| is_judged(one)).count();
    let where_ = if tests.is_of_file() { "in the test part" } else { "while it was observed" };
    match (found.is_empty(), judged) {
        (false, _) => format!("Drift: {}.", among(&found)),
        (true, 0) => {
            "Drift could not be judged: that needs CPU, recorded and in the model, of 20 samples or more.".to_owned()
        }
        (true, _) if tests.is_of_file() => format!(
            "No drift: {where_} the CPU of no service departs from the model for long by more than {}.",
            percent(CHANGE_MIN)
        ),
        (true, _) => format!("No drift: the CPU of like load of no service changed {where_}."),
    }
}

/// Whether drift was tested.
pub fn is_judged(one: &Tested<'_>) -> bool {
    one.drift.verdict.as_ref().is_some_and(|verdict| !verdict.by.contains(&"untested"))
}

/// How a service drifted, with its date; `None` where it did not.
pub fn drift(one: &Tested<'_>, tests: &Tests<'_>) -> Option<String> {
    let verdict = one.drift.verdict.as_ref().filter(|verdict| verdict.drifted)?;
    let when = verdict.at.map(|at| format!(" at {}", tests.instant(at))).unwrap_or_default();
    let ratio = |ratio: f64| format!("{ratio:.2} times");
    if tests.is_of_file() {
        let now = verdict.ratio.map(|now| format!("; CPU is {} what the model says", ratio(now))).unwrap_or_default();
        let before = one.drift.before.map(|was| format!(" (before the test part {})", ratio(was))).unwrap_or_default();
        return Some(format!("departs from the model{when}{now}{before}"));
    }
    let now = verdict.ratio.map(|now| format!("; CPU of like load is {} what it was", ratio(now))).unwrap_or_default();
    Some(format!("changed{when}{now}"))
}

/// `a, b and c`, or `a, b, c, d, e and 7 more`.
pub fn among(names: &[String]) -> String {
    let shown = &names[..names.len().min(NAMED_MAX)];
    match (names.len() - shown.len(), shown) {
        (0, [head @ .., last]) if !head.is_empty() => format!("{} and {last}", head.join(", ")),
        (0, _) => shown.concat(),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{among, percent};

    #[test]
    fn names_are_listed_as_people_say_them() {
        let names = |count: usize| (1..=count).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!([1, 2, 3].map(|count| among(&names(count))), ["1", "1 and 2", "1, 2 and 3"]);
        assert_eq!(among(&names(9)), "1, 2, 3, 4, 5 and 4 more");
    }

    #[test]
    fn an_error_that_is_rounding_of_the_machine_is_none() {
        assert_eq!([0.25, -0.01, 6e-14, -1e-14, 2e-5].map(percent), ["25 %", "-1 %", "0 %", "0 %", "0.002 %"]);
    }
}
