//! Load tests: every row is a capacity that was measured, so only the shape and its interval are to be found.
//!
//! **Formula.** The shape is chosen by [`super::shape`]; the interval is that of a bootstrap of relative residuals:
//! x* = x̂ (1 + e*), with e drawn from the centred residuals x/x̂ − 1 times √(n/(n−p)), and the shape fitted again; draws are
//! spread by Student's t of n − p degrees of freedom. A straight line that explains less than 80 % is noted: the rows
//! then saturate something else than replicas (their node), or are wrong.
//!
//! **Assumes** that the load was raised until throughput rose no more. **Source**: Efron and Tibshirani 1993, ch. 9.
//! **Fails** for two rows: one degree of freedom leaves an interval that is honest and useless.

use super::answer::Answer;
use super::bootstrap::{Blocks, spread};
use super::clean::{Buckets, Cleaned};
use super::drift::DriftVerdict;
use super::estimate::Estimate;
use super::notes::constant_replicas;
use super::observations::Series;
use super::options::Options;
use super::outcome::{Candidate, Fitted, IdentifiedBy, Note, Outcome, Scope, Standing};
use super::refuse;
use super::regression::r_squared;
use super::saturation::level;
use super::shape::{Model, Shape, ShapeReport, choose, distinct};
use crate::seed::Stream;
use crate::units::Time;
use rand::RngExt;
use std::collections::BTreeMap;

/// Share of the variance below which a fit is noted as poor.
pub const R_SQUARED_MIN: f64 = 0.8;

/// Fits a load test.
pub fn fit(series: &Series, cleaned: &mut Cleaned, options: &Options, entity: u64) -> Outcome {
    let buckets = &cleaned.buckets;
    let used: Vec<usize> = buckets.used().into_iter().filter(|at| buckets.rate[*at] > 0.0).collect();
    let points: Vec<(f64, f64)> = used.iter().map(|at| (buckets.replicas[*at], buckets.rate[*at])).collect();
    let chosen = if points.len() < 2 { None } else { choose(&points) };
    let Some((model, mut report)) = chosen else {
        let failing = buckets.standing.iter().filter(|standing| **standing == Standing::Failing).count();
        return Outcome::Refused(refuse::load_test(points.len(), failing));
    };
    let explained = r_squared(&points, |replicas| model.at(replicas));
    cleaned.notes.extend(notes(&report, explained));
    let mut stream = options.seed.stream("capacity_load_test", entity);
    let answer = Answer { draws: resample(&points, (&model, report.chosen), options.resamples, &mut stream), model };
    report.peak = peak(&answer, options.confidence);
    let levels = counts(buckets, &used);
    if let [(only, _)] = levels[..] {
        let each = answer.at(f64::from(only), options.confidence).scaled(1.0 / f64::from(only));
        let message = constant_replicas(only, &each, IdentifiedBy::Saturation);
        cleaned.notes.push(Note { code: "constant_replicas", message });
    }
    let Some((capacity, capacity_low)) = answer.capacities(&levels, options) else {
        return Outcome::Refused(refuse::load_test(points.len(), 0));
    };
    let middle = distinct(&points)[distinct(&points).len() / 2];
    let per_replica = answer.at(middle, options.confidence).scaled(1.0 / middle);
    let ends =
        |pick: fn(Vec<u64>) -> Option<u64>| pick(used.iter().map(|at| buckets.at[*at]).collect()).map_or(Time(0), Time);
    Outcome::Fitted(Box::new(Fitted {
        identified_by: if levels.len() == 1 { IdentifiedBy::Assumed } else { IdentifiedBy::Saturation },
        capacity,
        capacity_low,
        coefficients: answer.coefficients(options.confidence),
        per_replica,
        levels: answer.levels(&levels, options.confidence),
        scope: Scope::Class,
        version: series.versions.last().cloned(),
        span: (ends(|times| times.into_iter().min()), ends(|times| times.into_iter().max())),
        candidates: vec![Candidate { by: IdentifiedBy::Saturation, per_replica, weight: 1.0 }],
        demand: None,
        ceiling: None,
        latency: None,
        shape: Some(report),
        r_squared: explained,
        validation: None,
        drift: DriftVerdict::untested(),
    }))
}

/// Observed counts of replicas and how many buckets each has, ascending.
pub fn counts(buckets: &Buckets, used: &[usize]) -> Vec<(u32, usize)> {
    let mut counts = BTreeMap::new();
    for at in used {
        *counts.entry(level(buckets.replicas[*at])).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// Where the law is at its highest, with its interval.
pub fn peak(answer: &Answer, confidence: f64) -> Option<Estimate> {
    let of = |model: &Model| if let Model::Usl(usl) = model { Some(usl.peak()) } else { None };
    let value = of(&answer.model).filter(|peak| peak.is_finite())?;
    let draws: Vec<f64> = answer.draws.iter().filter_map(of).collect();
    Some(Estimate::from_draws(value, &draws, confidence))
}

/// What the shape says about the data.
pub fn notes(report: &ShapeReport, explained: f64) -> Vec<Note> {
    let mut notes = Vec::new();
    let poorest = explained.min(report.r_squared_linear);
    if poorest < R_SQUARED_MIN {
        let line = report.r_squared_linear;
        let message = if explained < R_SQUARED_MIN {
            format!(
                "replicas explain little of the capacity: r² is {line:.2} of a straight line, {explained:.2} of the chosen \
                 shape; something else than replicas limits it (the node?), or rows are wrong"
            )
        } else {
            format!(
                "a straight line explains {line:.2} of the variance only: do not plan this service by alpha and beta"
            )
        };
        notes.push(Note { code: "low_r_squared", message });
    }
    let score = |shape: Shape| report.scores.iter().find(|score| score.shape == shape);
    if let (Some(concave), Some(chosen)) = (score(Shape::Concave), score(report.chosen))
        && chosen.error > (concave.error + concave.standard_error).max(1.5 * concave.error)
    {
        let message = format!(
            "a concave curve predicts held-out levels better ({:.1} % against {:.1} %): the chosen shape is approximate",
            100.0 * concave.error,
            100.0 * chosen.error
        );
        notes.push(Note { code: "concave_fits_better", message });
    }
    notes
}

fn resample(
    points: &[(f64, f64)],
    (model, shape): (&Model, Shape),
    resamples: usize,
    stream: &mut Stream,
) -> Vec<Model> {
    let free = points.len().saturating_sub(parameters(shape)).max(1);
    let inflation = (points.len() as f64 / free as f64).sqrt();
    let residuals: Vec<f64> = points.iter().map(|point| point.1 / model.at(point.0) - 1.0).collect();
    let mean = residuals.iter().sum::<f64>() / residuals.len() as f64;
    // Student's t of the degrees of freedom; relative to the normal, as for blocks.
    let factor =
        Blocks { samples: free + 1, cell: 1, cells_per_block: 1 }.spread() * (free as f64 / (free as f64 + 1.0)).sqrt();
    let draw = |_| {
        let moved = points.iter().map(|point| {
            let error = inflation * factor * (residuals[stream.random_range(0..residuals.len())] - mean);
            (point.0, (model.at(point.0) * (1.0 + error)).max(1e-3 * point.1))
        });
        shape.fit(&moved.collect::<Vec<_>>())
    };
    (0..resamples).filter_map(draw).collect()
}

/// Coefficients of a shape.
pub const fn parameters(shape: Shape) -> usize {
    match shape {
        Shape::Proportional => 1,
        Shape::Linear => 2,
        Shape::Usl | Shape::Concave => 3,
    }
}

/// Draws of a shape from draws of its levels; a level that a resample did not see is left out of it.
pub fn shape_draws(shape: Shape, levels: &[(u32, f64, usize)], level_draws: &[Vec<f64>], factor: f64) -> Vec<Model> {
    let count = level_draws.iter().map(Vec::len).min().unwrap_or(0);
    let mut wide: Vec<Vec<f64>> = level_draws.to_vec();
    for (draws, (_, centre, _)) in wide.iter_mut().zip(levels) {
        let known: Vec<usize> = (0..draws.len()).filter(|at| draws[*at].is_finite()).collect();
        let mut values: Vec<f64> = known.iter().map(|at| draws[*at]).collect();
        spread(&mut values, *centre, factor);
        known.iter().zip(values).for_each(|(at, value)| draws[*at] = value);
    }
    let draw = |at: usize| {
        let points = levels.iter().zip(&wide).map(|((level, _, _), draws)| (f64::from(*level), draws[at]));
        shape.fit(&points.filter(|point| point.1.is_finite()).collect::<Vec<_>>())
    };
    (0..count).filter_map(draw).collect()
}
