//! Clusters: listed, asked for, scaled out, taken away.

use super::answer::{Accepted, Blueprint};
use super::rows::{ClusterRequest, ClusterState, Membership, OsCluster, Vim};
use super::{NfvclError, OS_K8S, Sites, body};
use crate::backend::live::outside::{CallError, Class};
use crate::serve::at::At;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// Workers that may be asked for at once.
const WORKERS_MAX: u32 = 100;
/// Letters at the end of an id.
const LETTERS: usize = 5;
/// Karmada empties a member that is let go for so long, looked at so often, before NFVCL takes the machines away.
const LET_GO: (u32, Duration) = (60, Duration::from_secs(1));

impl Sites {
    /// All clusters, those that were asked for first at first; those of an area where one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn clusters(&self, pop_area: Option<i64>) -> Result<Vec<OsCluster>, NfvclError> {
        let mut clusters: Vec<OsCluster> = self.rows(OS_K8S).await?;
        clusters.retain(|cluster| pop_area.is_none_or(|area| cluster.pop_area == area));
        clusters.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(clusters)
    }

    /// The cluster of that id.
    ///
    /// # Errors
    /// There is none.
    pub async fn cluster(&self, id: &str) -> Result<OsCluster, NfvclError> {
        let found = self.0.store.doc(OS_K8S, id).await?;
        found.map_or_else(|| Err(NfvclError::Absent(format!("cluster `{id}`"))), |found| super::read(OS_K8S, id, found))
    }

    /// Asks NFVCL for a cluster; the row, and what NFVCL answered, if it did.
    ///
    /// # Errors
    /// The request is not sound, there is no such VIM, NFVCL refuses it, or does not answer at all.
    pub async fn create_cluster(&self, request: ClusterRequest) -> Result<(OsCluster, Value), NfvclError> {
        check(&request)?;
        let vim = self.vim(&request.vim).await?;
        let area = request.pop_area.or(vim.pop_area);
        let area = area.filter(|area| vim.areas.contains(area)).ok_or_else(|| {
            let area = area.map_or_else(|| "no area".to_owned(), |area| format!("the area {area}"));
            NfvclError::Absent(format!("VIM `{}` with {area}; it has {:?}", vim.name, vim.areas))
        })?;
        if vim.mgmt_network.is_none() {
            return Err(NfvclError::Conflict(format!("the VIM `{}` has no network to manage a cluster by", vim.name)));
        }
        // It also shows whether NFVCL is there, before anything is written down.
        let before = self.0.nfvcl.clusters().await?;
        let mut row = new_row(&self.new_id(area).await?, area, (&vim, &request), &before);
        // Without a control plane there is nothing to join, and nobody is to wait for it.
        row.karmada.wanted &= self.0.karmada.is_some();
        self.surely(|sites| async move {
            let id = row.id.clone();
            sites.alone(&id, sites.make_cluster(row, body::cluster(&vim, area, &request))).await
        })
        .await
    }

    async fn make_cluster(&self, mut row: OsCluster, body: Value) -> Result<(OsCluster, Value), NfvclError> {
        self.put_cluster(&row).await?;
        let answer = self.0.nfvcl.create_cluster(body).await;
        let (said, whole) = match answer {
            Ok(accepted) if accepted.is_refusal() => {
                self.0.store.delete_doc(OS_K8S, &row.id).await?;
                return Err(NfvclError::Refused(format!("nfvcl: {}", accepted.detail)));
            }
            Err(error) if error.class != Class::Retryable => {
                self.0.store.delete_doc(OS_K8S, &row.id).await?;
                return Err(error.into());
            }
            // It says itself that it failed, and shows nothing that it has made. (A 502 or 504 comes from somebody in between.)
            Err(error) if error.status == Some(500) && self.found(&row).await.is_none() => {
                self.0.store.delete_doc(OS_K8S, &row.id).await?;
                return Err(NfvclError::Refused(error.to_string()));
            }
            Ok(accepted) => {
                row.nfvcl_id = accepted.blueprint();
                (accepted.detail.clone(), accepted.whole)
            }
            Err(error) => (error.to_string(), Value::Null),
        };
        if row.nfvcl_id.is_none() {
            // It may have been accepted all the same: what is there now and was not before is it.
            row.nfvcl_id = self.found(&row).await;
        }
        if row.nfvcl_id.is_some() {
            row.state = ClusterState::Deploying;
            row.not_it.clear();
        } else {
            row.state = ClusterState::Unclear;
            row.reason = Some(format!("NFVCL has not said which cluster it makes, if one; looked for ({said})"));
        }
        row.updated_at = At::now();
        self.put_cluster(&row).await?;
        self.tell("cluster.requested", &row.id, format!("NFVCL is asked for the cluster {}", row.id)).await;
        Ok((row, whole))
    }

    /// The blueprint that a row stands for, if there is exactly one that it may.
    async fn found(&self, row: &OsCluster) -> Option<String> {
        let listed = self.0.nfvcl.clusters().await.ok()?;
        let rows = self.clusters(None).await.ok()?;
        adoptable(row, &listed, &rows).map(|blueprint| blueprint.id.clone())
    }

    /// An id that no cluster has, in no case of letters: members of Karmada have small ones.
    pub(super) async fn new_id(&self, area: i64) -> Result<String, NfvclError> {
        let known = self.clusters(None).await?.into_iter().map(|cluster| cluster.id).collect();
        Ok(fresh_id(OS_K8S, area, &known))
    }

    /// Asks NFVCL for more workers; the row, and what NFVCL answered.
    ///
    /// # Errors
    /// There is no such cluster, it is not ready, or NFVCL refuses or does not answer.
    pub async fn scale_out(&self, id: &str, workers: u32) -> Result<(OsCluster, Value), NfvclError> {
        if workers == 0 || workers > WORKERS_MAX {
            return Err(NfvclError::Invalid(format!("`workers`: wanted 1 to {WORKERS_MAX}")));
        }
        let id = self.cluster(id).await?.id;
        self.surely(|sites| async move { sites.alone(&id, sites.add_workers(&id, workers)).await }).await
    }

    async fn add_workers(&self, id: &str, workers: u32) -> Result<(OsCluster, Value), NfvclError> {
        let mut row = self.cluster(id).await?;
        let Some(blueprint) = row.nfvcl_id.clone().filter(|_| row.state == ClusterState::Ready) else {
            return Err(NfvclError::Conflict(format!("the cluster `{id}` is not ready; it is scaled out when it is")));
        };
        let body = body::workers((&row.mgmt_network, &row.service_network), row.pop_area, workers);
        let accepted = self.0.nfvcl.add_workers(&blueprint, body).await?;
        if accepted.is_refusal() {
            return Err(NfvclError::Refused(format!("nfvcl: {}", accepted.detail)));
        }
        (row.state, row.reason, row.updated_at) = (ClusterState::Deploying, None, At::now());
        self.put_cluster(&row).await?;
        self.tell("cluster.scaled-out", id, format!("NFVCL is asked for {workers} workers more of {id}")).await;
        Ok((row, accepted.whole))
    }

    /// Lets a cluster go: out of Karmada, then from NFVCL. The row stays, `deleting`, until NFVCL lists it no more. With `force` what
    /// Karmada or NFVCL makes of it is not waited for.
    ///
    /// # Errors
    /// There is no such cluster, Karmada still empties it, or NFVCL refuses or does not answer: the row is kept.
    pub async fn delete_cluster(&self, id: &str, force: bool) -> Result<(OsCluster, Value), NfvclError> {
        let id = self.cluster(id).await?.id;
        self.surely(|sites| async move { sites.alone(&id, sites.remove_cluster(&id, force)).await }).await
    }

    async fn remove_cluster(&self, id: &str, force: bool) -> Result<(OsCluster, Value), NfvclError> {
        let mut row = self.cluster(id).await?;
        let Some(blueprint) = row.nfvcl_id.clone() else {
            if row.state == ClusterState::Unclear && !force {
                let reason = format!(
                    "NFVCL may be making `{id}`; with force its row is forgotten, and a sync finds what there is"
                );
                return Err(NfvclError::Conflict(reason));
            }
            self.0.store.delete_doc(OS_K8S, id).await?;
            return Ok((row, Value::Null));
        };
        if let Err(error) = self.let_go(&mut row).await
            && !force
        {
            return Err(error);
        }
        let is_listed = self.0.nfvcl.clusters().await?.iter().any(|one| one.id == blueprint);
        let young = row.state == ClusterState::Deploying && row.updated_at.after(super::follow::UNLISTED) > At::now();
        if !is_listed && !young {
            self.0.store.delete_doc(OS_K8S, id).await?;
            self.tell("cluster.deleted", id, format!("NFVCL has no cluster {id} any more")).await;
            return Ok((row, Value::Null));
        }
        let accepted: Accepted = self.0.nfvcl.remove_cluster(&blueprint, force).await.map_err(not_now)?;
        if accepted.is_refusal() {
            return Err(NfvclError::Refused(format!("nfvcl: {}", accepted.detail)));
        }
        (row.state, row.reason, row.updated_at) = (ClusterState::Deleting, None, At::now());
        self.put_cluster(&row).await?;
        Ok((row, accepted.whole))
    }

    /// Out of Karmada, if it is in there, and empty.
    async fn let_go(&self, row: &mut OsCluster) -> Result<(), NfvclError> {
        let (Some(karmada), Some(name)) = (&self.0.karmada, row.karmada.name.clone()) else { return Ok(()) };
        if row.karmada.is_ours {
            let (looks, apart) = LET_GO;
            let mut is_there = karmada.unjoin(&name).await?;
            for _ in 0..looks {
                if !is_there || !karmada.is_member(&name).await? {
                    is_there = false;
                    break;
                }
                tokio::time::sleep(apart).await;
            }
            if is_there {
                let reason = format!("Karmada still empties its member `{name}`; try again, or with force");
                return Err(NfvclError::Conflict(reason));
            }
        }
        row.karmada = Membership::default();
        self.put_cluster(row).await?;
        self.tell("cluster.left", &row.id, format!("{} is no member of Karmada any more", row.id)).await;
        Ok(())
    }
}

/// The one blueprint that a row without one may stand for: in its area, not there before, and nobody else's.
pub(super) fn adoptable<'a>(row: &OsCluster, listed: &'a [Blueprint], rows: &[OsCluster]) -> Option<&'a Blueprint> {
    let is_taken = |id: &String| rows.iter().any(|other| other.nfvcl_id.as_ref() == Some(id));
    let mut fitting = listed
        .iter()
        .filter(|one| one.area == Some(row.pop_area) && !row.not_it.contains(&one.id) && !is_taken(&one.id));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

fn new_row(id: &str, area: i64, (vim, request): (&Vim, &ClusterRequest), before: &[Blueprint]) -> OsCluster {
    let now = At::now();
    OsCluster {
        id: id.to_owned(),
        nfvcl_id: None,
        vim: Some(vim.name.clone()),
        pop_area: area,
        is_master_area: true,
        mgmt_network: vim.mgmt_network.clone(),
        service_network: vim.service_network.clone(),
        master_flavor: request.master_flavor.clone().unwrap_or_default(),
        running_workers: 0,
        state: ClusterState::Creating,
        reason: None,
        karmada: Membership { wanted: request.join, ..Membership::default() },
        created_at: now,
        updated_at: now,
        not_it: before.iter().map(|one| one.id.clone()).collect(),
    }
}

fn check(request: &ClusterRequest) -> Result<(), NfvclError> {
    let invalid = |reason: String| Err(NfvclError::Invalid(reason));
    if request.workers == 0 || request.workers > WORKERS_MAX {
        return invalid(format!("`workers`: wanted 1 to {WORKERS_MAX}"));
    }
    if request.cni.as_ref().is_some_and(|cni| !matches!(cni.as_str(), "flannel" | "calico")) {
        return invalid("`cni`: wanted flannel or calico".to_owned());
    }
    for (field, flavor) in [("master_flavor", &request.master_flavor), ("worker_flavor", &request.worker_flavor)] {
        if flavor.as_ref().is_some_and(|flavor| !flavor.is_object()) {
            return invalid(format!("`{field}`: wanted a map like {{\"vcpu_count\": \"2\"}}"));
        }
    }
    Ok(())
}

/// NFVCL answers 500 to what it does not know; that is no sign that it is away.
fn not_now(error: CallError) -> NfvclError {
    match error.status {
        Some(500) => NfvclError::Refused(error.to_string()),
        _ => error.into(),
    }
}

/// An id like `OS_K8S_4_aBcDe` that differs from those that are known by more than the case of its letters.
pub(super) fn fresh_id(kind: &str, area: i64, known: &BTreeSet<String>) -> String {
    loop {
        let id = format!("{}_{area}_{}", kind.to_uppercase(), letters());
        if !known.iter().any(|other| other.eq_ignore_ascii_case(&id)) {
            return id;
        }
    }
}

/// Random letters.
fn letters() -> String {
    const ALPHABET: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::new();
    while text.len() < LETTERS {
        let mut bytes = [0; 16];
        getrandom_0_2::getrandom(&mut bytes).expect("the system has random numbers");
        // Of 256 values the last 48 are left out, so that every letter is as likely as the others.
        let fair = bytes.into_iter().filter(|byte| usize::from(*byte) < 4 * ALPHABET.len());
        text.extend(fair.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])));
    }
    text.truncate(LETTERS);
    text
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn letters_are_five_and_differ() {
        let some: std::collections::BTreeSet<String> = (0..50).map(|_| letters()).collect();
        assert!(
            some.len() > 45
                && some.iter().all(|text| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_alphabetic()))
        );
    }
}
