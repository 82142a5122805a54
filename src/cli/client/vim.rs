//! `smo vim`: OpenStack infrastructures that NFVCL makes clusters on.

use super::flags::{Common, Sure};
use std::path::PathBuf;

const LIST: &str = "\
Examples:
  smo vim list
  smo vim list --pop-area 3 --format json";

const SHOW: &str = "\
Examples:
  smo vim show milan";

const CREATE: &str = "\
Examples:
  smo vim create milan.yaml
  smo vim create milan.yaml --password-stdin < password

The file, as YAML or JSON:
  vim_name: milan
  pop_area: 3
  vim_type: openstack                  or proxmox
  vim_url: https://openstack.example.org:5000/v3
  vim_tenant_name: smo
  vim_user: smo
  vim_password: ...                    or by --password-stdin
  mgmt_network: {name: mgmt, cidr: 10.0.0.0/24, gateway: 10.0.0.1}
  service_network: {name: data, cidr: 10.1.0.0/24, gateway: 10.1.0.1}

The password goes to NFVCL and is not stored.";

const REMOVE: &str = "\
Examples:
  smo vim remove milan
  smo vim remove milan --yes";

const SYNC: &str = "\
Examples:
  smo vim sync";

/// What can be asked about infrastructures.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List infrastructures.
    #[command(after_help = LIST)]
    List(List),
    /// Show an infrastructure.
    #[command(after_help = SHOW)]
    Show(Show),
    /// Make an infrastructure known to NFVCL.
    #[command(after_help = CREATE)]
    Create(Create),
    /// Take an infrastructure without clusters away from NFVCL.
    #[command(after_help = REMOVE)]
    Remove(Remove),
    /// Ask NFVCL for its infrastructures now.
    #[command(after_help = SYNC)]
    Sync(Common),
}

/// Which infrastructures are listed.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Those of this area only.
    #[arg(long, value_name = "NUMBER")]
    pop_area: Option<u32>,
    #[command(flatten)]
    common: Common,
}

/// Which infrastructure is shown.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Its name, or number.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
}

/// What is created.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// The infrastructure, as YAML or JSON.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    common: Common,
}

/// Which infrastructure is removed.
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Its name, or number.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    common: Common,
}

#[cfg(feature = "live")]
pub use doing::run;

#[cfg(feature = "live")]
mod doing {
    use super::{Command, Create};
    use crate::cli::client::confirm::confirm;
    use crate::cli::client::nfvcl::{self, VIMS};
    use crate::cli::client::server::{Ask, Server};
    use crate::cli::client::told;
    use crate::cli::{Failure, yaml};
    use anyhow::{Context, anyhow};
    use reqwest::Method;
    use std::io::{self, Read, Write};

    /// Where a password stands.
    const PASSWORD: &str = "vim_password";

    /// Does what was asked.
    ///
    /// # Errors
    /// A server that does not answer, or whose NFVCL does not.
    pub async fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
        match command {
            Command::List(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let ask = Ask::get(&["vims"]).with_some("pop_area", arguments.pop_area.map(|area| area.to_string()));
                let vims = told::items(server.ask(&ask).await?.body);
                told::print(arguments.common.format, &vims, out, |vims| nfvcl::list(vims, VIMS, "no infrastructures"))
            }
            Command::Show(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let vim = server.ask(&Ask::get(&["vims", &arguments.name])).await?.body;
                told::print(arguments.common.format, &vim, out, nfvcl::one)
            }
            Command::Create(arguments) => create(arguments, out).await,
            Command::Remove(arguments) => {
                confirm(&format!("remove infrastructure {} from NFVCL", arguments.name), arguments.sure)?;
                let server = Server::open(&arguments.common.at)?;
                let answer = server.ask(&Ask::new(Method::DELETE, &["vims", &arguments.name])).await?.body;
                told::print(arguments.common.format, &answer, out, |_| format!("removed  {}\n", arguments.name))
            }
            Command::Sync(common) => {
                let server = Server::open(&common.at)?;
                let synced = server.ask(&Ask::post(&["vims", "sync"])).await?.body;
                told::print(common.format, &synced, out, |synced| {
                    nfvcl::synced(synced, VIMS, "NFVCL knows no infrastructures")
                })
            }
        }
    }

    async fn create(arguments: &Create, out: &mut dyn Write) -> Result<(), Failure> {
        let shown = arguments.file.display().to_string();
        let text = std::fs::read_to_string(&arguments.file).with_context(|| shown.clone()).map_err(Failure::input)?;
        let mut vim = yaml::read(&text).with_context(|| shown.clone()).map_err(Failure::input)?;
        if !vim.is_object() {
            return Err(Failure::input(anyhow!("{shown}: fields are wanted\n  `smo vim create --help` shows them")));
        }
        if arguments.password_stdin {
            let mut password = String::new();
            io::stdin().read_to_string(&mut password).context("standard input").map_err(Failure::input)?;
            vim[PASSWORD] = password.trim_end_matches(['\r', '\n']).into();
        }
        let server = Server::open(&arguments.common.at)?;
        let made = server.ask(&Ask::post(&["vims"]).sending_json(&vim)).await?.body;
        told::print(arguments.common.format, &made, out, nfvcl::one)
    }
}
