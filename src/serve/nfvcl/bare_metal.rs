//! Clusters that somebody else has made, on bare metal as a rule, and that NFVCL was told of.
//!
//! Nothing is done to them here. They are listed as NFVCL has them; what is kept is their id, so that it stays the same.

use super::clusters::fresh_id;
use super::rows::BmCluster;
use super::{BM_K8S, NfvclError, Sites};
use std::collections::BTreeSet;

impl Sites {
    /// All of them.
    ///
    /// # Errors
    /// NFVCL does not answer.
    pub async fn bare_metal(&self) -> Result<Vec<BmCluster>, NfvclError> {
        self.surely(|sites| async move { sites.alone("bare-metal", sites.list_bare_metal()).await }).await
    }

    async fn list_bare_metal(&self) -> Result<Vec<BmCluster>, NfvclError> {
        let known: Vec<BmCluster> = self.rows(BM_K8S).await?;
        let mut ids: BTreeSet<String> = known.iter().map(|row| row.smo_id.clone()).collect();
        let mut listed = Vec::new();
        for seen in self.0.nfvcl.external_clusters().await? {
            let known = known.iter().find(|row| row.name == seen.name);
            let smo_id = known.map_or_else(|| fresh_id(BM_K8S, seen.area, &ids), |row| row.smo_id.clone());
            let mut networks = seen.networks.into_iter();
            let row = BmCluster {
                smo_id: smo_id.clone(),
                name: seen.name,
                pop_area: seen.area,
                is_master_area: true,
                master_flavor: serde_json::Value::Null,
                mgmt_network: networks.next(),
                service_network: networks.next(),
                running_workers: None,
            };
            if known != Some(&row) {
                self.put(BM_K8S, &smo_id, &row).await?;
            }
            ids.insert(smo_id);
            listed.push(row);
        }
        listed.sort_by(|one, other| one.smo_id.cmp(&other.smo_id));
        Ok(listed)
    }
}
