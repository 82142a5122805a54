//! A scaling and a placement make a policy: first how many, then where.
//!
//! Tasks are not scaled: of a class as many replicas are wanted as there are tasks. A decision between two ticks, which is
//! about tasks that came or went, leaves the services at the last wish of the scaling, whose clock is the control interval.
//!
//! Nor are services that wait for their event: nothing of them is wanted, whatever a scaling says.

use super::{Budget, Context, Placement, Policy, PolicyError, Scaling};
use crate::model::{Explanation, Plan, ServiceId, Snapshot, Wanted, Why};
use crate::seed::Stream;
use crate::units::Span;

/// `scaling` says how many, `placement` says where.
pub struct Composed {
    /// Where.
    pub placement: Box<dyn Placement>,
    /// How many.
    pub scaling: Box<dyn Scaling>,
    /// The last wish of the scaling, where there are tasks besides.
    wish: Option<Wanted>,
}

impl Composed {
    /// A policy of two halves that have decided nothing yet.
    pub fn new(placement: Box<dyn Placement>, scaling: Box<dyn Scaling>) -> Self {
        Self { placement, scaling, wish: None }
    }

    /// How many replicas of everything.
    fn wanted(&mut self, snapshot: &Snapshot, stream: &mut Stream) -> Result<Wanted, PolicyError> {
        let mut wanted = self.wanted_of_all(snapshot, stream)?;
        for (service, _) in &snapshot.known.application.conditions {
            let (replicas, why) = conditional(snapshot, *service, wanted.replicas[*service]);
            if let Some(why) = why {
                (wanted.replicas[*service], wanted.why[*service]) = (replicas, why);
                wanted.serve.iter_mut().filter(|(other, _)| other == service).for_each(|(_, serve)| *serve = None);
            }
        }
        Ok(wanted)
    }

    /// The same, as if no service waited for an event.
    fn wanted_of_all(&mut self, snapshot: &Snapshot, stream: &mut Stream) -> Result<Wanted, PolicyError> {
        if !snapshot.known.application.has_tasks() {
            return self.scaling.scale(snapshot, stream);
        }
        let mut wanted = match self.wish.take().filter(|_| !snapshot.is_tick) {
            Some(wish) => wish,
            None => self.scaling.scale(snapshot, stream)?,
        };
        self.wish = Some(wanted.clone());
        for class in snapshot.known.application.tasks() {
            wanted.replicas.push(snapshot.services[class].tasks);
            wanted.why.push(Why::new("tasks that are there", &[]));
        }
        Ok(wanted)
    }
}

/// Of a service that waits for an event nothing is wanted; once it has happened the service begins with its declared
/// replicas, because no scaling knows a rate yet.
fn conditional(snapshot: &Snapshot, service: ServiceId, wanted: u32) -> (u32, Option<Why>) {
    if snapshot.services[service].dormant {
        return (0, Some(Why::new("waits for its event", &[])));
    }
    let initial = snapshot.service(service).replicas;
    if snapshot.targets.of(service).is_empty() && wanted < initial {
        let why = Why::new("its event has happened: begins as declared", &[("replicas", initial.into())]);
        return (initial, Some(why));
    }
    (wanted, None)
}

impl Policy for Composed {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError> {
        let wanted = self.wanted(snapshot, stream)?;
        let mut plan = self.placement.place(snapshot, &wanted, Context { budget, stream })?;
        if plan.why.is_empty() {
            plan.why = wanted.why;
        }
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        self.placement.explain(snapshot, plan)
    }

    fn foresight(&self) -> Span {
        self.scaling.foresight()
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(Self { placement: self.placement.fork(), scaling: self.scaling.fork(), wish: self.wish.clone() })
    }
}
