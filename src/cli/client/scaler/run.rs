//! The loop: read the replicas, read the rate, decide, write, wait.

use super::Scale;
use super::rule::{Look, Rule};
use crate::backend::live::clock;
use crate::backend::live::connect::token_at;
use crate::backend::live::karmada::claim::policy_name;
use crate::backend::live::karmada::{DEPLOYMENT, Karmada, POLICY};
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::prometheus::Prometheus;
use crate::cli::client::flags::variable;
use crate::cli::client::told;
use crate::cli::{Failure, Format, live};
use crate::model::connection::{Division, KarmadaAt};
use crate::policy::scaling::threshold::Thresholds;
use crate::serve::at::At;
use crate::units::Time;
use anyhow::anyhow;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

/// The original's kubeconfig, below the home directory.
const KUBECONFIG: &str = ".kube/karmada-apiserver.config";
/// The original's Prometheus.
const PROMETHEUS: &str = "http://localhost:9090";

/// Who is scaled, by what.
struct Scaler<'a> {
    asked: &'a Scale,
    karmada: Karmada,
    prometheus: Prometheus,
    query: String,
    rule: Rule,
    /// What was said last, so that only news is told.
    told: String,
}

/// Scales until Ctrl-C.
///
/// # Errors
/// Thresholds that are not in order, a Deployment that is not there or that somebody else scales, a query that is none.
pub async fn run(asked: &Scale, out: &mut dyn Write) -> Result<(), Failure> {
    let mut scaler = Scaler::open(asked).await?;
    scaler.check().await?;
    let clock = clock::Clock::start();
    let looks = async {
        loop {
            scaler.on_time(clock.time(), out).await?;
            if asked.once {
                return Ok(());
            }
            tokio::time::sleep(clock::duration(asked.poll_interval)).await;
        }
    };
    tokio::select! {
        ended = looks => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

impl<'a> Scaler<'a> {
    async fn open(asked: &'a Scale) -> Result<Self, Failure> {
        let thresholds = Thresholds {
            up: asked.up_threshold,
            down: asked.down_threshold,
            up_replicas: asked.up_replicas,
            down_replicas: asked.down_replicas,
        };
        let rule = Rule::new(thresholds, asked.cooldown_period).map_err(|wrong| Failure::input(anyhow!(wrong)))?;
        let address = asked.prometheus.clone().or_else(|| variable("PROMETHEUS_HOST"));
        let mut prometheus = Prometheus::new(address.as_deref().unwrap_or(PROMETHEUS)).map_err(live::failure)?;
        if let Some(path) = &asked.prometheus_token_file {
            prometheus = prometheus.with_token(token_at(path).map_err(live::failure)?);
        }
        let at = KarmadaAt {
            kubeconfig: kubeconfig(asked)?,
            context: asked.context.clone(),
            namespace: asked.target_namespace.clone(),
            division: Division::Own,
        };
        let karmada = Karmada::open(&at).await.map_err(live::failure)?;
        Ok(Self { asked, karmada, prometheus, query: query(asked), rule, told: String::new() })
    }

    /// What can be known to be wrong before the first look: nobody reads the messages of a loop.
    async fn check(&self) -> Result<(), Failure> {
        self.prometheus.check(&self.query).await.or_else(may_pass)?;
        self.replicas().await.map(|_| ()).or_else(may_pass)?;
        let name = &self.asked.target_deployment;
        // Not everybody may list these; then nobody can say.
        let autoscalers = self.karmada.autoscalers().await.unwrap_or_default();
        if let Some(other) = autoscalers.iter().find(|other| other.target == *name) {
            return Err(Failure::input(anyhow!(
                "{} `{}` scales Deployment `{name}` already\n  two who scale one Deployment fight for ever: delete it, or leave this one to it",
                other.kind,
                other.name
            )));
        }
        if self.karmada.get(POLICY, &policy_name(name)).await.is_ok_and(|policy| policy.is_some()) {
            return Err(Failure::input(anyhow!(
                "Deployment `{name}` is driven by smo already, through the policy `{}`\n  leave it to that, or remove it there first",
                policy_name(name)
            )));
        }
        Ok(())
    }

    /// One pass of the loop; trouble is told, and does not end it.
    async fn on_time(&mut self, now: Time, out: &mut dyn Write) -> Result<(), Failure> {
        if let Some(left) = self.rule.cooling(now) {
            if self.asked.verbose && self.asked.format == Format::Table {
                writeln!(out, "{}  cooling down for {:.0} s", now_words(), left.as_seconds_f64())?;
                out.flush()?;
            }
            return Ok(());
        }
        match self.look().await {
            Ok(look) => {
                if let Some(wanted) = look.wanted.filter(|_| !self.asked.dry_run)
                    && let Err(error) = self.karmada.scale(&self.asked.target_deployment, wanted).await
                {
                    return self.on_trouble(error, out);
                }
                if look.wanted.is_some() {
                    self.rule.on_changed(now);
                }
                self.tell(&look, out)
            }
            Err(error) => self.on_trouble(error, out),
        }
    }

    async fn look(&self) -> Result<Look, CallError> {
        let current = self.replicas().await?;
        // An outage is a rate that is not there: replicas are held.
        let rate = match self.rate().await {
            Ok(rate) => rate,
            Err(error) if error.class != Class::Permanent => {
                let look = self.rule.look(current, None);
                return Ok(Look { reason: format!("{} ({})", look.reason, error.reason), ..look });
            }
            Err(error) => return Err(error),
        };
        Ok(self.rule.look(current, rate))
    }

    async fn replicas(&self) -> Result<u32, CallError> {
        let name = &self.asked.target_deployment;
        let absent = || {
            let namespace = &self.asked.target_namespace;
            let reason = format!("there is none in namespace `{namespace}`; say which by --target-namespace");
            CallError::new("karmada", format!("deployment {name}"), Class::Permanent, reason)
        };
        let found = self.karmada.get(DEPLOYMENT, name).await?.ok_or_else(absent)?;
        // The API server writes the default down.
        Ok(found.data["spec"]["replicas"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1))
    }

    async fn rate(&self) -> Result<Option<f64>, CallError> {
        let points = self.prometheus.query(&self.query).await?;
        match &points[..] {
            [] => Ok(None),
            [point] => Ok(Some(point.value)),
            several => {
                let reason = format!("the query gives {} series; wanted one, like `sum(...)`", several.len());
                Err(CallError::new("prometheus", "query", Class::Permanent, reason))
            }
        }
    }

    fn on_trouble(&mut self, error: CallError, out: &mut dyn Write) -> Result<(), Failure> {
        if self.asked.once {
            return Err(live::failure(error));
        }
        let news = std::mem::replace(&mut self.told, error.to_string()) != self.told;
        match self.asked.format {
            Format::Json => {
                let answer = serde_json::json!({"at": At::now(), "action": "none", "reason": error.to_string()});
                writeln!(out, "{answer}")?;
            }
            Format::Table if news || self.asked.verbose => writeln!(out, "{}  hold: {error}", now_words())?,
            Format::Table => {}
        }
        Ok(out.flush()?)
    }

    fn tell(&mut self, look: &Look, out: &mut dyn Write) -> Result<(), Failure> {
        let news = std::mem::replace(&mut self.told, look.reason.clone()) != self.told || look.wanted.is_some();
        match self.asked.format {
            Format::Json => {
                let mut answer = look.json();
                answer["at"] = serde_json::json!(At::now());
                answer["dry_run"] = self.asked.dry_run.into();
                writeln!(out, "{answer}")?;
            }
            Format::Table if news || self.asked.verbose => {
                let would = if self.asked.dry_run && look.wanted.is_some() { "would  " } else { "" };
                writeln!(out, "{}  {would}{}", now_words(), look.line())?;
            }
            Format::Table => {}
        }
        Ok(out.flush()?)
    }
}

/// What will not pass ends the command before the loop begins; what may pass is waited for in it.
fn may_pass(error: CallError) -> Result<(), Failure> {
    if error.class == Class::Permanent { Err(live::failure(error)) } else { Ok(()) }
}

fn kubeconfig(asked: &Scale) -> Result<PathBuf, Failure> {
    if let Some(path) = &asked.kubeconfig {
        return Ok(path.clone());
    }
    let home = variable("HOME").ok_or_else(|| {
        Failure::input(anyhow!("no home directory is known\n  say by --kubeconfig where the control plane is"))
    })?;
    Ok(PathBuf::from(home).join(KUBECONFIG))
}

/// What the rate is asked by.
fn query(asked: &Scale) -> String {
    if let Some(query) = &asked.query {
        return query.clone();
    }
    // A text of JSON is one of PromQL.
    let job = Value::from(asked.job.clone().unwrap_or_else(|| asked.target_deployment.clone()));
    format!("sum(rate(http_requests_total{{job={job}}}[1m]))")
}

fn now_words() -> String {
    told::instant(&At::now().to_string())
}
