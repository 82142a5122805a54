//! Which policy to take, and how sure that is: who breaks the SLO least, who costs least for what it serves, and by how much
//! the others are behind, by the differences of the same seeds.
//!
//! Nothing is weighed here: where one policy keeps the SLO and another is cheaper, both are named and the reader chooses.

use super::compare::{Comparison, Group};
use super::metric::{self, Metric};
use super::rank::aims;
use super::unit::Unit;

/// Policies that are named after the best one.
const OTHERS_MAX: usize = 5;
/// A multiple that is no longer told: the least is next to nothing.
const RATIO_MAX: f64 = 1_000.0;
/// Variants that are told.
const VARIANTS_MAX: usize = 4;

/// What is told of one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The variant; `None` for the base.
    pub variant: Option<String>,
    /// Which policy.
    pub verdict: String,
    /// How sure that is.
    pub sureness: String,
    /// The figures behind it, a sentence a metric.
    pub figures: Vec<String>,
}

/// The choices of the first variants; none where there is one policy only.
pub fn choices(comparison: &Comparison) -> Vec<Choice> {
    let variants = comparison.variants().into_iter().take(VARIANTS_MAX);
    variants.filter_map(|variant| choice(comparison, variant)).collect()
}

fn choice(comparison: &Comparison, variant: Option<&str>) -> Option<Choice> {
    let groups = comparison.of_variant(variant);
    let aims = aims(&groups);
    if groups.len() < 2 || aims.is_empty() {
        return None;
    }
    let figures = aims.iter().map(|metric| standing(comparison, &groups, metric)).collect();
    let verdict = verdict(&groups, &aims);
    Some(Choice { variant: variant.map(str::to_owned), verdict, sureness: sureness(comparison), figures })
}

/// Those that are marked as best; all where nothing tells them apart.
fn best<'a>(groups: &[&'a Group], metric: &Metric) -> Vec<&'a Group> {
    let column = metric::METRICS.iter().position(|other| other.name == metric.name).unwrap_or_default();
    let marked: Vec<&Group> = groups.iter().copied().filter(|group| group.figures[column].best).collect();
    if marked.is_empty() { groups.to_vec() } else { marked }
}

fn verdict(groups: &[&Group], aims: &[&'static Metric]) -> String {
    let leaders: Vec<Vec<&Group>> = aims.iter().map(|metric| best(groups, metric)).collect();
    let everywhere = |group: &&&Group| leaders.iter().all(|best| best.iter().any(|one| one.policy == group.policy));
    let winners: Vec<&str> = groups.iter().filter(everywhere).map(|group| group.policy.as_str()).collect();
    let aim = |metric: &&'static Metric| format!("the least {}", metric.words());
    let all = aims.iter().map(aim).collect::<Vec<_>>().join(" and ");
    match winners.as_slice() {
        [] => {
            let parts = aims.iter().zip(&leaders).map(|(metric, best)| format!("{} has {}", names(best), aim(metric)));
            format!("No policy is best at both: {}.", parts.collect::<Vec<_>>().join("; "))
        }
        several if several.len() == groups.len() => format!("Nothing tells the policies apart by {all}."),
        [one] if leaders.iter().all(|best| best.len() == 1) => format!("{one} has {all}."),
        [one] => format!("{one}: no other policy is seen to have less of {}.", words(aims)),
        several => format!("{}: none of them is seen to be better than the others, by {all}.", several.join(", ")),
    }
}

fn words(aims: &[&'static Metric]) -> String {
    aims.iter().map(|metric| metric.words()).collect::<Vec<_>>().join(" or ")
}

fn names(groups: &[&Group]) -> String {
    groups.iter().map(|group| group.policy.as_str()).collect::<Vec<_>>().join(" or ")
}

fn sureness(comparison: &Comparison) -> String {
    match comparison.seeds().len() {
        1 => "One seed was run: how sure this is, is not known.".to_owned(),
        seeds => format!(
            "Over {seeds} seeds; two policies count as different where the 95 % interval of their difference, seed by seed, \
             excludes zero."
        ),
    }
}

/// `Time over the SLO: greedy 0.04 ± 0.03 % is least; spread has 0.18 ± 0.15 percentage points more.`
fn standing(comparison: &Comparison, groups: &[&Group], metric: &'static Metric) -> String {
    let mean = |group: &&Group| group.figure(metric).map_or(f64::INFINITY, |estimate| estimate.mean);
    let mut ranked: Vec<&Group> = groups.to_vec();
    ranked.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    let first = ranked[0];
    let shown =
        |group: &Group| group.figure(metric).map_or_else(String::new, |estimate| metric.unit.estimate(&estimate));
    let title = capital(metric.words());
    if ranked.iter().all(|group| (mean(group) - mean(&first)).abs() <= 0.0) {
        return format!("{title}: {} with every policy.", shown(first));
    }
    let other = |group: &&Group| {
        let difference = comparison.difference((group, metric), 1.0, (first, metric))?;
        let ratio = mean(group) / mean(&first);
        let unsure = match difference.half_width {
            Some(_) if !difference.excludes_zero() => ", which is within chance",
            _ => "",
        };
        // A multiple of next to nothing, or one that may be chance, says nothing.
        let told = unsure.is_empty() && mean(&first) > 0.0 && ratio < RATIO_MAX;
        let ratio = if told { format!(" ({} ×)", times(ratio)) } else { String::new() };
        let decimals = metric.unit.decimals(&[difference.mean]);
        let number = metric.unit.estimate_number(&difference, decimals);
        let unit = if metric.unit == Unit::Share { "percentage points" } else { metric.unit.symbol() };
        Some(format!("{}: {number} {unit} more{ratio}{unsure}", group.policy))
    };
    let others: Vec<String> = ranked[1..].iter().take(OTHERS_MAX).filter_map(other).collect();
    let rest = ranked.len() - 1 - others.len().min(ranked.len() - 1);
    let rest = if rest > 0 { format!("; {rest} more are in the table") } else { String::new() };
    format!("{title}: least with {}, {}; {}{rest}.", first.policy, shown(first), others.join("; "))
}

/// Three digits of a ratio.
fn times(ratio: f64) -> String {
    match ratio {
        large if large >= 100.0 => format!("{large:.0}"),
        some if some >= 10.0 => format!("{some:.1}"),
        small => format!("{small:.2}"),
    }
}

/// The text with a capital letter at its start.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
