//! `smo os-k8s`: Kubernetes clusters that NFVCL makes on OpenStack.

use super::flags::{Common, Sure};

const LIST: &str = "\
Examples:
  smo os-k8s list
  smo os-k8s list --format json";

const SHOW: &str = "\
Examples:
  smo os-k8s show OS_K8S_3_aBcDe";

const CREATE: &str = "\
Examples:
  smo os-k8s create --vim milan --pop-area 3

NFVCL takes its time; how far it is stands in `smo os-k8s list`.";

const REMOVE: &str = "\
Examples:
  smo os-k8s remove OS_K8S_3_aBcDe
  smo os-k8s remove OS_K8S_3_aBcDe --yes";

const SCALE_OUT: &str = "\
Examples:
  smo os-k8s scale-out OS_K8S_3_aBcDe";

const SYNC: &str = "\
Examples:
  smo os-k8s sync
  smo os-k8s sync --pop-area 3";

/// What can be asked about clusters of NFVCL.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the clusters that NFVCL made.
    #[command(after_help = LIST)]
    List(List),
    /// Show a cluster.
    #[command(after_help = SHOW)]
    Show(Show),
    /// Have NFVCL make a cluster on an infrastructure.
    #[command(after_help = CREATE)]
    Create(Create),
    /// Have NFVCL take a cluster away, with all that runs there.
    #[command(after_help = REMOVE)]
    Remove(Remove),
    /// Have NFVCL add a node to a cluster.
    #[command(after_help = SCALE_OUT)]
    ScaleOut(Show),
    /// Ask NFVCL for its clusters now.
    #[command(after_help = SYNC)]
    Sync(List),
}

/// Which clusters are meant.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Those of this area only.
    #[arg(long, value_name = "NUMBER")]
    pop_area: Option<u32>,
    #[command(flatten)]
    common: Common,
}

/// Which cluster is meant.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Its id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    common: Common,
}

/// What is created.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// The infrastructure that it is made on.
    #[arg(long, value_name = "NAME")]
    vim: String,
    /// The area of the infrastructure.
    #[arg(long, value_name = "NUMBER")]
    pop_area: u32,
    #[command(flatten)]
    common: Common,
}

/// Which cluster is removed.
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Its id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    common: Common,
}

#[cfg(feature = "live")]
pub use doing::run;

#[cfg(feature = "live")]
mod doing {
    use super::Command;
    use crate::cli::Failure;
    use crate::cli::client::confirm::confirm;
    use crate::cli::client::nfvcl::{self, CLUSTERS};
    use crate::cli::client::server::{Ask, Server};
    use crate::cli::client::told;
    use reqwest::Method;
    use serde_json::json;
    use std::io::Write;

    /// The path of all.
    const ALL: &str = "os-k8s-clusters";

    /// Does what was asked.
    ///
    /// # Errors
    /// A server that does not answer, or whose NFVCL does not.
    pub async fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
        match command {
            Command::List(arguments) | Command::Sync(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let ask = match command {
                    Command::Sync(_) => Ask::post(&[ALL, "sync"]),
                    _ => Ask::get(&[ALL]),
                };
                let ask = ask.with_some("pop_area", arguments.pop_area.map(|area| area.to_string()));
                let clusters = told::items(server.ask(&ask).await?.body);
                told::print(arguments.common.format, &clusters, out, |clusters| {
                    nfvcl::list(clusters, CLUSTERS, "NFVCL has made no clusters")
                })
            }
            Command::Show(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let cluster = server.ask(&Ask::get(&[ALL, &arguments.id])).await?.body;
                told::print(arguments.common.format, &cluster, out, nfvcl::one)
            }
            Command::Create(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let wanted = json!({"vim_name": arguments.vim, "pop_area": arguments.pop_area});
                let made = server.ask(&Ask::post(&[ALL]).sending_json(&wanted)).await?.body;
                told::print(arguments.common.format, &made, out, nfvcl::one)
            }
            Command::Remove(arguments) => {
                confirm(&format!("remove cluster {} with all that runs there", arguments.id), arguments.sure)?;
                let server = Server::open(&arguments.common.at)?;
                let answer = server.ask(&Ask::new(Method::DELETE, &[ALL, &arguments.id])).await?.body;
                told::print(arguments.common.format, &answer, out, |_| format!("removed  {}\n", arguments.id))
            }
            Command::ScaleOut(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let answer = server.ask(&Ask::post(&[ALL, &arguments.id, "scale-out"])).await?.body;
                told::print(arguments.common.format, &answer, out, nfvcl::one)
            }
        }
    }
}
