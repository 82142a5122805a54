//! What replicas of a graph's services can serve, and who says so: the operator, the file of `smo fit`, or what was fitted while the
//! graph ran, in this order. What is said is never replaced by what is fitted; that it is contradicted is told.
//!
//! While a graph runs, the estimators of `smo fit` look at its services ([`Learning`](crate::learning::Learning)). What they see is
//! kept in the store, so that a run goes on where the one before it was, whoever kept it; what they find is in the graph's status.
//! A fit is believed where it says itself what it rests on: one that is refused, or that rests on an assumption, changes nothing.

use super::context::{Context, KeepError};
use super::keeper::read;
use super::told::{Teller, Told};
use super::world::{Asked, World};
use crate::capacity::online::Sample;
use crate::input::capacities::{FittedFile, written};
use crate::learning::{Begin, Hear, Lesson, Past, Stance};
use crate::model::{CapacityByClass, ServiceId};
use crate::serve::at::At;
use crate::serve::store::rows::{CapacityOrigin, CapacityStatus, Graph, Status};
use crate::units::{Ratio, Span, Time};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Stands for a capacity that nobody knows: such a service is never scaled by load, so that no figure follows from it.
const UNKNOWN: &str = "1 /s";

/// Who says what of each service, as a scenario writes it.
pub type Said = BTreeMap<String, (CapacityOrigin, Value)>;

/// An event: its kind, a sentence, and figures.
pub type News = (&'static str, String, Value);

/// What is said of the services of a world.
pub fn said(asked: &Asked<'_>, file: Option<&FittedFile>) -> Said {
    let of = |name: &String| {
        let option = asked.options.services.get(name).and_then(|options| options.capacity.clone());
        let fitted = || {
            let seen = asked.fitted?.services.iter().find(|one| one.name == *name)?.capacity.as_ref()?;
            seen.law.clone().filter(|_| seen.origin == CapacityOrigin::Fitted)
        };
        let said = option.map(|law| (CapacityOrigin::Option, law));
        let said = said.or_else(|| Some((CapacityOrigin::File, file?.median_of(name)?)));
        let said = said.or_else(|| Some((CapacityOrigin::Fitted, fitted()?)));
        (name.clone(), said.unwrap_or_else(|| (CapacityOrigin::None, UNKNOWN.into())))
    };
    asked.services.iter().map(of).collect()
}

/// What the file refuses to say of the services, in sentences.
pub fn refusals(file: &FittedFile, services: &BTreeSet<String>) -> Vec<String> {
    let ours = file.services.iter().filter(|(name, _)| services.contains(*name));
    let classes = ours.flat_map(|(name, classes)| classes.iter().map(move |(class, one)| (name, class, one)));
    let sentence = |(name, class, one): (&String, &String, &crate::input::capacities::FittedClass)| {
        let refusal = one.refused.as_ref()?;
        Some(format!("the capacity file refuses {name} on class {class}: {}", refusal.reason))
    };
    classes.filter_map(sentence).collect()
}

/// Notes in a status what a run begins with. What was fitted or contradicted stays so while the same is said.
pub fn note(status: &mut Status, world: &World) {
    let application = &world.scenario.known.application;
    for service in &mut status.services {
        let (Some(id), Some(origin)) = (application.service(&service.name), world.origins.get(&service.name)) else {
            continue;
        };
        let before = service.capacity.take().unwrap_or_default();
        let now = CapacityStatus { samples: before.samples, ..shown(*origin, &application.services[id].capacity) };
        let is_same = before.origin == now.origin && before.law == now.law;
        service.capacity = Some(if is_same || *origin == CapacityOrigin::Fitted { before } else { now });
    }
}

/// A capacity as a status shows it.
fn shown(origin: CapacityOrigin, capacity: &CapacityByClass) -> CapacityStatus {
    if origin == CapacityOrigin::None {
        return CapacityStatus::default();
    }
    let per_replica = capacity.default.at(1, Ratio::ONE).per_second();
    CapacityStatus { origin, per_replica: Some(per_replica), law: Some(written(capacity)), ..CapacityStatus::default() }
}

/// Notes in a status what a sample taught; what is to be told of it.
pub fn learn(service: &str, status: &mut CapacityStatus, lesson: &Lesson, now: At) -> Vec<News> {
    let mut news = Vec::new();
    let before = status.per_replica;
    status.samples = u64::try_from(lesson.samples).unwrap_or(u64::MAX);
    status.reason.clone_from(&lesson.refused);
    if lesson.is_alarm {
        status.drifted_at = Some(now);
        let says = before.map_or_else(String::new, |rate| format!("; {rate:.1} /s a replica was believed"));
        let message = format!("{service}: what it serves, or the CPU that it takes, is not as it was{says}");
        news.push(("service.capacity-drift", message, json!({"per_replica": before, "origin": status.origin})));
    }
    if let Some(believed) = &lesson.believed {
        let (samples, drifted_at) = (status.samples, status.drifted_at);
        let identified_by = Some(believed.identified_by.name().to_owned());
        let made = shown(CapacityOrigin::Fitted, &believed.capacity);
        *status = CapacityStatus { samples, drifted_at, identified_by, fitted_at: Some(now), ..made };
        let rate = status.per_replica.unwrap_or_default();
        let until = if believed.is_provisional { ", until more is seen" } else { "" };
        let from = before.map_or_else(|| "nobody knew".to_owned(), |before| format!("{before:.1} /s before"));
        let message = format!("{service}: a replica serves {rate:.1} /s by {samples} samples{until} ({from})");
        let data = json!({"before": before, "after": rate, "law": status.law, "samples": samples,
            "identified_by": status.identified_by, "provisional": believed.is_provisional});
        news.push(("service.capacity-fitted", message, data));
    }
    if lesson.is_settled && status.origin == CapacityOrigin::Fitted {
        status.drifted_at = None;
    }
    news
}

/// What a run that starts now goes on from.
///
/// # Errors
/// The store.
pub async fn past(
    context: &Context,
    graph: &Graph,
    (teller, origins): (&Teller, &BTreeMap<String, CapacityOrigin>),
    started_at: Duration,
) -> Result<Past, KeepError> {
    let started_at = Span(u64::try_from(started_at.as_nanos()).unwrap_or(u64::MAX));
    let mut kept = match context.settings.learn {
        Some(_) => kept(context, graph, Time::ZERO + started_at).await?,
        None => BTreeMap::new(),
    };
    let begin = |(name, origin): (&String, &CapacityOrigin)| {
        let stance = match origin {
            CapacityOrigin::None => Stance::Unknown,
            CapacityOrigin::Option | CapacityOrigin::File => Stance::Fixed,
            CapacityOrigin::Fitted => Stance::Learnt,
        };
        Some((teller.id(name)?, Begin { stance, samples: kept.remove(name).unwrap_or_default() }))
    };
    let services = origins.iter().filter_map(begin).collect();
    Ok(Past { started_at, services, pupil: Arc::new(teller.clone()) })
}

/// What was measured of a graph's services until now. Those that it has no more are forgotten, and so is what lies ahead: a clock went
/// wrong then, and whatever follows would be out of order until that time has come.
async fn kept(context: &Context, graph: &Graph, now: Time) -> Result<BTreeMap<String, Vec<Sample>>, KeepError> {
    let (mut kept, descriptor) = (context.store.samples(&graph.id).await?, read(graph)?);
    for (name, samples) in &mut kept {
        let until = if descriptor.service(name).is_some() { now } else { Time::ZERO };
        if samples.last().is_some_and(|last| last.at > until) {
            context.store.forget_samples((&graph.id, name), until).await?;
            samples.retain(|sample| sample.at <= until);
        }
    }
    Ok(kept)
}

impl Hear for Teller {
    fn hear(&self, service: ServiceId, lesson: &Lesson) {
        self.tell(Told::Learnt(self.service(service).to_owned(), Box::new(lesson.clone())));
    }
}

/// A capacity, for whoever measures us.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The project.
    pub project: String,
    /// The graph.
    pub graph: String,
    /// The service.
    pub service: String,
    /// Its capacity.
    pub capacity: CapacityStatus,
}

/// The capacities of a graph that is kept, where any is known.
pub fn figures(graph: &Graph, status: &Status) -> Vec<Figure> {
    let figure = |service: &crate::serve::store::rows::ServiceStatus| {
        let capacity = service.capacity.clone().filter(|one| one.origin != CapacityOrigin::None)?;
        let (project, graph, service) = (graph.project.clone(), graph.name.clone(), service.name.clone());
        Some(Figure { project, graph, service, capacity })
    };
    status.services.iter().filter_map(figure).collect()
}
