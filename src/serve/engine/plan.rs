//! One decision, made by the policy that would decide live, and never carried out: what a dry run answers, and what a first deployment
//! begins with.

use super::answer::PlanAnswer;
use super::world::World;
use crate::backend::live::clock;
use crate::backend::manifest::helm::{self, Implementer};
use crate::backend::sim::untouched;
use crate::input::hdag;
use crate::model::{Plan, Refusal, Scenario, ServiceId, Snapshot, Targets, check};
use crate::policy::{Budget, PolicySpec};
use crate::record::explained::{Because, Decided, Explained};
use crate::seed::Seed;
use crate::serve::traces;
use crate::units::Time;
use serde_json::Value;
use std::collections::BTreeMap;

/// The policy's randomness, where it has some.
const SEED: Seed = Seed(1);

/// A decision cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The policy's parameters are not what it takes.
    #[error(transparent)]
    Parameter(#[from] crate::policy::parameter::ParameterError),
    /// The policy failed.
    #[error(transparent)]
    Policy(#[from] crate::policy::PolicyError),
    /// The world cannot be looked at.
    #[error(transparent)]
    World(#[from] crate::backend::BackendError),
}

/// A decision, whole.
#[derive(Debug)]
pub struct Made {
    /// What was seen.
    pub snapshot: Snapshot,
    /// What was decided.
    pub plan: Plan,
    /// For people and programs.
    pub answer: PlanAnswer,
}

/// Decides about a world in which `targets` are wanted of the graph so far: nothing, where it is new.
///
/// # Errors
/// See [`PlanError`].
pub fn decide(world: &World, policy: &PolicySpec, targets: Targets) -> Result<Made, PlanError> {
    let (start, known) = (clock::now(), &world.scenario.known);
    let span = traces::plan(&policy.label, known.application.services.len(), known.clusters.len());
    let _within = span.enter();
    let mut snapshot = untouched(&world.scenario, Time::ZERO, SEED)?;
    snapshot.targets = targets;
    let mut deciding = policy.build()?;
    let mut stream = SEED.stream("policy", 0);
    let plan = deciding.decide(&snapshot, &Budget::default(), &mut stream)?;
    let took_ms = start.elapsed().as_secs_f64() * 1e3;
    let explanation = deciding.explain(&snapshot, &plan);
    let (because, number) = (Because::First, 0);
    let decided =
        Decided { because, number, snapshot: &snapshot, plan: &plan, explanation: &explanation, is_reduced: false };
    let explained = serde_json::to_value(Explained::new(&decided)).unwrap_or(Value::Null);
    let mut refusals = refusals(&snapshot, &plan);
    refusals.extend(check::violations(&snapshot, &plan).iter().map(|one| {
        let named = crate::record::decisions::named(&snapshot.known, one);
        format!("the plan is unsound: {named}")
    }));
    span.record("smo.refusals", i64::try_from(refusals.len()).unwrap_or(i64::MAX));
    let answer = PlanAnswer {
        policy: policy.label.clone(),
        targets: self::targets(&world.scenario, &plan),
        refusals,
        values: values(world, &plan),
        notes: world.notes.clone(),
        explanation: explained,
        took_ms,
    };
    Ok(Made { snapshot, plan, answer })
}

/// What a plan could not do, in sentences with the way out.
pub fn refusals(snapshot: &Snapshot, plan: &Plan) -> Vec<String> {
    plan.refusals.iter().map(|refusal| sentence(snapshot, refusal)).collect()
}

/// Why these services cannot be placed as was decided, if they cannot. What others lack is no reason: they stand as they are.
pub fn refused(made: &Made, services: &[String]) -> Option<String> {
    let is_ours = |refusal: &&Refusal| services.contains(&made.snapshot.service(refusal.service).name);
    let ours = made.plan.refusals.iter().find(is_ours).map(|refusal| sentence(&made.snapshot, refusal));
    // Behind the refusals is told what would be unsound.
    ours.or_else(|| made.answer.refusals.get(made.plan.refusals.len()).cloned())
}

fn sentence(snapshot: &Snapshot, refusal: &Refusal) -> String {
    let name = &snapshot.service(refusal.service).name;
    let remedy = refusal.remedy.as_ref().map_or_else(String::new, |remedy| format!("; smallest change: {remedy}"));
    format!("{name}: {} replicas could not be placed: {}{remedy}", refusal.replicas, refusal.reason)
}

/// Replicas by service and cluster.
pub fn targets(scenario: &Scenario, plan: &Plan) -> BTreeMap<String, BTreeMap<String, u32>> {
    let known = &scenario.known;
    let of = |service: ServiceId| {
        let targets = plan.targets.of(service).iter();
        targets.map(|target| (known.clusters[target.cluster].name.clone(), target.replicas)).collect()
    };
    known.application.services.iter().map(|(id, service)| (service.name.clone(), of(id))).collect()
}

/// What each chart is given: the descriptor's values, with the places that the plan injects.
pub fn values(world: &World, plan: &Plan) -> BTreeMap<String, Value> {
    let known = &world.scenario.known;
    let of = |(id, service): (ServiceId, &crate::model::Service)| {
        let artifact = world.artifacts.get(&service.name);
        let is_wot = artifact.is_some_and(|one| one.oci_config.implementer == Some(hdag::Implementer::Wot));
        let implementer = if is_wot { Implementer::Wot } else { Implementer::Helm };
        let base = artifact.map(|one| one.values_overwrite.clone()).unwrap_or_default();
        (service.name.clone(), helm::values(known, plan, id, (implementer, base.into())))
    };
    known.application.services.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{decide, refused};
    use crate::model::Targets;
    use crate::serve::engine::stand_in::{descriptor, row, service, world_of};

    /// A node has five cores: `front` asks for eight of them, `back` for half of one.
    #[test]
    fn what_one_service_lacks_keeps_no_other_one_from_being_placed() {
        let services = [service("front", "large", "{}", ""), service("back", "light", "{}", "")].join(", ");
        let world = world_of(&descriptor(&services), &[row("a")]);
        let made = decide(&world, &"greedy+rate".parse().unwrap(), Targets::default()).unwrap();
        assert_eq!(made.answer.targets["back"].get("a"), Some(&1));
        let of = |names: &[&str]| refused(&made, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["back"]), None);
        let said = of(&["back", "front"]).expect("a new graph is placed as a whole");
        assert!(said.starts_with("front: 1 replicas could not be placed"), "{said}");
    }
}
