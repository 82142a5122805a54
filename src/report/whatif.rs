//! Changes against the base: differences of the same seed, their 95 % intervals, and what they say in words.
//!
//! Only differences of pairs are told, see [`compare`](super::compare): with three seeds they may be sure where the means
//! themselves overlap. Where zero lies inside the interval no difference is shown, which is not to say that there is none.

use super::choice::capital;
use super::compare::{Comparison, Group};
use super::estimate::Estimate;
use super::metric::{Better, METRICS, Metric};
use super::sheet::{Cell, Column, Grid, Mark, Picture, Section, Sheet};
use super::table::{columns_at_most, what_was_run};
use super::unit::Unit;
use serde_json::{Value, json};

/// Figures that a sentence tells, in this order.
const IN_WORDS: [&str; 7] =
    ["slo_violation_time", "latency_p95", "cost", "carbon", "requests_dropped", "task_wait_mean", "tasks_waiting"];
/// Pictures of a page.
const PICTURES_MAX: usize = 6;

/// A change with one policy, against the base.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The change.
    pub change: String,
    /// Who decides in the base.
    pub policy_before: String,
    /// Who decides with the change.
    pub policy: String,
    /// Whether all changes have this one policy, which then need not be said.
    pub is_same_policy: bool,
    /// What it does to each figure.
    pub figures: Vec<Changed>,
}

/// What a change does to a figure.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// Which.
    pub metric: &'static Metric,
    /// In the base.
    pub before: Estimate,
    /// With the change.
    pub after: Estimate,
    /// The mean of the differences of the same seed.
    pub difference: Estimate,
}

impl PartialEq for Changed {
    fn eq(&self, other: &Self) -> bool {
        let figures = |one: &Self| (one.before, one.after, one.difference);
        self.metric.name == other.metric.name && figures(self) == figures(other)
    }
}

/// What a difference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// It is the same with every seed.
    Same,
    /// Zero lies inside the interval.
    NotShown,
    /// There is one, or with one seed there was one.
    Shown,
}

impl Changed {
    /// What the difference says.
    pub fn says(&self) -> Says {
        let Estimate { mean, half_width, .. } = self.difference;
        let is_zero = mean.abs() <= 1e-12 * self.before.mean.abs().max(1e-9);
        match half_width {
            _ if is_zero && half_width.is_none_or(|half| half <= 1e-12 * self.before.mean.abs().max(1e-9)) => {
                Says::Same
            }
            Some(_) if !self.difference.excludes_zero() => Says::NotShown,
            _ => Says::Shown,
        }
    }

    /// Whether it is for the good or the bad, where a difference is shown.
    pub fn mark(&self) -> Mark {
        let rises = self.difference.mean > 0.0;
        match (self.says(), self.metric.better) {
            (Says::Shown, Better::Lower) => {
                if rises {
                    Mark::Bad
                } else {
                    Mark::Good
                }
            }
            (Says::Shown, Better::Higher) => {
                if rises {
                    Mark::Good
                } else {
                    Mark::Bad
                }
            }
            _ => Mark::None,
        }
    }

    /// The difference over what it was; nothing where that is zero.
    pub fn relative(&self) -> Option<f64> {
        (self.before.mean.abs() > 0.0).then(|| self.difference.mean / self.before.mean)
    }

    /// `time over the SLO rises by 1.20 ± 0.10 points to 1.40 %`
    fn words(&self) -> String {
        let (unit, amount) = (self.metric.unit, Estimate { mean: self.difference.mean.abs(), ..self.difference });
        let amount = match unit {
            Unit::Share => format!("{} points", unit.estimate_number(&amount, unit.decimals(&[amount.mean]))),
            _ => unit.estimate(&amount),
        };
        let relative = self.relative().filter(|_| unit != Unit::Share);
        let relative = relative.map(|share| format!(" ({})", signed_percent(share))).unwrap_or_default();
        let words = self.metric.words();
        let is_plural = words.ends_with("requests") || words.starts_with("tasks");
        let verb = match (self.difference.mean > 0.0, is_plural) {
            (true, false) => "rises",
            (true, true) => "rise",
            (false, false) => "falls",
            (false, true) => "fall",
        };
        format!("{words} {verb} by {amount}{relative} to {}", unit.text(self.after.mean))
    }
}

impl Difference {
    /// The change, and who decides.
    pub fn name(&self) -> String {
        if self.is_same_policy {
            self.change.clone()
        } else if self.policy == self.policy_before {
            format!("{}, {}", self.change, self.policy)
        } else {
            format!("{}, instead of {}", self.change, self.policy_before)
        }
    }

    /// What it does, in a sentence.
    pub fn sentence(&self) -> String {
        let told = || IN_WORDS.iter().filter_map(|name| self.figures.iter().find(|one| one.metric.name == *name));
        let names = |says: Says| -> Vec<&str> {
            told().filter(|one| one.says() == says).map(|one| one.metric.words()).collect()
        };
        let shown: Vec<String> = told().filter(|one| one.says() == Says::Shown).map(Changed::words).collect();
        let mut parts = Vec::new();
        if !shown.is_empty() {
            parts.push(shown.join(", "));
        }
        let (not_shown, same) = (names(Says::NotShown), names(Says::Same));
        if !not_shown.is_empty() {
            parts.push(format!("no difference shown in {}", listed(&not_shown)));
        }
        if !same.is_empty() {
            parts.push(format!("the same {}", listed(&same)));
        }
        format!("{}: {}.", capital(&self.name()), parts.join("; "))
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

fn signed_percent(share: f64) -> String {
    let percent = Unit::Share.number(share.abs(), Unit::Share.decimals(&[share.abs()]).min(1));
    format!("{}{percent} %", if share < 0.0 { "−" } else { "+" })
}

/// Every change against the base, in the order of the groups. With another policy it is set against each policy of the base
/// that is not the same.
pub fn differences(comparison: &Comparison) -> Vec<Difference> {
    let base = comparison.of_variant(None);
    let is_in_base = |policy: &str| base.iter().any(|group| group.policy == policy);
    let is_same_policy = comparison.policies().len() == 1;
    let mut found = Vec::new();
    for group in comparison.groups.iter().filter(|group| group.variant.is_some()) {
        let change = group.variant.clone().unwrap_or_default();
        let is_other = change.split("; ").any(|clause| clause.starts_with("policy ")) || !is_in_base(&group.policy);
        let alone = change.starts_with("policy ") && !change.contains("; ");
        let against = |other: &&&Group| {
            if is_other { !alone || other.policy != group.policy } else { other.policy == group.policy }
        };
        for before in base.iter().filter(against) {
            let figures = columns_at_most(comparison, METRICS.len());
            let figures = figures.into_iter().filter_map(|metric| changed(comparison, before, group, metric)).collect();
            let (policy_before, policy) = (before.policy.clone(), group.policy.clone());
            found.push(Difference { change: change.clone(), policy_before, policy, is_same_policy, figures });
        }
    }
    found
}

fn changed(comparison: &Comparison, before: &Group, after: &Group, metric: &'static Metric) -> Option<Changed> {
    let difference = comparison.difference((after, metric), 1.0, (before, metric))?;
    Some(Changed { metric, before: before.figure(metric)?, after: after.figure(metric)?, difference })
}

/// The answer on a sheet.
pub fn sheet(comparison: &Comparison, differences: &[Difference], command: &str) -> Sheet {
    let seeds = comparison.seeds().len();
    let mut beware = Vec::new();
    if seeds == 1 {
        beware.push("One seed: nobody knows how sure any of this is; `--seeds 10` tells.".to_owned());
    }
    let rests = format!(
        "Differences are of the same seed, the change less the base, over {seeds} seeds; ± is half of their 95 % interval. No difference is shown where that holds zero."
    );
    Sheet {
        title: format!("what if: {}", comparison.scenario),
        what: what_was_run(comparison),
        question: question(differences),
        answer: differences.iter().map(Difference::sentence).collect(),
        beware,
        sections: vec![Section {
            text: if seeds > 1 { vec![rests] } else { Vec::new() },
            pictures: pictures(differences),
            grid: Some(grid(differences)),
            ..Section::default()
        }],
        command: command.to_owned(),
        ..Sheet::default()
    }
}

fn question(differences: &[Difference]) -> String {
    let mut changes: Vec<&str> = Vec::new();
    for one in differences {
        if !changes.contains(&one.change.as_str()) {
            changes.push(&one.change);
        }
    }
    format!("What if: {}?", changes.join(", or "))
}

fn grid(differences: &[Difference]) -> Grid {
    let columns = vec![
        Column::words("change"),
        Column::words("figure"),
        Column::figures("base", ""),
        Column::figures("with it", ""),
        Column::figures("difference", ""),
        Column::figures("relative", "%"),
        Column::words(""),
    ];
    let mut rows = Vec::new();
    for one in differences {
        for figure in &one.figures {
            let mut row = vec![Cell::from(one.name())];
            row.extend(row_of(figure));
            rows.push(row);
        }
    }
    Grid { caption: "Each change against the base".to_owned(), columns, rows }
}

fn row_of(figure: &Changed) -> Vec<Cell> {
    let unit = figure.metric.unit;
    let decimals = unit.decimals(&[figure.before.mean, figure.after.mean, figure.difference.mean]);
    let amount = Estimate { mean: figure.difference.mean.abs(), ..figure.difference };
    let sign = if figure.difference.mean < 0.0 { "−" } else { "+" };
    let (difference, word) = match figure.says() {
        Says::Same => ("0".to_owned(), "the same"),
        Says::NotShown => (format!("{sign}{}", unit.estimate_number(&amount, decimals)), "no difference shown"),
        Says::Shown => {
            let word = match figure.mark() {
                Mark::Good => "better",
                Mark::Bad => "worse",
                Mark::None => "",
            };
            (format!("{sign}{}", unit.estimate_number(&amount, decimals)), word)
        }
    };
    let head = format!("{} {}", figure.metric.words(), unit.symbol());
    let relative = figure.relative().filter(|_| figure.says() != Says::Same);
    vec![
        head.trim().into(),
        unit.number(figure.before.mean, decimals).into(),
        unit.number(figure.after.mean, decimals).into(),
        difference.into(),
        relative.map_or_else(|| "–".to_owned(), |share| signed_percent(share).replace(" %", "")).into(),
        Cell { text: word.to_owned(), mark: Mark::None },
    ]
}

/// A picture a figure of which there is something to see.
fn pictures(differences: &[Difference]) -> Vec<Picture> {
    let picture = |name: &&str| {
        let figures = differences.iter().filter_map(|one| {
            one.figures.iter().find(|figure| figure.metric.name == *name).map(|figure| (one, figure))
        });
        let figures: Vec<_> = figures.collect();
        let metric = figures.first().map(|(_, figure)| figure.metric)?;
        figures.iter().any(|(_, figure)| figure.says() != Says::Same).then(|| {
            let unit = metric.unit;
            let row = |(one, figure): &(&Difference, &Changed)| {
                let half = unit.shown(figure.difference.half_width.unwrap_or(0.0));
                (one.name(), unit.shown(figure.difference.mean), half, figure.mark())
            };
            let points = if unit == Unit::Share { "points" } else { unit.symbol() };
            let better = match metric.better {
                Better::Lower => ", less is better",
                Better::Higher => ", more is better",
                Better::Neither => "",
            };
            Picture::Intervals {
                caption: format!("{}: the change less the base{better}", capital(metric.words())),
                axis: format!("difference, {points}").trim_end_matches([',', ' ']).to_owned(),
                rows: figures.iter().map(row).collect(),
                limit: None,
            }
        })
    };
    IN_WORDS.iter().filter_map(picture).take(PICTURES_MAX).collect()
}

/// The same for programs.
pub fn json(comparison: &Comparison, differences: &[Difference]) -> Value {
    let estimate = |one: &Estimate| json!({"mean": one.mean, "half_width_95": one.half_width, "seeds": one.count});
    let figure = |one: &Changed| {
        let says = match one.says() {
            Says::Same => "same",
            Says::NotShown => "no_difference_shown",
            Says::Shown => "shown",
        };
        json!({
            "metric": one.metric.name,
            "base": estimate(&one.before),
            "with_change": estimate(&one.after),
            "difference": estimate(&one.difference),
            "relative": one.relative(),
            "says": says,
        })
    };
    let of = |one: &Difference| {
        json!({
            "change": one.change,
            "policy_before": one.policy_before,
            "policy": one.policy,
            "sentence": one.sentence(),
            "figures": one.figures.iter().map(figure).collect::<Vec<_>>(),
        })
    };
    json!({
        "scenario": comparison.scenario,
        "seeds": comparison.seeds(),
        "differences": differences.iter().map(of).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Changed, Difference, Estimate, Mark, Says};
    use crate::report::metric;

    fn changed(name: &str, before: f64, differences: &[f64]) -> Changed {
        let metric = metric::find(name).expect("is there");
        let difference = Estimate::of(differences).expect("there are some");
        let before = Estimate::of(&[before, before]).expect("there are some");
        let after = Estimate { mean: before.mean + difference.mean, ..before };
        Changed { metric, before, after, difference }
    }

    /// Differences 1, 2, 3: mean 2 ± 2.48, so zero is inside; 11, 12, 13: 12 ± 2.48.
    #[test]
    fn a_difference_is_shown_where_zero_is_outside() {
        assert_eq!(changed("cost", 10.0, &[1.0, 2.0, 3.0]).says(), Says::NotShown);
        assert_eq!(changed("cost", 10.0, &[0.0, 0.0]).says(), Says::Same);
        let dearer = changed("cost", 10.0, &[11.0, 12.0, 13.0]);
        assert_eq!((dearer.says(), dearer.mark(), dearer.relative()), (Says::Shown, Mark::Bad, Some(1.2)));
        assert_eq!(changed("cost", 10.0, &[-3.0]).mark(), Mark::Good);
    }

    #[test]
    fn the_sentence_says_what_is_shown_and_what_is_not() {
        let figures = vec![
            changed("slo_violation_time", 0.002, &[0.012, 0.012]),
            changed("cost", 10.0, &[-1.0, -1.0]),
            changed("latency_p95", 100.0, &[1.0, -1.0]),
            changed("carbon", 1.0, &[0.0, 0.0]),
        ];
        let (change, policy) = ("lose cluster a".to_owned(), "greedy+rate".to_owned());
        let one = Difference { change, policy_before: policy.clone(), policy, is_same_policy: false, figures };
        assert_eq!(
            one.sentence(),
            "Lose cluster a, greedy+rate: time over the SLO rises by 1.20 points to 1.40 %, cost falls by 1.00 $ (−10.0 %) to 9.00 $; no difference shown in p95 latency; the same carbon."
        );
    }
}
