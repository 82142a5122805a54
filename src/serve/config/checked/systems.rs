//! What is said of the systems outside: the control plane, Submariner, Prometheus, rules, Grafana, charts.

use super::super::file::ConfigFile;
use super::super::outside::{AlertsFile, AlertsPlace, ChartsFile, GrafanaFile, PrometheusFile};
use super::super::{
    AlertsConfig, Charts, GrafanaConfig, Karmada, PrometheusConfig, RulesAt, Secret, SignIn, Submariner,
};
use super::Checker;
use crate::input::InputError;
use crate::input::connection::DivisionFile;
use crate::model::connection::Division;
use crate::units::Span;
use std::path::PathBuf;

impl Checker<'_> {
    pub(super) fn karmada(&self, file: &ConfigFile) -> Result<Option<Karmada>, InputError> {
        let Some(karmada) = &file.karmada else { return Ok(None) };
        Ok(Some(Karmada {
            kubeconfig: self.existing("karmada.kubeconfig", &karmada.kubeconfig)?,
            context: karmada.context.clone(),
            division: match karmada.division {
                DivisionFile::Own => Division::Own,
                DivisionFile::Weights => Division::Weights,
            },
        }))
    }

    pub(super) fn submariner(&self, file: &ConfigFile) -> Result<Option<Submariner>, InputError> {
        let Some(submariner) = &file.submariner else { return Ok(None) };
        Ok(Some(Submariner {
            kubeconfig: self.existing("submariner.kubeconfig", &submariner.kubeconfig)?,
            context: submariner.context.clone(),
            namespace: submariner.namespace.clone(),
        }))
    }

    pub(super) fn prometheus(&self, file: &PrometheusFile) -> Result<PrometheusConfig, InputError> {
        let templates = [
            ("prometheus.rate", Some(&file.rate)),
            ("prometheus.served", file.served.as_ref()),
            ("prometheus.latency_p95", file.latency_p95.as_ref()),
            ("prometheus.cpu_used", file.cpu_used.as_ref()),
        ];
        if let Some((key, _)) = templates.iter().find(|(_, text)| text.is_some_and(|text| !text.contains("$service"))) {
            let message = "is the same for all services; write `$service` where the name of the service belongs";
            return Err(self.error(key, message));
        }
        Ok(PrometheusConfig {
            url: self.url("prometheus.url", &file.url)?,
            token_file: self.maybe_existing("prometheus.token_file", file.token_file.as_deref())?,
            rate: file.rate.clone(),
            served: file.served.clone(),
            latency_p95: file.latency_p95.clone(),
            cpu_used: file.cpu_used.clone(),
            window: self.at_least("prometheus.window", file.window, Span::seconds(1))?,
        })
    }

    pub(super) fn alerts(&self, file: &AlertsFile) -> Result<AlertsConfig, InputError> {
        let rules = match (file.place, &file.folder) {
            (AlertsPlace::Operator, _) => {
                RulesAt::Operator { namespace: file.namespace.clone(), labels: file.rule_labels.clone() }
            }
            (AlertsPlace::Files, Some(written)) => {
                let folder = self.path("alerts.folder", written);
                if !folder.is_dir() {
                    let message = format!(
                        "there is no folder `{}`; write the path of the one that Prometheus reads",
                        folder.display()
                    );
                    return Err(self.error("alerts.folder", message));
                }
                RulesAt::Files { folder }
            }
            (AlertsPlace::Files, None) => {
                let message = "is `files`, and no folder is named; add `alerts: {folder: ...}`, which Prometheus reads rules from";
                return Err(self.error("alerts.place", message));
            }
        };
        let token_file = self.maybe_existing("alerts.token_file", file.token_file.as_deref())?;
        Ok(AlertsConfig { token_file, rules })
    }

    /// How one signs in, by the file, the user and the password that stand under `section`.
    pub(super) fn sign_in(
        &self,
        section: &str,
        [file, user, password]: [&Option<String>; 3],
    ) -> Result<SignIn, InputError> {
        let key = |name: &str| format!("{section}.{name}");
        match (file, user, password) {
            (Some(written), _, _) => Ok(SignIn::File(self.existing(&key("token_file"), written)?)),
            (None, Some(name), Some(password)) => {
                Ok(SignIn::User { name: name.clone(), password: Secret::new(password.clone()) })
            }
            (None, None, None) => Ok(SignIn::Nobody),
            (None, Some(_), None) => {
                Err(self.error(&key("username"), format!("has no password; set `{}`", key("password"))))
            }
            (None, None, Some(_)) => {
                Err(self.error(&key("password"), format!("has no user; set `{}`", key("username"))))
            }
        }
    }

    pub(super) fn grafana(&self, file: &GrafanaFile) -> Result<GrafanaConfig, InputError> {
        let sign_in = self.sign_in("grafana", [&file.token_file, &file.username, &file.password])?;
        if !is_label(&file.cluster_label) {
            let message = "is no label of metrics; write one like `cluster`, of letters, digits and `_`";
            return Err(self.error("grafana.cluster_label", message));
        }
        let (folder, data_source, cluster_label) =
            (file.folder.clone(), file.data_source.clone(), file.cluster_label.clone());
        Ok(GrafanaConfig { url: self.url("grafana.url", &file.url)?, sign_in, folder, data_source, cluster_label })
    }

    pub(super) fn charts(&self, file: &ChartsFile) -> Result<Charts, InputError> {
        let named: Vec<String> = file.plain_hosts.iter().filter(|host| *host != "*").cloned().collect();
        let hosts = self.hosts("charts.allow_hosts", &file.allow_hosts)?;
        let hosts = hosts.and(&named).map_err(|message| self.error("charts.plain_hosts", message))?;
        let helm =
            if file.helm.contains('/') { self.path("charts.helm", &file.helm) } else { PathBuf::from(&file.helm) };
        Ok(Charts { helm, plain: file.plain_hosts.clone(), hosts })
    }
}

/// Whether `text` is the name of a label, as Prometheus takes it.
fn is_label(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.chars().all(is_letter) && !text.is_empty() && !text.starts_with(|letter: char| letter.is_ascii_digit())
}
