//! The kill switch of a graph, on the control plane: whoever drives the graph looks at it before every write. What somebody else has
//! turned on is left on.

use super::context::{Context, KeepError};
use crate::backend::live::karmada::Karmada;
use crate::serve::store::rows::Graph;

/// How reasons begin that we have given.
const OURS: &str = "by its operator: ";

/// Turns it on with a reason, or off.
///
/// # Errors
/// The control plane.
pub async fn turn(context: &Context, graph: &Graph, reason: Option<&str>) -> Result<(), KeepError> {
    let karmada = context.karmada(&graph.project).await?;
    turn_on(&karmada, graph, reason).await.map(drop)
}

/// The same on a control plane that is open; why it is on then, by whatever hand.
///
/// # Errors
/// The control plane.
pub async fn turn_on(karmada: &Karmada, graph: &Graph, reason: Option<&str>) -> Result<Option<String>, KeepError> {
    let now = karmada.stored(&graph.name).await?.paused;
    let is_ours = now.as_ref().is_some_and(|now| now.starts_with(OURS));
    let wanted = reason.map(|reason| format!("{OURS}{reason}"));
    let turns = match &wanted {
        Some(wanted) => now.is_none() || (is_ours && now.as_ref() != Some(wanted)),
        None => is_ours,
    };
    if !turns {
        return Ok(now);
    }
    karmada.pause(&graph.name, wanted.as_deref()).await?;
    Ok(wanted)
}
