//! Which of NFVCL's contracts is spoken: 0.3 and 0.4 differ in fields and in what they offer.
//!
//! NFVCL has no version of its API to ask for; it publishes its OpenAPI document, and what that lists is used. Where it is not
//! published, the configuration says which version it is.

use crate::serve::config::NfvclVersion;
use reqwest::Method;
use serde_json::Value;

/// How it is known which contract is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Version {
    /// By the document that NFVCL publishes.
    #[default]
    Auto,
    /// By the configuration.
    Named(Contract),
}

impl From<NfvclVersion> for Version {
    fn from(version: NfvclVersion) -> Self {
        match version {
            NfvclVersion::Auto => Self::Auto,
            NfvclVersion::V03 => Self::Named(Contract::v0_3()),
            NfvclVersion::V04 => Self::Named(Contract::v0_4()),
        }
    }
}

/// What NFVCL takes and offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its version, as it says it.
    pub version: String,
    /// OpenStack's terms of a VIM are a part of their own (0.4), not fields of the VIM (0.3).
    pub has_openstack_part: bool,
    /// The kubeconfig of a cluster can be asked for (0.4).
    pub has_kubeconfig: bool,
    /// A deletion can be forced (0.4).
    pub has_force: bool,
    /// How workers are added: by PUT; up to 0.3.1 by POST.
    pub add_workers_by: Method,
}

impl Contract {
    /// The contract of 0.3, as of 0.3.2; where an older one adds workers by another method, that is found out.
    pub fn v0_3() -> Self {
        Self {
            version: "0.3".to_owned(),
            has_openstack_part: false,
            has_kubeconfig: false,
            has_force: false,
            add_workers_by: Method::PUT,
        }
    }

    /// The contract of 0.4.
    pub fn v0_4() -> Self {
        Self {
            version: "0.4".to_owned(),
            has_openstack_part: true,
            has_kubeconfig: true,
            has_force: true,
            add_workers_by: Method::PUT,
        }
    }

    /// The contract that NFVCL publishes.
    ///
    /// # Errors
    /// The document is not NFVCL's.
    pub fn of_document(document: &Value) -> Result<Self, String> {
        let paths = &document["paths"];
        let vim = &document["components"]["schemas"]["VimModel"]["properties"];
        if !paths[super::client::BLUEPRINTS].is_object() || !vim.is_object() {
            return Err(format!("its document lists no {}: is it NFVCL 0.3 or later?", super::client::BLUEPRINTS));
        }
        let removal = &paths["/nfvcl/v2/api/blue/{blueprint_id}"]["delete"]["parameters"];
        Ok(Self {
            version: document["info"]["version"].as_str().unwrap_or("unknown").to_owned(),
            has_openstack_part: vim["vim_openstack_parameters"].is_object(),
            has_kubeconfig: paths[super::client::KUBECONFIG]["get"].is_object(),
            has_force: removal.as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "force_deletion")),
            add_workers_by: if paths[super::client::ADD_NODE]["put"].is_object() { Method::PUT } else { Method::POST },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Contract;
    use serde_json::json;

    #[test]
    fn a_document_that_is_not_nfvcls_is_said_to_be_none() {
        let reason = Contract::of_document(&json!({"openapi": "3.1.0", "paths": {}})).unwrap_err();
        assert_eq!(reason, "its document lists no /nfvcl/v2/api/blue: is it NFVCL 0.3 or later?");
    }
}
