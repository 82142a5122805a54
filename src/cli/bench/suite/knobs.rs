//! The knobs of a contestant: which settings are tried, the same for whoever asks.
//!
//! The settings are the defaults and the grid of all values. Where that is more than the budget, the defaults stay, and of the
//! others those that come first when they are ordered by the sha256 of their text. It is a random search (Bergstra and Bengio
//! 2012, JMLR 13: better than a coarse grid where few knobs matter) whose draw nobody can choose, and that is the same on
//! every machine; steps of equal width through a grid would try one value of the last knob only.

use super::key;
use crate::input::known_names;
use crate::model::suite::Contestant;
use crate::policy::{PolicySpec, exec};
use anyhow::{Context, Error, anyhow, bail};
use std::collections::BTreeMap;

/// Settings of a grid that are looked at before some are chosen.
const GRID_MAX: usize = 100_000;

/// A policy with its knobs as they stand.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The knobs that are tuned, by name.
    pub knobs: BTreeMap<String, String>,
    /// The policy.
    pub policy: PolicySpec,
}

/// A knob, and the half of the policy that has it.
struct Knob<'a> {
    name: &'a str,
    half: String,
    parameter: String,
    values: &'a [String],
    default: String,
}

/// The settings that are tried, the defaults first; at most `budget`, at least one.
///
/// # Errors
/// A policy or a knob that does not exist, or a value that the policy does not take.
pub fn settings(contestant: &Contestant, budget: usize) -> Result<Vec<Setting>, Error> {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let policy: PolicySpec = contestant.policy.parse().with_context(|| contestant.place.clone())?;
    if contestant.tune.is_empty() {
        return Ok(vec![Setting { knobs: BTreeMap::new(), policy }]);
    }
    let place = || format!("{}.tune", contestant.place);
    let knobs = contestant.tune.iter().map(|(name, values)| knob(&policy, name, values));
    let knobs = knobs.collect::<Result<Vec<_>, Error>>().with_context(place)?;
    let defaults: Vec<String> = knobs.iter().map(|knob| bare(&knob.default)).collect();
    let setting = |values: &[String]| {
        let text = with_knobs(&policy.label, &knobs, values);
        let named = knobs.iter().zip(values).map(|(knob, value)| (knob.name.to_owned(), value.clone()));
        Ok::<_, Error>(Setting { knobs: named.collect(), policy: text.parse().with_context(place)? })
    };
    // Each value alone, so that a wrong one is found whether it is chosen or not.
    for (index, value) in
        knobs.iter().enumerate().flat_map(|(index, knob)| knob.values.iter().map(move |one| (index, one)))
    {
        let mut values = defaults.clone();
        values[index].clone_from(value);
        setting(&values)?;
    }
    let mut others = grid(&knobs).with_context(place)?;
    others.retain(|values| *values != defaults);
    if others.len() >= budget {
        others.sort_by_cached_key(|values| key::sha256(with_knobs(&policy.label, &knobs, values).as_bytes()));
        others.truncate(budget.saturating_sub(1));
    }
    std::iter::once(&defaults).chain(&others).map(|values| setting(values)).collect()
}

fn knob<'a>(policy: &PolicySpec, name: &'a str, values: &'a [String]) -> Result<Knob<'a>, Error> {
    if policy.label.starts_with(exec::PREFIX) {
        bail!("a program of yours has no knobs that could be tuned; name one contestant for each way to call it");
    }
    let halves = policy.resolved();
    let all: Vec<(&str, &str, &str)> = halves
        .iter()
        .flat_map(|(half, parameters)| {
            parameters.iter().map(move |(name, value)| (half.as_str(), *name, value.as_str()))
        })
        .collect();
    let is_meant = |(half, parameter, _): &&(&str, &str, &str)| {
        *parameter == name || name.split_once('.').is_some_and(|given| given == (*half, *parameter))
    };
    let meant: Vec<_> = all.iter().filter(is_meant).collect();
    match meant[..] {
        [(half, parameter, default)] => {
            let (half, parameter, default) = ((*half).to_owned(), (*parameter).to_owned(), (*default).to_owned());
            Ok(Knob { name, half, parameter, values, default })
        }
        [] => {
            let known: Vec<&str> = all.iter().map(|(_, parameter, _)| *parameter).collect();
            Err(anyhow!("`{}` has no knob `{name}`; {}", policy.label, known_names(name, "its knobs", &known)))
        }
        _ => {
            let ways: Vec<String> = meant.iter().map(|(half, name, _)| format!("`{half}.{name}`")).collect();
            Err(anyhow!("both halves of `{}` have a knob `{name}`; write {}", policy.label, ways.join(" or ")))
        }
    }
}

/// All combinations of values, the last knob's changing first.
fn grid(knobs: &[Knob<'_>]) -> Result<Vec<Vec<String>>, Error> {
    let count = knobs.iter().try_fold(1_usize, |count, knob| count.checked_mul(knob.values.len()));
    if count.is_none_or(|count| count > GRID_MAX) {
        bail!("these values make more than {GRID_MAX} settings; write fewer of them");
    }
    let extended = |all: Vec<Vec<String>>, knob: &Knob<'_>| {
        let with = |values: &Vec<String>, value: &String| values.iter().chain([value]).cloned().collect();
        all.iter().flat_map(|values| knob.values.iter().map(move |value| with(values, value))).collect()
    };
    Ok(knobs.iter().fold(vec![Vec::new()], extended))
}

/// The text of the policy with the knobs at `values`: what was given of them before is replaced, a half that was not named
/// is added.
fn with_knobs(label: &str, knobs: &[Knob<'_>], values: &[String]) -> String {
    let split = |part: &str| match part.split_once(':') {
        Some((name, given)) => (name.to_owned(), given.split(',').map(str::to_owned).collect()),
        None => (part.to_owned(), Vec::new()),
    };
    let mut parts: Vec<(String, Vec<String>)> = label.split('+').map(split).collect();
    for (knob, value) in knobs.iter().zip(values) {
        let at = parts.iter().position(|(name, _)| *name == knob.half).unwrap_or_else(|| {
            parts.push((knob.half.clone(), Vec::new()));
            parts.len() - 1
        });
        let given = &mut parts[at].1;
        given.retain(|one| one.split('=').next() != Some(knob.parameter.as_str()));
        given.push(format!("{}={value}", knob.parameter));
    }
    let joined = parts.iter().map(
        |(name, given)| {
            if given.is_empty() { name.clone() } else { format!("{name}:{}", given.join(",")) }
        },
    );
    joined.collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::settings;
    use crate::model::suite::Contestant;

    fn tried(policy: &str, tune: &[(&str, &[&str])], budget: usize) -> Result<Vec<String>, String> {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let contestant = Contestant {
            name: policy.to_owned(),
            policy: policy.to_owned(),
            tune: tune.iter().map(|(knob, values)| ((*knob).to_owned(), owned(values))).collect(),
            hindsight: false,
            place: "s.yaml: line 7: field `contestants.x`".to_owned(),
        };
        let settings = settings(&contestant, budget).map_err(|error| format!("{error:#}"))?;
        Ok(settings.into_iter().map(|setting| setting.policy.label).collect())
    }

    #[test]
    fn the_defaults_come_first_and_the_grid_follows_without_them() {
        let default = "spread+hpa:target=80%";
        let all = tried("spread + hpa", &[("target", &["50%", "80%", "70%"])], 8).expect("hpa has a target");
        assert_eq!(all, [default, "spread+hpa:target=50%", "spread+hpa:target=70%"]);
        let one = tried("spread+hpa:target=55%", &[("hpa.target", &["50%"])], 8).expect("hpa has a target");
        assert_eq!(one, ["spread+hpa:target=55%", "spread+hpa:target=50%"]);
        assert_eq!(tried("naive", &[], 8), Ok(vec!["naive".to_owned()]));
    }

    /// Goal: a grid beyond the budget is tried in part, and the part is no row of it.
    /// Method: 20 × 20 settings, 8 tried: the defaults, and of both knobs several values; again, the same.
    #[test]
    fn a_large_grid_is_sampled_across_all_knobs() {
        let shares: Vec<String> = (40..60).map(|share| format!("{share}%")).collect();
        let shares: Vec<&str> = shares.iter().map(String::as_str).collect();
        let tune: [(&str, &[&str]); 2] = [("target", &shares), ("tolerance", &shares)];
        let all = tried("spread+hpa", &tune, 8).expect("hpa has both");
        assert_eq!(all.len(), 8, "{all:?}");
        assert_eq!(all, tried("spread+hpa", &tune, 8).expect("hpa has both"));
        for knob in ["target=", "tolerance="] {
            let value = |label: &String| label.split(knob).nth(1).map(|rest| rest.split(',').next().map(str::to_owned));
            let mut values: Vec<_> = all.iter().skip(1).map(value).collect();
            values.sort();
            values.dedup();
            assert!(values.len() > 3, "{knob} {all:?}");
        }
    }

    #[test]
    fn what_cannot_be_tuned_is_refused_at_its_place() {
        let refused =
            |policy: &str, knob: &str, value: &str| tried(policy, &[(knob, &[value])], 8).expect_err("refused");
        let unknown = refused("spread+hpa", "targte", "50%");
        assert!(unknown.starts_with("s.yaml: line 7: field `contestants.x`.tune: "), "{unknown}");
        assert!(unknown.contains("has no knob `targte`; did you mean `target`?"), "{unknown}");
        assert!(refused("spread+hpa", "target", "fifty").contains("parameter `target`"));
        assert!(refused("exec:./mine", "timeout", "1s").contains("no knobs"));
        assert!(tried("spraed", &[], 8).expect_err("refused").contains("did you mean `spread`"));
    }
}
