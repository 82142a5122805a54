//! Commands that ask a server that runs `smo serve`: graphs, clusters, jobs, events; and the threshold scaler, which needs none.
//!
//! In reading order: `flags` (what all of them take), `server` (requests and answers, problems as failures), `saved` (what
//! `smo login` keeps), `follow` (waiting for a job), `told` and the tables (what is printed), then a file or folder a command.
//!
//! They are there in every build, so that help and completions are the same everywhere; without the feature `live` each says
//! so. What is printed as a table is made of the same answer that `--format json` prints as it came.

mod cluster;
mod events;
mod flags;
mod graph;
mod job;
mod login;
mod os_k8s;
mod scaler;
mod vim;

#[cfg(feature = "live")]
mod confirm;
#[cfg(feature = "live")]
mod follow;
#[cfg(feature = "live")]
mod nfvcl;
#[cfg(feature = "live")]
mod saved;
#[cfg(feature = "live")]
mod server;
#[cfg(feature = "live")]
mod told;

use super::Failure;
use std::io::Write;

/// What is asked of a server.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Deploy application graphs on a server, look at them, change and remove them.
    #[command(subcommand)]
    Graph(graph::Command),
    /// The clusters of a server: what is free, and what you say of them.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Virtual infrastructures (OpenStack) that the NFVCL of a server can make clusters on.
    #[command(subcommand)]
    Vim(vim::Command),
    /// Kubernetes clusters that the NFVCL of a server makes on OpenStack.
    #[command(subcommand)]
    OsK8s(os_k8s::Command),
    /// Scale a Deployment by two thresholds, without a server.
    #[command(subcommand)]
    Scaler(scaler::Command),
    /// What a server is asked to do, and how far it is.
    #[command(subcommand)]
    Job(job::Command),
    Events(events::Arguments),
    Login(login::Arguments),
}

/// Does what was asked.
///
/// # Errors
/// A build without the real world.
#[cfg(not(feature = "live"))]
pub fn run(command: &Command, _: &mut dyn Write) -> Result<(), Failure> {
    let name = match command {
        Command::Graph(_) => "graph",
        Command::Cluster(_) => "cluster",
        Command::Vim(_) => "vim",
        Command::OsK8s(_) => "os-k8s",
        Command::Scaler(_) => "scaler",
        Command::Job(_) => "job",
        Command::Events(_) => "events",
        Command::Login(_) => "login",
    };
    Err(super::live::unavailable(name))
}

/// Does what was asked.
///
/// # Errors
/// A server that does not answer (1) or does not take what it is asked (2), or wrong usage.
#[cfg(feature = "live")]
pub fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    // One thread: a command asks one thing after the other.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::run)?;
    runtime.block_on(async {
        match command {
            Command::Graph(command) => graph::run(command, out).await,
            Command::Cluster(command) => cluster::run(command, out).await,
            Command::Vim(command) => vim::run(command, out).await,
            Command::OsK8s(command) => os_k8s::run(command, out).await,
            Command::Scaler(command) => scaler::run(command, out).await,
            Command::Job(command) => job::run(command, out).await,
            Command::Events(arguments) => events::run(arguments, out).await,
            Command::Login(arguments) => login::run(arguments, out).await,
        }
    })
}
