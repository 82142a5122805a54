//! One service on one class, watched in operation: the steps in their order.
//!
//! The order matters: saturation is marked before the demand is fitted (offered rates are no throughput there), the demand
//! before drift (which tests its residuals), drift before everything that is reported (a service that changed is fitted
//! on what came after), the ceiling last, for it turns a demand into a capacity.

use super::answer::Answer;
use super::bootstrap::Blocks;
use super::ceiling::{self, CeilingFit, CeilingSource};
use super::clean::Cleaned;
use super::combine::{Combined, Drawn, combine};
use super::demand::{self, CONDITIONING_MIN, DemandFit};
use super::drift::{self, Drift, DriftVerdict};
use super::estimate::Estimate;
use super::latency::{self, LatencyFit};
use super::load_test::{counts, notes as shape_notes, parameters, peak, shape_draws};
use super::notes::notes;
use super::observations::Series;
use super::options::{Context, Options};
use super::outcome::{Fitted, IdentifiedBy, Outcome, Refusal, Scope, Standing};
use super::saturation::{self, SaturationFit};
use super::shape::{Model, Shape, ShapeReport, choose};
use super::validate::validate;
use super::{overload, pool, refuse, regression};
use crate::units::Time;
use rand_distr::{Distribution, StandardNormal};

/// Samples of a level of replicas that make its capacity part of the shape.
const LEVEL_MIN: usize = 5;
/// Relative half-width beyond which CPU identifies nothing.
const HALF_WIDTH_MAX: f64 = 0.5;

/// Everything that was estimated of a group.
pub struct Estimated {
    /// CPU of requests and idle replicas.
    pub demand: Option<DemandFit>,
    /// Throughput at saturation.
    pub saturation: Option<SaturationFit>,
    /// Usable share of the limit.
    pub ceiling: Option<CeilingFit>,
    /// The curve of latency.
    pub latency: Option<LatencyFit>,
    /// Whether it changed.
    pub drift: Drift,
    /// Buckets that are fitted.
    pub used: Vec<usize>,
}

/// A result with the drift's path for the chart.
pub struct Fit {
    /// The outcome.
    pub outcome: Outcome,
    /// Time, upper and lower sum.
    pub path: Vec<(Time, f64, f64)>,
}

/// Fits a cleaned series of operation.
pub fn fit(series: &Series, cleaned: &mut Cleaned, context: &Context<'_>) -> Fit {
    let refusal = prepared(cleaned, context.options).err();
    let refusal = refusal.or_else(|| pool::contradiction(&cleaned.buckets, context.options, context.entity));
    if let Some(refusal) = refusal {
        return Fit { outcome: Outcome::Refused(refusal), path: Vec::new() };
    }
    let estimated = estimate(cleaned, context);
    let answer = answer(series, cleaned, &estimated, context);
    let outcome = answer.map_or_else(Outcome::Refused, |fitted| Outcome::Fitted(Box::new(fitted)));
    Fit { outcome, path: estimated.drift.path }
}

/// Keeps the last version only, and refuses what is too little.
fn prepared(cleaned: &mut Cleaned, options: &Options) -> Result<(), Refusal> {
    let buckets = &mut cleaned.buckets;
    if let Some(last) = buckets.version.last().copied() {
        // A cluster's samples count from when it last changed to the version that ran last of all.
        let mut left = vec![false; buckets.sources()];
        for at in (0..buckets.len()).rev() {
            let left = &mut left[buckets.source[at] as usize];
            *left |= buckets.version[at] != last;
            if *left && buckets.standing[at] == Standing::Used {
                buckets.standing[at] = Standing::Earlier;
            }
        }
    }
    let used = buckets.used();
    if used.len() < options.points_min {
        return Err(refuse::too_few(buckets, used.len(), options.points_min));
    }
    if used.iter().all(|at| buckets.rate[*at] <= 0.0) {
        return Err(refuse::idle());
    }
    Ok(())
}

fn estimate(cleaned: &mut Cleaned, context: &Context<'_>) -> Estimated {
    let options = context.options;
    saturation::mark(&mut cleaned.buckets);
    cleaned.notes.extend(overload::reclaim(&mut cleaned.buckets));
    let changed_version = cleaned.buckets.standing.contains(&Standing::Earlier);
    let began = |cleaned: &Cleaned, at: &[usize]| at.first().map(|at| Time(cleaned.buckets.at[*at]));
    let mut drift = Drift { verdict: DriftVerdict::untested(), from: 0, path: Vec::new() };
    let mut demand = None;
    for round in 0..4 {
        let used = cleaned.buckets.used();
        let throughput: Vec<usize> = used
            .iter()
            .copied()
            .filter(|at| !(cleaned.rate_is_offered && cleaned.buckets.standing[*at] == Standing::Saturated))
            // What is rejected costs CPU too, and is not in the rate.
            .filter(|at| !is_over(cleaned.buckets.errors[*at], options.errors_max))
            .collect();
        demand = demand::estimate(&cleaned.buckets, &throughput, options, context.entity);
        let found = drift::test_all(&cleaned.buckets, &throughput, demand.as_ref(), options);
        let is_last = !found.verdict.drifted || throughput.len() - found.from < options.points_min || round == 3;
        if round == 0 || found.verdict.drifted {
            let path = if round == 0 { found.path } else { drift.path };
            drift = Drift { verdict: found.verdict.clone(), from: found.from, path };
        }
        if is_last {
            break;
        }
        let from = throughput[found.from];
        for at in used.into_iter().filter(|at| *at < from) {
            cleaned.buckets.standing[at] = Standing::Earlier;
        }
    }
    let used = cleaned.buckets.used();
    if changed_version && !drift.verdict.drifted {
        drift.verdict =
            DriftVerdict { drifted: true, at: began(cleaned, &used), alarm_at: None, by: vec!["version"], ratio: None };
    }
    let buckets = &cleaned.buckets;
    let ceiling = ceiling::estimate(buckets, &used, context);
    let hint = demand
        .as_ref()
        .zip(ceiling.as_ref())
        .map(|(demand, ceiling)| demand.rate_at(ceiling.ceiling.share.value * ceiling.ceiling.limit));
    let column = cleaned.latency_column;
    let hint = hint.filter(|hint| hint.is_finite());
    let latency = column.and_then(|column| latency::estimate(buckets, &used, (column, hint), context));
    let saturation = saturation::estimate(buckets, &used, options, context.entity);
    Estimated { demand, saturation, ceiling, latency, drift, used }
}

fn answer(
    series: &Series,
    cleaned: &mut Cleaned,
    estimated: &Estimated,
    context: &Context<'_>,
) -> Result<Fitted, Refusal> {
    let options = context.options;
    let (mut drawn, tried) = candidates(estimated, context);
    let levels = estimated.saturation.as_ref().and_then(SaturationLevels::of);
    if levels.as_ref().is_some_and(|levels| levels.report.chosen != Shape::Proportional) {
        // The others take every replica for alike, and what was seen at several counts says that they are not.
        drawn.iter_mut().filter(|one| one.by != IdentifiedBy::Saturation).for_each(|one| one.counts = false);
    }
    let Some(combined) = combine(&drawn, options.confidence) else {
        return Err(refuse::not_identified(series, &tried));
    };
    let (answer, shape) = shaped(levels, &combined, options);
    if let Some(shape) = &shape {
        let explained = regression::r_squared(&shape.measured, |replicas| answer.model.at(replicas));
        cleaned.notes.extend(shape_notes(shape, explained));
    }
    let buckets = &cleaned.buckets;
    let levels = counts(buckets, &estimated.used);
    let (capacity, capacity_low) =
        answer.capacities(&levels, options).ok_or_else(|| refuse::not_identified(series, &tried))?;
    let middle = levels.iter().max_by_key(|level| level.1).map_or(1.0, |level| f64::from(level.0));
    let per_replica = answer.at(middle, options.confidence).scaled(1.0 / middle);
    let told = notes(buckets, estimated, (&combined, &per_replica), options);
    let ends = (estimated.used[0], estimated.used[estimated.used.len() - 1]);
    let explained =
        shape.as_ref().map(|shape| regression::r_squared(&shape.measured, |replicas| answer.model.at(replicas)));
    let r_squared = explained.or_else(|| estimated.demand.as_ref().map(|demand| demand.r_squared)).unwrap_or(f64::NAN);
    let from_fleet = combined.by == IdentifiedBy::Cpu && source(estimated) == Some(CeilingSource::Fleet);
    let validation = validate(buckets, &estimated.used, per_replica.value, options);
    let version = series.versions.get(buckets.version[ends.1] as usize).cloned();
    let span = (Time(buckets.at[ends.0]), Time(buckets.at[ends.1]));
    cleaned.notes.extend(told);
    Ok(Fitted {
        // One count of replicas shows no slope: that capacity is in proportion to them is assumed.
        identified_by: if levels.len() == 1 { IdentifiedBy::Assumed } else { combined.by },
        capacity,
        capacity_low,
        coefficients: answer.coefficients(options.confidence),
        per_replica,
        levels: answer.levels(&levels, options.confidence),
        scope: if from_fleet { Scope::Fleet } else { Scope::Class },
        version,
        span,
        candidates: combined.candidates,
        demand: estimated.demand.as_ref().map(|demand| demand.summary(options.confidence)),
        ceiling: estimated.ceiling.as_ref().map(|ceiling| ceiling.ceiling),
        latency: estimated.latency.clone(),
        shape,
        r_squared,
        validation,
        drift: estimated.drift.verdict.clone(),
    })
}

fn is_over(errors: f64, tolerated: f64) -> bool {
    errors > tolerated
}

fn source(estimated: &Estimated) -> Option<CeilingSource> {
    estimated.ceiling.as_ref().map(|ceiling| ceiling.ceiling.source)
}

/// The estimates of a replica's capacity, and what was tried in vain.
fn candidates(estimated: &Estimated, context: &Context<'_>) -> (Vec<Drawn>, Vec<String>) {
    let (mut drawn, mut tried) = (Vec::new(), Vec::new());
    let saturation = estimated.saturation.as_ref();
    drawn.extend(saturation.map(|fitted| Drawn {
        by: IdentifiedBy::Saturation,
        value: fitted.per_replica,
        draws: fitted.draws.clone(),
        counts: true,
    }));
    match by_cpu(estimated, context) {
        Ok(by_cpu) => drawn.push(by_cpu),
        Err(reason) => tried.push(reason),
    }
    if let Some(latency) = &estimated.latency {
        if latency.identifies {
            let (value, draws) = (latency.per_replica.value, latency.draws.clone());
            drawn.push(Drawn { by: IdentifiedBy::Latency, value, draws, counts: true });
        } else {
            tried.push(format!(
                "latency does not bend enough (busiest samples at {:.0} % of what it suggests)",
                100.0 * latency.load_max
            ));
        }
    }
    // A ceiling that was only assumed does not outvote what was seen.
    let seen = drawn.iter().any(|one| one.by == IdentifiedBy::Saturation);
    drawn.iter_mut().filter(|one| seen && one.by == IdentifiedBy::Assumed).for_each(|one| one.counts = false);
    (drawn, tried)
}

/// Capacity from the demand under the ceiling; the error says why not, where CPU was observed.
fn by_cpu(estimated: &Estimated, context: &Context<'_>) -> Result<Drawn, String> {
    let demand =
        estimated.demand.as_ref().ok_or_else(|| "CPU was not observed or does not follow the rate".to_owned())?;
    let ceiling = estimated.ceiling.as_ref().ok_or_else(|| "the CPU limit was not observed".to_owned())?;
    if demand.conditioning < CONDITIONING_MIN {
        return Err("the rate per replica never varies, so CPU of requests and of idle replicas cannot be told apart"
            .to_owned());
    }
    let cores = ceiling.ceiling.share.value * ceiling.ceiling.limit;
    let value = demand.rate_at(cores);
    let reach = (demand.cpu_max / cores).min(0.5);
    // Beyond twice the CPU that was seen, the law itself is uncertain: up to 10 %.
    let doubt = 0.1 * (0.5 - reach) / 0.5;
    let mut stream = context.options.seed.stream("capacity_extrapolation", context.entity);
    let pairs = demand.draws.iter().zip(&ceiling.draws);
    let draws: Vec<f64> = pairs
        .map(|(theta, share)| {
            let error: f64 = StandardNormal.sample(&mut stream);
            demand::rate_at(theta, share * ceiling.ceiling.limit) * (doubt * error).exp()
        })
        .filter(|draw| draw.is_finite())
        .collect();
    let width = Estimate::from_draws(value, &draws, context.options.confidence).relative_half_width();
    if !value.is_finite() || width.is_nan() || width > HALF_WIDTH_MAX || draws.len() < context.options.resamples / 2 {
        return Err("CPU does not follow the rate closely enough".to_owned());
    }
    let assumed = ceiling.ceiling.source == CeilingSource::Assumed;
    let by = if assumed { IdentifiedBy::Assumed } else { IdentifiedBy::Cpu };
    // A ceiling from the saturated samples says what their throughput says already.
    let repeats = ceiling.ceiling.source == CeilingSource::Saturated && estimated.saturation.is_some();
    Ok(Drawn { by, value, draws, counts: !repeats })
}

/// Saturation at several counts of replicas, and the shape that it has.
struct SaturationLevels {
    episodes: usize,
    levels: Vec<(u32, f64, usize)>,
    draws: Vec<Vec<f64>>,
    model: Model,
    report: ShapeReport,
}

impl SaturationLevels {
    /// The counts with samples enough, where there are two or more.
    fn of(saturation: &SaturationFit) -> Option<Self> {
        let kept = || (0..saturation.levels.len()).filter(|at| saturation.levels[*at].2 >= LEVEL_MIN);
        let levels: Vec<(u32, f64, usize)> = kept().map(|at| saturation.levels[at]).collect();
        let draws = kept().map(|at| saturation.level_draws[at].clone()).collect();
        let points: Vec<(f64, f64)> = levels.iter().map(|level| (f64::from(level.0), level.1)).collect();
        let (model, report) = choose(&points).filter(|_| points.len() >= 2)?;
        Some(Self { episodes: saturation.episodes, levels, draws, model, report })
    }
}

/// The model and, where saturation was seen at several counts of replicas, the comparison of shapes.
fn shaped(levels: Option<SaturationLevels>, combined: &Combined, options: &Options) -> (Answer, Option<ShapeReport>) {
    let plain = Answer::proportional(combined.value, &combined.draws);
    let Some(found) = levels.filter(|_| combined.by == IdentifiedBy::Saturation) else { return (plain, None) };
    let mut report = found.report;
    if report.chosen == Shape::Proportional {
        return (plain, Some(report));
    }
    // Student's t of the episodes, and the coefficients that the levels pay for.
    let free = found.levels.len().saturating_sub(parameters(report.chosen)).max(1);
    let paid = (found.levels.len() as f64 / free as f64).sqrt();
    let factor = paid * Blocks { samples: found.episodes, cell: 1, cells_per_block: 1 }.spread();
    let draws = shape_draws(report.chosen, &found.levels, &found.draws, factor);
    let shaped = Answer { model: found.model, draws };
    report.peak = peak(&shaped, options.confidence);
    (shaped, Some(report))
}
