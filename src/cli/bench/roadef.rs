//! `smo bench roadef`: the search for cheaper assignments on the instances of the EURO/ROADEF challenge 2012, next to what
//! Gurobi found in an hour and to the bounds that come with the instances.

use super::instance::{self, Instance};
use crate::cli::aligned::Columns;
use crate::cli::timed::Stopwatch;
use crate::cli::{Failure, Format, execute};
use crate::report::unit::grouped;
use crate::solver::reassignment::{Answer, Budget, Refusal, search};
use anyhow::anyhow;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const EXAMPLES: &str = "\
Examples:
  smo bench roadef roadef2012_A                   five minutes each, as in the challenge
  smo bench roadef roadef2012_A --seconds 20 -j 1      shorter, one after the other
  smo bench roadef roadef2012_A --steps 5000000        the same answer on every machine
  smo bench roadef roadef2012_A --searches 4 --out found   the best of four seeds, written

DIR holds model_NAME.txt and assignment_NAME.txt, and where they are known original_cost_NAME.txt
and lb_NAME.txt (a lower bound).";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folder with instances.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Seconds of each search; 300 where no steps are given.
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Trials of each search, instead of time or besides.
    #[arg(long, value_name = "N")]
    steps: Option<NonZeroU64>,
    /// Seed of the first search.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Searches of each instance, with one seed after the other; the cheapest answer counts.
    #[arg(long, value_name = "N", default_value_t = NonZeroU64::MIN)]
    searches: NonZeroU64,
    /// Searches at the same time; default: one a core.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Where to write the assignments that were found, as `new_assignment_NAME.txt`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// The time of the challenge.
const SECONDS: Duration = Duration::from_mins(5);
/// The longest time: a year.
const SECONDS_MAX: f64 = 31_536_000.0;
/// Searches of one instance at most.
const SEARCHES_MAX: u64 = 1_000;

/// The best answer of an instance, and who found it.
struct Found<'i> {
    instance: &'i Instance,
    answer: Answer,
    seed: u64,
    seconds: f64,
}

/// Searches, and prints a row an instance.
///
/// # Errors
/// Instances that cannot be read or searched, and files that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let searches = arguments.searches.get();
    if searches > SEARCHES_MAX {
        return Err(Failure::input(anyhow!("--searches {searches} are too many; at most {SEARCHES_MAX}")));
    }
    let instances = instance::all(&arguments.folder)?;
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let budget = budget(arguments);
    let jobs: Vec<(&Instance, u64)> = instances
        .iter()
        .flat_map(|instance| (0..searches).map(move |index| (instance, arguments.seed.wrapping_add(index))))
        .collect();
    let answers = execute::all(&jobs, arguments.threads, |(instance, seed)| {
        let stopwatch = Stopwatch::start();
        let answer = search(&instance.problem, &instance.given, *seed, budget)?;
        Ok(Found { instance, answer, seed: *seed, seconds: stopwatch.elapsed().as_secs_f64() })
    })?;
    let mut best: Vec<Found<'_>> = Vec::with_capacity(instances.len());
    for (found, (instance, _)) in answers.into_iter().zip(&jobs) {
        let found =
            found.map_err(|refusal: Refusal| Failure::input(anyhow!("instance {}: {refusal}", instance.name)))?;
        match best.last_mut().filter(|last| last.instance.name == found.instance.name) {
            // Of equals, the first seed's.
            Some(last) if found.answer.cost < last.answer.cost => *last = found,
            Some(_) => {}
            None => best.push(found),
        }
    }
    if let Some(folder) = &arguments.out {
        best.iter().try_for_each(|found| write_assignment(folder, found))?;
    }
    match arguments.format {
        Format::Json => {
            let rows: Vec<Value> = best.iter().map(to_json).collect();
            writeln!(out, "{:#}", json!({"instances": rows}))?;
        }
        Format::Table => write_table(&best, out)?,
    }
    Ok(())
}

fn budget(arguments: &Arguments) -> Budget {
    let time = arguments.seconds.or_else(|| arguments.steps.is_none().then_some(SECONDS));
    Budget { steps: arguments.steps.map_or(u64::MAX, NonZeroU64::get), time }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "write a number of seconds".to_owned())?;
    if number > 0.0 && number <= SECONDS_MAX {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err(format!("it must be more than 0 and at most {SECONDS_MAX}"))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::run(anyhow!("{}: cannot be written: {error}", path.display()))
}

fn write_assignment(folder: &Path, found: &Found<'_>) -> Result<(), Failure> {
    let path = folder.join(format!("new_assignment_{}.txt", found.instance.name));
    let words: Vec<String> = found.answer.assignment.iter().map(ToString::to_string).collect();
    fs::write(&path, words.join(" ") + "\n").map_err(|error| unwritable(&path, &error))
}

/// How far `cost` is above `reference`, as a share of it; none where that is nothing.
fn above(cost: u128, reference: Option<u128>) -> Option<f64> {
    let reference = reference.filter(|reference| *reference > 0)?;
    Some(cost as f64 / reference as f64 - 1.0)
}

fn to_json(found: &Found<'_>) -> Value {
    let Found { instance, answer, seed, seconds } = found;
    // Costs fit 64 bits: the search refuses larger ones.
    let whole = |cost: u128| u64::try_from(cost).ok();
    json!({
        "instance": instance.name,
        "processes": instance.problem.processes.len(),
        "machines": instance.problem.machines.len(),
        "original_cost": whole(instance.original),
        "cost": whole(answer.cost),
        "lower_bound": instance.bound.and_then(whole),
        "above_lower_bound": above(answer.cost, instance.bound),
        "gurobi_1h": instance.gurobi,
        "above_gurobi_1h": above(answer.cost, instance.gurobi),
        "seed": seed,
        "steps": answer.steps,
        "seconds": seconds,
    })
}

fn write_table(best: &[Found<'_>], out: &mut dyn Write) -> io::Result<()> {
    let heads =
        ["instance", ">original", ">found", ">lower bound", ">above it", ">Gurobi 1 h", ">against it", ">steps", ">s"];
    let mut table = Columns::new(heads);
    let cost = |cost: Option<u128>| cost.map_or_else(|| "–".to_owned(), |cost| grouped(&cost.to_string()));
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| format!("{:+.4} %", share * 100.0));
    for Found { instance, answer, seconds, .. } in best {
        table.row(vec![
            instance.name.clone(),
            cost(Some(instance.original)),
            cost(Some(answer.cost)),
            cost(instance.bound),
            share(above(answer.cost, instance.bound)),
            cost(instance.gurobi),
            share(above(answer.cost, instance.gurobi)),
            grouped(&answer.steps.to_string()),
            format!("{seconds:.1}"),
        ]);
    }
    table.print("", out)
}
