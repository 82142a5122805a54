//! What the page of a fit shows, taken out of the fits: points, curves and sentences. How it looks is for `report` to say.

use super::gather::Gathered;
use super::table::{drift, figure, formula, instant, interval, name};
use crate::capacity::drift::threshold;
use crate::capacity::outcome::{Point, Standing};
use crate::capacity::regression::WARNING;
use crate::capacity::{Fitted, FittedGroup, IdentifiedBy, Method, Options, Outcome};
use crate::report::html::fitted::{self, Dot, FitPage, FitSection, Kind};
use crate::units::{Ratio, Time};

/// The page as HTML.
pub fn render(groups: &[FittedGroup], gathered: &Gathered, options: &Options, command: &str) -> String {
    let sections: Vec<FitSection> = groups.iter().map(|group| section(group, gathered, options)).collect();
    let page = FitPage {
        warning: (options.method == Method::Ols).then(|| WARNING.to_owned()),
        notes: gathered.notes.clone(),
        command: command.to_owned(),
        confidence: options.confidence,
        sections,
    };
    fitted::page(&page)
}

fn section(group: &FittedGroup, gathered: &Gathered, options: &Options) -> FitSection {
    let mut section = FitSection {
        name: name(group),
        notes: group.notes.iter().map(|note| note.message.clone()).collect(),
        left_out: group.points.left_out.iter().map(|one| format!("{} × {}", one.count, one.reason)).collect(),
        used: group.points.used,
        read: group.points.read,
        ..FitSection::default()
    };
    match &group.outcome {
        Outcome::Refused(refusal) => {
            section.refused = Some(refusal.reason.clone());
            section.would_help.clone_from(&refusal.would_help);
        }
        Outcome::Fitted(fitted) => fill(&mut section, fitted, gathered, options),
    }
    if let Some(details) = &group.details {
        let begin = details.points.first().map_or(Time::ZERO, |point| point.at);
        let seconds = |at: Time| at.since(begin).as_seconds_f64();
        section.begin = instant(begin, gathered.has_dates);
        section.span_s = details.points.last().map_or(0.0, |point| seconds(point.at));
        section.points = details.points.iter().map(|point| dot(point, seconds(point.at))).collect();
        section.drift = details.drift.iter().map(|(at, upper, lower)| (seconds(*at), *upper, *lower)).collect();
        section.alarm = threshold(details.drift.len());
    }
    section
}

fn fill(section: &mut FitSection, fitted: &Fitted, gathered: &Gathered, options: &Options) {
    let percent = figure(options.confidence * 100.0);
    let by = match fitted.identified_by {
        IdentifiedBy::Assumed => "CPU under a ceiling that is assumed",
        identified => identified.name(),
    };
    section.answer = format!(
        "r replicas serve {} requests/s; one of them {} ({percent} % interval {}). Identified by {}.",
        formula(&fitted.capacity),
        figure(fitted.per_replica.value),
        interval(&fitted.per_replica),
        by
    );
    section.drifted = drift(fitted, gathered.has_dates);
    section.candidates = fitted
        .candidates
        .iter()
        .map(|one| {
            let weight = format!("{} %", figure(one.weight * 100.0));
            [one.by.name().to_owned(), figure(one.per_replica.value), interval(&one.per_replica), weight]
        })
        .collect();
    section.coefficients = fitted
        .coefficients
        .iter()
        .map(|one| [one.name.to_owned(), figure(one.estimate.value), interval(&one.estimate)])
        .collect();
    if let Some(demand) = &fitted.demand {
        let ms = demand.per_request.scaled(1e3);
        section.coefficients.push(["CPU of a request, core-ms".to_owned(), figure(ms.value), interval(&ms)]);
        let idle = &demand.per_replica;
        section.coefficients.push(["CPU of an idle replica, cores".to_owned(), figure(idle.value), interval(idle)]);
    }
    if let Some(ceiling) = &fitted.ceiling {
        let percent = ceiling.share.scaled(100.0);
        section.coefficients.push([
            format!("usable share of the limit of {} cores, %", figure(ceiling.limit)),
            figure(percent.value),
            interval(&percent),
        ]);
    }
    section.validation = fitted.validation.as_ref().map(|one| {
        let percent = |share: Option<f64>| {
            let known = share.filter(|share| share.is_finite());
            known.map_or_else(|| "–".to_owned(), |share| format!("{} %", figure(share * 100.0)))
        };
        format!(
            "Trained on the first {} samples, the last {} were predicted: mean absolute error of CPU {}, bias {}, {} inside the interval; {} above the capacity and not saturated, {} saturated below it.",
            one.trained,
            one.held_out,
            percent(one.cpu_mape),
            percent(one.cpu_bias),
            percent(one.cpu_coverage),
            percent(Some(one.served_above_capacity)),
            percent(Some(one.saturated_below_capacity))
        )
    });
    section.curve = curve(fitted);
}

/// The capacity at counts of replicas up to half more than were observed: median and low.
fn curve(fitted: &Fitted) -> Vec<(f64, f64, f64)> {
    let most = fitted.levels.iter().map(|level| level.replicas).max().unwrap_or(10);
    let most = (most + most / 2).max(2);
    let step = (most / 200).max(1);
    let at = |r: u32| {
        let of = |capacity: &crate::model::Capacity| capacity.at(r, Ratio::ONE).per_second();
        (f64::from(r), of(&fitted.capacity), of(&fitted.capacity_low))
    };
    (1..=most).step_by(step as usize).map(at).collect()
}

fn dot(point: &Point, at_s: f64) -> Dot {
    let kind = match point.standing {
        Standing::Used => Kind::Used,
        Standing::Saturated => Kind::Saturated,
        _ => Kind::LeftOut,
    };
    Dot {
        at_s,
        replicas: point.replicas,
        rate: point.rate,
        cpu: point.cpu,
        cpu_predicted: point.cpu_predicted,
        latency: point.latency,
        latency_predicted: point.latency_predicted,
        kind,
    }
}
