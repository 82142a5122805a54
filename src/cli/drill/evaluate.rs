//! A whole drill: the past of every seed, then all futures of all of them, so many at a time.

use crate::cli::job::{JobError, Setting};
use crate::cli::{Failure, execute};
use crate::drill::harm::{Harm, harm};
use crate::drill::losses::Loss;
use crate::drill::watch::Point;
use crate::drill::{Course, Future, Past, Stage, Times};
use crate::input::Criterion;
use crate::policy::PolicySpec;
use crate::run::RunError;
use crate::seed::Seed;
use crate::units::Time;
use anyhow::anyhow;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Futures that are held at a time; more would only take memory.
const AT_A_TIME: usize = 64;

/// What is drilled, whatever the inventory.
#[derive(Debug, Clone)]
pub struct Drill<'a> {
    /// Who decides.
    pub policy: &'a PolicySpec,
    /// The seeds.
    pub seeds: &'a [u64],
    /// When.
    pub at: Time,
    /// How long.
    pub times: Times,
    /// What is lost.
    pub losses: &'a [Loss],
    /// What has to hold.
    pub pass: &'a [Pass],
    /// Futures at the same time.
    pub threads: Option<NonZeroUsize>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Drilled {
    /// When the losses struck: the first decision from the instant on.
    pub at: Time,
    /// What each did, in their order.
    pub losses: Vec<Struck>,
    /// What was seen of the first seed where nothing was lost.
    pub undisturbed: Vec<Point>,
}

/// What a loss did.
#[derive(Debug, Clone)]
pub struct Struck {
    /// What was lost.
    pub name: String,
    /// What that did, by seed.
    pub harms: Vec<Harm>,
    /// What was seen of the first seed.
    pub points: Vec<Point>,
}

/// A figure of a loss that has to keep a bound.
#[derive(Debug, Clone)]
pub struct Pass {
    /// What has to hold.
    pub criterion: Criterion,
    get: Figure,
}

/// What of a harm is judged.
type Figure = fn(&Harm) -> f64;

/// Figures that can be judged.
const FIGURES: [(&str, Figure); 6] = [
    ("slo_minutes", |harm| harm.slo_minutes),
    ("bad_requests", |harm| harm.bad_requests),
    ("unplaceable", |harm| harm.unplaceable),
    ("recovery_minutes", |harm| harm.recovery_minutes.unwrap_or(f64::INFINITY)),
    ("cost", |harm| harm.cost),
    ("carbon", |harm| harm.carbon),
];

impl Pass {
    /// Reads `slo_minutes < 5`.
    ///
    /// # Errors
    /// What is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let criterion = crate::input::criterion(text)
            .map_err(|error| error.replace("slo_violation_time < 0.5 %", "slo_minutes < 5"))?;
        let get = FIGURES.iter().find(|(name, _)| *name == criterion.name).map(|(_, get)| *get);
        let get = get.ok_or_else(|| {
            let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
            crate::input::known_names(&criterion.name, "figures of a drill", &names)
        })?;
        Ok(Self { criterion, get })
    }

    /// Whether it holds.
    pub fn holds(&self, harm: &Harm) -> bool {
        self.criterion.comparison.holds((self.get)(harm), self.criterion.bound)
    }

    /// How far it is from holding, in multiples of its bound.
    fn miss(&self, harm: &Harm) -> f64 {
        let value = (self.get)(harm).min(1e9);
        if self.holds(harm) {
            0.0
        } else {
            (value - self.criterion.bound).abs() / self.criterion.bound.abs().max(1.0) + 1e-6
        }
    }
}

impl Struck {
    /// Whether all holds with every seed.
    pub fn passes(&self, pass: &[Pass]) -> bool {
        self.harms.iter().all(|harm| pass.iter().all(|one| one.holds(harm)))
    }

    /// How far it is from that.
    pub fn miss(&self, pass: &[Pass]) -> f64 {
        self.harms.iter().flat_map(|harm| pass.iter().map(|one| one.miss(harm))).sum()
    }
}

impl Drill<'_> {
    /// Runs it.
    ///
    /// # Errors
    /// Where a run fails, or ends before anything is lost.
    pub fn run(&self, setting: &Setting) -> Result<Drilled, Failure> {
        let pasts = execute::all(self.seeds, self.threads, |seed| self.past(setting, *seed))?;
        let pasts = pasts.into_iter().collect::<Result<Vec<Past>, Failure>>()?;
        let undisturbed = self.live(pasts.iter().map(|past| past.future(&[], self.times)))?;
        let mut struck: Vec<Struck> = Vec::with_capacity(self.losses.len());
        let all: Vec<(&Loss, usize)> =
            self.losses.iter().flat_map(|loss| (0..pasts.len()).map(move |seed| (loss, seed))).collect();
        for chunk in all.chunks(AT_A_TIME) {
            let futures = chunk.iter().map(|(loss, seed)| pasts[*seed].future(&loss.targets, self.times));
            for ((loss, seed), course) in chunk.iter().zip(self.live(futures)?) {
                let harm = harm(&undisturbed[*seed], &course, pasts[*seed].at());
                if *seed == 0 {
                    struck.push(Struck { name: loss.name.clone(), harms: Vec::new(), points: course.points });
                }
                struck.last_mut().expect("the first seed comes first").harms.push(harm);
            }
        }
        let undisturbed = undisturbed.into_iter().next().map(|course| course.points).unwrap_or_default();
        Ok(Drilled { at: pasts[0].at(), losses: struck, undisturbed })
    }

    fn past(&self, setting: &Setting, seed: u64) -> Result<Past, Failure> {
        let loaded = &setting.loaded;
        let stage = Stage {
            scenario: loaded.scenario.clone(),
            rates: loaded.workload().map_err(Failure::input)?,
            tasks: loaded.tasks(),
            policy: self.policy.build().map_err(Failure::input)?,
            seed: Seed(seed),
        };
        let past = stage.until(self.at).map_err(failure)?;
        past.ok_or_else(|| {
            Failure::input(anyhow!("the run ends before {}; name an earlier instant by `--at`", self.at))
        })
    }

    fn live(&self, futures: impl Iterator<Item = Future>) -> Result<Vec<Course>, Failure> {
        let futures: Vec<Mutex<Option<Future>>> = futures.map(|future| Mutex::new(Some(future))).collect();
        let live = |future: &Mutex<Option<Future>>| {
            let future = future.lock().unwrap_or_else(PoisonError::into_inner).take();
            future.expect("each future is lived once").live()
        };
        let courses = execute::all(&futures, self.threads, live)?;
        courses.into_iter().map(|course| course.map_err(failure)).collect()
    }
}

fn failure(error: RunError) -> Failure {
    let error = JobError::from(error);
    if error.is_input() { Failure::input(error) } else { Failure::run(error) }
}
