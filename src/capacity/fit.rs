//! The fit of everything that was observed: groups in parallel, then what a group lacks from its siblings.
//!
//! Fall-back goes from a class to the service to the fleet, and never further than the data allow. The fleet lends a
//! *ceiling* (how much of a CPU limit is usable), where three services or more on the class showed theirs. A service lends
//! its other classes' capacity to a class that has too little, times the speed ratio of the classes as other services
//! show it, or 1 ± 20 %; such an answer is marked `assumed`. Throughput is never pooled across services.
//!
//! Results do not depend on the count of threads or on which other series are present (but for the fall-back): groups are
//! independent, and their random streams are keyed by names.

use super::answer::Answer;
use super::ceiling::CeilingSource;
use super::check::{ObservationError, check, contradiction};
use super::clean::{Buckets, Cleaned, clean};
use super::estimate::median;
use super::group;
use super::observations::{Observations, Regime, Series};
use super::options::{Context, Method, Options};
use super::outcome::{
    Details, Fitted, FittedGroup, IdentifiedBy, LeftOut, Note, Outcome, Point, Points, Refusal, Scope, Standing,
};
use super::{load_test, ols};
use crate::units::Time;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Services that must have shown a ceiling, for it to be lent.
const LENDERS_MIN: usize = 3;
/// Standard deviation of the logarithm of the speed ratio of two classes of which nothing is known.
const SPEED_DEVIATION: f64 = 0.2;

/// Fits every series: groups in parallel, results in the order of the series.
///
/// # Errors
///
/// Where the observations are not what they claim to be. What cannot be identified is no error but a refusal in its group.
pub fn fit(observations: &Observations, options: &Options) -> Result<Vec<FittedGroup>, ObservationError> {
    check(observations)?;
    let mut groups: Vec<FittedGroup> =
        observations.series.par_iter().map(|series| fit_series(series, options, None)).collect();
    let lent: Vec<Option<(f64, f64)>> = (0..groups.len()).map(|at| lent_ceiling(&groups, at)).collect();
    let refitted: Vec<Option<FittedGroup>> = observations
        .series
        .par_iter()
        .zip(&lent)
        .map(|(series, lent)| lent.map(|lent| fit_series(series, options, Some(lent))))
        .collect();
    for (group, refitted) in groups.iter_mut().zip(refitted) {
        if let Some(refitted) = refitted {
            *group = refitted;
        }
    }
    let borrowed: Vec<Option<Fitted>> = (0..groups.len()).map(|at| borrow(&groups, at, options)).collect();
    for (group, borrowed) in groups.iter_mut().zip(borrowed) {
        let (Some(borrowed), Some(refusal)) = (borrowed, group.refused()) else { continue };
        let message = format!(
            "this class alone gives no answer ({}); it is taken from the service's other classes",
            refusal.reason
        );
        group.notes.push(Note { code: "borrowed", message });
        group.outcome = Outcome::Fitted(Box::new(borrowed));
    }
    Ok(groups)
}

/// Fits one series alone, under the fleet's ceiling (mean and standard deviation) where one is lent.
pub fn fit_series(series: &Series, options: &Options, fleet: Option<(f64, f64)>) -> FittedGroup {
    let entity = key(&series.service, &series.class);
    let mut group = FittedGroup {
        service: series.service.clone(),
        class: series.class.clone(),
        outcome: Outcome::Refused(Refusal { code: "", reason: String::new(), would_help: Vec::new() }),
        points: Points { read: series.len(), ..Points::default() },
        notes: Vec::new(),
        details: None,
    };
    let cleaned = match contradiction(series).map_or_else(|| clean(series, options), Err) {
        Ok(cleaned) => cleaned,
        Err(refusal) => {
            group.outcome = Outcome::Refused(refusal);
            return group;
        }
    };
    let mut cleaned = cleaned;
    let mut path = Vec::new();
    group.outcome = match (options.method, series.regime) {
        (Method::Ols, _) => ols::fit(series, &mut cleaned, options),
        (Method::Pipeline, Regime::Saturated) => load_test::fit(series, &mut cleaned, options, entity),
        (Method::Pipeline, Regime::Operation) => {
            let fitted = group::fit(series, &mut cleaned, &Context { options, entity, fleet });
            path = fitted.path;
            fitted.outcome
        }
    };
    group.points = points(series, &cleaned);
    if options.details {
        group.details = Some(Details { points: charted(&cleaned.buckets, group.fitted()), drift: path });
    }
    group.notes = cleaned.notes;
    group
}

/// FNV-1a of the names: the streams of a group are its own whoever else is fitted.
fn key(service: &str, class: &str) -> u64 {
    let bytes = service.bytes().chain([0]).chain(class.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn points(series: &Series, cleaned: &Cleaned) -> Points {
    let count = |standing: Standing| cleaned.buckets.standing.iter().filter(|each| **each == standing).count();
    let reasons = [
        ("settling", Standing::Settling),
        ("failing", Standing::Failing),
        ("no ready replica", Standing::NoReplica),
        ("incomplete", Standing::Incomplete),
        ("earlier version or before a change", Standing::Earlier),
    ];
    let mut left_out = cleaned.left_out.clone();
    left_out.extend(
        reasons
            .into_iter()
            .map(|(reason, standing)| LeftOut { reason, count: count(standing) })
            .filter(|left| left.count > 0),
    );
    let saturated = count(Standing::Saturated);
    Points {
        read: series.len(),
        buckets: cleaned.buckets.len(),
        used: count(Standing::Used) + saturated,
        saturated,
        left_out,
    }
}

fn charted(buckets: &Buckets, fitted: Option<&Fitted>) -> Vec<Point> {
    let point = |at: usize| {
        let (rate, replicas) = (buckets.rate[at], buckets.replicas[at]);
        Point {
            at: Time(buckets.at[at]),
            replicas,
            rate,
            cpu: buckets.cpu[at],
            cpu_predicted: fitted.and_then(|fitted| fitted.cpu(rate, replicas)).map_or(f64::NAN, |cpu| cpu.value),
            latency: buckets.latency[at],
            latency_predicted: fitted.and_then(|fitted| fitted.latency(rate, replicas)).unwrap_or(f64::NAN),
            standing: buckets.standing[at],
        }
    };
    (0..buckets.len()).map(point).collect()
}

/// Mean and standard deviation of the ceilings that other services on the class showed, for a group that had to assume one.
fn lent_ceiling(groups: &[FittedGroup], at: usize) -> Option<(f64, f64)> {
    let assumed = groups[at].fitted()?.ceiling?.source == CeilingSource::Assumed;
    let others = groups.iter().filter(|group| group.class == groups[at].class && group.service != groups[at].service);
    let shown: Vec<f64> = others
        .filter_map(|group| group.fitted()?.ceiling)
        .filter(|ceiling| matches!(ceiling.source, CeilingSource::Saturated))
        .map(|ceiling| ceiling.share.value)
        .collect();
    if !assumed || shown.len() < LENDERS_MIN {
        return None;
    }
    let mean = shown.iter().sum::<f64>() / shown.len() as f64;
    let variance = shown.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (shown.len() - 1) as f64;
    // A further service is one more draw; two percent at least, for three may agree by chance.
    Some((mean, (variance * (1.0 + 1.0 / shown.len() as f64)).sqrt().max(0.02)))
}

/// The answer of a group that lacks data, from the same service on other classes.
fn borrow(groups: &[FittedGroup], at: usize, options: &Options) -> Option<Fitted> {
    let (service, class) = (&groups[at].service, &groups[at].class);
    let lacks = groups[at].refused().is_some_and(|refusal| matches!(refusal.code, "too_few_points" | "not_identified"));
    let lender = groups.iter().filter(|group| group.service == *service && group.class != *class).filter(|_| lacks);
    let lender =
        lender.filter(|group| group.fitted().is_some_and(|fitted| fitted.identified_by != IdentifiedBy::Assumed));
    let lender = lender.min_by(|a, b| width(a).total_cmp(&width(b)))?;
    let fitted = lender.fitted()?;
    let (ratio, deviation) = speed_ratio(groups, class, &lender.class);
    let own = fitted.per_replica;
    let spread = own.relative_half_width() / 1.645;
    let mut stream = options.seed.stream("capacity_borrowed", key(service, class));
    let draw = |_| {
        let error: f64 = StandardNormal.sample(&mut stream);
        ratio * own.value * (error * deviation.hypot(spread)).exp()
    };
    let answer = Answer::proportional(ratio * own.value, &(0..options.resamples).map(draw).collect::<Vec<_>>());
    let levels: Vec<(u32, usize)> = fitted.levels.iter().map(|level| (level.replicas, level.points)).collect();
    let (capacity, capacity_low) = answer.capacities(&levels, options)?;
    Some(Fitted {
        identified_by: IdentifiedBy::Assumed,
        capacity,
        capacity_low,
        coefficients: answer.coefficients(options.confidence),
        per_replica: answer.at(1.0, options.confidence),
        levels: answer.levels(&levels, options.confidence),
        scope: Scope::Service,
        shape: None,
        latency: None,
        candidates: Vec::new(),
        ..fitted.clone()
    })
}

fn width(group: &FittedGroup) -> f64 {
    group.fitted().map_or(f64::INFINITY, |fitted| fitted.per_replica.relative_half_width())
}

/// Speed of `class` over that of `other`, from services that were identified on both; 1 where there are fewer than two.
fn speed_ratio(groups: &[FittedGroup], class: &str, other: &str) -> (f64, f64) {
    let known = |group: &FittedGroup| {
        group
            .fitted()
            .filter(|fitted| fitted.identified_by != IdentifiedBy::Assumed)
            .map(|fitted| fitted.per_replica.value)
    };
    let here = groups.iter().filter(|group| group.class == class);
    let logs: Vec<f64> = here
        .filter_map(|group| {
            let twin = groups.iter().find(|twin| twin.class == other && twin.service == group.service)?;
            Some((known(group)? / known(twin)?).ln())
        })
        .collect();
    if logs.len() < 2 {
        return (1.0, SPEED_DEVIATION);
    }
    let mean = median(&logs);
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (logs.len() - 1) as f64;
    (mean.exp(), variance.sqrt().max(0.05))
}
