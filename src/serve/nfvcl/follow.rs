//! What is on its way: clusters that NFVCL makes, changes or takes away are looked at until that is through.
//!
//! Of several servers the one that holds the lease `nfvcl` looks. It asks NFVCL only as long as something is on its way.

use super::answer::Blueprint;
use super::clusters::adoptable;
use super::rows::{ClusterState, OsCluster};
use super::sync::take;
use super::{NfvclError, OS_K8S, Sites};
use crate::serve::at::At;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// Looks so far apart.
const LOOK: Duration = Duration::from_secs(5);
/// Who looks.
const LEASE: (&str, Duration) = ("nfvcl", Duration::from_mins(1));
/// NFVCL lists what it has accepted only after a while.
pub(super) const UNLISTED: Duration = Duration::from_mins(2);
/// A cluster of which NFVCL has not said which it is, is looked for so long.
const LOOKED_FOR: Duration = Duration::from_mins(10);

impl Sites {
    /// Looks after what is on its way until `shutdown`.
    pub async fn follow(self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                _ = look.tick() => {}
            }
            let (lease, lasting) = LEASE;
            match self.0.store.acquire(lease, &self.0.me, lasting).await {
                // An end does not wait for an NFVCL that hangs: what is broken off is taken up by the next look, of whichever server.
                Ok(true) => tokio::select! {
                    () = &mut shutdown => break,
                    () = self.look() => {}
                },
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "clusters of NFVCL are not looked after: the store does not answer");
                }
            }
        }
        if let Err(error) = self.0.store.release(LEASE.0, &self.0.me).await {
            tracing::debug!(%error, "the lease of NFVCL runs out by itself");
        }
    }

    /// One look at everything that is on its way.
    pub async fn look(&self) {
        if let Err(error) = self.try_look().await {
            tracing::warn!(%error, "clusters of NFVCL are not looked after");
        }
    }

    async fn try_look(&self) -> Result<(), NfvclError> {
        let rows = self.clusters(None).await?;
        let on_their_way: Vec<&OsCluster> = rows.iter().filter(|row| self.is_on_its_way(row)).collect();
        if on_their_way.is_empty() {
            return Ok(());
        }
        let listed = self.0.nfvcl.clusters().await?;
        for row in on_their_way {
            if let Err(error) = self.alone(&row.id, Box::pin(self.advance(&row.id, &listed))).await {
                tracing::warn!(cluster = %row.id, %error, "a cluster of NFVCL is not brought on");
            }
        }
        Ok(())
    }

    fn is_on_its_way(&self, row: &OsCluster) -> bool {
        match row.state {
            ClusterState::Ready => self.joins_now(row),
            ClusterState::Failed => false,
            _ => true,
        }
    }

    async fn advance(&self, id: &str, listed: &[Blueprint]) -> Result<(), NfvclError> {
        let rows = self.clusters(None).await?;
        // It may have been deleted meanwhile.
        let Some(mut row) = rows.iter().find(|row| row.id == id).cloned() else { return Ok(()) };
        let before = row.clone();
        let blueprint = match &row.nfvcl_id {
            Some(nfvcl_id) => listed.iter().find(|one| one.id == *nfvcl_id),
            None => adoptable(&row, listed, &rows)
                .filter(|_| is_older(&row, UNLISTED) || row.state == ClusterState::Unclear),
        };
        match blueprint {
            Some(blueprint) => {
                take(&mut row, blueprint);
                if self.joins_now(&row) {
                    self.join(&mut row, blueprint).await;
                }
            }
            None if row.nfvcl_id.is_none() => unclear(&mut row),
            None if row.state == ClusterState::Deleting => {
                self.0.store.delete_doc(OS_K8S, id).await?;
                self.tell("cluster.deleted", id, format!("NFVCL has taken the cluster {id} away")).await;
                return Ok(());
            }
            None if is_older(&row, UNLISTED) => {
                row.state = ClusterState::Failed;
                row.reason = Some("NFVCL lists it no more".to_owned());
            }
            None => {}
        }
        if row != before {
            row.updated_at = At::now();
            self.put_cluster(&row).await?;
            self.tell_of(&before, &row).await;
        }
        Ok(())
    }

    /// Tells of what is through.
    async fn tell_of(&self, before: &OsCluster, row: &OsCluster) {
        if before.state != row.state {
            match row.state {
                ClusterState::Ready => {
                    self.tell("cluster.ready", &row.id, format!("the cluster {} is ready", row.id)).await;
                }
                ClusterState::Failed => {
                    let reason = row.reason.as_deref().unwrap_or("NFVCL does not say why");
                    self.tell("cluster.failed", &row.id, format!("the cluster {} has failed: {reason}", row.id)).await;
                }
                _ => {}
            }
        }
        if let (None, Some(name)) = (&before.karmada.name, &row.karmada.name) {
            self.tell("cluster.joined", &row.id, format!("{} is the member {name} of Karmada", row.id)).await;
        }
    }
}

/// A row without a blueprint: first it waits for NFVCL's answer, then it is looked for, then it is given up.
fn unclear(row: &mut OsCluster) {
    match row.state {
        ClusterState::Creating if is_older(row, UNLISTED) => {
            row.state = ClusterState::Unclear;
            row.reason = Some("the server ended before NFVCL had answered; the cluster is looked for".to_owned());
        }
        ClusterState::Unclear if row.created_at.after(LOOKED_FOR) <= At::now() => {
            row.state = ClusterState::Failed;
            row.reason = Some("NFVCL lists no cluster that it may be; delete it, and ask again".to_owned());
        }
        _ => {}
    }
}

fn is_older(row: &OsCluster, than: Duration) -> bool {
    row.updated_at.after(than) <= At::now()
}

#[cfg(test)]
mod tests {
    use super::{ClusterState, OsCluster};
    use crate::backend::live::http::Auth;
    use crate::serve::at::At;
    use crate::serve::nfvcl::rows::Membership;
    use crate::serve::nfvcl::{Nfvcl, Sites, Version};
    use crate::serve::store::Store;
    use serde_json::Value;
    use std::time::Duration;

    fn row() -> OsCluster {
        OsCluster {
            id: "OS_K8S_4_aBcDe".to_owned(),
            nfvcl_id: Some("K8S1".to_owned()),
            vim: None,
            pop_area: 4,
            is_master_area: true,
            mgmt_network: None,
            service_network: None,
            master_flavor: Value::Null,
            running_workers: 0,
            state: ClusterState::Deploying,
            reason: None,
            karmada: Membership::default(),
            created_at: At::now(),
            updated_at: At::now(),
            not_it: Vec::new(),
        }
    }

    #[tokio::test]
    async fn an_end_does_not_wait_for_an_nfvcl_that_hangs() {
        let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", hangs.local_addr().unwrap());
        let store = Store::open("sqlite://:memory:").await.unwrap();
        let nfvcl = Nfvcl::new(&url, Version::Auto, Auth::None).unwrap();
        let sites = Sites::new(store, nfvcl, None, "me".to_owned());
        sites.put_cluster(&row()).await.unwrap();
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let following = tokio::spawn(sites.follow(async move {
            let _ = told.await;
        }));
        let _asked = hangs.accept().await.unwrap();
        drop(tell);
        // One call may take thirty.
        tokio::time::timeout(Duration::from_secs(10), following).await.expect("it ends at once").unwrap();
    }
}
