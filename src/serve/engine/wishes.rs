//! What is wanted of each service of a graph: as it is stored on the control plane, and for those that have nothing there, or are to be placed
//! anew, as the policy decides now. It is stored before anything is done.

use super::context::KeepError;
use super::deploy::{Asked, planned};
use super::plan;
use super::told::Shares;
use super::world::World;
use crate::backend::live::clock;
use crate::backend::live::karmada::Karmada;
use crate::backend::live::karmada::store::{Stored, Wish};
use crate::backend::live::outside::{CallError, Class};
use crate::policy::PolicySpec;
use crate::serve::at::At;
use crate::serve::engine::answer::PlanAnswer;
use crate::serve::store::rows::{DecisionRow, Job, JobKind};
use std::collections::BTreeMap;

/// How a step tells where a service was placed.
const PLACED: &str = " placed: ";

/// What is wanted, by service.
///
/// # Errors
/// Somebody else drives the graph still, there is no room, or the control plane or the store does not answer.
pub async fn wishes(
    asked: Asked<'_>,
    karmada: &Karmada,
    (policy, world): (&PolicySpec, &World),
    job: Option<&Job>,
) -> Result<BTreeMap<String, Shares>, KeepError> {
    let Asked { graph, services, .. } = asked;
    let mut stored: Stored = karmada.stored(&graph.name).await?;
    if let Some(other) = stored.other_driver("", clock::since_epoch()) {
        let reason = format!("`{other}` drives it still; it is waited for");
        return Err(CallError::new("karmada", format!("drive {}", graph.name), Class::Retryable, reason).into());
    }
    // A new placement is one of all services; it is decided once, and what it moves goes back to where it was if that fails.
    let is_anew = job.is_some_and(is_open_still);
    let is_open = |name: &&String| is_anew || !stored.wishes.contains_key(*name);
    let open: Vec<String> = services.iter().filter(is_open).cloned().collect();
    if !open.is_empty() {
        let had: BTreeMap<String, Shares> =
            stored.wishes.iter().map(|(name, wish)| (name.clone(), wish.wanted.clone())).collect();
        let made = plan::decide(world, policy, planned(world, &had).targets);
        let answer = made.map_err(|error| KeepError::Impossible(error.to_string()))?.answer;
        if let Some(refused) = answer.refusals.first() {
            return Err(KeepError::Impossible(format!("no placement: {refused}")));
        }
        for name in &open {
            let wanted = answer.targets.get(name).cloned().unwrap_or_default();
            let before = had.get(name).filter(|before| **before != wanted).cloned().unwrap_or_default();
            stored.wishes.insert(name.clone(), Wish { wanted, before });
        }
        karmada.store(&graph.name, &stored).await?;
        write_down(asked, &open, answer, job).await?;
    }
    let ours = stored.wishes.into_iter().filter(|(name, _)| services.contains(name));
    Ok(ours.map(|(name, wish)| (name, wish.wanted)).collect())
}

/// Whether a job places everything anew and has not done so yet. Its own steps say that, and outlive whoever does it: what the graph's
/// status says is written before places are.
fn is_open_still(job: &Job) -> bool {
    job.kind == JobKind::RePlace && !job.steps.iter().any(|step| step.what.contains(PLACED))
}

/// What was decided, for whoever asks why.
async fn write_down(asked: Asked<'_>, open: &[String], answer: PlanAnswer, job: Option<&Job>) -> Result<(), KeepError> {
    let store = &asked.context.store;
    for (job, name) in job.into_iter().flat_map(|job| open.iter().map(move |name| (job, name))) {
        let wanted = answer.targets.get(name).into_iter().flatten();
        let places: Vec<String> = wanted.map(|(cluster, replicas)| format!("{cluster} {replicas}")).collect();
        store.job_step(&job.id, &format!("{name}{PLACED}{}", places.join(", "))).await?;
    }
    let row = DecisionRow {
        seq: 0,
        at: At::now(),
        policy: answer.policy,
        targets: answer.targets,
        refusals: Vec::new(),
        actions: u32::try_from(open.len()).unwrap_or(u32::MAX),
        held: Vec::new(),
        explanation: Some(answer.explanation),
    };
    store.append_decision(&asked.graph.id, &row).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_open_still;
    use crate::serve::at::At;
    use crate::serve::store::rows::{Job, JobKind, JobState, JobStep};

    fn job(kind: JobKind, steps: &[&str]) -> Job {
        let step = |what: &&str| JobStep { at: At(0), what: (*what).to_owned() };
        Job {
            id: "j1".to_owned(),
            kind,
            project: "lab".to_owned(),
            graph: "shop".to_owned(),
            graph_id: "g1".to_owned(),
            generation: 2,
            state: JobState::Running,
            reason: None,
            steps: steps.iter().map(step).collect(),
            actor: "tester".to_owned(),
            created_at: At(0),
            ended_at: None,
        }
    }

    /// A server that falls before it has stored the new places has to decide on them when it is back, and only then.
    #[test]
    fn a_new_placement_is_decided_once_however_often_it_is_begun() {
        assert!(is_open_still(&job(JobKind::RePlace, &[])));
        let done = ["web placed: edge-1 2", "charts installed: web"];
        assert!(!is_open_still(&job(JobKind::RePlace, &done)));
        assert!(!is_open_still(&job(JobKind::Update, &[])));
    }
}
