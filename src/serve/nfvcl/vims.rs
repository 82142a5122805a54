//! VIMs: listed, made known to NFVCL, taken away from it.

use super::answer::{Accepted, Task, Topology};
use super::rows::{Net, OsCluster, Vim, VimRequest};
use super::{NfvclError, OS_K8S, Sites, VIM, body};
use crate::serve::at::At;
use serde_json::Value;

/// Letters of a name.
const NAME_MAX: usize = 50;

impl Sites {
    /// All VIMs, by their number; those of an area where one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn vims(&self, pop_area: Option<i64>) -> Result<Vec<Vim>, NfvclError> {
        let mut vims: Vec<Vim> = self.rows(VIM).await?;
        vims.retain(|vim| pop_area.is_none_or(|area| vim.areas.contains(&area)));
        vims.sort_by_key(|vim| vim.id);
        Ok(vims)
    }

    /// The VIM of that name, or number.
    ///
    /// # Errors
    /// There is none.
    pub async fn vim(&self, name: &str) -> Result<Vim, NfvclError> {
        let vims = self.vims(None).await?;
        let named = vims.iter().find(|vim| vim.name == name);
        let found = named.or_else(|| vims.iter().find(|vim| name.parse() == Ok(vim.id)));
        found.cloned().ok_or_else(|| NfvclError::Absent(format!("VIM `{name}`")))
    }

    /// Makes a VIM known to NFVCL; the row, and what NFVCL answered.
    ///
    /// # Errors
    /// It is not sound, known already, or NFVCL refuses it or does not answer.
    pub async fn create_vim(&self, request: VimRequest) -> Result<(Vim, Value), NfvclError> {
        check(&request)?;
        self.surely(|sites| async move { sites.alone("vims", sites.make_vim(&request)).await }).await
    }

    async fn make_vim(&self, request: &VimRequest) -> Result<(Vim, Value), NfvclError> {
        let known = self.vims(None).await?;
        if known.iter().any(|vim| vim.name == request.name && vim.present) {
            return Err(NfvclError::Conflict(format!("the VIM `{}` is known already", request.name)));
        }
        let contract = self.0.nfvcl.contract().await?;
        let topology = self.0.nfvcl.topology().await?;
        free(request, topology.as_ref())?;
        let vim = body::vim(&contract, request);
        let nets = [&request.mgmt_network, &request.service_network];
        let accepted = match topology {
            None => {
                let networks = nets.map(body::network);
                self.accepted(self.0.nfvcl.create_topology(body::topology(&request.topology, &vim, &networks)).await?)
                    .await?
            }
            Some(topology) => self.add_vim(vim, &nets, &topology).await?,
        };
        // NFVCL may have accepted it and dropped it later: what it lists counts.
        let listed = self.0.nfvcl.topology().await?.unwrap_or_default();
        let present = listed.vims.iter().any(|seen| seen.name == request.name);
        let row = Vim {
            id: known.iter().find(|vim| vim.name == request.name).map_or_else(|| next(&known), |vim| vim.id),
            name: request.name.clone(),
            pop_area: Some(request.pop_area),
            areas: vec![request.pop_area],
            url: request.url.clone(),
            vim_type: request.vim_type.as_str().to_owned(),
            networks: nets.map(|net| net.name.clone()).to_vec(),
            mgmt_network: Some(request.mgmt_network.name.clone()),
            service_network: Some(request.service_network.name.clone()),
            use_floating_ip: request.use_floating_ip,
            present,
            reason: (!present).then(|| "NFVCL has accepted it, and does not list it yet; a sync asks again".to_owned()),
            seen_at: At::now(),
        };
        self.put_vim(&row).await?;
        self.tell("vim.created", &row.name, format!("NFVCL knows the VIM {}", row.name)).await;
        Ok((row, accepted.whole))
    }

    /// Adds the networks that are missing, and the VIM; networks go again where the VIM is refused.
    async fn add_vim(&self, vim: Value, nets: &[&Net], topology: &Topology) -> Result<Accepted, NfvclError> {
        let mut added: Vec<&str> = Vec::new();
        let missing = nets.iter().filter(|net| !topology.networks.contains(&net.name));
        let mut outcome = Ok(());
        for net in missing {
            if !added.contains(&net.name.as_str()) {
                let answer = self.0.nfvcl.add_network(body::network(net)).await;
                outcome = self.through(answer).await.map(|_accepted| added.push(&net.name));
            }
            if outcome.is_err() {
                break;
            }
        }
        let outcome = match outcome {
            Ok(()) => self.through(self.0.nfvcl.add_vim(vim).await).await,
            Err(error) => Err(error),
        };
        // Where nothing is known of what became of it, its networks stay: it may need them.
        if matches!(outcome, Err(NfvclError::Refused(_) | NfvclError::Conflict(_))) {
            for name in added {
                if let Err(error) = self.0.nfvcl.remove_network(name).await {
                    tracing::warn!(%error, network = name, "a network of a VIM that was refused stays in NFVCL");
                }
            }
        }
        outcome
    }

    async fn through(
        &self,
        answer: Result<Accepted, crate::backend::live::outside::CallError>,
    ) -> Result<Accepted, NfvclError> {
        self.accepted(answer?).await
    }

    /// What was accepted, once it is through.
    pub(super) async fn accepted(&self, accepted: Accepted) -> Result<Accepted, NfvclError> {
        match self.0.nfvcl.finished(&accepted).await? {
            Task::Failed(reason) => Err(NfvclError::Refused(format!("nfvcl: {reason}"))),
            Task::Done | Task::Running => Ok(accepted),
        }
    }

    /// Takes a VIM away from NFVCL, and its row; what NFVCL answered.
    ///
    /// # Errors
    /// There is none, clusters are in it, or NFVCL refuses or does not answer.
    pub async fn delete_vim(&self, name: &str) -> Result<(Vim, Value), NfvclError> {
        let vim = self.vim(name).await?;
        self.surely(|sites| async move { sites.alone("vims", sites.remove_vim(vim)).await }).await
    }

    async fn remove_vim(&self, vim: Vim) -> Result<(Vim, Value), NfvclError> {
        let clusters: Vec<OsCluster> = self.rows(OS_K8S).await?;
        let inside: Vec<String> =
            clusters.into_iter().filter(|one| one.vim.as_ref() == Some(&vim.name)).map(|one| one.id).collect();
        if !inside.is_empty() {
            return Err(NfvclError::Conflict(format!("clusters are in the VIM `{}`: {}", vim.name, inside.join(", "))));
        }
        let is_listed = |topology: Option<Topology>| {
            topology.is_some_and(|topology| topology.vims.iter().any(|seen| seen.name == vim.name))
        };
        let mut said = Value::Null;
        if is_listed(self.0.nfvcl.topology().await?) {
            said = self.accepted(self.0.nfvcl.remove_vim(&vim.name).await?).await?.whole;
        }
        self.0.store.delete_doc(VIM, &vim.name).await?;
        self.tell("vim.removed", &vim.name, format!("NFVCL has no VIM {} any more", vim.name)).await;
        Ok((vim, said))
    }
}

/// The next number.
pub(super) fn next(known: &[Vim]) -> i64 {
    known.iter().map(|vim| vim.id).max().unwrap_or(0) + 1
}

/// What NFVCL would refuse only after it has accepted.
fn free(request: &VimRequest, topology: Option<&Topology>) -> Result<(), NfvclError> {
    for seen in topology.into_iter().flat_map(|topology| &topology.vims) {
        if seen.name == request.name {
            return Err(NfvclError::Conflict(format!("NFVCL has a VIM `{}` already; a sync shows it", seen.name)));
        }
        if seen.areas.contains(&request.pop_area) {
            let (area, name) = (request.pop_area, &seen.name);
            return Err(NfvclError::Conflict(format!("the area {area} is that of the VIM `{name}`; an area has one")));
        }
    }
    Ok(())
}

fn check(request: &VimRequest) -> Result<(), NfvclError> {
    let invalid = |reason: String| Err(NfvclError::Invalid(reason));
    let names = [
        ("vim_name", &request.name),
        ("mgmt_network.name", &request.mgmt_network.name),
        ("service_network.name", &request.service_network.name),
        ("topology", &request.topology),
    ];
    for (field, name) in names {
        if !is_name(name) {
            let wanted =
                format!("wanted letters, digits, `.`, `_` and `-` behind a letter or digit, at most {NAME_MAX}");
            return invalid(format!("`{field}`: {wanted}"));
        }
    }
    for (field, net) in [("mgmt_network", &request.mgmt_network), ("service_network", &request.service_network)] {
        if !is_cidr(&net.cidr) {
            return invalid(format!("`{field}.cidr`: `{}` is no range of IPv4 addresses like 10.0.0.0/24", net.cidr));
        }
        if net.gateway.as_ref().is_some_and(|gateway| gateway.parse::<std::net::Ipv4Addr>().is_err()) {
            return invalid(format!("`{field}.gateway`: wanted an IPv4 address like 10.0.0.1"));
        }
    }
    if !(request.url.starts_with("http://") || request.url.starts_with("https://")) {
        return invalid("`vim_url`: wanted an address like http://10.0.0.2:5000/v3".to_owned());
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= NAME_MAX
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && name.bytes().all(inside)
}

/// A network, not an address in one: the bits behind its prefix are zero.
fn is_cidr(text: &str) -> bool {
    let Some((net, bits)) = text.split_once('/') else { return false };
    match (net.parse::<std::net::Ipv4Addr>(), bits.parse::<u32>()) {
        (Ok(net), Ok(bits)) if bits <= 32 => u64::from(u32::from(net)) & ((1_u64 << (32 - bits)) - 1) == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_cidr, is_name};

    #[test]
    fn names_and_ranges_are_those_that_nfvcl_takes() {
        assert!(
            is_name("athens-1_a.b") && !is_name("") && !is_name("..") && !is_name("a/b") && !is_name(&"a".repeat(51))
        );
        assert!(is_cidr("10.0.0.0/24") && is_cidr("0.0.0.0/0") && is_cidr("10.0.0.1/32"));
        assert!(!is_cidr("10.0.0.1/24") && !is_cidr("10.0.0.0") && !is_cidr("10.0.0.0/33") && !is_cidr("x/8"));
    }
}
