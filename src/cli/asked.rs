//! What commands that ask about one scenario have in common: what is asked, how the answer is told, where its page lies.

use super::job::Setting;
use super::page::quoted;
use super::{Failure, expand};
use crate::backend::sim::NOT_MODELLED;
use crate::input::Request;
use crate::policy::{Asked as AskedPolicy, PolicySpec};
use crate::record::aside::replace_file;
use crate::report::html::sheet;
use crate::report::sheet::Sheet;
use crate::report::table::Shown;
use crate::units::Span;
use anyhow::Context;
use clap::ValueEnum;
use serde_json::Value;
use std::cell::OnceCell;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// A scenario and what is asked of it.
#[derive(Debug, Clone, clap::Args)]
pub struct Scenario {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    pub path: PathBuf,
    /// A policy instead of the scenario's, as `smo policies` lists them; may be given again.
    #[arg(long = "policy", value_name = "NAME[:key=value,...]")]
    pub policies: Vec<AskedPolicy>,
    /// Seeds, 1 to N; default: the scenario's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: Option<u32>,
    /// A field of the scenario, set by its path; may be given again.
    #[arg(long, value_name = "path=value", value_parser = super::simulate::parse_set)]
    pub set: Vec<(String, String)>,
    /// A variant of the scenario to ask about instead of the base.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// Start from the live state of this connection: its replicas where they are, its nodes, lost clusters and load as they are now.
    #[arg(long, value_name = "CONNECTION")]
    pub now: Option<PathBuf>,
    /// The live state, once it has been looked at.
    #[arg(skip)]
    seen: OnceCell<Vec<(String, String)>>,
}

/// How the answer is told.
#[derive(Debug, Clone, clap::Args)]
pub struct Telling {
    /// Directory for the page.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Runs at the same time; default: one a core. The output is the same for any number.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text that fits the terminal.
    Table,
    /// JSON.
    Json,
    /// Markdown, for a pull request.
    Markdown,
}

impl Scenario {
    /// What is asked of the scenario, with further fields set.
    pub fn request(&self, until: Option<Span>, more: &[(String, String)]) -> Request {
        let seen = self.seen.get().into_iter().flatten();
        let set = seen.chain(&self.set).chain(more).cloned().collect();
        Request { set, variant: self.variant.clone(), until, ..Request::default() }
    }

    /// Looks at the live state where that is asked for: all that is loaded afterwards starts from it. Its load lies below `out`.
    ///
    /// # Errors
    /// What is wrong with the scenario, the connection, or the world.
    pub fn look(&self, out: &Path) -> Result<(), Failure> {
        let Some(connection) = &self.now else { return Ok(()) };
        let setting = Setting::load(&self.path, self.request(None, &[])).map_err(Failure::input)?;
        let folder = out.join(super::names::file_name(&setting.loaded.name)).join("now");
        let seen = super::live::now(connection, &setting.loaded.scenario, &folder)?;
        self.seen.set(seen).expect("it is looked at once");
        Ok(())
    }

    /// The scenario with further fields set.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(&self, until: Option<Span>, more: &[(String, String)]) -> Result<Setting, Failure> {
        Setting::load(&self.path, self.request(until, more)).map_err(Failure::input)
    }

    /// The policies that are asked about.
    ///
    /// # Errors
    /// One that does not exist so.
    pub fn policies(&self, setting: &Setting) -> Result<Vec<PolicySpec>, Failure> {
        expand::policies(setting, &self.policies)
    }

    /// The seeds.
    pub fn seeds(&self, setting: &Setting) -> Vec<u64> {
        (1..=u64::from(self.seeds.unwrap_or(setting.loaded.seeds))).collect()
    }

    /// The command that asks this again, with further options of it.
    ///
    /// # Panics
    /// Never: a string takes all.
    pub fn command(&self, name: &str, options: &[(&str, String)]) -> String {
        let mut text = format!("smo {name} {}", quoted(&self.path.display().to_string()));
        let mut add = |option: &str, value: &str| {
            write!(text, " {option}").expect("a string takes all");
            if !value.is_empty() {
                write!(text, " {}", quoted(value)).expect("a string takes all");
            }
        };
        for (option, value) in options {
            add(option, value);
        }
        self.policies.iter().for_each(|policy| add("--policy", &policy.label));
        self.seeds.iter().for_each(|seeds| add("--seeds", &seeds.to_string()));
        self.set.iter().for_each(|(path, value)| add("--set", &format!("{path}={value}")));
        self.variant.iter().for_each(|variant| add("--variant", variant));
        self.now.iter().for_each(|now| add("--now", &now.display().to_string()));
        text
    }
}

impl Telling {
    /// Prints the answer, and writes its page to `path`.
    ///
    /// # Errors
    /// Where the page cannot be written, or nothing be printed.
    pub fn tell(&self, (sheet, json): (&Sheet, &Value), path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
        let mut sheet = sheet.clone();
        sheet.not_modelled = NOT_MODELLED.iter().map(|sentence| (*sentence).to_owned()).collect();
        let page = sheet::page(&sheet);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .and_then(|()| replace_file(path, page.as_bytes()))
            .with_context(|| path.display().to_string())
            .map_err(Failure::run)?;
        match self.format {
            Format::Json => writeln!(out, "{json:#}")?,
            Format::Markdown => write!(out, "{}", sheet.markdown())?,
            Format::Table => {
                write!(out, "{}\nreport  {}\n", sheet.text(Shown::on_stdout().width), path.display())?;
            }
        }
        Ok(())
    }
}
