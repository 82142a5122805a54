//! Browsers, where nobody has to show a token: whoever uses this host may have a page open that asks us what its owner likes.
//!
//! Two ways are closed, for what does something and for what tells something. Browsers say where a request comes from
//! (`Sec-Fetch-Site`, or `Origin`): pages of other sites are refused. And a site may let its name mean our address (DNS rebinding),
//! so that a browser takes us for it; but that name is in `Host`: names that are not ours are refused. A server that asks for tokens
//! has nothing to close: no page of others has one.

use super::App;
use super::problem::Problem;
use crate::serve::config::hosts::Hosts;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use std::net::IpAddr;

/// What any page may ask: whether the server lives, and how it describes itself.
const ANYBODY: &[&str] = &["/healthz", "/openapi.json", "/docs", "/docs/", "/docs/{*rest}"];
/// Letters of a name that are repeated to whoever sent it.
const LETTERS_MAX: usize = 100;

/// What the server may be called in `Host`.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// What its owner has named, besides `localhost` and addresses.
    pub named: Hosts,
    /// Whether it listens on loopback only, so that nobody has a reason to call it otherwise.
    pub is_local: bool,
}

impl Names {
    /// Whether `host`, with its port or without, is ours. A port means nothing here: names are what can be made to mean us.
    fn have(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        if self.named.names_somehow(&name) {
            return true;
        }
        match name.parse::<IpAddr>() {
            // An address means itself, whoever answers for names.
            Ok(address) => address.is_loopback() || !self.is_local,
            // `*.localhost` is loopback, too (RFC 6761).
            Err(_) if name == "localhost" || name.ends_with(".localhost") => true,
            Err(_) => !self.is_local && self.named.is_open(),
        }
    }
}

/// Refuses what a page of somebody else's may ask.
///
/// # Errors
/// A request of such a page, or one that calls the server by a name that is not its own.
pub fn refuse(app: &App, request: &Request, route: &str) -> Result<(), Problem> {
    if app.auth.is_required() || ANYBODY.contains(&route) {
        return Ok(());
    }
    if let Some(other) = hosts(request).find(|host| !app.settings.names.have(host)) {
        let other: String = other.chars().take(LETTERS_MAX).collect();
        let detail = format!(
            "this server is not called `{other}`; ask it as `localhost` or by its address, name it so in `auth.hosts`, or have it \
             ask for tokens (`auth.mode: on`)"
        );
        return Err(Problem::forbidden(detail).of_kind("other-host"));
    }
    if is_of_other_page(request.headers(), hosts(request).next()) {
        let detail = "a page of another site may ask nothing here; ask with a program, or have the server ask for tokens \
                      (`auth.mode: on`)";
        return Err(Problem::forbidden(detail).of_kind("other-site"));
    }
    Ok(())
}

/// What the request calls us: `Host`, or what HTTP/2 has instead. One that is no text is no name of ours.
fn hosts(request: &Request) -> impl Iterator<Item = &str> {
    let headers = request.headers().get_all(header::HOST).into_iter().map(|host| host.to_str().unwrap_or_default());
    request.uri().authority().map(Authority::as_str).into_iter().chain(headers)
}

/// Whether a browser says that a page of another site asks; what it says of the site counts before what it says of the page.
fn is_of_other_page(headers: &HeaderMap, host: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    origin.split_once("://").is_none_or(|(_, origin)| Some(origin) != host)
}

#[cfg(test)]
mod tests {
    use super::{Names, is_of_other_page};
    use crate::serve::config::hosts::Hosts;
    use axum::http::{HeaderMap, HeaderValue};

    fn names(named: &[&str], is_local: bool) -> Names {
        let named: Vec<String> = named.iter().map(|&host| host.to_owned()).collect();
        Names { named: Hosts::of("auth.hosts", &named).unwrap(), is_local }
    }

    #[test]
    fn a_server_on_loopback_is_called_by_loopback_or_as_it_is_named() {
        let (bare, named) = (names(&[], true), names(&["smo.example.org", "*.lab", "10.0.0.5"], true));
        for ours in [
            "localhost",
            "LOCALHOST:8000",
            "localhost.:8000",
            "smo.localhost:8000",
            "127.0.0.1:8000",
            "127.9.9.9",
            "[::1]:8000",
        ] {
            assert!(bare.have(ours) && named.have(ours), "{ours}");
        }
        for named_only in ["smo.example.org", "Smo.Example.org:8443", "smo.lab:1", "10.0.0.5:8000"] {
            assert!(!bare.have(named_only) && named.have(named_only), "{named_only}");
        }
        for other in [
            "",
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example:8000",
            "localhost@evil.example",
            "10.0.0.6:8000",
            "169.254.169.254",
            "a b",
            "evil.example/localhost",
        ] {
            assert!(!bare.have(other) && !named.have(other), "{other}");
        }
    }

    #[test]
    fn a_server_that_others_reach_is_called_anything_until_it_is_named() {
        let (bare, named) = (names(&[], false), names(&["smo.example.org"], false));
        assert!(bare.have("smo.ns.svc:8000") && !named.have("smo.ns.svc:8000"));
        for ours in ["smo.example.org", "10.1.2.3:8000", "localhost:8000"] {
            assert!(bare.have(ours) && named.have(ours), "{ours}: an address cannot be made to mean us");
        }
        assert!(!bare.have("") && !named.have("evil.example"));
    }

    #[test]
    fn pages_of_other_sites_are_told_by_what_browsers_say() {
        let of = |pairs: &[(&'static str, &'static str)], host| {
            let header =
                |(name, value): &(&'static str, &'static str)| (name.parse().unwrap(), HeaderValue::from_static(value));
            is_of_other_page(&pairs.iter().map(header).collect::<HeaderMap>(), host)
        };
        let here = Some("127.0.0.1:8000");
        for other in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8000")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://127.0.0.1:3000")],
            &[("origin", "null")],
            &[("origin", "127.0.0.1:8000")],
        ] {
            assert!(of(other, here), "{other:?}");
        }
        for ours in [
            &[][..],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://a")],
            &[("sec-fetch-site", "none")],
            &[("origin", "http://127.0.0.1:8000")],
        ] {
            assert!(!of(ours, here), "{ours:?}");
        }
        assert!(of(&[("origin", "http://127.0.0.1:8000")], None));
    }
}
