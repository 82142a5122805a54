//! How much each knob matters, from the trials of the tuning on the training days.
//!
//! For each value of a knob the best trial with it is taken, whatever the other knobs were: what one loses by fixing this knob
//! there and tuning the rest. The spread is `(worst such value − best) / best`. It is as fine as the trials were: a knob with few
//! values tried may matter more than this tells, and a spread may be noise of the training seeds.

use super::grid::{Grid, Place};
use super::results::Trial;
use std::collections::BTreeMap;

/// A knob of a contestant in a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Knob {
    /// Whose.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// The values that were tried, rising.
    pub settings: Vec<Setting>,
    /// The value of the best trial.
    pub chosen: Option<String>,
    /// Loss at the worst value over loss at the best, less one; `None` with fewer than two values that have a loss.
    pub spread: Option<f64>,
    /// Whether the chosen value is the least or the greatest of three or more: the best may lie beyond.
    pub at_edge: bool,
}

/// A value of a knob.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// As it was given.
    pub value: String,
    /// Trials with it.
    pub trials: usize,
    /// Those of which a run failed.
    pub failed: usize,
    /// The least loss of a trial with it, in dollars; `None` where all failed.
    pub loss_usd: Option<f64>,
}

/// All knobs of all contestants in all scenarios.
pub fn knobs(grid: &Grid<'_>) -> Vec<Knob> {
    let mut knobs = Vec::new();
    for contestant in grid.contestants() {
        for scenario in grid.scenarios() {
            let place = Place { scenario, contestant };
            let trials = grid.cell(place).map(|cell| cell.tuning.as_slice()).unwrap_or_default();
            let mut names: Vec<&String> = trials.iter().flat_map(|trial| trial.knobs.keys()).collect();
            names.sort();
            names.dedup();
            knobs.extend(names.into_iter().map(|name| knob(place, name, trials)));
        }
    }
    knobs
}

fn knob(place: Place, name: &str, trials: &[Trial]) -> Knob {
    let mut by_value = BTreeMap::<&str, Vec<&Trial>>::new();
    for trial in trials {
        if let Some(value) = trial.knobs.get(name) {
            by_value.entry(value).or_default().push(trial);
        }
    }
    let setting = |(value, trials): (&str, Vec<&Trial>)| Setting {
        value: value.to_owned(),
        trials: trials.len(),
        failed: trials.iter().filter(|trial| trial.loss_usd.is_none()).count(),
        loss_usd: trials.iter().filter_map(|trial| trial.loss_usd).reduce(f64::min),
    };
    let mut settings: Vec<Setting> = by_value.into_iter().map(setting).collect();
    settings.sort_by(|a, b| number(&a.value).total_cmp(&number(&b.value)).then_with(|| a.value.cmp(&b.value)));
    let chosen = trials.iter().find(|trial| trial.chosen).and_then(|trial| trial.knobs.get(name)).cloned();
    let losses: Vec<f64> = settings.iter().filter_map(|setting| setting.loss_usd).collect();
    let (least, most) = (losses.iter().copied().reduce(f64::min), losses.iter().copied().reduce(f64::max));
    let spread = least.zip(most).filter(|(least, _)| losses.len() > 1 && *least > 0.0);
    let numeric = settings.iter().all(|setting| number(&setting.value).is_finite());
    let is_chosen = |setting: Option<&Setting>| setting.is_some_and(|one| Some(&one.value) == chosen.as_ref());
    let at_edge = numeric && settings.len() > 2 && (is_chosen(settings.first()) || is_chosen(settings.last()));
    Knob {
        place,
        name: name.to_owned(),
        chosen,
        spread: spread.map(|(least, most)| most / least - 1.0),
        at_edge,
        settings,
    }
}

/// The number that a value begins with; infinite where it begins with none.
fn number(value: &str) -> f64 {
    let end =
        value.find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != '-').unwrap_or(value.len());
    let unit = value[end..].trim();
    // Spans of time are in one list with each other only.
    let factor = match unit {
        "ms" => 1e-3,
        "min" | "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => 1.0,
    };
    value[..end].parse::<f64>().map_or(f64::INFINITY, |number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::{Place, knob};
    use crate::report::bench::results::Trial;
    use std::collections::BTreeMap;

    fn trial(target: &str, window: &str, loss_usd: Option<f64>, chosen: bool) -> Trial {
        let knobs =
            BTreeMap::from([("target".to_owned(), target.to_owned()), ("window".to_owned(), window.to_owned())]);
        Trial { knobs, runs: Vec::new(), loss_usd, chosen }
    }

    /// At 50 % the best of 12 and 11 is 11, at 70 % it is 10, at 90 % nothing ran: 11/10 − 1 = 0.1.
    #[test]
    fn a_knob_matters_as_much_as_its_worst_value_costs() {
        let trials = [
            trial("90%", "30 s", None, false),
            trial("50%", "30 s", Some(12.0), false),
            trial("50%", "5 min", Some(11.0), false),
            trial("70%", "5 min", Some(10.0), true),
        ];
        let place = Place { scenario: 0, contestant: 0 };
        let found = knob(place, "target", &trials);
        let losses: Vec<(&str, Option<f64>, usize)> =
            found.settings.iter().map(|one| (one.value.as_str(), one.loss_usd, one.failed)).collect();
        assert_eq!(losses, [("50%", Some(11.0), 0), ("70%", Some(10.0), 0), ("90%", None, 1)]);
        assert!((found.spread.expect("two values ran") - 0.1).abs() < 1e-12);
        assert!(!found.at_edge && found.chosen.as_deref() == Some("70%"));
        let window = knob(place, "window", &trials);
        assert_eq!(window.settings.iter().map(|one| one.value.as_str()).collect::<Vec<_>>(), ["30 s", "5 min"]);
        assert!((window.spread.expect("two values ran") - 0.2).abs() < 1e-12);
    }
}
