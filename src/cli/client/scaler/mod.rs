//! `smo scaler`: the original's threshold scaler, without a server.
//!
//! In reading order: this file (what can be asked), `rule` (when is looked, and what comes of it: pure), `run` (the loop over
//! Prometheus and the control plane).
//!
//! Beside the original: the namespace is honoured, the thresholds have to be in order, what nobody measures holds the replicas
//! as they are, trouble does not end the loop, and a Deployment that somebody else scales is left alone.

#[cfg(feature = "live")]
mod rule;
#[cfg(feature = "live")]
mod run;

use crate::cli::Format;
use crate::units::Span;
use std::path::PathBuf;

const RUN: &str = "\
Examples:
  smo scaler run --target-deployment web --target-namespace demo \\
      --up-threshold 20 --down-threshold 5 --up-replicas 5 --down-replicas 1
  smo scaler run --kubeconfig karmada.config --prometheus http://prometheus:9090 \\
      --target-deployment web --query 'sum(rate(requests_total{app=\"web\"}[1m]))' \\
      --up-threshold 20 --down-threshold 5 --up-replicas 5 --down-replicas 1 --dry-run

Above the upper threshold the Deployment gets the upper number of replicas, below the lower one the
lower number, in between nothing happens. After a change nothing is looked at until the cooldown is
over. A rate that is not there holds the replicas. Ctrl-C ends it; replicas stay as they are.";

const USAGE: &str = "\
smo scaler run [OPTIONS] --target-deployment <NAME> --up-threshold <RATE>
       --down-threshold <RATE> --up-replicas <N> --down-replicas <N>";

/// What can be asked of the scaler.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Scale a Deployment between two numbers of replicas, by the rate of its requests.
    #[command(after_help = RUN, override_usage = USAGE)]
    Run(Box<Scale>),
}

/// What is scaled, by what.
#[derive(Debug, clap::Args)]
pub struct Scale {
    /// The Deployment.
    #[arg(long, value_name = "NAME")]
    target_deployment: String,
    /// Its namespace.
    #[arg(long, value_name = "NAME", default_value = "default")]
    target_namespace: String,
    /// Requests per second above which it is scaled up.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    up_threshold: f64,
    /// Requests per second below which it is scaled down.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    down_threshold: f64,
    /// Replicas above the upper threshold.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    up_replicas: u32,
    /// Replicas below the lower threshold.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    down_replicas: u32,
    /// From one look to the next: seconds, or a span.
    #[arg(long, value_name = "SPAN", default_value = "15", value_parser = seconds)]
    poll_interval: Span,
    /// Time after a change in which nothing is looked at: seconds, or a span.
    #[arg(long, value_name = "SPAN", default_value = "60", value_parser = seconds)]
    cooldown_period: Span,
    /// The control plane: Karmada, or any Kubernetes; default: `~/.kube/karmada-apiserver.config`.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; default: its current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Where the rate is measured; default: `$PROMETHEUS_HOST`, else `http://localhost:9090`.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// A file with a token for Prometheus.
    #[arg(long, value_name = "FILE")]
    prometheus_token_file: Option<PathBuf>,
    /// The job whose requests count: `sum(rate(http_requests_total{job="NAME"}[1m]))`; default: the Deployment's name.
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// PromQL that gives the rate, instead.
    #[arg(long, value_name = "PROMQL", conflicts_with = "job")]
    query: Option<String>,
    /// Look once, act, and end.
    #[arg(long)]
    once: bool,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Tell each look, not only what is news.
    #[arg(long, short)]
    verbose: bool,
    /// What to print: text, or a line of JSON for each look.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Requests per second, which may say so: `20`, `20 /s`.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches("/s").trim();
    let rate = number.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 0.0);
    rate.ok_or_else(|| "no number of requests per second; write it like `20`".to_owned())
}

/// Seconds as the original takes them, or a span as everything here does.
fn seconds(text: &str) -> Result<Span, String> {
    let span = match text.trim().parse::<u32>() {
        Ok(seconds) => Span::seconds(seconds.into()),
        Err(_) => text.parse().map_err(|error| format!("{error}"))?,
    };
    Ok(span)
}

/// Does what was asked.
///
/// # Errors
/// See the commands.
#[cfg(feature = "live")]
pub async fn run(command: &Command, out: &mut dyn std::io::Write) -> Result<(), crate::cli::Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, out).await,
    }
}

#[cfg(test)]
mod tests {
    use super::{rate, seconds};
    use crate::units::Span;

    #[test]
    fn seconds_are_taken_bare_as_the_original_takes_them() {
        assert_eq!((seconds("15"), seconds("2min")), (Ok(Span::seconds(15)), Ok(Span::seconds(120))));
        assert!(seconds("soon").is_err() && seconds("-1").is_err());
    }

    #[test]
    fn a_rate_is_a_number_of_requests_per_second() {
        assert_eq!((rate("20"), rate("2.5 /s"), rate("0")), (Ok(20.0), Ok(2.5), Ok(0.0)));
        assert!(["NaN", "inf", "-1", "many", ""].iter().all(|wrong| rate(wrong).is_err()));
    }
}
