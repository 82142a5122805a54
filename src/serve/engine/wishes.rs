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
    let is_anew = is_anew(job, &stored);
    let is_open = |name: &&String| is_anew || !stored.wishes.contains_key(*name);
    let open: Vec<String> = services.iter().filter(is_open).cloned().collect();
    if !open.is_empty() {
        let had: BTreeMap<String, Shares> =
            stored.wishes.iter().map(|(name, wish)| (name.clone(), wish.wanted.clone())).collect();
        let made = plan::decide(world, policy, planned(world, &had).targets);
        let made = made.map_err(|error| KeepError::Impossible(error.to_string()))?;
        if let Some(refused) = plan::refused(&made, &open) {
            return Err(KeepError::Impossible(format!("no placement: {refused}")));
        }
        let answer = made.answer;
        for name in &open {
            let wanted = answer.targets.get(name).cloned().unwrap_or_default();
            let before = had.get(name).filter(|before| **before != wanted).cloned().unwrap_or_default();
            stored.wishes.insert(name.clone(), Wish { wanted, before });
        }
        if let Some(job) = job.filter(|_| is_anew) {
            stored.placed_for = Some(job.id.clone());
        }
        karmada.store(&graph.name, &stored).await?;
        write_down(asked, &open, answer, job).await?;
    }
    let ours = stored.wishes.into_iter().filter(|(name, _)| services.contains(name));
    Ok(ours.map(|(name, wish)| (name, wish.wanted)).collect())
}

/// Whether a job asks for all services to be placed anew, and that was not decided yet. What was decided stands where the wishes stand,
/// so that no death in between can take one for the other.
fn is_anew(job: Option<&Job>, stored: &Stored) -> bool {
    job.is_some_and(|job| job.kind == JobKind::RePlace && stored.placed_for.as_ref() != Some(&job.id))
}

/// What was decided, for whoever asks why.
async fn write_down(asked: Asked<'_>, open: &[String], answer: PlanAnswer, job: Option<&Job>) -> Result<(), KeepError> {
    let store = &asked.context.store;
    for (job, name) in job.into_iter().flat_map(|job| open.iter().map(move |name| (job, name))) {
        let wanted = answer.targets.get(name).into_iter().flatten();
        let places: Vec<String> = wanted.map(|(cluster, replicas)| format!("{cluster} {replicas}")).collect();
        store.job_step(&job.id, &format!("{name} placed: {}", places.join(", "))).await?;
    }
    let row = DecisionRow {
        seq: 0,
        at: At::now(),
        policy: answer.policy,
        targets: answer.targets,
        refusals: answer.refusals,
        actions: u32::try_from(open.len()).unwrap_or(u32::MAX),
        held: Vec::new(),
        explanation: Some(answer.explanation),
    };
    store.append_decision(&asked.graph.id, &row).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Job, JobKind, Stored, is_anew};
    use crate::serve::at::At;
    use crate::serve::store::rows::JobState;

    /// A server that dies after it has decided is followed by one that takes what was decided, and one that dies before by one that
    /// decides; only what stands on the control plane tells them apart.
    #[test]
    fn all_is_placed_anew_once_for_each_wish() {
        let job = |id: &str, kind| Job {
            id: id.to_owned(),
            kind,
            project: "shop".to_owned(),
            graph: "web".to_owned(),
            graph_id: "1".to_owned(),
            generation: 2,
            state: JobState::Running,
            reason: None,
            steps: Vec::new(),
            actor: "somebody".to_owned(),
            created_at: At(0),
            ended_at: None,
        };
        let stored =
            |placed_for: Option<&str>| Stored { placed_for: placed_for.map(str::to_owned), ..Stored::default() };
        let asked = job("j2", JobKind::RePlace);
        assert!(is_anew(Some(&asked), &stored(None)));
        assert!(is_anew(Some(&asked), &stored(Some("j1"))), "that was another wish");
        assert!(!is_anew(Some(&asked), &stored(Some("j2"))));
        assert!(!is_anew(Some(&job("j3", JobKind::Deploy)), &stored(None)) && !is_anew(None, &stored(None)));
    }
}
