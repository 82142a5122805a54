//! Makes a cluster a member of Karmada, as `karmadactl join` does, and lets it go again.
//!
//! Push mode: Karmada acts in the member by an account of its own there, whose token lies in a secret beside the object `Cluster`.
//! Every step may be done twice, so a join that broke off is finished by the next. A cluster that is a member already, under
//! whatever name, is left as it is: joined twice, it would count twice.
//!
//! The secrets belong to the object `Cluster`, so that they go with it. The account in the member stays: who lets a member go
//! may not be able to reach it any more.

use super::member::{Member, SYSTEM, Side, named};
use super::{CLUSTER, CallError, Class, Karmada, MEMBERS, NAMESPACE, SECRET};
use crate::backend::live::names::is_name;
use kube::api::{DynamicObject, ListParams};
use serde_json::{Value, json};

/// Letters that a member's name may have.
const NAME_MAX: usize = 48;

/// What a new member is called, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Joining {
    /// Its name in Karmada.
    pub name: String,
    /// Its region, where one is known.
    pub region: Option<String>,
    /// Its provider, where one is known.
    pub provider: Option<String>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Its name in Karmada: another than was asked for where it was a member already.
    pub name: String,
    /// Whether it was not one before.
    pub is_new: bool,
}

impl Karmada {
    /// Makes `member` one, as `joining` says.
    ///
    /// # Errors
    /// The name is none or another cluster's, or one of the two API servers does not answer or refuses.
    pub async fn join(&self, member: &Member, joining: &Joining) -> Result<Joined, CallError> {
        let name = &joining.name;
        let refused = |reason: String| CallError::new("karmada", format!("join {name}"), Class::Permanent, reason);
        if !is_name(name, NAME_MAX) {
            let wanted = format!("`{name}` is no name of a member; wanted a-z, 0-9 and - inside, at most {NAME_MAX}");
            return Err(refused(wanted));
        }
        let id = member.id().await?;
        let members = self.members().await?;
        if let Some((known, _)) = members.iter().find(|(known, its)| *its == id && known != name) {
            return Ok(Joined { name: known.clone(), is_new: false });
        }
        let is_new = match members.iter().find(|(known, _)| known == name) {
            Some((_, its)) if *its != id => return Err(refused("another cluster has that name".to_owned())),
            found => found.is_none(),
        };
        let given = member.credentials(name).await?;
        let side = self.side();
        side.ensure(NAMESPACE, None, named(NAMESPACE, MEMBERS)).await?;
        let impersonator = format!("{name}-impersonator");
        let secret = |name: &str, data: Value| {
            let mut secret = named(SECRET, name);
            secret["data"] = data;
            secret
        };
        side.put(SECRET, MEMBERS, secret(&impersonator, json!({"token": given.impersonator}))).await?;
        let own = json!({"token": given.token, "caBundle": given.certificate});
        side.put(SECRET, MEMBERS, secret(name, own)).await?;
        let cluster = side.ensure(CLUSTER, None, object(joining, &id, member)).await?;
        for name in [name, &impersonator] {
            side.merge(SECRET, MEMBERS, (name, &json!({"metadata": {"ownerReferences": [owner(&cluster)]}}))).await?;
        }
        Ok(Joined { name: name.clone(), is_new })
    }

    /// Lets a member go: Karmada takes away what it has put there. Whether it was one; it is gone once [`Self::is_member`] says so.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn unjoin(&self, name: &str) -> Result<bool, CallError> {
        let (api, parameters) = (self.everywhere(CLUSTER), kube::api::DeleteParams::default());
        let what = format!("delete Cluster {name}");
        match self.call(&what, || async { api.delete(name, &parameters).await.map(|_| ()) }).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_absent() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether there is such a member, also one that is being let go.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn is_member(&self, name: &str) -> Result<bool, CallError> {
        Ok(self.side().get(CLUSTER, None, name).await?.is_some())
    }

    /// Names and ids of all members.
    async fn members(&self) -> Result<Vec<(String, String)>, CallError> {
        let (api, parameters) = (self.everywhere(CLUSTER), ListParams::default());
        let list = self.call("list clusters", || api.list(&parameters)).await?;
        let of = |object: &DynamicObject| {
            let id = object.data["spec"]["id"].as_str().unwrap_or_default().to_owned();
            (object.metadata.name.clone().unwrap_or_default(), id)
        };
        Ok(list.items.iter().map(of).collect())
    }

    fn side(&self) -> Side {
        Side { client: self.client.clone(), outside: self.outside.clone() }
    }
}

fn object(joining: &Joining, id: &str, member: &Member) -> Value {
    let name = &joining.name;
    let mut spec = json!({
        "id": id, "syncMode": "Push", "apiEndpoint": member.endpoint(),
        "secretRef": {"namespace": MEMBERS, "name": name},
        "impersonatorSecretRef": {"namespace": MEMBERS, "name": format!("{name}-impersonator")},
    });
    if member.insecure() {
        spec["insecureSkipTLSVerification"] = true.into();
    }
    for (key, value) in [("region", &joining.region), ("provider", &joining.provider)] {
        if let Some(value) = value {
            spec[key] = value.as_str().into();
        }
    }
    let mut object = named(CLUSTER, name);
    if let Some(labels) = object["metadata"]["labels"].as_object_mut() {
        labels.remove(SYSTEM.0);
    }
    object["spec"] = spec;
    object
}

fn owner(cluster: &DynamicObject) -> Value {
    json!({
        "apiVersion": CLUSTER.resource().api_version, "kind": CLUSTER.kind, "name": cluster.metadata.name,
        "uid": cluster.metadata.uid, "controller": true, "blockOwnerDeletion": true,
    })
}

#[cfg(test)]
mod tests;
