//! NFVCL: VIMs, and Kubernetes clusters on machines in them, made and taken away by another system.
//!
//! In reading order: `rows` (what is stored, answered and asked for), `contract` (which of its versions is spoken), `body` and
//! `answer` (what it is sent, and what it says), `client` (its calls), `login` (who we are), `error`; then [`Sites`], which is what the interface uses:
//! `vims`, `clusters`, `bare_metal` (what callers do), `sync` (what NFVCL did meanwhile), `follow` (what is on its way), `join` (from ready to a
//! member of Karmada).
//!
//! NFVCL answers `accepted` and goes on by itself. So a cluster is written down before NFVCL is asked for it, with what was there
//! before: whatever it answers, and whether or not we live to hear it, the cluster that it makes is found. Nothing is forgotten
//! that NFVCL still lists. A client that goes away breaks nothing off: changes run on without it.

pub mod answer;
mod bare_metal;
mod body;
pub mod client;
mod clusters;
pub mod contract;
mod error;
mod follow;
mod join;
mod login;
pub mod rows;
mod sync;
mod vims;

pub use client::Nfvcl;
pub use contract::Version;
pub use error::NfvclError;
pub use sync::{ClusterSync, VimSync};

use crate::backend::live::karmada::Karmada;
use crate::serve::store::asked::NewEvent;
use crate::serve::store::{Store, StoreError};
use rows::{OsCluster, Vim};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// VIMs in the store.
const VIM: &str = "vim";
/// Clusters in the store.
const OS_K8S: &str = "os_k8s";
/// Clusters that others have made, in the store: their ids.
const BM_K8S: &str = "bm_k8s";
/// A change holds its row so long, should we not live to let it go.
const ROW_LEASE: Duration = Duration::from_mins(3);
/// Another change is waited for: so often, so far apart.
const ROW_TRIES: (u32, Duration) = (100, Duration::from_millis(100));

/// VIMs and clusters, and the NFVCL that runs them. Clones are the same.
#[derive(Debug, Clone)]
pub struct Sites(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    nfvcl: Nfvcl,
    /// Where clusters become members; nowhere without a control plane.
    karmada: Option<Karmada>,
    /// This server's name, for leases.
    me: String,
    changes: AtomicU64,
}

impl Sites {
    /// Those in `store`, run by `nfvcl`; clusters become members of `karmada`. `me` is this server's name.
    pub fn new(store: Store, nfvcl: Nfvcl, karmada: Option<Karmada>, me: String) -> Self {
        Self(Arc::new(Inner { store, nfvcl, karmada, me, changes: AtomicU64::new(0) }))
    }

    /// Does `work` to its end, whether or not somebody waits for it.
    async fn surely<T, F>(&self, work: impl FnOnce(Self) -> F) -> Result<T, NfvclError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, NfvclError>> + Send + 'static,
    {
        let done = tokio::spawn(work(self.clone())).await;
        done.unwrap_or_else(|error| {
            Err(StoreError::Broken(format!("a change of NFVCL's rows broke off: {error}")).into())
        })
    }

    /// Does `work` while nobody else, in this server or another, changes what is called `name`.
    async fn alone<T>(&self, name: &str, work: impl Future<Output = Result<T, NfvclError>>) -> Result<T, NfvclError> {
        let lease = format!("nfvcl:{name}");
        let holder = format!("{}/{}", self.0.me, self.0.changes.fetch_add(1, Ordering::Relaxed));
        let (tries, apart) = ROW_TRIES;
        for _ in 0..tries {
            if self.0.store.acquire(&lease, &holder, ROW_LEASE).await? {
                let done = work.await;
                // What was done stands, whether or not the lease can be given back.
                if let Err(error) = self.0.store.release(&lease, &holder).await {
                    tracing::debug!(%error, lease, "a lease of NFVCL's rows runs out by itself");
                }
                return done;
            }
            tokio::time::sleep(apart).await;
        }
        Err(NfvclError::Conflict(format!("`{name}` is being changed by somebody else; try again")))
    }

    async fn rows<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, NfvclError> {
        let rows = self.0.store.docs(kind).await?;
        rows.into_iter().map(|(id, document)| read(kind, &id, document)).collect()
    }

    async fn put<T: Serialize>(&self, kind: &str, id: &str, row: &T) -> Result<(), NfvclError> {
        let document = serde_json::to_value(row).expect("rows are plain data");
        Ok(self.0.store.put_doc(kind, id, &document).await?)
    }

    async fn put_cluster(&self, cluster: &OsCluster) -> Result<(), NfvclError> {
        self.put(OS_K8S, &cluster.id, cluster).await
    }

    async fn put_vim(&self, vim: &Vim) -> Result<(), NfvclError> {
        self.put(VIM, &vim.name, vim).await
    }

    /// Tells what happened. That it cannot be told does not undo it.
    async fn tell(&self, kind: &str, subject: &str, message: String) {
        let subject = Some(subject.to_owned());
        let event = NewEvent { kind: kind.to_owned(), subject, message, data: Value::Null, ..NewEvent::default() };
        if let Err(error) = self.0.store.append_event(&event).await {
            tracing::warn!(%error, kind, "an event is not written down");
        }
    }
}

fn read<T: DeserializeOwned>(kind: &str, id: &str, document: Value) -> Result<T, NfvclError> {
    let broken = |error| StoreError::Broken(format!("the row {kind}/{id} is not what it should be: {error}")).into();
    serde_json::from_value(document).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::{Nfvcl, Sites, Version};
    use crate::backend::live::http::Auth;
    use crate::serve::store::Store;

    #[tokio::test]
    async fn what_was_done_stands_where_the_store_goes_away_behind_it() {
        let store = Store::open("sqlite://:memory:").await.unwrap();
        let nfvcl = Nfvcl::new("http://127.0.0.1:9", Version::Auto, Auth::None).unwrap();
        let sites = Sites::new(store.clone(), nfvcl, None, "me".to_owned());
        let work = async {
            store.close().await;
            Ok(7)
        };
        assert_eq!(sites.alone("row", work).await.unwrap(), 7);
    }
}
