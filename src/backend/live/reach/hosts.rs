//! Who may be spoken to, where somebody else says to whom: artifacts and webhooks.
//!
//! Without this, whoever may deploy a graph or add a webhook could have us ask what only we can reach: the metadata service of a
//! cloud, a database on loopback, a router. So either hosts are named, and then only those are right; or none is, and then every
//! host is that has no address in a private, local or reserved range. Addresses are looked up here and handed back, so that the
//! caller can speak to those and not to what the name leads to a moment later.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Hosts that may be spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts {
    /// Where there are any, nobody else.
    only: Vec<Pattern>,
    /// Besides those that are right anyway.
    also: Vec<Pattern>,
    /// The key that names them, for messages.
    key: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Lower case; `*` for all, `*.x` for all below `x`.
    host: String,
    port: Option<u16>,
}

/// A host that is not spoken to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It is none of those that are named.
    #[error("`{host}` is not among the hosts of `{key}`; ask whoever runs this server to add it")]
    NotNamed {
        /// The host.
        host: String,
        /// The key that names them.
        key: &'static str,
    },
    /// It leads to where only this server can reach.
    #[error("`{host}` leads to {address}, which is private; where it is meant, it has to be named in `{key}`")]
    Private {
        /// The host.
        host: String,
        /// Where it leads to.
        address: IpAddr,
        /// The key that names hosts.
        key: &'static str,
    },
    /// Nobody knows where it is.
    #[error("`{host}` is not known: {reason}; check its name")]
    Unknown {
        /// The host.
        host: String,
        /// Why.
        reason: String,
    },
}

impl Hosts {
    /// From what `key` lists: `registry.example.org`, `10.0.0.5:5000`, `*.example.org`, `*`.
    ///
    /// # Errors
    /// The first that is no host, in a sentence.
    pub fn of(key: &'static str, listed: &[String]) -> Result<Self, String> {
        Ok(Self { only: patterns(listed)?, also: Vec::new(), key })
    }

    /// The same, and these wherever they lead to.
    ///
    /// # Errors
    /// The first that is no host, in a sentence.
    pub fn and(self, listed: &[String]) -> Result<Self, String> {
        Ok(Self { also: patterns(listed)?, ..self })
    }

    /// Whether a host is named, so that it counts wherever it leads to.
    pub fn names(&self, host: &str, port: u16) -> bool {
        let host = host.trim_matches(['[', ']']).to_lowercase();
        self.only.iter().chain(&self.also).any(|pattern| pattern.fits(&host, port))
    }

    /// Whether no host is named, so that it is not these alone that are right.
    pub const fn is_open(&self) -> bool {
        self.only.is_empty()
    }

    /// Whether a host is named with any port.
    pub fn names_somehow(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).to_lowercase();
        let mut all = self.only.iter().chain(&self.also);
        all.any(|pattern| pattern.fits(&host, pattern.port.unwrap_or_default()))
    }

    /// The key that names hosts, for messages.
    pub(super) const fn key(&self) -> &'static str {
        self.key
    }

    /// Where a host leads to, if it may be spoken to.
    ///
    /// # Errors
    /// It may not, or nobody knows where it is.
    pub async fn admit(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, HostError> {
        if !self.names(host, port) && !self.only.is_empty() {
            return Err(HostError::NotNamed { host: host.to_owned(), key: self.key });
        }
        self.admit_onward(host, port).await
    }

    /// The same where an admitted host sends us on, to where its blobs or tokens are: that may be any public one.
    ///
    /// # Errors
    /// See [`Self::admit`].
    pub async fn admit_onward(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, HostError> {
        let named = self.names(host, port);
        let bare = host.trim_matches(['[', ']']);
        let unknown = |reason: String| HostError::Unknown { host: host.to_owned(), reason };
        let found = tokio::net::lookup_host((bare, port)).await.map_err(|error| unknown(error.to_string()))?;
        let addresses: Vec<SocketAddr> = found.collect();
        if addresses.is_empty() {
            return Err(unknown("it has no address".to_owned()));
        }
        match addresses.iter().map(SocketAddr::ip).find(|address| !is_public(*address)) {
            Some(address) if !named => Err(HostError::Private { host: host.to_owned(), address, key: self.key }),
            _ => Ok(addresses),
        }
    }
}

fn patterns(listed: &[String]) -> Result<Vec<Pattern>, String> {
    listed.iter().map(|host| Pattern::of(host)).collect()
}

impl Pattern {
    fn of(written: &str) -> Result<Self, String> {
        let wrong = || {
            Err(format!(
                "`{written}` is no host; write it like `registry.example.org`, `10.0.0.5:5000`, `*.example.org` or `*`"
            ))
        };
        if written.contains("://") || written.contains('/') || written.is_empty() {
            return wrong();
        }
        // An address of IPv6 has colons of its own, unless it stands in brackets.
        let (host, port) = match written.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => return wrong(),
            },
            _ => (written, None),
        };
        let host = host.trim_matches(['[', ']']).to_lowercase();
        if host.is_empty() || host.trim_start_matches("*.").contains('*') && host != "*" {
            return wrong();
        }
        Ok(Self { host, port })
    }

    fn fits(&self, host: &str, port: u16) -> bool {
        let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1);
        let host_fits = match self.host.strip_prefix("*.") {
            Some(domain) => below(domain),
            None => self.host == "*" || self.host == host,
        };
        host_fits && self.port.is_none_or(|only| only == port)
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = |pattern: &Pattern| match pattern.port {
            Some(port) => format!("{}:{port}", pattern.host),
            None => pattern.host.clone(),
        };
        match self.only.as_slice() {
            [] => f.write_str("all that are not private"),
            named => f.write_str(&named.iter().map(pattern).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Whether an address is one that anybody can reach: not of a private, local, shared, test or reserved range.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match inner(address) {
            Some(inside) => is_public_v4(inside),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation();
    // This network, carrier-grade NAT (RFC 6598), protocol assignments, benchmarks (RFC 2544), reserved with broadcast.
    let reserved =
        a == 0 || a == 100 && b & 0xc0 == 64 || a == 192 && b == 0 && c == 0 || a == 198 && b & 0xfe == 18 || a >= 240;
    !special && !reserved
}

/// Global unicast is `2000::/3`, without protocol assignments (Teredo) and documentation (RFC 3849, RFC 9637).
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let reserved = first == 0x2001 && (second < 0x200 || second == 0xdb8) || first == 0x3fff && second < 0x1000;
    first & 0xe000 == 0x2000 && !reserved
}

/// The address of IPv4 that one of IPv6 stands for: mapped, compatible, through NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(of(high, low))
        }
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{HostError, Hosts, is_public};

    fn hosts(listed: &[&str]) -> Hosts {
        Hosts::of("charts.allow_hosts", &listed.iter().map(|&host| host.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_only_we_can_reach_is_not_public() {
        let private = [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "fec0::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        let public = [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "198.17.0.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn hosts_are_named_whole_by_domain_or_with_their_port() {
        let named = hosts(&["Registry.example.org", "10.0.0.5:5000", "*.cluster.local", "[::1]:8080"]);
        assert!(
            named.names("registry.EXAMPLE.org", 443) && named.names("10.0.0.5", 5000) && named.names("[::1]", 8080)
        );
        assert!(named.names("a.b.cluster.local", 80));
        for (host, port) in [
            ("10.0.0.5", 5001),
            ("cluster.local", 80),
            ("xcluster.local", 80),
            (".cluster.local", 80),
            ("example.org", 443),
        ] {
            assert!(!named.names(host, port), "{host}:{port}");
        }
        assert!(hosts(&["*"]).names("anything", 1));
        for wrong in ["http://a", "a/b", "", "a:b", "a.*.b", "*x"] {
            assert!(Hosts::of("k", &[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn private_hosts_are_refused_unless_they_are_named() {
        let none = hosts(&[]);
        for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"] {
            let error = none.admit(host, 80).await.unwrap_err();
            assert!(matches!(error, HostError::Private { .. }), "{host}: {error}");
        }
        let named = hosts(&["127.0.0.1:5000"]);
        assert_eq!(named.admit("127.0.0.1", 5000).await.unwrap(), ["127.0.0.1:5000".parse().unwrap()]);
        let error = named.admit("127.0.0.1", 5001).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "`127.0.0.1` is not among the hosts of `charts.allow_hosts`; ask whoever runs this server to add it"
        );
        // Who names hosts means only those, public ones too.
        assert!(matches!(named.admit("8.8.8.8", 443).await, Err(HostError::NotNamed { .. })));
        assert_eq!(none.admit("8.8.8.8", 443).await.unwrap(), ["8.8.8.8:443".parse().unwrap()]);
    }
}
