//! `smo serve`: the service that keeps application graphs running.

use super::Failure;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo serve                                    on this machine only, with a database in a file
  smo serve --config serve.yaml                what a file says: Karmada, Prometheus ...
  smo serve --set karmada.kubeconfig=karmada.config     one key of it
  SMO_DATABASE=postgres://smo@db/smo smo serve          the environment counts too
  smo config show --config serve.yaml          what holds, and where it came from

Without a control plane graphs are kept and planned, and none is deployed. /docs describes the
interface, /metrics is for Prometheus, /readyz for whoever starts it. Ctrl-C ends it when what is
being answered is answered; what is wanted is stored, so that the next start goes on with it.

Several servers may share one PostgreSQL: each graph is kept by one of them.";

/// Keep application graphs running on Karmada, over REST.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The configuration; else the file that `SMO_CONFIG` names; else none.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, like `127.0.0.1:8000`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A key of the configuration, set by its path; may be given again.
    #[arg(long, value_name = "key=value", value_parser = super::simulate::parse_set)]
    set: Vec<(String, String)>,
}

/// Serves until it is told to end.
///
/// # Errors
/// A wrong configuration; a place where nobody can listen; a database that does not answer.
#[cfg(not(feature = "live"))]
pub fn run(_: &Arguments, _: &mut dyn Write) -> Result<(), Failure> {
    Err(Failure::input(anyhow::anyhow!(
        "`smo serve` needs the feature `live`, which this build lacks\n  build it by `cargo build --release --features live`"
    )))
}

/// Serves until it is told to end.
///
/// # Errors
/// A wrong configuration; a place where nobody can listen; a database that does not answer.
#[cfg(feature = "live")]
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    use crate::serve::config::{Config, environment};
    use crate::serve::server::{self, ServeError};
    let folder = std::env::current_dir().map_err(Failure::run)?;
    let environment = environment::of_process(&folder).map_err(|wrong| Failure::input(anyhow::anyhow!(wrong)))?;
    let listen = arguments.listen.iter().map(|address| ("listen".to_owned(), address.clone()));
    let flags: Vec<(String, String)> = arguments.set.iter().cloned().chain(listen).collect();
    let config = Config::load(arguments.config.as_deref(), &flags, &environment).map_err(Failure::input)?;
    server::run(config, out).map_err(|error| match error {
        ServeError::Config(_) | ServeError::Tls { .. } => Failure::input(error),
        _ => Failure::run(error),
    })
}
