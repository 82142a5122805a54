//! `smo config show`: the configuration of `smo serve` that holds here, each value with where it came from.

use super::Failure;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo config show                              what holds without a file
  smo config show --config serve.yaml          what holds with one, and which line says so
  SMO_LISTEN=0.0.0.0:8000 smo config show      what the environment changes
  smo config show --format json                for programs

The later wins: defaults, the variables of the original SMO (also in a file .env here) and of
OpenTelemetry, the file, SMO_... variables, and the command line of smo serve. Passwords are masked.";

/// Show the configuration of the service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print every key with the value that holds and where it came from, or the first mistake with its place.
    #[command(after_help = EXAMPLES)]
    Show(Show),
}

/// What is shown, and how.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The file of the service; else the one that `SMO_CONFIG` names; else none.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// For people, or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Columns: key, value, origin.
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// Shows the configuration.
///
/// # Errors
/// Its first mistake.
#[cfg(not(feature = "live"))]
pub fn run(_: &Command, _: &mut dyn Write) -> Result<(), Failure> {
    Err(Failure::input(anyhow::anyhow!(
        "`smo config` needs the feature `live`, which this build lacks\n  build it by `cargo build --release --features live`"
    )))
}

/// Shows the configuration.
///
/// # Errors
/// Its first mistake.
#[cfg(feature = "live")]
pub fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    use crate::serve::config::{Config, environment};
    let Command::Show(show) = command;
    let folder = std::env::current_dir().map_err(Failure::run)?;
    let environment = environment::of_process(&folder).map_err(|wrong| Failure::input(anyhow::anyhow!(wrong)))?;
    let config = Config::load(show.config.as_deref(), &[], &environment).map_err(Failure::input)?;
    let whole = serde_json::json!({"values": config.shown, "warnings": config.warnings});
    match show.format {
        Format::Table => write_table(&config, out)?,
        Format::Json => writeln!(out, "{whole:#}")?,
        Format::Yaml => write!(out, "{}", super::yaml::document(&whole)?)?,
    }
    Ok(())
}

#[cfg(feature = "live")]
fn write_table(config: &crate::serve::config::Config, out: &mut dyn Write) -> std::io::Result<()> {
    let mut columns = super::aligned::Columns::new(["key", "value", "from"]);
    for shown in &config.shown {
        let value = match &shown.value {
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        columns.row(vec![shown.key.to_owned(), value, shown.origin.to_string()]);
    }
    columns.print("", out)?;
    for warning in &config.warnings {
        writeln!(out, "\nnote: {warning}")?;
    }
    Ok(())
}
