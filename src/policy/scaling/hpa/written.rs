//! The autoscaler's `behavior` and metrics as people write them on a command line.
//!
//! Policies are written `value/period`, joined by `|`: `4/15s|100%/15s` allows four replicas or a doubling every 15 s. What
//! is not written is as the API server fills it in; a `behavior` is there as soon as anything of it is.

use super::spec::{Behavior, Change, Metric, Milli, RatePolicy, Resource, Rules, Select, Source};
use crate::policy::scaling::{ParameterError, Parameters};
use crate::units::{Rate, Ratio, Span};

/// Spelled so, a part of the behavior is as Kubernetes has it.
const DEFAULT: &str = "default";

/// Longest period of a rate policy, and longest window, that the API server takes.
const PERIOD_MAX: Span = Span::seconds(1_800);
const WINDOW_MAX: Span = Span::seconds(3_600);

/// The parameters of one direction.
struct Names {
    policies: &'static str,
    select: &'static str,
    window: &'static str,
    tolerance: &'static str,
}

const UP: Names = Names { policies: "up", select: "up_select", window: "up_window", tolerance: "up_tolerance" };
const DOWN: Names =
    Names { policies: "down", select: "down_select", window: "down_window", tolerance: "down_tolerance" };

/// The behavior; `None` where nothing of it is written.
pub(super) fn behavior(parameters: &Parameters) -> Result<Option<Behavior>, ParameterError> {
    let (up, down) = (rules(parameters, &UP, Rules::up())?, rules(parameters, &DOWN, Rules::down())?);
    if up.is_none() && down.is_none() {
        return Ok(None);
    }
    Ok(Some(Behavior { up: up.unwrap_or_else(Rules::up), down: down.unwrap_or_else(Rules::down) }))
}

/// Rules of one direction with what is written of them; `None` where nothing is.
fn rules(parameters: &Parameters, names: &Names, mut rules: Rules) -> Result<Option<Rules>, ParameterError> {
    let written = |name| parameters.get::<String>(name).map(|text| Some(text).filter(|text| text != DEFAULT));
    let mut is_any = false;
    if let Some(text) = written(names.policies)? {
        let policies: Option<Vec<RatePolicy>> = text.split('|').map(rate_policy).collect();
        let reason = || format!("`{text}` are no policies; write `value/period` joined by `|`, like `4/15s|100%/15s`");
        rules.policies = policies.ok_or_else(|| parameters.invalid(names.policies, reason()))?;
        is_any = true;
    }
    if let Some(text) = written(names.select)? {
        rules.select = match text.as_str() {
            "Max" => Select::Max,
            "Min" => Select::Min,
            "Disabled" => Select::Disabled,
            _ => return Err(parameters.invalid(names.select, format!("`{text}` is none of `Max`, `Min`, `Disabled`"))),
        };
        is_any = true;
    }
    if written(names.window)?.is_some() {
        let window = parameters.span(names.window)?;
        if window > WINDOW_MAX {
            return Err(parameters.invalid(names.window, format!("{window} is longer than {WINDOW_MAX}")));
        }
        rules.window = Some(window);
        is_any = true;
    }
    if written(names.tolerance)?.is_some() {
        rules.tolerance = Some(parameters.ratio(names.tolerance, 0.0, 1.0)?);
        is_any = true;
    }
    Ok(is_any.then_some(rules))
}

/// `4/15s` or `100%/15s`.
fn rate_policy(text: &str) -> Option<RatePolicy> {
    let (value, period) = text.split_once('/')?;
    let change = match value.strip_suffix('%') {
        Some(percent) => Change::Percent(percent.parse().ok()?),
        None => Change::Pods(value.parse().ok()?),
    };
    let (Change::Pods(amount) | Change::Percent(amount)) = change;
    let period = period.parse().ok().filter(|period| (Span::seconds(1)..=PERIOD_MAX).contains(period))?;
    (amount > 0).then_some(RatePolicy { change, period })
}

/// The metrics in their order: CPU, requests of each replica, requests of all. At least one.
pub(super) fn metrics(parameters: &Parameters) -> Result<Vec<Metric>, ParameterError> {
    let mut metrics = Vec::new();
    if parameters.get::<String>("target")? != "none" {
        metrics.push(Metric::Utilization { resource: Resource::Cpu, target_percent: percent(parameters)? });
    }
    if let Some(target) = requests(parameters, "requests")? {
        metrics.push(Metric::PodsAverage { target });
    }
    if let Some(target) = requests(parameters, "external")? {
        metrics.push(Metric::ValuePerReplica { source: Source::External, target });
    }
    if metrics.is_empty() {
        let reason = "without it there is no metric; write a target of CPU, of `requests` or of `external`";
        return Err(parameters.invalid("target", reason.to_owned()));
    }
    Ok(metrics)
}

const PERCENT: u64 = Ratio::ONE.0 / 100;

fn percent(parameters: &Parameters) -> Result<u32, ParameterError> {
    let target = parameters.ratio("target", 0.01, 10.0)?;
    if !target.0.is_multiple_of(PERCENT) {
        return Err(parameters.invalid("target", format!("{target} is not a whole number of percents")));
    }
    Ok(u32::try_from(target.0 / PERCENT).expect("at most 1000 percent"))
}

/// A target of requests per second and replica, in thousandths.
fn requests(parameters: &Parameters, name: &'static str) -> Result<Option<Milli>, ParameterError> {
    if parameters.get::<String>(name)? == "none" {
        return Ok(None);
    }
    let target = milli(parameters.rate(name)?);
    if target.0 > 0 {
        Ok(Some(target))
    } else {
        Err(parameters.invalid(name, "a target has to be above zero".to_owned()))
    }
}

/// Thousandths of a request per second.
pub(super) fn milli(rate: Rate) -> Milli {
    Milli(i64::try_from(rate.0 / 1_000).unwrap_or(i64::MAX))
}
