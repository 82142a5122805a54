//! What the owner of the server says of the interface.

use super::browser::Names;
use crate::serve::config::Config;
use crate::serve::config::hosts::Hosts;

/// What the owner of the server says.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Requests a second by caller; no limit where it is zero.
    pub requests_per_second: u32,
    /// So many of them at once.
    pub burst: u32,
    /// Hosts that webhooks may be sent to.
    pub webhook_hosts: Hosts,
    /// What the server may be called, where nobody shows a token.
    pub names: Names,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Self {
            body_bytes: config.limits.body,
            requests_per_second: config.limits.requests_per_second,
            burst: config.limits.burst,
            webhook_hosts: config.webhook_hosts.clone(),
            names: Names { named: config.names.clone(), is_local: config.listen.ip().is_loopback() },
        }
    }
}
