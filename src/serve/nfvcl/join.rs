//! From ready to a member of Karmada: its kubeconfig is asked for, and it is joined in push mode.
//!
//! (NFVCL can have a cluster register itself, in pull mode; that needs an agent in it, a token of ours inside NFVCL, and says nothing
//! of how it went.) What goes wrong is tried again, less and less often: a cluster that is ready may not answer yet.

use super::Sites;
use super::answer::Blueprint;
use super::rows::{ClusterState, OsCluster};
use crate::backend::live::karmada::Karmada;
use crate::backend::live::karmada::join::{Joined, Joining};
use crate::backend::live::karmada::member::Member;
use crate::backend::live::outside::CallError;
use crate::serve::at::At;
use std::time::Duration;

/// The first pause after a join that failed; it doubles.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_mins(5);

impl Sites {
    /// Whether a cluster is to be joined now.
    pub(super) fn joins_now(&self, row: &OsCluster) -> bool {
        let is_due = row.karmada.next_try.is_none_or(|(_, at)| at <= At::now());
        let is_wanted = row.karmada.wanted && row.karmada.name.is_none() && self.0.karmada.is_some();
        row.state == ClusterState::Ready && is_wanted && is_due
    }

    /// Joins a cluster, or notes why not and when next.
    pub(super) async fn join(&self, row: &mut OsCluster, blueprint: &Blueprint) {
        let Some(karmada) = &self.0.karmada else { return };
        match self.try_join(karmada, row, blueprint).await {
            Ok(Some(joined)) => {
                // Also where an earlier try has made it one and we fell before we noted it.
                row.karmada.is_ours = joined.is_new || joined.name == member_name(&row.id);
                row.karmada.name = Some(joined.name);
                (row.karmada.reason, row.karmada.next_try) = (None, None);
            }
            Ok(None) => later(row, "NFVCL has no kubeconfig of it yet".to_owned()),
            Err(error) => later(row, error.to_string()),
        }
    }

    async fn try_join(
        &self,
        karmada: &Karmada,
        row: &OsCluster,
        blueprint: &Blueprint,
    ) -> Result<Option<Joined>, CallError> {
        let Some(kubeconfig) = self.0.nfvcl.kubeconfig(blueprint).await? else { return Ok(None) };
        let member = Member::of_kubeconfig(&kubeconfig).await?;
        let region = Some(format!("area-{}", row.pop_area));
        let joining = Joining { name: member_name(&row.id), region, provider: Some("nfvcl".to_owned()) };
        karmada.join(&member, &joining).await.map(Some)
    }
}

fn later(row: &mut OsCluster, reason: String) {
    let tries = row.karmada.next_try.map_or(0, |(tries, _)| tries);
    let pause = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(tries)).min(PAUSE_MAX);
    row.karmada.reason = Some(reason);
    row.karmada.next_try = Some((tries.saturating_add(1), At::now().after(pause)));
}

/// What a cluster is called in Karmada, whose names have small letters and hyphens.
pub(super) fn member_name(id: &str) -> String {
    id.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::member_name;

    #[test]
    fn a_member_is_called_by_the_id_of_the_cluster() {
        assert_eq!(member_name("OS_K8S_4_aBcDe"), "os-k8s-4-abcde");
    }
}
