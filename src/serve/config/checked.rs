//! From what was written to what is meant: files that are there, addresses that are some, values that go together.

mod systems;

use super::environment::Environment;
use super::file::{AuthFile, AuthMode, ConfigFile, RailsFile};
use super::hosts::Hosts;
use super::outside::PrometheusFile;
use super::shown::Origin;
use super::{AuthConfig, Config, Control, Limits, Log, Nfvcl, Oidc, RailsConfig, Secret, Tls};
use crate::input::InputError;
use crate::input::settings::Settings;
use crate::model::connection::{Moves, Probe};
use crate::model::scenario::Learn;
use crate::policy::PolicySpec;
use crate::serve::traces::IS_BUILT;
use crate::units::Span;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tracing_subscriber::EnvFilter;

/// What a check needs to know of where values came from.
pub(super) struct Checker<'a> {
    /// The values with their places.
    pub settings: &'a Settings,
    /// Those that did not come from the file.
    pub outside: &'a BTreeMap<String, Origin>,
    /// The folder of the file.
    pub folder: PathBuf,
    /// Where home is.
    pub environment: &'a Environment,
}

/// Checks all of it; fills in the defaults that depend on the machine.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(checker: &Checker<'_>, file: &mut ConfigFile) -> Result<Config, InputError> {
    let listen: SocketAddr = file.listen.parse().map_err(|_| {
        checker.error(
            "listen",
            format!("`{}` is no address; write it like `127.0.0.1:8000` or `0.0.0.0:8000`", file.listen),
        )
    })?;
    let database = checker.database(file)?;
    let auth = checker.auth(&mut file.auth, listen)?;
    let tls = match &file.tls {
        Some(tls) => Some(Tls {
            certificate: checker.existing("tls.certificate", &tls.certificate)?,
            key: checker.existing("tls.key", &tls.key)?,
        }),
        None => None,
    };
    checker.at_least("control.every", file.control.every, Span::seconds(1))?;
    checker.at_least("control.deploy_timeout", file.control.deploy_timeout, Span::seconds(10))?;
    Ok(Config {
        warnings: warnings(file, &auth, listen),
        listen,
        database: Secret::new(database),
        auth,
        names: checker.hosts("auth.hosts", &file.auth.hosts)?,
        tls,
        karmada: checker.karmada(file)?,
        submariner: checker.submariner(file)?,
        inventory: checker.maybe_existing("inventory", file.inventory.as_deref())?,
        prometheus: file.prometheus.as_ref().map(|prometheus| checker.prometheus(prometheus)).transpose()?,
        alerts: checker.alerts(&file.alerts)?,
        grafana: file.grafana.as_ref().map(|grafana| checker.grafana(grafana)).transpose()?,
        charts: checker.charts(&file.charts)?,
        nfvcl: match &file.nfvcl {
            Some(nfvcl) => Some(Nfvcl {
                url: checker.url("nfvcl.url", &nfvcl.url)?,
                version: nfvcl.version,
                sign_in: checker.sign_in("nfvcl", [&nfvcl.token_file, &nfvcl.username, &nfvcl.password])?,
            }),
            None => None,
        },
        policy: checker.policy(&file.policy)?,
        control: Control {
            enabled: file.control.enabled,
            every: file.control.every,
            deploy_timeout: file.control.deploy_timeout,
        },
        rails: checker.rails(&file.rails)?,
        moves: checker.moves(file)?,
        probe: checker.probe(file)?,
        webhook_hosts: checker.hosts("webhooks.allow_hosts", &file.webhooks.allow_hosts)?,
        limits: checker.limits(file)?,
        log: checker.log(file)?,
        otel: checker.otel(&file.otel, IS_BUILT)?,
        capacities: checker.maybe_existing("capacities", file.capacities.as_deref())?,
        learn: checker.learn(file)?,
        inject_resources: file.inject_resources,
        shown: Vec::new(),
    })
}

fn warnings(file: &ConfigFile, auth: &AuthConfig, listen: SocketAddr) -> Vec<String> {
    let mut warnings = Vec::new();
    let open = !listen.ip().is_loopback();
    if open && !auth.required {
        warnings.push(format!("whoever reaches {listen} may do everything; write `auth: {{mode: on}}`"));
    }
    if open && auth.required && file.tls.is_none() {
        warnings
            .push(format!("tokens come to {listen} without encryption; set `tls`, or put a proxy with TLS in front"));
    }
    if file.database.as_deref().is_some_and(|url| url.ends_with(":memory:")) {
        warnings.push("the database is in memory: all is forgotten at the end; name a file by `database`".to_owned());
    }
    if file.karmada.is_none() && file.inventory.is_none() {
        warnings.push(
            "there is no control plane and no inventory: nothing can be placed; set `karmada` or `inventory`"
                .to_owned(),
        );
    }
    let shows = |prometheus: &PrometheusFile| prometheus.cpu_used.is_some() || prometheus.served.is_some();
    if file.learn.is_some() && !file.prometheus.as_ref().is_some_and(shows) {
        warnings.push(
            "nothing shows what replicas can serve, so that nothing is learnt; set `prometheus.cpu_used` or `prometheus.served`"
                .to_owned(),
        );
    }
    warnings
}

impl Checker<'_> {
    pub(super) fn error(&self, key: &str, message: impl AsRef<str>) -> InputError {
        self.settings.error(key, message)
    }

    /// A path: `~/` is home, and what stands in the file begins at its folder.
    fn path(&self, key: &str, written: &str) -> PathBuf {
        let home = self.environment.get("HOME");
        match (written.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => Path::new(home).join(below),
            _ if self.outside.contains_key(key) => PathBuf::from(written),
            _ => self.folder.join(written),
        }
    }

    fn existing(&self, key: &str, written: &str) -> Result<PathBuf, InputError> {
        let path = self.path(key, written);
        if path.is_file() {
            return Ok(path);
        }
        Err(self.error(key, format!("there is no file `{}`; write the path of one", path.display())))
    }

    fn maybe_existing(&self, key: &str, written: Option<&str>) -> Result<Option<PathBuf>, InputError> {
        written.map(|written| self.existing(key, written)).transpose()
    }

    pub(super) fn url(&self, key: &str, written: &str) -> Result<String, InputError> {
        let host = ["http://", "https://"].iter().find_map(|scheme| written.strip_prefix(scheme));
        match host {
            Some(host) if !host.is_empty() && !host.starts_with(['/', ':']) && !host.contains(char::is_whitespace) => {
                Ok(written.trim_end_matches('/').to_owned())
            }
            _ => {
                let shown = super::shown::masked(written);
                Err(self.error(key, format!("`{shown}` is no address; write it like `http://name.namespace:9090`")))
            }
        }
    }

    fn at_least(&self, key: &str, span: Span, least: Span) -> Result<Span, InputError> {
        if span < least {
            return Err(self.error(key, format!("{span} is too short; write at least `{least}`")));
        }
        Ok(span)
    }

    fn hosts(&self, key: &'static str, listed: &[String]) -> Result<Hosts, InputError> {
        Hosts::of(key, listed).map_err(|message| self.error(key, message))
    }

    /// Where the user's data is.
    fn data(&self) -> PathBuf {
        let of = |name: &str| self.environment.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let data = of("XDG_DATA_HOME").or_else(|| of("HOME").map(|home| home.join(".local/share")));
        data.unwrap_or_default().join("smo")
    }

    fn database(&self, file: &mut ConfigFile) -> Result<String, InputError> {
        let url = match &file.database {
            None => format!("sqlite://{}", self.data().join("smo.db").display()),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => url.clone(),
            Some(url) => match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
                Some(":memory:") => "sqlite://:memory:".to_owned(),
                Some(path) if !path.is_empty() => format!("sqlite://{}", self.path("database", path).display()),
                _ => {
                    let shown = super::shown::masked(url);
                    let message = format!(
                        "`{shown}` is no database; write `sqlite:///path/to/smo.db` or `postgres://user:password@host/database`"
                    );
                    return Err(self.error("database", message));
                }
            },
        };
        file.database = Some(url.clone());
        Ok(url)
    }

    fn auth(&self, file: &mut AuthFile, listen: SocketAddr) -> Result<AuthConfig, InputError> {
        let required = match file.mode {
            AuthMode::On => true,
            AuthMode::Off => false,
            AuthMode::Auto => !listen.ip().is_loopback(),
        };
        let token_file = match &file.token_file {
            Some(written) => self.path("auth.token_file", written),
            None => self.data().join("admin-token"),
        };
        file.token_file = Some(token_file.display().to_string());
        let oidc = file.oidc.as_ref().map(|oidc| -> Result<_, InputError> {
            self.url("auth.oidc.issuer", &oidc.issuer)?;
            let jwks_url = oidc.jwks_url.as_ref().map(|url| self.url("auth.oidc.jwks_url", url)).transpose()?;
            if oidc.audience.is_empty() {
                return Err(self.error("auth.oidc.audience", "is empty; write what the provider's tokens are for"));
            }
            Ok(Oidc {
                // Letter by letter: an issuer with `/` at its end is another one.
                issuer: oidc.issuer.clone(),
                audience: oidc.audience.clone(),
                jwks_url,
                role_claim: oidc.role_claim.clone(),
                project_claim: oidc.project_claim.clone(),
                roles: oidc.roles.clone(),
            })
        });
        Ok(AuthConfig { required, token_file, oidc: oidc.transpose()? })
    }

    fn policy(&self, written: &str) -> Result<String, InputError> {
        let spec: PolicySpec = written.parse().map_err(|error| self.error("policy", format!("{error}")))?;
        Ok(spec.label)
    }

    fn rails(&self, file: &RailsFile) -> Result<RailsConfig, InputError> {
        if let Some(wrong) = file.freeze.iter().find(|freeze| freeze.from >= freeze.until) {
            let message =
                format!("a window from {} until {} is empty; let it end after its begin", wrong.from, wrong.until);
            return Err(self.error("rails.freeze", message));
        }
        Ok(RailsConfig {
            moves_per_tick: file.moves_per_tick,
            removed_share: file.removed_share.map(|share| share.0),
            freezes: file.freeze.iter().map(|freeze| (freeze.from, freeze.until)).collect(),
        })
    }

    fn moves(&self, file: &ConfigFile) -> Result<Moves, InputError> {
        Ok(Moves { timeout: self.at_least("moves.timeout", file.moves.timeout, Span(100_000_000))? })
    }

    fn probe(&self, file: &ConfigFile) -> Result<Probe, InputError> {
        let probe = &file.probe;
        if probe.lost_after == 0 {
            let message = "a cluster cannot be lost before it was asked; write at least 1";
            return Err(self.error("probe.lost_after", message));
        }
        let every = self.at_least("probe.every", probe.every, Span(100_000_000))?;
        Ok(Probe { every, lost_after: probe.lost_after, back_after: probe.back_after })
    }

    fn learn(&self, file: &ConfigFile) -> Result<Option<Learn>, InputError> {
        let Some(learn) = &file.learn else { return Ok(None) };
        let learn = learn.meant().map_err(|message| self.error("learn.quantile", message))?;
        self.at_least("learn.every", learn.every, Span::seconds(1))?;
        Ok(Some(learn))
    }

    fn limits(&self, file: &ConfigFile) -> Result<Limits, InputError> {
        let limits = &file.limits;
        let body = usize::try_from(limits.body.0).unwrap_or(usize::MAX);
        if !(1 << 10..=1 << 30).contains(&body) {
            return Err(self.error("limits.body", format!("{} is no limit; write 1 KiB to 1 GiB", limits.body)));
        }
        for (key, number) in
            [("limits.requests_per_second", limits.requests_per_second), ("limits.burst", limits.burst)]
        {
            if number == 0 {
                return Err(self.error(key, "nobody could ask anything; write at least 1"));
            }
        }
        Ok(Limits { body, requests_per_second: limits.requests_per_second, burst: limits.burst })
    }

    fn log(&self, file: &ConfigFile) -> Result<Log, InputError> {
        let log = &file.log;
        EnvFilter::try_new(&log.level).map_err(|error| {
            let message =
                format!("`{}` is no level ({error}); write `info`, or `info,smo::serve::api=debug`", log.level);
            self.error("log.level", message)
        })?;
        Ok(Log { format: log.format, level: log.level.clone() })
    }
}
