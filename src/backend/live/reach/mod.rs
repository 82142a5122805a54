//! Whom we speak to on behalf of others: an address that somebody else has named is looked at before anybody connects to it.
//!
//! A graph names its artifact, a webhook its receiver, a registry the place of its blobs: whoever writes such a name must not
//! make us knock at doors that are open to this host alone (loopback, private networks, the metadata service of a cloud). So names
//! are resolved here, what they resolve to is sieved, and exactly what is left is connected to: a name that means another
//! address a moment later gains nothing. What the operator lists is exempt. Systems that the operator has configured (Prometheus,
//! Grafana, Karmada) do not come through here.
//!
//! Proxies of the environment are not used where addresses are sieved: a proxy would resolve the name anew.

pub mod hosts;

pub use hosts::{HostError, Hosts};

use super::http::chain;
use super::tls;
use hosts::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{ClientBuilder, Url, redirect};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

/// Redirects that are followed where they are followed.
const REDIRECTS_MAX: usize = 5;

/// An address that we do not speak to, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        Self(error.to_string())
    }
}

/// Where we may be sent.
#[derive(Debug, Clone)]
pub struct Reach(Arc<Hosts>);

impl Reach {
    /// To these hosts.
    pub fn new(hosts: Hosts) -> Self {
        Self(Arc::new(hosts))
    }

    /// Whether `url` may be asked first.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit(&self, url: &Url) -> Result<(), Refused> {
        let (host, port) = written(&self.0, url)?;
        self.0.admit(host, port).await?;
        Ok(())
    }

    /// Whether somebody may send us to `url`.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self, url: &Url) -> Result<(), Refused> {
        let (host, port) = written(&self.0, url)?;
        self.0.admit_onward(host, port).await?;
        Ok(())
    }

    /// A client that connects to admitted addresses alone and follows no redirect.
    pub fn client(&self) -> ClientBuilder {
        tls::install();
        let resolver = Arc::new(Resolver(Arc::clone(&self.0)));
        reqwest::Client::builder().no_proxy().dns_resolver(resolver).redirect(redirect::Policy::none())
    }

    /// The same, following a few redirects to places that may be gone to; never from TLS to none.
    pub fn following_client(&self) -> ClientBuilder {
        let hosts = Arc::clone(&self.0);
        self.client().redirect(redirect::Policy::custom(move |attempt| {
            let from_tls = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            if attempt.previous().len() > REDIRECTS_MAX {
                return attempt.error(Refused("redirected too often".to_owned()));
            }
            if from_tls && attempt.url().scheme() != "https" {
                return attempt.error(Refused("redirected from TLS to none".to_owned()));
            }
            match written(&hosts, attempt.url()) {
                Ok(_) => attempt.follow(),
                Err(refused) => attempt.error(refused),
            }
        }))
    }
}

/// Host and port of an address, if it may be gone to as it is written: names are resolved later, and sieved then.
fn written<'a>(hosts: &Hosts, url: &'a Url) -> Result<(&'a str, u16), Refused> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused(format!("`{}` is neither http nor https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused("an address with a user or a password in it is not used".to_owned()));
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Refused("it names no host".to_owned()));
    };
    let key = hosts.key();
    // Addresses in any spelling (`0x7f.1`, `2130706433`) have become the usual one when the URL was read.
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) if !is_public(address) && !hosts.names(host, port) => {
            Err(HostError::Private { host: host.to_owned(), address, key }.into())
        }
        // A name that is named with another port alone is not named, but its resolver, which knows no port, would let it through.
        Err(_) if hosts.names_somehow(host) && !hosts.names(host, port) => {
            Err(Refused(format!("`{host}` is named in `{key}` with another port than {port}")))
        }
        _ => Ok((host, port)),
    }
}

/// Resolves names to what may be connected to.
struct Resolver(Arc<Hosts>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = Arc::clone(&self.0);
        Box::pin(async move {
            // Its port was looked at before; what it means now is looked at here, and that alone is connected to.
            let name = name.as_str();
            if hosts.names_somehow(name) {
                let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let found = hosts.admit_onward(name, 0).await.map_err(Refused::from)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// An error of a client in words, without the address, which may hold a secret.
pub fn said(error: reqwest::Error) -> String {
    refusal(&error).map_or_else(|| chain(&error.without_url()), |refused| refused.0)
}

/// The refusal behind an error of a client, if one is.
pub fn refusal(error: &reqwest::Error) -> Option<Refused> {
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = source {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Some(refused.clone());
        }
        source = inner.source();
    }
    None
}

#[cfg(test)]
mod tests;
