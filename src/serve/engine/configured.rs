//! From the server's configuration to what the engine has to know.

use super::settings::{ControlPlane, Settings};
use crate::backend::live::clock;
use crate::backend::live::deploy::CLUSTER_LABEL;
use crate::model::connection::{GrafanaAt, PrometheusAt};
use crate::model::control::Rails;
use crate::serve::at::At;
use crate::serve::config::{Config, GrafanaConfig, RulesAt, SignIn};
use crate::units::Time;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

impl Settings {
    /// What the engine has to know of `config`. `folder` is for secrets that clients want in files.
    ///
    /// # Errors
    /// The policy is none, or a secret cannot be written.
    pub fn of(config: &Config, folder: &std::path::Path) -> Result<Self, String> {
        let plane = |one: &crate::serve::config::Karmada| ControlPlane {
            kubeconfig: one.kubeconfig.clone(),
            context: one.context.clone(),
            division: one.division,
        };
        let rule_labels = match &config.alerts.rules {
            RulesAt::Operator { labels, .. } => labels.clone(),
            RulesAt::Files { .. } => BTreeMap::new(),
        };
        let prometheus = config
            .prometheus
            .as_ref()
            .map(|at| PrometheusAt { url: at.url.clone(), token_file: at.token_file.clone() });
        Ok(Self {
            me: format!("{}-{}", std::process::id(), clock::since_epoch().as_nanos()),
            karmada: config.karmada.as_ref().map(plane),
            submariner: config.submariner.clone(),
            prometheus,
            queries: config.prometheus.clone(),
            grafana: config.grafana.as_ref().map(|at| grafana(at, folder)).transpose()?,
            cluster_label: config
                .grafana
                .as_ref()
                .map_or_else(|| CLUSTER_LABEL.to_owned(), |at| at.cluster_label.clone()),
            charts: config.charts.clone(),
            rules: config.alerts.rules.clone(),
            rule_labels,
            policy: config.policy.parse().map_err(|error| format!("policy `{}`: {error}", config.policy))?,
            every: config.control.every,
            rails: Rails {
                moves_per_tick: config.rails.moves_per_tick,
                removed_share: config.rails.removed_share,
                freezes: Vec::new(),
            },
            freezes: config.rails.freezes.clone(),
            moves: config.moves,
            probe: config.probe,
            capacities: config.capacities.clone(),
            learn: config.learn,
            inventory: config.inventory.clone(),
            decides: config.control.enabled,
            inject_resources: config.inject_resources,
            deploy_timeout: Duration::from_nanos(config.control.deploy_timeout.0),
        })
    }
}

/// Windows of the calendar as windows of a run whose clock starts at `start`, since 1970; those that are over are none.
pub fn windows(freezes: &[(At, At)], start: Duration) -> Vec<(Time, Time)> {
    let start = At(0).after(start);
    let time = |at: At| Time(u64::try_from(at.since(start).as_nanos()).unwrap_or(u64::MAX));
    let ahead = freezes.iter().filter(|(_, until)| *until > start);
    ahead.map(|(from, until)| (time(*from), time(*until))).collect()
}

/// A password goes into a file that only we can read, as clients of dashboards take it from one.
fn grafana(at: &GrafanaConfig, folder: &std::path::Path) -> Result<GrafanaAt, String> {
    let token_file = match &at.sign_in {
        SignIn::Nobody => None,
        SignIn::File(path) => Some(path.clone()),
        SignIn::User { name, password } => Some(secret(folder, &format!("{name}:{}", password.reveal()))?),
    };
    let (url, folder, data_source) = (at.url.clone(), at.folder.clone(), at.data_source.clone());
    Ok(GrafanaAt { url, token_file, folder, data_source })
}

fn secret(folder: &std::path::Path, text: &str) -> Result<PathBuf, String> {
    // Made with the rights 0600.
    let wrong = |error: &dyn std::fmt::Display| format!("{}: a secret cannot be kept there: {error}", folder.display());
    let mut file = tempfile::Builder::new().prefix("grafana-").tempfile_in(folder).map_err(|error| wrong(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| wrong(&error))?;
    let (_, path) = file.keep().map_err(|error| wrong(&error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{At, windows};
    use crate::units::Time;
    use std::time::Duration;

    /// A window from 10 s before the start until 5 s after it is one from the start on.
    #[test]
    fn windows_of_the_calendar_become_windows_of_the_run() {
        let freezes = [(At(90_000), At(105_000)), (At(10_000), At(20_000)), (At(160_000), At(170_000))];
        let found = windows(&freezes, Duration::from_secs(100));
        assert_eq!(found, [(Time(0), Time(5_000_000_000)), (Time(60_000_000_000), Time(70_000_000_000))]);
    }
}
