//! `smo init`: a first scenario in a directory of its own, made up, or fitted to what `kubectl` printed.
//!
//! Nothing is overwritten, and what is written has been read back and is sound. Files of Kubernetes objects are named and not
//! copied: they may hold secrets, and the scenario follows when they are fetched again.

mod fitted;
mod series;
mod size;
mod text;

use super::Failure;
use super::job::Setting;
use crate::input::Request;
use crate::input::trace::ServiceNames;
use crate::input::trace::generate::{GenerateOptions, ServiceLoad, generate};
use crate::input::trace::write::{Compress, long_csv};
use crate::units::{Rate, Ratio};
use anyhow::{Context, anyhow};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  smo init first                                        a made-up scenario with comments
  smo init demo --from-kubectl clusters.yaml            fitted to what `kubectl -o yaml` printed
  smo init shop --from-kubectl milan=nodes.yaml --from-kubectl milan=pods.yaml \\
      --workloads k8s/ --trace day.csv.gz
Then:
  smo simulate first/scenario.yaml";

/// Write a first scenario, made up or fitted to real clusters.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The directory to write to; it is made where it is missing.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Karmada clusters, or nodes and pods, as `kubectl get -o yaml` or `-o json` prints them; may be given again. NAME is
    /// the cluster of the nodes, which is else called like the file.
    #[arg(long, value_name = "[NAME=]FILE")]
    from_kubectl: Vec<String>,
    /// Deployments and what belongs to them: a file, a directory of files, or a Helm chart.
    #[arg(long, value_name = "PATH", requires = "from_kubectl")]
    workloads: Option<PathBuf>,
    /// Request rates; without them, a day is made up.
    #[arg(long, value_name = "FILE", requires = "from_kubectl")]
    trace: Option<PathBuf>,
}

/// A file to be written.
struct Draft {
    name: &'static str,
    content: Vec<u8>,
}

impl Draft {
    fn new(name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        Self { name, content: content.into() }
    }
}

/// Writes a scenario.
///
/// # Errors
/// Input that cannot be read, a file that is there already, a directory that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let drafts = if arguments.from_kubectl.is_empty() { starter()? } else { fitted::drafts(arguments)? };
    let directory = &arguments.directory;
    if let Some(taken) = drafts.iter().map(|draft| directory.join(draft.name)).find(|path| path.exists()) {
        let remedy = "name another directory, or remove it first: nothing is overwritten";
        return Err(Failure::input(anyhow!("{} is there already\n  {remedy}", taken.display())));
    }
    let made = missing_above(directory);
    let scenario = directory.join("scenario.yaml");
    let done = write_all(directory, &drafts)
        .with_context(|| format!("{} cannot be written", directory.display()))
        .map_err(Failure::run)
        .and_then(|()| Setting::load(&scenario, Request::default()).map_err(Failure::input));
    match done {
        Ok(setting) => tell(&setting, &drafts, out),
        Err(failure) => {
            take_back(directory, &drafts, &made);
            Err(failure)
        }
    }
}

fn tell(setting: &Setting, drafts: &[Draft], out: &mut dyn Write) -> Result<(), Failure> {
    let known = &setting.loaded.scenario.known;
    let nodes: u32 = known.clusters.values().flat_map(|cluster| cluster.pools.values()).map(|pool| pool.nodes).sum();
    let (clusters, services) = (known.clusters.len(), known.application.services.len());
    let scenario = setting.path.display();
    writeln!(out, "{scenario}: {services} services on {clusters} clusters of {nodes} nodes")?;
    for draft in drafts {
        writeln!(out, "  wrote      {}", setting.path.with_file_name(draft.name).display())?;
    }
    for note in &setting.loaded.notes {
        writeln!(out, "  note       {note}")?;
    }
    Ok(writeln!(out, "next: smo simulate {scenario}")?)
}

/// The made-up scenario.
fn starter() -> Result<Vec<Draft>, Failure> {
    let load = ServiceLoad { name: "web".to_owned(), mean: Rate(60_000_000) };
    Ok(vec![
        Draft::new("scenario.yaml", include_str!("starter/scenario.yaml")),
        Draft::new("application.yaml", include_str!("starter/application.yaml")),
        Draft::new("inventory.yaml", include_str!("starter/inventory.yaml")),
        Draft::new("load.csv", day(vec![load])?),
    ])
}

/// A day of requests with its peak, twice the mean, at 15:00, and noise of 5 %.
fn day(services: Vec<ServiceLoad>) -> Result<Vec<u8>, Failure> {
    let names = ServiceNames::new(services.iter().map(|service| service.name.clone()));
    let options =
        GenerateOptions { services, daily: Ratio(2_000_000), noise: Ratio(50_000), ..GenerateOptions::default() };
    let mut rows = generate(&options).map_err(Failure::run)?;
    let mut content = Vec::new();
    long_csv(&mut rows, &names, &mut content, Compress::No).map_err(Failure::run)?;
    Ok(content)
}

/// The directories that making `directory` would make, the lowest first.
fn missing_above(directory: &Path) -> Vec<PathBuf> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    directory.ancestors().take_while(missing).map(Path::to_path_buf).collect()
}

fn write_all(directory: &Path, drafts: &[Draft]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for draft in drafts {
        let mut file = OpenOptions::new().write(true).create_new(true).open(directory.join(draft.name))?;
        file.write_all(&draft.content)?;
    }
    Ok(())
}

/// Removes what was written and made, where it is still what it was.
fn take_back(directory: &Path, drafts: &[Draft], made: &[PathBuf]) {
    for draft in drafts {
        let path = directory.join(draft.name);
        if fs::read(&path).is_ok_and(|content| draft.content.starts_with(&content)) {
            // What cannot be removed stays; the failure that led here is the one to be told.
            let _ = fs::remove_file(&path);
        }
    }
    for directory in made {
        let _ = fs::remove_dir(directory);
    }
}
