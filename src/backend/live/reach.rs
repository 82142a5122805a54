//! Whom we speak to on behalf of others: an address that somebody else has named is looked at before anybody connects to it.
//!
//! A graph names its artifact, a webhook its receiver, a registry the place of its blobs: whoever writes such a name must not
//! make us knock at doors that are open to this host alone (loopback, private networks, the metadata service of a cloud). So names
//! are resolved here, what they resolve to is sieved, and exactly what is left is connected to: a name that means another
//! address a moment later gains nothing. What the operator lists is exempt. Systems that the operator has configured (Prometheus,
//! Grafana, Karmada) do not come through here.
//!
//! Proxies of the environment are not used where addresses are sieved: a proxy would resolve the name anew.

use super::http::chain;
use super::tls;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{ClientBuilder, Url, redirect};
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// Redirects that are followed where they are followed.
const REDIRECTS_MAX: usize = 5;

/// An address that we do not speak to, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Hosts, names or addresses, that an operator lists: `registry.example.org`, `*.example.org`, `host:5000`, `10.0.0.0/8`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    place: Place,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// This name.
    Host(String),
    /// Every name that ends so; with its leading dot.
    Below(String),
    /// Every address whose first bits are these.
    Net(IpAddr, u8),
}

/// Which hosts we may be sent to.
#[derive(Clone)]
pub struct Reach(Arc<Rules>);

struct Rules {
    /// Where the operator would list a host.
    setting: &'static str,
    listed: Vec<Listed>,
    /// Whether only listed hosts may be asked first; where they send us may be public too.
    closed: bool,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("listed", &self.0.listed).field("closed", &self.0.closed).finish_non_exhaustive()
    }
}

impl Reach {
    /// Every public address, and what `listed` names; `setting` is where an operator would list another.
    ///
    /// # Errors
    /// The entry of the list that names nothing.
    pub fn public_and(setting: &'static str, listed: &[String]) -> Result<Self, String> {
        Self::of(setting, listed, false)
    }

    /// Only what `listed` names; a listed host may send us on to public addresses.
    ///
    /// # Errors
    /// The entry of the list that names nothing.
    pub fn only(setting: &'static str, listed: &[String]) -> Result<Self, String> {
        Self::of(setting, listed, true)
    }

    fn of(setting: &'static str, listed: &[String], closed: bool) -> Result<Self, String> {
        let listed = listed.iter().map(|entry| entry.parse()).collect::<Result<_, String>>();
        let listed = listed.map_err(|reason| format!("{setting}: {reason}"))?;
        Ok(Self(Arc::new(Rules { setting, listed, closed })))
    }

    /// Whether `url` may be asked first.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit(&self, url: &Url) -> Result<(), Refused> {
        if self.0.closed && !self.0.lists(url) {
            let asked = url.host_str().unwrap_or_default();
            return Err(Refused(format!("`{asked}` is not listed under {}", self.0.setting)));
        }
        self.check(url).await
    }

    /// Whether somebody may send us to `url`.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self, url: &Url) -> Result<(), Refused> {
        self.0.check_written(url)?;
        let port = url.port_or_known_default().unwrap_or(0);
        match host(url) {
            Host::Name(name) if !self.0.lists(url) => self.0.resolve(name, Some(port)).await.map(|_found| ()),
            _ => Ok(()),
        }
    }

    /// A client that connects to admitted addresses alone and follows no redirect.
    pub fn client(&self) -> ClientBuilder {
        tls::install();
        let resolver = Arc::new(Resolver(Arc::clone(&self.0)));
        reqwest::Client::builder().no_proxy().dns_resolver(resolver).redirect(redirect::Policy::none())
    }

    /// The same, following a few redirects to places that may be gone to; never from TLS to none.
    pub fn following_client(&self) -> ClientBuilder {
        let rules = Arc::clone(&self.0);
        self.client().redirect(redirect::Policy::custom(move |attempt| {
            let from_tls = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            if attempt.previous().len() > REDIRECTS_MAX {
                return attempt.error(Refused("redirected too often".to_owned()));
            }
            if from_tls && attempt.url().scheme() != "https" {
                return attempt.error(Refused("redirected from TLS to none".to_owned()));
            }
            match rules.check_written(attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(refused) => attempt.error(refused),
            }
        }))
    }
}

impl Rules {
    /// What can be said of an address as it is written, before its name is resolved.
    fn check_written(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused(format!("`{}` is neither http nor https", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused("an address with a user or a password in it is not used".to_owned()));
        }
        let port = url.port_or_known_default().unwrap_or(0);
        match host(url) {
            Host::Ip(ip) => self.check_address(ip, Some(port)),
            // A name that is listed with another port alone is not listed, but its resolver would let it through.
            Host::Name(name) if self.names(name, None) && !self.names(name, Some(port)) => {
                Err(Refused(format!("`{name}` is listed under {} with another port than {port}", self.setting)))
            }
            Host::Name("") => Err(Refused("it names no host".to_owned())),
            Host::Name(_) => Ok(()),
        }
    }

    fn check_address(&self, ip: IpAddr, port: Option<u16>) -> Result<(), Refused> {
        if is_public(ip) || self.listed.iter().any(|one| one.covers(ip) && one.is_for(port)) {
            return Ok(());
        }
        Err(Refused(format!("`{ip}` is no public address; list it under {} if it is meant", self.setting)))
    }

    /// Whether a listed name is this one; without a port, whether it is with any.
    fn names(&self, name: &str, port: Option<u16>) -> bool {
        self.listed.iter().any(|one| one.is(name) && one.is_for(port))
    }

    fn lists(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        match host(url) {
            Host::Name(name) => self.names(name, port),
            Host::Ip(ip) => self.listed.iter().any(|one| one.covers(ip) && one.is_for(port)),
        }
    }

    /// The addresses of a name that may be connected to.
    async fn resolve(&self, name: &str, port: Option<u16>) -> Result<Vec<SocketAddr>, Refused> {
        let unknown = |reason: String| Refused(format!("`{name}` cannot be resolved: {reason}"));
        let found = tokio::net::lookup_host((name, 0)).await.map_err(|error| unknown(error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        if self.names(name, None) {
            return Ok(found);
        }
        let sieved = found.iter().filter(|at| self.check_address(at.ip(), port).is_ok()).copied().collect::<Vec<_>>();
        match (sieved.is_empty(), found.first()) {
            (false, _) => Ok(sieved),
            (true, None) => Err(unknown("it has no address".to_owned())),
            (true, Some(at)) => Err(Refused(format!(
                "`{name}` is {}, which is no public address; list it under {} if it is meant",
                at.ip(),
                self.setting
            ))),
        }
    }
}

impl Listed {
    fn is(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match &self.place {
            Place::Host(host) => *host == name,
            Place::Below(end) => name.ends_with(end.as_str()),
            Place::Net(..) => false,
        }
    }

    fn covers(&self, ip: IpAddr) -> bool {
        let Place::Net(net, bits) = self.place else { return false };
        match (net, unmapped(ip)) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => same_start(u128::from(u32::from(net)), u32::from(ip).into(), 32, bits),
            (IpAddr::V6(net), IpAddr::V6(ip)) => same_start(net.into(), ip.into(), 128, bits),
            _ => false,
        }
    }

    fn is_for(&self, port: Option<u16>) -> bool {
        self.port.is_none() || port.is_none() || self.port == port
    }
}

impl FromStr for Listed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` names no host; wanted `host`, `host:5000`, `*.example.org` or `10.0.0.0/8`");
        let text = text.trim().to_ascii_lowercase();
        let address = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        if let Some((net, bits)) = text.split_once('/') {
            let net = address(net).ok_or_else(wrong)?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(net)).ok_or_else(wrong)?;
            return Ok(Self { place: Place::Net(net, bits), port: None });
        }
        if let Some(ip) = address(&text) {
            return Ok(Self { place: Place::Net(ip, width(ip)), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (text.as_str(), None),
        };
        if let Some(ip) = address(host) {
            return Ok(Self { place: Place::Net(ip, width(ip)), port });
        }
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
        };
        match host.strip_prefix('*') {
            Some(end) if end.starts_with('.') && is_name(&end[1..]) => {
                Ok(Self { place: Place::Below(end.to_owned()), port })
            }
            None if is_name(host) => Ok(Self { place: Place::Host(host.to_owned()), port }),
            _ => Err(wrong()),
        }
    }
}

/// Resolves names to what may be connected to.
struct Resolver(Arc<Rules>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let found = rules.resolve(name.as_str(), None).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Who is asked.
enum Host<'a> {
    Name(&'a str),
    Ip(IpAddr),
}

/// An address in any spelling (`0x7f.1`, `2130706433`) has become the usual one when its URL was read.
fn host(url: &Url) -> Host<'_> {
    let host = url.host_str().unwrap_or_default();
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(ip) => Host::Ip(ip),
        Err(_) => Host::Name(host),
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

/// Whether an address belongs to everybody's internet.
pub fn is_public(ip: IpAddr) -> bool {
    match unmapped(ip) {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// An IPv4 address that is written as an IPv6 one is what it stands for.
fn unmapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// The special ranges of IANA's registry are left out.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && b & 0xc0 == 64;
    let is_benchmark = a == 198 && b & 0xfe == 18;
    let is_protocol = a == 192 && b == 0 && c == 0 || a == 192 && b == 88 && c == 99;
    let is_special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
    !(a == 0 || a >= 224 || is_shared || is_benchmark || is_protocol || is_special)
}

/// Global unicast is 2000::/3, without what is documentation, or carries an IPv4 address inside (6to4, Teredo).
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let is_special = a == 0x2001 && (b < 0x200 || b == 0xdb8) || a == 0x2002 || a == 0x3fff && b < 0x1000;
    a & 0xe000 == 0x2000 && !is_special
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// Whether two numbers of `width` bits begin with the same `bits`.
fn same_start(one: u128, other: u128, width: u8, bits: u8) -> bool {
    bits == 0 || (one ^ other) >> (width - bits) == 0
}

#[cfg(test)]
mod tests;
