//! `smo os-k8s`: Kubernetes clusters that NFVCL makes on OpenStack.

use super::flags::{Common, Sure, Wait};

const LIST: &str = "\
Examples:
  smo os-k8s list
  smo os-k8s list --pop-area 3 --format json";

const SHOW: &str = "\
Examples:
  smo os-k8s show OS_K8S_3_aBcDe";

const CREATE: &str = "\
Examples:
  smo os-k8s create --vim milan
  smo os-k8s create --vim milan --pop-area 3 --workers 3 --wait=45min
  smo os-k8s create --vim milan --no-join

NFVCL takes its time; how far it is stands in `smo os-k8s list`. Once it is ready, the cluster
becomes a member of Karmada.";

const REMOVE: &str = "\
Examples:
  smo os-k8s remove OS_K8S_3_aBcDe
  smo os-k8s remove OS_K8S_3_aBcDe --yes --wait";

const SCALE_OUT: &str = "\
Examples:
  smo os-k8s scale-out OS_K8S_3_aBcDe
  smo os-k8s scale-out OS_K8S_3_aBcDe --workers 2 --wait";

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
    /// Have NFVCL add workers to a cluster.
    #[command(after_help = SCALE_OUT)]
    ScaleOut(ScaleOut),
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
    /// The area of the infrastructure; default: its first.
    #[arg(long, value_name = "NUMBER")]
    pop_area: Option<u32>,
    /// Workers at the start.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    workers: u32,
    /// The network between pods: `flannel`, `calico`; default: NFVCL's choice.
    #[arg(long, value_name = "NAME")]
    cni: Option<String>,
    /// It does not become a member of Karmada.
    #[arg(long)]
    no_join: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    common: Common,
}

/// Which cluster is removed.
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Its id.
    #[arg(value_name = "ID")]
    id: String,
    /// Do not wait for what Karmada or NFVCL makes of it.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    common: Common,
}

/// Which cluster grows.
#[derive(Debug, clap::Args)]
pub struct ScaleOut {
    /// Its id.
    #[arg(value_name = "ID")]
    id: String,
    /// Workers that are added.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    workers: u32,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    common: Common,
}

#[cfg(feature = "live")]
pub use doing::run;

#[cfg(feature = "live")]
mod doing {
    use super::{Command, Create, List, Remove, ScaleOut};
    use crate::cli::Failure;
    use crate::cli::client::confirm::confirm;
    use crate::cli::client::flags::{Common, Format, Wait};
    use crate::cli::client::nfvcl::{self, CLUSTERS};
    use crate::cli::client::server::problem::status;
    use crate::cli::client::server::{Ask, Server};
    use crate::cli::client::told::{self, one_line, text};
    use crate::cli::timed::Stopwatch;
    use anyhow::anyhow;
    use reqwest::Method;
    use serde_json::{Value, json};
    use std::io::Write;
    use std::time::Duration;

    /// The path of all.
    const ALL: &str = "os-k8s-clusters";
    /// From one look at a cluster to the next: NFVCL takes minutes.
    const EVERY: Duration = Duration::from_secs(2);
    /// Looks in a row that may stay without an answer.
    const SILENT_MAX: u32 = 30;

    /// Does what was asked.
    ///
    /// # Errors
    /// A server that does not answer, or whose NFVCL does not.
    pub async fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
        match command {
            Command::List(arguments) => list(arguments, out).await,
            Command::Sync(arguments) => sync(arguments, out).await,
            Command::Show(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let cluster = server.ask(&Ask::get(&[ALL, &arguments.id])).await?.body;
                told::print(arguments.common.format, &cluster, out, nfvcl::one)
            }
            Command::Create(arguments) => create(arguments, out).await,
            Command::Remove(arguments) => remove(arguments, out).await,
            Command::ScaleOut(arguments) => scale_out(arguments, out).await,
        }
    }

    async fn list(arguments: &List, out: &mut dyn Write) -> Result<(), Failure> {
        let server = Server::open(&arguments.common.at)?;
        let ask = Ask::get(&[ALL]).with_some("pop_area", arguments.pop_area.map(|area| area.to_string()));
        let clusters = told::items(server.ask(&ask).await?.body);
        told::print(arguments.common.format, &clusters, out, |clusters| {
            nfvcl::list(clusters, CLUSTERS, "NFVCL has made no clusters")
        })
    }

    async fn sync(arguments: &List, out: &mut dyn Write) -> Result<(), Failure> {
        let server = Server::open(&arguments.common.at)?;
        let ask = Ask::post(&[ALL, "sync"]).with_some("pop_area", arguments.pop_area.map(|area| area.to_string()));
        let synced = server.ask(&ask).await?.body;
        told::print(arguments.common.format, &synced, out, |synced| {
            nfvcl::synced(synced, CLUSTERS, "NFVCL has made no clusters")
        })
    }

    async fn create(arguments: &Create, out: &mut dyn Write) -> Result<(), Failure> {
        let server = Server::open(&arguments.common.at)?;
        let mut wanted = json!({"vim_name": arguments.vim, "workers": arguments.workers, "join": !arguments.no_join});
        if let Some(area) = arguments.pop_area {
            wanted["pop_area"] = area.into();
        }
        if let Some(cni) = &arguments.cni {
            wanted["cni"] = cni.as_str().into();
        }
        let made = server.ask(&Ask::post(&[ALL]).sending_json(&wanted)).await?.body;
        after(&server, made, (arguments.wait, &arguments.common), out).await
    }

    async fn scale_out(arguments: &ScaleOut, out: &mut dyn Write) -> Result<(), Failure> {
        let server = Server::open(&arguments.common.at)?;
        let ask = Ask::post(&[ALL, &arguments.id, "scale-out"]);
        let cluster = server.ask(&ask.sending_json(&json!({"workers": arguments.workers}))).await?.body;
        after(&server, cluster, (arguments.wait, &arguments.common), out).await
    }

    async fn remove(arguments: &Remove, out: &mut dyn Write) -> Result<(), Failure> {
        confirm(&format!("remove cluster {} with all that runs there", arguments.id), arguments.sure)?;
        let server = Server::open(&arguments.common.at)?;
        let ask = Ask::new(Method::DELETE, &[ALL, &arguments.id]);
        let ask = ask.with_some("force", arguments.force.then_some("true"));
        let cluster = server.ask(&ask).await?.body;
        if text(&cluster, "state") == "deleting" {
            return after(&server, cluster, (arguments.wait, &arguments.common), out).await;
        }
        told::print(arguments.common.format, &cluster, out, |_| format!("removed  {}\n", arguments.id))
    }

    /// Prints the cluster; once NFVCL is through with it, where that is waited for.
    async fn after(
        server: &Server,
        mut cluster: Value,
        (wait, common): (Wait, &Common),
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let Some(within) = wait.within else { return told::print(common.format, &cluster, out, nfvcl::one) };
        let id = text(&cluster, "smo_id").to_owned();
        let is_removed = text(&cluster, "state") == "deleting";
        let (stopwatch, mut told, mut silent) = (Stopwatch::start(), String::new(), 0);
        while !nfvcl::is_through(&cluster) {
            let line = nfvcl::progress(&cluster);
            if common.format == Format::Table && line != told {
                writeln!(out, "{line}")?;
                out.flush()?;
                told = line;
            }
            if let Some(within) = within.filter(|within| stopwatch.elapsed() >= Duration::from_nanos(within.0)) {
                let wanted = if is_removed { "gone" } else { "ready" };
                return Err(Failure::run(anyhow!(
                    "{id} is not {wanted} after {within}; NFVCL goes on\n  `smo os-k8s show {id}` shows how far it is"
                )));
            }
            tokio::time::sleep(EVERY).await;
            match server.ask(&Ask::get(&[ALL, &id])).await {
                Ok(answer) => (cluster, silent) = (answer.body, 0),
                Err(failure) if status(&failure) == Some(404) && is_removed => {
                    return told::print(common.format, &cluster, out, |_| format!("removed  {id}\n"));
                }
                // What may pass is waited for.
                Err(failure) if failure.code == 1 && silent < SILENT_MAX => silent += 1,
                Err(failure) => return Err(failure),
            }
        }
        told::print(common.format, &cluster, out, nfvcl::one)?;
        if text(&cluster, "state") == "failed" {
            let reason = cluster["reason"].as_str().unwrap_or("NFVCL gives no reason");
            return Err(Failure::run(anyhow!("{id} failed: {}", one_line(reason))));
        }
        if is_removed {
            return Err(Failure::run(anyhow!(
                "{id} is still there, and ready: NFVCL has not taken it away\n  try again, or with `--force`"
            )));
        }
        Ok(())
    }
}
