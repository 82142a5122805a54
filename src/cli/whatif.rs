//! `smo whatif`: the scenario as it is against the scenario with something changed, seed by seed.
//!
//! A change is a variant without a name (see [`input::change`](crate::input::change)): its runs lie beside those of the base,
//! and `smo replay`, `smo show` and `smo diff` work on them.

use super::asked::{Scenario, Telling};
use super::job::{Job, JobError, Setting};
use super::names::Names;
use super::{Failure, execute};
use crate::input::{Change, change};
use crate::policy::{Asked, PolicySpec};
use crate::record::{self, RunRecord};
use crate::report::{Comparison, whatif};
use crate::seed::Seed;
use crate::units::Span;
use anyhow::anyhow;
use std::io::Write;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  smo whatif scenarios/quickstart.yaml --change 'lose cluster edge-1' --change 'load x 1.5'
  smo whatif scenarios/quickstart.yaml --change 'lose cluster edge-1 at 19:30 for 1 h'
  smo whatif scenarios/quickstart.yaml --change 'add cluster edge-3 like edge-1; load x 2'
  smo whatif scenarios/quickstart.yaml --change 'price cloud-1 x 0.5' --seeds 10
  smo whatif scenarios/quickstart.yaml --policy naive --change 'policy greedy+rate'
  smo whatif shop.yaml --now live.yaml --until 1h --change 'lose cluster near'
  smo whatif scenarios/quickstart.yaml --change 'telemetry.delay=30s' --format markdown

Changes:
  lose cluster|region NAME [at T [for D]]      for good, or as a fault (for 1 h where not said)
  lose link A B | node CLUSTER | replica SERVICE | telemetry [at T [for D]]
  add cluster NEW like OLD                     with its nodes, prices and distances
  nodes CLUSTER[/POOL] = N | + N | - N | x F   of an autoscaled pool all its bounds
  load [SERVICE] x F
  price [CLUSTER[/POOL]] x F | = PRICE         list price of a node and hour
  policy NAME[:key=value,...]                  instead of those of the base
  path=value                                   any field, as --set does

What ; joins is one change. Runs lie in OUT/SCENARIO/whatif, the page is OUT/SCENARIO/whatif.html.";

/// Compare the scenario with changes of it: what each of them makes better and worse, and how sure that is.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    asked: Scenario,
    /// What changes, see below; may be given again: each is compared with the base.
    #[arg(long = "change", required = true, value_name = "CHANGE")]
    changes: Vec<String>,
    /// End of each run, from its start: `6 h`, `90 min`; default: the end of the trace.
    #[arg(long, value_name = "T")]
    until: Option<Span>,
    #[command(flatten)]
    telling: Telling,
}

/// Runs the base and every change, then says what differs.
///
/// # Errors
/// Wrong input, or a run that failed.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let Arguments { asked, until, telling, .. } = arguments;
    asked.look(&telling.out)?;
    let base = Arc::new(asked.load(*until, &[])?);
    let changes = read(arguments, &base)?;
    let directory = telling.out.join(super::names::file_name(&base.loaded.name));
    let (jobs, variants) = jobs(arguments, &base, &changes)?;
    let results = execute::all(&jobs, telling.threads, |job: &Job| job.run())?;
    let mut records = Vec::new();
    for ((job, variant), result) in jobs.iter().zip(variants).zip(results) {
        result.map_err(|error| failure(&error, job))?;
        let mut record: RunRecord = record::read(&job.directory).map_err(Failure::run)?;
        record.manifest.header.variant = variant;
        records.push(record);
    }
    let comparison = Comparison::new(records, &[]);
    let differences = whatif::differences(&comparison);
    if differences.is_empty() {
        return Err(Failure::input(anyhow!(
            "the only policy of the base is the one to change to\n  name another by `--policy`"
        )));
    }
    let mut options: Vec<(&str, String)> =
        arguments.changes.iter().map(|change| ("--change", change.clone())).collect();
    options.extend(until.iter().map(|until| ("--until", until.to_string().replace(' ', ""))));
    let mut sheet = whatif::sheet(&comparison, &differences, &asked.command("whatif", &options));
    sheet.beware.extend(changes.iter().flat_map(|change| change.notes.iter().cloned()));
    telling.tell((&sheet, &whatif::json(&comparison, &differences)), &directory.join("whatif.html"), out)
}

fn failure(error: &JobError, job: &Job) -> Failure {
    let is_input = error.is_input();
    let error = anyhow!("{error}\n  failed: {}", job.directory.display());
    if is_input { Failure::input(error) } else { Failure::run(error) }
}

/// Reads all changes, each once.
fn read(arguments: &Arguments, base: &Setting) -> Result<Vec<Change>, Failure> {
    let mut changes: Vec<Change> = Vec::new();
    for text in &arguments.changes {
        let change = change(text, &base.loaded).map_err(|why| Failure::input(anyhow!("--change {why}")))?;
        if changes.iter().all(|one| one.label != change.label) {
            changes.push(change);
        }
    }
    Ok(changes)
}

/// The runs of the base and of every change, and how each is called in the comparison.
fn jobs(
    arguments: &Arguments,
    base: &Arc<Setting>,
    changes: &[Change],
) -> Result<(Vec<Job>, Vec<Option<String>>), Failure> {
    let asked = &arguments.asked;
    let (policies, seeds) = (asked.policies(base)?, asked.seeds(base));
    let directory = arguments.telling.out.join(super::names::file_name(&base.loaded.name)).join("whatif");
    let mut names = Names::default();
    let (mut jobs, mut variants) = (Vec::new(), Vec::new());
    let mut add = |setting: &Arc<Setting>, policies: &[PolicySpec], name: Option<&str>| {
        let parent = names.directory(&directory, name.unwrap_or("base"));
        for policy in policies {
            for seed in &seeds {
                let directory = names.directory(&parent, &format!("{}-{seed}", policy.label));
                let (setting, policy) = (Arc::clone(setting), policy.clone());
                jobs.push(Job { setting, policy, seed: Seed(*seed), directory });
                variants.push(name.map(str::to_owned));
            }
        }
    };
    add(base, &policies, None);
    for change in changes {
        let with = |error: Failure| Failure {
            error: error.error.map(|error| error.context(format!("--change {}", change.label))),
            ..error
        };
        let setting = Arc::new(asked.load(arguments.until, &change.patches).map_err(with)?);
        let others = change.policy.as_ref().map(|text| text.parse::<Asked>()).transpose();
        let others = others.map_err(|error| Failure::input(anyhow!("--change {}: {error}", change.label)))?;
        add(&setting, others.as_ref().map_or(&policies, |others| &others.policies), Some(&change.label));
    }
    Ok((jobs, variants))
}
