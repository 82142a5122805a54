//! What NFVCL did without us: its VIMs and clusters, taken over into the rows.
//!
//! An area narrows what is looked at *and* what may be taken away: a row outside of it is not touched. A row goes only where NFVCL
//! lists it nowhere, not where a filter hides it (the original compared a number with a text, and so dropped them all); and one that is
//! a member of Karmada does not go at all, since graphs may run there.

use super::answer::{Blueprint, Topology, VimSeen};
use super::clusters::adoptable;
use super::follow::UNLISTED;
use super::rows::{ClusterState, Membership, OsCluster, Vim};
use super::{NfvclError, OS_K8S, Sites};
use crate::serve::at::At;
use serde::Serialize;
use utoipa::ToSchema;

/// What a sync of VIMs found.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct VimSync {
    /// All VIMs, as they are now.
    pub items: Vec<Vim>,
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that have changed, also those that NFVCL has no more.
    pub updated: Vec<String>,
}

/// What a sync of clusters found.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClusterSync {
    /// All clusters that were looked at, as they are now.
    pub items: Vec<OsCluster>,
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that have changed.
    pub updated: Vec<String>,
    /// Those that NFVCL has no more.
    pub deleted: Vec<String>,
}

impl Sites {
    /// Takes over the VIMs that NFVCL knows. One that it knows no more is kept, and marked.
    ///
    /// # Errors
    /// NFVCL does not answer.
    pub async fn sync_vims(&self) -> Result<VimSync, NfvclError> {
        self.surely(|sites| async move { sites.alone("vims", sites.take_vims()).await }).await
    }

    async fn take_vims(&self) -> Result<VimSync, NfvclError> {
        let listed = self.0.nfvcl.topology().await?.unwrap_or_default();
        let (mut known, mut added, mut updated) = (self.vims(None).await?, Vec::new(), Vec::new());
        for seen in &listed.vims {
            if let Some(vim) = known.iter_mut().find(|vim| vim.name == seen.name) {
                if take_vim(vim, seen) {
                    updated.push(vim.name.clone());
                }
                self.put_vim(vim).await?;
            } else {
                let vim = new_vim(super::vims::next(&known), seen);
                self.put_vim(&vim).await?;
                added.push(vim.name.clone());
                known.push(vim);
            }
        }
        for vim in known.iter_mut().filter(|vim| is_gone(vim, &listed)) {
            vim.present = false;
            vim.reason = Some("NFVCL lists it no more".to_owned());
            self.put_vim(vim).await?;
            updated.push(vim.name.clone());
        }
        Ok(VimSync { items: known, added, updated })
    }

    /// Takes over the clusters that NFVCL has; those of an area where one is named.
    ///
    /// # Errors
    /// NFVCL does not answer.
    pub async fn sync_clusters(&self, pop_area: Option<i64>) -> Result<ClusterSync, NfvclError> {
        self.surely(move |sites| async move { sites.alone("clusters", Box::pin(sites.take_clusters(pop_area))).await })
            .await
    }

    async fn take_clusters(&self, pop_area: Option<i64>) -> Result<ClusterSync, NfvclError> {
        let listed = self.0.nfvcl.clusters().await?;
        let (mut added, mut updated, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
        let is_meant = |area: Option<i64>| pop_area.is_none() || area == pop_area;
        for blueprint in listed.iter().filter(|one| is_meant(one.area)) {
            let rows = self.clusters(None).await?;
            if let Some(row) = rows.iter().find(|row| row.nfvcl_id.as_ref() == Some(&blueprint.id)) {
                if self.update(&row.id, blueprint).await? {
                    updated.push(row.id.clone());
                }
            } else if let Some(row) = rows.iter().find(|row| may_be(row, blueprint)) {
                // One that is being asked for right now gets its blueprint from NFVCL's answer.
                let is_it = adoptable(row, &listed, &rows).is_some();
                if row.state == ClusterState::Unclear && is_it && self.update(&row.id, blueprint).await? {
                    updated.push(row.id.clone());
                } else if row.state == ClusterState::Unclear {
                    added.extend(self.insert(blueprint).await?);
                }
            } else {
                added.extend(self.insert(blueprint).await?);
            }
        }
        for row in self.clusters(pop_area).await? {
            let is_unlisted = row.nfvcl_id.as_ref().is_some_and(|id| !listed.iter().any(|one| one.id == *id));
            if is_unlisted && self.drop_unlisted(&row.id, &listed).await? {
                deleted.push(row.id);
            }
        }
        Ok(ClusterSync { items: self.clusters(pop_area).await?, added, updated, deleted })
    }

    /// Brings a row up to date; whether that changed it.
    async fn update(&self, id: &str, blueprint: &Blueprint) -> Result<bool, NfvclError> {
        self.alone(id, async {
            let mut row = self.cluster(id).await?;
            let before = row.clone();
            take(&mut row, blueprint);
            if row == before {
                return Ok(false);
            }
            row.updated_at = At::now();
            self.put_cluster(&row).await?;
            Ok(true)
        })
        .await
    }

    /// A row for a blueprint that nobody asked for here; none as long as its area is not known.
    async fn insert(&self, blueprint: &Blueprint) -> Result<Option<String>, NfvclError> {
        let Some(area) = blueprint.area else { return Ok(None) };
        let id = self.new_id(area).await?;
        let vims = self.vims(Some(area)).await?;
        let now = At::now();
        let mut row = OsCluster {
            id: id.clone(),
            nfvcl_id: None,
            vim: vims.first().map(|vim| vim.name.clone()),
            pop_area: area,
            is_master_area: true,
            mgmt_network: None,
            service_network: None,
            master_flavor: serde_json::Value::Null,
            running_workers: 0,
            state: ClusterState::Deploying,
            reason: None,
            // Whoever made it elsewhere has not asked for that.
            karmada: Membership::default(),
            created_at: now,
            updated_at: now,
            not_it: Vec::new(),
        };
        take(&mut row, blueprint);
        self.put_cluster(&row).await?;
        self.tell("cluster.found", &id, format!("NFVCL has a cluster {}, from here on {id}", blueprint.id)).await;
        Ok(Some(id))
    }

    /// Drops a row that NFVCL does not list; whether it is gone.
    async fn drop_unlisted(&self, id: &str, listed: &[Blueprint]) -> Result<bool, NfvclError> {
        self.alone(id, async {
            let mut row = self.cluster(id).await?;
            let is_listed = listed.iter().any(|one| row.nfvcl_id.as_ref() == Some(&one.id));
            let is_young = row.state == ClusterState::Deploying && row.updated_at.after(UNLISTED) > At::now();
            if is_listed || is_young {
                return Ok(false);
            }
            if let Some(name) = &row.karmada.name {
                let reason =
                    format!("NFVCL lists it no more, but it is the member `{name}` of Karmada; delete it to let it go");
                if row.reason.as_ref() != Some(&reason) {
                    (row.state, row.reason, row.updated_at) = (ClusterState::Failed, Some(reason), At::now());
                    self.put_cluster(&row).await?;
                }
                return Ok(false);
            }
            self.0.store.delete_doc(OS_K8S, id).await?;
            self.tell("cluster.deleted", id, format!("NFVCL has no cluster {id} any more")).await;
            Ok(true)
        })
        .await
    }
}

/// Whether a row without a blueprint may stand for this one.
fn may_be(row: &OsCluster, blueprint: &Blueprint) -> bool {
    row.nfvcl_id.is_none() && blueprint.area == Some(row.pop_area) && !row.not_it.contains(&blueprint.id)
}

/// Takes over what NFVCL says of a cluster. What it does not say stays as it is.
pub(super) fn take(row: &mut OsCluster, blueprint: &Blueprint) {
    row.nfvcl_id = Some(blueprint.id.clone());
    row.not_it.clear();
    row.running_workers = blueprint.workers;
    row.pop_area = blueprint.area.unwrap_or(row.pop_area);
    for (field, said) in
        [(&mut row.mgmt_network, &blueprint.mgmt_network), (&mut row.service_network, &blueprint.service_network)]
    {
        if said.is_some() {
            field.clone_from(said);
        }
    }
    if !blueprint.master_flavor.is_null() {
        row.master_flavor.clone_from(&blueprint.master_flavor);
    }
    let (state, reason) = match (blueprint.operation.as_str(), blueprint.is_broken) {
        ("idle", true) => (ClusterState::Failed, Some(blueprint.detail.clone()).filter(|said| !said.is_empty())),
        // It was asked to go, and has not begun.
        ("idle", false) if row.state == ClusterState::Deleting && row.updated_at.after(UNLISTED) > At::now() => {
            (ClusterState::Deleting, None)
        }
        ("idle", false) => (ClusterState::Ready, None),
        ("destroying", _) => (ClusterState::Deleting, None),
        _ => (ClusterState::Deploying, None),
    };
    (row.state, row.reason) = (state, reason);
}

fn is_gone(vim: &Vim, listed: &Topology) -> bool {
    vim.present && !listed.vims.iter().any(|seen| seen.name == vim.name)
}

fn new_vim(id: i64, seen: &VimSeen) -> Vim {
    let mut vim = Vim {
        id,
        name: seen.name.clone(),
        pop_area: None,
        areas: Vec::new(),
        url: String::new(),
        vim_type: String::new(),
        networks: Vec::new(),
        mgmt_network: None,
        service_network: None,
        use_floating_ip: false,
        present: true,
        reason: None,
        seen_at: At::now(),
    };
    take_vim(&mut vim, seen);
    vim
}

/// Takes over what NFVCL says of a VIM; whether that changed it. Of two networks or more the first is for management, the second for
/// services, unless they are known already.
fn take_vim(vim: &mut Vim, seen: &VimSeen) -> bool {
    let before = vim.clone();
    vim.areas.clone_from(&seen.areas);
    vim.pop_area = vim.pop_area.filter(|area| seen.areas.contains(area)).or_else(|| seen.areas.first().copied());
    vim.url.clone_from(&seen.url);
    vim.vim_type.clone_from(&seen.vim_type);
    vim.networks.clone_from(&seen.networks);
    vim.use_floating_ip = seen.use_floating_ip;
    let at = |place: usize| seen.networks.get(place).filter(|_| seen.networks.len() >= 2).cloned();
    for (field, place) in [(&mut vim.mgmt_network, 0), (&mut vim.service_network, 1)] {
        let known = field.take().filter(|name| seen.networks.contains(name));
        *field = known.or_else(|| at(place));
    }
    (vim.present, vim.reason) = (true, None);
    let changed = *vim != before;
    vim.seen_at = At::now();
    changed
}
