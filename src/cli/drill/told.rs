//! What is said of a drill: the verdict first, then every loss, the course of the worst, and the least head-room.

use super::evaluate::{Drilled, Struck};
use super::search::HeadRoom;
use super::{Arguments, At};
use crate::cli::clock::clock;
use crate::cli::job::Setting;
use crate::cli::pools;
use crate::drill::busiest::Busiest;
use crate::drill::harm::Harm;
use crate::model::expectation::Comparison;
use crate::report::estimate::Estimate;
use crate::report::sheet::{Cell, Column, Grid, Mark, Picture, Section, Sheet};
use crate::report::unit::Unit;
use crate::solver::sizing::{Point, Proof};
use serde_json::{Value, json};

/// Losses that a table lists; the rest is a table of its own.
const LISTED_MAX: usize = 20;
/// Losses whose course is drawn.
const DRAWN_MAX: usize = 3;

/// A policy's drill.
pub struct Answered {
    /// Who decides.
    pub policy: String,
    /// What came of it.
    pub drilled: Drilled,
    /// Whether it passes.
    pub passes: bool,
    /// The least head-room, where it was searched.
    pub room: Option<HeadRoom>,
}

/// All that is said.
pub struct Told<'a> {
    /// The scenario.
    pub setting: &'a Setting,
    /// When its load is busiest, where that was asked.
    pub busiest: Option<Busiest>,
    /// What was asked.
    pub arguments: &'a Arguments,
    /// The drills.
    pub answers: &'a [Answered],
    /// How many seeds.
    pub seeds: usize,
}

impl Told<'_> {
    fn criteria(&self) -> String {
        self.arguments.pass.iter().map(|pass| pass.criterion.to_string()).collect::<Vec<_>>().join(" and ")
    }

    fn losses(&self) -> String {
        let kinds: Vec<&str> = self.arguments.lose.iter().map(|lose| lose.words()).collect();
        let together = if self.arguments.together == 2 { "every two of each" } else { "each" };
        format!("{together} {}", kinds.join(", "))
    }

    pub fn sheet(&self) -> Sheet {
        let Arguments { asked, lasts, until, .. } = self.arguments;
        let futures = self.answers[0].drilled.losses.len() + 1;
        let (policies, seeds) =
            (counted(self.answers.len(), "policy", "policies"), counted(self.seeds, "seed", "seeds"));
        let mut sheet = Sheet {
            title: format!("drill: {}", self.setting.loaded.name),
            what: format!(
                "{}: {policies} × {seeds} × {futures} futures from one past, {until} each",
                self.setting.loaded.name
            ),
            question: format!("What is lost with {} for {lasts}?", self.losses()),
            answer: self.answers.iter().map(|answer| self.sentence(answer)).collect(),
            beware: self.beware(),
            command: asked.command("drill", &self.options()),
            ..Sheet::default()
        };
        sheet
            .answer
            .extend(self.answers.iter().filter_map(|answer| Some(self.room_in_words(answer, answer.room.as_ref()?))));
        sheet.answer.push(self.when());
        for answer in self.answers {
            sheet.sections.extend(self.sections(answer));
        }
        sheet
    }

    fn beware(&self) -> Vec<String> {
        let scenario = &self.setting.loaded.scenario;
        let mut beware = Vec::new();
        if self.seeds == 1 {
            beware.push("One seed: nobody knows how it would go with others; `--seeds 5` tells.".to_owned());
        }
        if !scenario.faults.is_empty() {
            beware.push(
                "The scenario's own faults stay, in all futures alike; `--set faults=[]` takes them away.".to_owned(),
            );
        }
        if scenario.known.application.services.values().all(|service| service.slo.is_none()) {
            beware.push(
                "No service has an SLO, so no SLO minute can be lost; judge by `--pass 'unplaceable < 1'`.".to_owned(),
            );
        }
        beware
    }

    fn when(&self) -> String {
        let at = clock(self.answers[0].drilled.at.since(crate::units::Time::ZERO).as_seconds_f64());
        match self.busiest {
            Some(busiest) => format!(
                "Lost at {at}, when the busiest {} begins: its load needs {} cores on the mean, over the whole run {}. Passing means {} for every loss with every seed.",
                self.arguments.lasts,
                cores(busiest.cores),
                cores(busiest.cores_mean),
                self.criteria()
            ),
            None => format!("Lost at {at}. Passing means {} for every loss with every seed.", self.criteria()),
        }
    }

    /// The verdict.
    fn sentence(&self, answer: &Answered) -> String {
        let Answered { policy, drilled, passes, .. } = answer;
        let pass = &self.arguments.pass;
        let count = drilled.losses.len();
        let worst = ranked(drilled)[0];
        let figures = format!(
            "the worst, {}, costs {} SLO minutes and {} requests, and {}",
            worst.name,
            mean(worst, |harm| harm.slo_minutes, 1),
            mean(worst, |harm| harm.bad_requests, 0),
            recovered(worst).map_or_else(
                || "is not over at the end".to_owned(),
                |minutes| format!("is over after {minutes:.1} min")
            )
        );
        if *passes {
            return format!("Passes for {policy}: {} of {count} losses keep {}; {figures}.", count, self.criteria());
        }
        let failing = drilled.losses.iter().filter(|struck| !struck.passes(pass)).count();
        format!("Fails for {policy}: {failing} of {count} losses break {}; {figures}.", self.criteria())
    }

    fn room_in_words(&self, answer: &Answered, room: &HeadRoom) -> String {
        let policy = &answer.policy;
        let drills = counted(room.drills, "drill", "drills");
        let sure = match room.proof {
            Proof::Exhaustive => "no cheaper head-room passes: all were tried".to_owned(),
            Proof::NoBetterStep => "taking one node away, or exchanging some of one pool for one of another, fails or costs more; other mixes were not tried".to_owned(),
            Proof::BudgetSpent => "the search ended before it was done, so less may do; `--budget` lets it go on".to_owned(),
            Proof::MostFails => "the most that was tried fails".to_owned(),
        };
        let Some(more) = &room.more else {
            let floor = room.nearest.as_ref().map(|(_, drilled)| {
                let worst = *ranked(drilled).first().expect("there are losses");
                format!(
                    " At best, losing {} still costs {} SLO minutes",
                    worst.name,
                    mean(worst, |harm| harm.slo_minutes, 1)
                )
            });
            let noticed = self.setting.loaded.scenario.platform.loss_noticed_after;
            return format!(
                "No head-room was found with which {policy} passes, up to four times the nodes of each pool ({drills}; {sure}).{}: a loss is noticed after {noticed}, then the policy decides, and replicas start; nodes shorten none of that.",
                floor.unwrap_or_default()
            );
        };
        let nodes: u32 = more.iter().sum();
        let now: u32 = room.pools.iter().map(|pool| pool.nodes.max).sum();
        format!(
            "The least head-room with which {policy} passes: {} that are always there ({}; {} on the {now} of today at most), for {} an hour ({drills}; {sure}).",
            counted(nodes as usize, "more node", "more nodes"),
            by_pool(room, more),
            percent(nodes, now),
            Unit::Dollars.text(room.price(more))
        )
    }

    fn sections(&self, answer: &Answered) -> Vec<Section> {
        let ranked = ranked(&answer.drilled);
        let (first, rest) = ranked.split_at(ranked.len().min(LISTED_MAX));
        let mut sections = vec![Section {
            heading: answer.policy.clone(),
            text: vec!["What each loss did until the end of the drill, against the same future without it; means over the seeds, and the longest time to recover.".to_owned()],
            pictures: self.pictures(answer, &ranked),
            grid: Some(self.grid(first)),
            ..Section::default()
        }];
        if !rest.is_empty() {
            let heading = format!("{} more losses of {}", rest.len(), answer.policy);
            sections.push(Section { heading, grid: Some(self.grid(rest)), is_detail: true, ..Section::default() });
        }
        if let Some((room, more)) = answer.room.as_ref().and_then(|room| Some((room, room.more.as_ref()?))) {
            sections.push(Section {
                heading: format!("Head-room with which {} passes", answer.policy),
                code: pools::options(&room.patches(more)),
                ..Section::default()
            });
        }
        sections
    }

    fn grid(&self, losses: &[&Struck]) -> Grid {
        let columns = vec![
            Column::words("lost"),
            Column::figures("SLO minutes", "more"),
            Column::figures("bad requests", "more"),
            Column::figures("no place", "replicas"),
            Column::figures("recovers after", "min"),
            Column::figures("cost", "$ more"),
            Column::figures("carbon", "kg more"),
            Column::words(""),
        ];
        let row = |struck: &&Struck| {
            let passes = struck.passes(&self.arguments.pass);
            let verdict = if passes { Cell::marked("passes", Mark::Good) } else { Cell::marked("fails", Mark::Bad) };
            vec![
                struck.name.as_str().into(),
                spread(struck, |harm| harm.slo_minutes, 1).into(),
                spread(struck, |harm| harm.bad_requests, 0).into(),
                mean(struck, |harm| harm.unplaceable, 0).into(),
                recovered(struck).map_or_else(|| "not by the end".to_owned(), |minutes| format!("{minutes:.1}")).into(),
                mean(struck, |harm| harm.cost, 3).into(),
                mean(struck, |harm| harm.carbon, 3).into(),
                verdict,
            ]
        };
        let sure = match self.seeds {
            1 => "one seed".to_owned(),
            seeds => format!("± 95 % interval over {seeds} seeds"),
        };
        let caption = format!("Losses, the worst first; {sure}");
        Grid { caption, columns, rows: losses.iter().map(row).collect() }
    }

    fn pictures(&self, answer: &Answered, ranked: &[&Struck]) -> Vec<Picture> {
        let upper = |pass: &&super::Pass| {
            let is_below = matches!(pass.criterion.comparison, Comparison::Less | Comparison::LessOrEqual);
            pass.criterion.name == "slo_minutes" && is_below
        };
        let limit = self.arguments.pass.iter().find(upper).map(|pass| pass.criterion.bound);
        let row = |struck: &&Struck| {
            let minutes = estimate(struck, |harm| harm.slo_minutes);
            let mark = if struck.passes(&self.arguments.pass) { Mark::Good } else { Mark::Bad };
            (struck.name.clone(), minutes.mean, minutes.half_width.unwrap_or(0.0), mark)
        };
        let bars = Picture::Intervals {
            caption: "SLO minutes lost; the dashed line is what passes".to_owned(),
            axis: "SLO minutes, less is better".to_owned(),
            rows: ranked.iter().map(row).collect(),
            limit,
        };
        let line = |points: &[crate::drill::watch::Point]| -> Vec<(f64, f64)> {
            points.iter().map(|point| (seconds(point.at), point.served)).collect()
        };
        let mut lines = vec![("nothing lost".to_owned(), line(&answer.drilled.undisturbed))];
        lines.extend(
            ranked.iter().take(DRAWN_MAX).map(|struck| (format!("{} lost", struck.name), line(&struck.points))),
        );
        let from = seconds(answer.drilled.at);
        let lost = (from, from + self.arguments.lasts.as_seconds_f64());
        let caption = "Requests and calls served each second, first seed; shaded while something is lost".to_owned();
        vec![bars, Picture::Courses { caption, lines, lost }]
    }

    fn options(&self) -> Vec<(&'static str, String)> {
        let Arguments { lose, together, at, lasts, until, pass, .. } = self.arguments;
        let mut options: Vec<(&str, String)> = lose.iter().map(|lose| ("--lose", lose.words().to_owned())).collect();
        let squeezed = |text: String| text.replace(' ', "");
        options.push(("-k", together.to_string()));
        options.extend(match at {
            At::Worst => None,
            At::Instant(at) => Some(("--at", squeezed(at.to_string()))),
        });
        options.push(("--for", squeezed(lasts.to_string())));
        options.push(("--until", squeezed(until.to_string())));
        options.extend(pass.iter().map(|pass| ("--pass", pass.criterion.to_string())));
        options
    }

    pub fn json(&self) -> Value {
        let room = |room: &HeadRoom| {
            let by_pool = |more: &Point| -> Value {
                room.pools
                    .iter()
                    .zip(more)
                    .map(|(pool, more)| (pool.name(), json!(more)))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            };
            json!({
                "nodes_more": room.more.as_ref().map(by_pool),
                "price_per_hour": room.more.as_ref().map(|more| room.price(more)),
                "set": room.more.as_ref().map(|more| {
                    room.patches(more).into_iter().map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>()
                }),
                "proof": proof(room.proof),
                "drills": room.drills,
            })
        };
        let loss = |struck: &Struck| json!({"lost": struck.name, "passes": struck.passes(&self.arguments.pass), "harms": struck.harms});
        let of = |answer: &Answered| {
            json!({
                "policy": answer.policy,
                "passes": answer.passes,
                "at_s": seconds(answer.drilled.at),
                "losses": answer.drilled.losses.iter().map(loss).collect::<Vec<_>>(),
                "head_room": answer.room.as_ref().map(room),
            })
        };
        json!({
            "scenario": self.setting.loaded.name,
            "pass": self.arguments.pass.iter().map(|pass| pass.criterion.to_string()).collect::<Vec<_>>(),
            "lasts_s": self.arguments.lasts.as_seconds_f64(),
            "until_s": self.arguments.until.as_seconds_f64(),
            "cores_busiest": self.busiest.map(|busiest| busiest.cores),
            "drills": self.answers.iter().map(of).collect::<Vec<_>>(),
        })
    }
}

/// How a proof is called in JSON.
pub const fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Exhaustive => "exhaustive",
        Proof::NoBetterStep => "no_better_step",
        Proof::MostFails => "most_fails",
        Proof::BudgetSpent => "budget_spent",
    }
}

fn seconds(at: crate::units::Time) -> f64 {
    at.since(crate::units::Time::ZERO).as_seconds_f64()
}

/// The losses, those that broke the SLO longest first; of as long ones those with more bad requests.
fn ranked(drilled: &Drilled) -> Vec<&Struck> {
    let mut ranked: Vec<&Struck> = drilled.losses.iter().collect();
    let by = |struck: &Struck, get: fn(&Harm) -> f64| estimate(struck, get).mean;
    ranked.sort_by(|a, b| {
        let minutes = by(b, |harm| harm.slo_minutes).total_cmp(&by(a, |harm| harm.slo_minutes));
        minutes.then_with(|| by(b, |harm| harm.bad_requests).total_cmp(&by(a, |harm| harm.bad_requests)))
    });
    ranked
}

fn cores(cores: f64) -> String {
    if cores < 1.0 { format!("{cores:.3}") } else { format!("{cores:.1}") }
}

fn estimate(struck: &Struck, get: fn(&Harm) -> f64) -> Estimate {
    Estimate::of(&struck.harms.iter().map(get).collect::<Vec<_>>()).expect("there is a seed")
}

fn mean(struck: &Struck, get: fn(&Harm) -> f64, decimals: usize) -> String {
    Unit::Count.number(estimate(struck, get).mean, decimals)
}

fn spread(struck: &Struck, get: fn(&Harm) -> f64, decimals: usize) -> String {
    Unit::Count.estimate_number(&estimate(struck, get), decimals)
}

/// The longest time to recover over the seeds; none where one has not.
fn recovered(struck: &Struck) -> Option<f64> {
    struck.harms.iter().map(|harm| harm.recovery_minutes).try_fold(0.0, |most: f64, one| one.map(|one| most.max(one)))
}

/// `edge-1/main + 2, cloud-1/main + 1`
fn by_pool(room: &HeadRoom, more: &Point) -> String {
    let some = room.pools.iter().zip(more).filter(|(_, more)| **more > 0);
    let some: Vec<String> = some.map(|(pool, more)| format!("{} + {more}", pool.name())).collect();
    if some.is_empty() { "none".to_owned() } else { some.join(", ") }
}

fn percent(more: u32, now: u32) -> String {
    format!("+{:.0} %", f64::from(more) / f64::from(now.max(1)) * 100.0)
}

/// `1 seed`, `3 seeds`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
