//! `smo drill`: what is lost when a cluster, a region or a link is lost, each in turn, when it hurts most.
//!
//! In reading order: this file (what is asked), `evaluate` (one drill), `search` (the least head-room that passes), `told`
//! (what is said of it).

mod evaluate;
mod search;
mod told;

use super::asked::{Scenario, Telling};
use super::job::Setting;
use super::{Failure, pools};
use crate::drill::Times;
use crate::drill::busiest::{Busiest, busiest};
use crate::drill::losses::{Kind, losses};
use crate::units::{Span, Time};
use anyhow::anyhow;
use clap::ValueEnum;
use evaluate::{Drill, Pass};
use std::io::Write;
use told::{Answered, Told};
pub use told::{counted, proof};

const EXAMPLES: &str = "\
Examples:
  smo drill scenarios/quickstart.yaml                       each cluster, in the busiest hour
  smo drill scenarios/quickstart.yaml --lose region --lose link
  smo drill scenarios/quickstart.yaml -k 2 --at 19:30       every two clusters
  smo drill scenarios/quickstart.yaml --policy greedy+rate --pass 'slo_minutes < 10' --check
  smo drill shop.yaml --now live.yaml --until 1h            what if a cluster were lost now?
  smo drill scenarios/cluster-loss.yaml --variant no_loss --for 20min --until 2h --no-search

Of the futures that are set against each other, one is disturbed by nothing: all figures are what
the loss did until the end of the drill. A drill passes where all of --pass holds for every loss
with every seed. The worst hour is the one, as long as --for, whose load needs the most CPU.
The least head-room is nodes that are always there; its --set options make the drill pass.

Exit code 3: with --check, a drill fails. The page is OUT/SCENARIO/drill.html.";

/// Lose every cluster, region or link once, when it hurts most: what that costs, and the least head-room that passes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    asked: Scenario,
    /// What is lost; may be given again.
    #[arg(long = "lose", value_enum, default_value = "cluster", value_name = "WHAT")]
    lose: Vec<Lose>,
    /// How many of them together.
    #[arg(short = 'k', long = "together", value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    together: u8,
    /// When: `worst`, or an instant like `19:30` or `90 min`.
    #[arg(long, value_name = "T", default_value = "worst", value_parser = instant)]
    at: At,
    /// For how long it is lost.
    #[arg(long = "for", value_name = "D", default_value = "1h")]
    lasts: Span,
    /// From the loss to the end of the drill.
    #[arg(long, value_name = "D", default_value = "3h")]
    until: Span,
    /// What has to hold: `slo_minutes`, `bad_requests`, `unplaceable`, `recovery_minutes`, `cost` ($) or `carbon` (kg), compared with a
    /// number; may be given again.
    #[arg(long, value_name = "FIGURE<N", default_value = "slo_minutes < 5", value_parser = Pass::read)]
    pass: Vec<Pass>,
    /// End with exit code 3 where the drill fails.
    #[arg(long)]
    check: bool,
    /// Do not search the least head-room.
    #[arg(long)]
    no_search: bool,
    /// Drills that the search may run, for each policy.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    budget: u32,
    #[command(flatten)]
    telling: Telling,
}

/// What is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lose {
    /// Each cluster.
    Cluster,
    /// Each region: all its clusters.
    Region,
    /// Each link between two clusters.
    Link,
}

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Worst,
    Instant(Time),
}

fn instant(text: &str) -> Result<At, String> {
    if text.trim() == "worst" {
        return Ok(At::Worst);
    }
    text.parse().map(At::Instant).map_err(|error: crate::units::QuantityError| format!("{error}; or `worst`"))
}

/// Drills, and says what came of it.
///
/// # Errors
/// Wrong input, a run that failed; with `--check`, a drill that fails, after it was told.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let Arguments { asked, telling, .. } = arguments;
    asked.look(&telling.out)?;
    let setting = asked.load(None, &[])?;
    let kinds: Vec<Kind> = arguments.lose.iter().map(|lose| lose.kind()).collect();
    let losses = losses(&setting.loaded.scenario.known, &kinds, arguments.together.into());
    if losses.is_empty() {
        let scenario = setting.path.display();
        return Err(Failure::input(anyhow!(
            "{scenario}: nothing can be lost that leaves a cluster\n  drill fewer together, or a scenario with more clusters"
        )));
    }
    let (at, busiest) = when(arguments, &setting)?;
    let (seeds, policies) = (asked.seeds(&setting), asked.policies(&setting)?);
    let now = pools::pools(&setting.loaded);
    let mut answers = Vec::new();
    for policy in &policies {
        let times = Times { lasts: arguments.lasts, until: arguments.until };
        let (seeds, pass, threads) = (&seeds, &arguments.pass, telling.threads);
        let drill = Drill { policy, seeds, at, times, losses: &losses, pass, threads };
        let drilled = drill.run(&setting)?;
        let passes = drilled.losses.iter().all(|struck| struck.passes(pass));
        let is_searched = !passes && !arguments.no_search;
        let room = is_searched.then(|| search::least(asked, &drill, &now, arguments.budget as usize)).transpose()?;
        answers.push(Answered { policy: policy.label.clone(), drilled, passes, room });
    }
    let told = Told { setting: &setting, busiest, arguments, answers: &answers, seeds: seeds.len() };
    let path = telling.out.join(super::names::file_name(&setting.loaded.name)).join("drill.html");
    telling.tell((&told.sheet(), &told.json()), &path, out)?;
    let fails = answers.iter().any(|answer| !answer.passes);
    if arguments.check && fails { Err(Failure::refused()) } else { Ok(()) }
}

fn when(arguments: &Arguments, setting: &Setting) -> Result<(Time, Option<Busiest>), Failure> {
    if let At::Instant(at) = arguments.at {
        return Ok((at, None));
    }
    let load = (setting.loaded.workload().map_err(Failure::input)?, setting.loaded.tasks());
    let found = busiest(&setting.loaded.scenario, load, arguments.lasts).map_err(Failure::input)?;
    Ok((found.at, Some(found)))
}

impl Lose {
    const fn kind(self) -> Kind {
        match self {
            Self::Cluster => Kind::Cluster,
            Self::Region => Kind::Region,
            Self::Link => Kind::Link,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Region => "region",
            Self::Link => "link",
        }
    }
}
