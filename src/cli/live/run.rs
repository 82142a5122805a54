//! `smo run`: the same policy in the real world, in shadow (it watches) or live (it acts), with the same record.

use super::super::Failure;
use super::super::simulate::parse_set;
use crate::policy::PolicySpec;
use crate::units::Span;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo run shop.yaml --shadow live.yaml --until 24h     what it would do; nothing is written
  smo run shop.yaml --live live.yaml                   it decides and acts, until Ctrl-C
  smo run shop.yaml --live live.yaml --policy anytime+rate --until 1h
  smo run --schema                                     what belongs into live.yaml
  smo diff runs/shop/anytime-1 runs/shop/anytime-live  where reality left the forecast

The scenario says what the world is like, the connection where it is: kubeconfig, Prometheus, the
query of each service's rate. A run leaves the record of a simulation in OUT/SCENARIO/POLICY-live
(or -shadow); what nobody measures is null in it. Ctrl-C ends a run and writes its record; what
was asked for stays. `smo pause live.yaml` is the kill switch.

Exit code 2: the connection, the cluster or the permissions are not as they must be; then nothing
was divided or scaled.";

/// Let a policy decide about real clusters: in shadow, or live.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The scenario that describes the world.
    #[arg(value_name = "SCENARIO", required_unless_present = "schema")]
    scenario: Option<PathBuf>,
    /// Decide and act on the world of this connection.
    #[arg(long, value_name = "CONNECTION", conflicts_with = "shadow")]
    live: Option<PathBuf>,
    /// Decide, and write nothing to the world of this connection.
    #[arg(long, value_name = "CONNECTION", required_unless_present_any = ["live", "schema"])]
    shadow: Option<PathBuf>,
    /// Who decides, as `smo policies` lists them; default: the scenario's, where it names one.
    #[arg(long, value_name = "NAME[:key=value,...]")]
    policy: Option<PolicySpec>,
    /// A field of the scenario, set by its path; may be given again.
    #[arg(long, value_name = "path=value", value_parser = parse_set)]
    set: Vec<(String, String)>,
    /// A variant of the scenario.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// End of the run, from its start: `6 h`, `90 min`; default: Ctrl-C.
    #[arg(long, value_name = "T")]
    until: Option<Span>,
    /// Directory for the record.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Print the JSON Schema of a connection.
    #[arg(long, exclusive = true)]
    schema: bool,
    /// Say nothing of what happens on the way.
    #[arg(long)]
    quiet: bool,
}

/// Runs until the end, and leaves the record.
///
/// # Errors
/// Wrong input, a world that is not as it must be, or one that was lost on the way.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    if arguments.schema {
        return Ok(writeln!(out, "{:#}", crate::input::connection::schema())?);
    }
    world::run(arguments, out)
}

#[cfg(not(feature = "live"))]
mod world {
    use super::{Arguments, Failure, Write};

    pub(super) fn run(_: &Arguments, _: &mut dyn Write) -> Result<(), Failure> {
        Err(super::super::unavailable("run"))
    }
}

#[cfg(feature = "live")]
mod world {
    use super::super::narrate::Narrated;
    use super::{Arguments, Failure, Write};
    use crate::backend::Backend;
    use crate::backend::live::{self, LiveBackend, Mode};
    use crate::backend::shadow::Shadow;
    use crate::cli::expand;
    use crate::cli::job::{Job, Setting};
    use crate::cli::names::file_name;
    use crate::cli::timed::{Stopwatch, Timed};
    use crate::input::{self, Request};
    use crate::policy::PolicySpec;
    use crate::record::manifest::LiveHeader;
    use crate::record::{ManifestHeader, Writer};
    use crate::run::Run;
    use crate::seed::Seed;
    use anyhow::anyhow;
    use std::path::Path;
    use std::sync::Arc;

    /// So many troubles are told in the record.
    const TROUBLES: usize = 10;
    /// The policy's randomness, where it has some: a real run has no seeds to compare.
    const SEED: Seed = Seed(1);

    pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
        let (Some(path), Some(connection)) =
            (&arguments.scenario, arguments.live.as_ref().or(arguments.shadow.as_ref()))
        else {
            unreachable!("clap asks for both");
        };
        let mode = if arguments.live.is_some() { Mode::Act } else { Mode::Watch };
        let request = Request {
            set: arguments.set.clone(),
            variant: arguments.variant.clone(),
            until: arguments.until,
            ..Request::default()
        };
        let setting = Setting::load(path, request).map_err(Failure::input)?;
        let policy = policy(&setting, arguments.policy.as_ref())?;
        let mut scenario = setting.loaded.scenario.as_ref().clone();
        // The end of a trace is no end of the world.
        scenario.until = arguments.until;
        let at = input::connection::load(connection, &scenario.known).map_err(Failure::input)?;
        live::check_queries(&at).map_err(super::super::failure)?;
        let word = if mode == Mode::Act { "live" } else { "shadow" };
        let directory = arguments.out.join(file_name(&setting.loaded.name));
        let directory = directory.join(file_name(&format!("{}-{word}", policy.label)));
        let backend = LiveBackend::connect(scenario, at, mode).map_err(super::super::failure)?;
        let header = LiveHeader {
            mode: word.to_owned(),
            connection: connection.display().to_string(),
            started_at_s: backend.started_at().as_secs_f64(),
        };
        let job = Job { setting: Arc::new(setting), policy, seed: SEED, directory };
        let header = ManifestHeader { live: Some(header), ..job.header() };
        writeln!(out, "{word}    {}    Ctrl-C ends the run and writes its record", job.policy.label)?;
        out.flush()?;
        match mode {
            Mode::Act => drive(backend, &job, header, (arguments.quiet, out)),
            Mode::Watch => drive(Shadow(backend), &job, header, (arguments.quiet, out)),
        }
    }

    /// The one policy that decides.
    fn policy(setting: &Setting, asked: Option<&PolicySpec>) -> Result<PolicySpec, Failure> {
        if let Some(asked) = asked {
            return Ok(asked.clone());
        }
        let mut written = expand::policies(setting, &[])?;
        if written.len() == 1 {
            return Ok(written.remove(0));
        }
        let labels: Vec<String> = written.into_iter().map(|policy| policy.label).collect();
        let scenario = setting.path.display();
        Err(Failure::input(anyhow!(
            "{scenario}: one policy decides about a real world, and the scenario names {}\n  say which by `--policy`: {}",
            labels.len(),
            labels.join(", ")
        )))
    }

    /// The troubles that were met most often, in sentences.
    fn troubles(backend: &impl Backend) -> Vec<String> {
        let mut all: Vec<(String, u64)> = backend.troubles().into_iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let others: u64 = all.iter().skip(TROUBLES).map(|(_, count)| count).sum();
        all.truncate(TROUBLES);
        let times = |count: u64| if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let mut notes: Vec<String> =
            all.into_iter().map(|(what, count)| format!("Trouble outside, {}: {what}.", times(count))).collect();
        if others > 0 {
            notes.push(format!("Other trouble outside, {}.", times(others)));
        }
        notes
    }

    fn drive<B: Backend>(
        backend: B,
        job: &Job,
        mut header: ManifestHeader,
        (quiet, out): (bool, &mut dyn Write),
    ) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        let scenario = &job.setting.loaded.scenario;
        let (policy, laps) = Timed::around(job.policy.build().map_err(Failure::input)?);
        let writer = Writer::create(&job.directory, &scenario.known).map_err(Failure::run)?;
        let mut record = Narrated::new(writer, scenario.known.clone(), (!quiet).then_some(out));
        let mut run = Run::new(backend, policy, scenario.control.rails.clone(), job.seed).explaining();
        // What was decided until a world is lost is worth as much as what was decided until its end.
        let driven = run.drive(None, &mut record);
        let explained = run.explained();
        let (totals, lost) = match driven {
            Ok(totals) => (Some(totals.expect("without a pause, a run goes on to its end")), None),
            Err(error) => {
                header.notes.push(format!("The run did not come to its end: {error}."));
                (run.backend.so_far(), Some(error))
            }
        };
        header.notes.extend(troubles(&run.backend));
        drop(run);
        let (writer, out) = record.into_parts();
        let timing = laps.timing(stopwatch.elapsed());
        let closed = totals.map(|totals| writer.explain(explained).close(&totals, header, timing)).transpose();
        let told = match (&closed, out) {
            (Ok(Some(_)), Some(out)) => tell(&job.directory, out),
            _ => Ok(()),
        };
        // What ended the run may be the reason why its record could not be closed, or told, either.
        if let Some(error) = lost {
            return Err(Failure::run(error));
        }
        closed.map_err(Failure::run)?;
        Ok(told?)
    }

    fn tell(directory: &Path, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "record  {}", directory.display())?;
        writeln!(out, "        smo show {}", directory.display())
    }
}
