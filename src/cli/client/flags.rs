//! What the commands of a server have in common: which server, as whom, which project, how answers are printed, how long is
//! waited.

use crate::units::Span;
use clap::ValueEnum;
use std::path::PathBuf;

/// Where a server is that nobody names.
#[cfg(feature = "live")]
pub const SERVER: &str = "http://127.0.0.1:8000";
/// The project that nobody names.
#[cfg(feature = "live")]
pub const PROJECT: &str = "default";

/// Which server, and as whom.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Server")]
pub struct At {
    /// The server; default: `$SMO_SERVER`, else that of `smo login`, else `http://127.0.0.1:8000`.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file with the token; default: `$SMO_TOKEN`, else that of `smo login` for this server.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates (PEM) that are trusted besides those of the system; default: `$SMO_CA`, else those of `smo login`.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// Which server, and how its answers are printed.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    #[command(flatten)]
    pub at: At,
}

/// What is printed of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text that fits the terminal.
    Table,
    /// The answer as JSON.
    Json,
    /// The same as YAML.
    Yaml,
}

/// In which project.
#[derive(Debug, Clone, clap::Args)]
pub struct Project {
    /// The project; default: `$SMO_PROJECT`, else `default`.
    #[arg(id = "project", long = "project", short = 'p', value_name = "NAME")]
    pub name: Option<String>,
}

/// In which project, if in one.
#[derive(Debug, Clone, clap::Args)]
pub struct Within {
    /// Those of this project; default: `$SMO_PROJECT`, else those of all.
    #[arg(id = "project", long = "project", short = 'p', value_name = "NAME")]
    pub name: Option<String>,
}

/// A graph of a project.
#[derive(Debug, Clone, clap::Args)]
pub struct Named {
    /// The graph.
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub project: Project,
}

/// Whether the end of what was asked is waited for.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Wait {
    /// Wait until it is done, at most so long: `--wait`, `--wait=5min`. What was asked goes on anyway.
    #[arg(long = "wait", value_name = "SPAN", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "not said, said alone, or with a value")]
    pub within: Option<Option<Span>>,
}

/// What is not asked about again.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Sure {
    /// Do not ask whether it is meant; without a terminal it has to be said.
    #[arg(long, short)]
    pub yes: bool,
}

#[cfg(feature = "live")]
impl Within {
    /// The project that is meant, if one is named.
    pub fn named(&self) -> Option<String> {
        self.name.clone().or_else(|| variable("SMO_PROJECT"))
    }
}

#[cfg(feature = "live")]
impl Project {
    /// The project that is meant.
    pub fn or_default(&self) -> String {
        self.name.clone().or_else(|| variable("SMO_PROJECT")).unwrap_or_else(|| PROJECT.to_owned())
    }
}

/// A variable of the environment; one that is empty counts as none.
#[cfg(feature = "live")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
