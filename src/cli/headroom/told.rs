//! What is said of a search: the cheapest inventory, what it is against today's, how sure that is, and how to have it.

use super::Arguments;
use super::trials::{Confidence, Slo, Trial};
use crate::cli::drill::{counted, proof};
use crate::cli::job::Setting;
use crate::cli::pools::{self, PoolNow};
use crate::report::estimate::Estimate;
use crate::report::sheet::{Cell, Column, Grid, Mark, Picture, Section, Sheet};
use crate::report::table::duration;
use crate::report::unit::Unit;
use crate::solver::sizing::Proof;
use serde_json::{Value, json};

/// A policy's search.
pub struct Answered {
    /// Who decides.
    pub policy: String,
    /// The inventory as it is.
    pub today: Trial,
    /// The cheapest that keeps the SLO.
    pub found: Option<Trial>,
    /// What came nearest to it.
    pub nearest: Option<Trial>,
    /// All that were tried, in that order.
    pub tried: Vec<Trial>,
    /// How sure it is that nothing is cheaper.
    pub proof: Proof,
}

/// All that is said.
pub struct Told<'a> {
    /// The scenario.
    pub setting: &'a Setting,
    /// What was asked.
    pub arguments: &'a Arguments,
    /// The pools as they are.
    pub pools: &'a [PoolNow],
    /// The searches.
    pub answers: &'a [Answered],
    /// How many seeds.
    pub seeds: usize,
}

impl Told<'_> {
    fn slo(&self) -> String {
        let one = |slo: &Slo| {
            let sign = slo.criterion.to_string();
            let sign = sign.split(' ').nth(1).unwrap_or("<").to_owned();
            format!("{} {sign} {}", slo.metric.words(), slo.metric.unit.bound(slo.criterion.bound))
        };
        self.arguments.slo.iter().map(one).collect::<Vec<_>>().join(" and ")
    }

    fn surely(&self) -> String {
        match self.arguments.confidence {
            Confidence::EverySeed => format!("with each of {}", counted(self.seeds, "seed", "seeds")),
            Confidence::Bound(_) if self.seeds == 1 => "with one seed, so nobody knows how surely".to_owned(),
            Confidence::Bound(_) => {
                format!("at {} confidence over {} seeds", self.arguments.confidence, self.seeds)
            }
        }
    }

    pub fn sheet(&self) -> Sheet {
        let Arguments { asked, until, .. } = self.arguments;
        let tried: usize = self.answers.iter().map(|answer| answer.tried.len()).sum();
        let name = &self.setting.loaded.name;
        let policies = counted(self.answers.len(), "policy", "policies");
        let mut options: Vec<(&str, String)> =
            self.arguments.slo.iter().map(|slo| ("--slo", slo.criterion.to_string())).collect();
        options.push(("--confidence", self.arguments.confidence.to_string()));
        options.extend(until.iter().map(|until| ("--until", until.to_string().replace(' ', ""))));
        options.extend(self.arguments.most.iter().map(|most| ("--most", most.to_string())));
        options.push(("--budget", self.arguments.budget.to_string()));
        let mut sheet = Sheet {
            title: format!("head-room: {name}"),
            what: format!("{name}: {policies}, {} inventories × {}", tried, counted(self.seeds, "seed", "seeds")),
            question: format!("What are the cheapest nodes with {}?", self.slo()),
            answer: self.answers.iter().map(|answer| self.sentence(answer)).collect(),
            command: asked.command("headroom", &options),
            ..Sheet::default()
        };
        if self.seeds == 1 {
            sheet
                .beware
                .push("One seed: the SLO is kept in this one run, and nobody knows how surely in others.".to_owned());
        }
        for answer in self.answers {
            sheet.sections.extend(self.sections(answer));
        }
        sheet
    }

    fn sentence(&self, answer: &Answered) -> String {
        let policy = &answer.policy;
        let (slo, surely) = (self.slo(), self.surely());
        let today = if answer.today.passes { "today's nodes keep it" } else { "today's nodes do not keep it" };
        let runs = counted(answer.tried.len(), "inventory was tried", "inventories were tried");
        let sure = match answer.proof {
            Proof::Exhaustive => format!("it is the cheapest within the bounds: all {runs}"),
            Proof::NoBetterStep => format!(
                "no single step makes it cheaper, nor an exchange of some nodes of one kind for one of another; other mixes were not tried ({runs})"
            ),
            Proof::BudgetSpent => format!("the search ended before it was done ({runs}); `--budget` lets it go on"),
            Proof::MostFails => runs,
        };
        if let Some(found) = &answer.found {
            return format!(
                "{policy}: {} for {} keep {slo} {surely}; {today} and cost {}; {sure}.",
                self.words(found),
                dollars(found.cost),
                dollars(answer.today.cost)
            );
        }

        let nearest = answer
            .nearest
            .as_ref()
            .map(|trial| format!(" The nearest was {} with {}.", self.words(trial), self.figures(trial)));
        let ended = match answer.proof {
            Proof::BudgetSpent => "nothing was found before the search ended",
            Proof::Exhaustive => "no number of nodes within the bounds does",
            _ => "not even the most of everything does, nor anything on the way there",
        };
        format!(
            "{policy}: nothing was found that keeps {slo} {surely}: {ended} ({}).{}",
            runs_of(answer),
            nearest.unwrap_or_default()
        )
    }

    /// `edge-1/main 1, cloud-1/main 0 to 3`
    fn words(&self, trial: &Trial) -> String {
        let all = self.pools.iter().zip(&trial.nodes).map(|(pool, nodes)| format!("{} {}", pool.name(), nodes.words()));
        all.collect::<Vec<_>>().join(", ")
    }

    /// `time over the SLO 0.20 ± 0.10 %`
    fn figures(&self, trial: &Trial) -> String {
        let one = |(slo, values): (&Slo, &Option<Vec<f64>>)| {
            let estimate = values.as_deref().and_then(Estimate::of);
            let text = estimate.map_or_else(|| "undefined".to_owned(), |estimate| slo.metric.unit.estimate(&estimate));
            format!("{} {text}", slo.metric.words())
        };
        self.arguments.slo.iter().zip(&trial.values).map(one).collect::<Vec<_>>().join(", ")
    }

    fn sections(&self, answer: &Answered) -> Vec<Section> {
        let mut sections = vec![Section {
            heading: answer.policy.clone(),
            pictures: self.pictures(answer),
            grid: Some(self.grid(answer)),
            ..Section::default()
        }];
        if let Some(found) = &answer.found {
            let patches = pools::patches(self.pools, &found.nodes);
            if !patches.is_empty() {
                sections.push(Section {
                    heading: format!("These nodes, with {}", answer.policy),
                    code: pools::options(&patches),
                    ..Section::default()
                });
            }
        }
        sections
    }

    fn grid(&self, answer: &Answered) -> Grid {
        let columns = vec![Column::words(""), Column::figures("today", ""), Column::figures("cheapest", "")];
        let found = answer.found.as_ref();
        let dash = || "–".to_owned();
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for (place, pool) in self.pools.iter().enumerate() {
            let then = found.map_or_else(dash, |trial| trial.nodes[place].words());
            rows.push(vec![format!("nodes of {}", pool.name()).into(), pool.nodes.words().into(), then.into()]);
        }
        let cost = |trial: &Trial| dollars(trial.cost);
        let span = self.setting.loaded.scenario.until.map(|until| duration(until.as_seconds_f64()));
        let head = span.map_or_else(|| "cost of the run".to_owned(), |span| format!("cost of {span}"));
        rows.push(vec![head.into(), cost(&answer.today).into(), found.map_or_else(dash, cost).into()]);
        for (place, slo) in self.arguments.slo.iter().enumerate() {
            let cell = |trial: &Trial| {
                let Some(values) = &trial.values[place] else { return Cell::from("undefined") };
                let text = Estimate::of(values).map_or_else(dash, |estimate| slo.metric.unit.estimate(&estimate));
                let mark = if slo.holds(values, self.arguments.confidence) { Mark::Good } else { Mark::Bad };
                Cell::marked(text, mark)
            };
            let then = found.map_or_else(|| Cell::from("–"), cell);
            rows.push(vec![slo.metric.words().into(), cell(&answer.today), then]);
        }
        let caption = format!("Means over {}", counted(self.seeds, "seed", "seeds"));
        Grid { caption, columns, rows }
    }

    /// What each inventory costs, and how well it keeps the first of the SLOs.
    fn pictures(&self, answer: &Answered) -> Vec<Picture> {
        let slo = &self.arguments.slo[0];
        let unit = slo.metric.unit;
        let dot = |trial: &Trial, name: &str| {
            let value = trial.values[0].as_deref().and_then(Estimate::of)?;
            let mark = if trial.passes { Mark::Good } else { Mark::Bad };
            Some(((trial.cost?.mean, unit.shown(value.mean)), name.to_owned(), mark))
        };
        let others = answer.tried.iter().filter(|trial| {
            let is_named = [Some(&answer.today), answer.found.as_ref()]
                .into_iter()
                .flatten()
                .any(|named| named.nodes == trial.nodes);
            !is_named
        });
        let mut dots: Vec<_> = others.filter_map(|trial| dot(trial, "")).collect();
        let is_today = answer.found.as_ref().is_some_and(|found| found.nodes == answer.today.nodes);
        dots.extend(dot(&answer.today, if is_today { "today, the cheapest" } else { "today" }));
        dots.extend(answer.found.as_ref().filter(|_| !is_today).and_then(|found| dot(found, "cheapest")));
        let caption = format!(
            "{} ({}, upwards) against cost, an inventory a point; the dashed line is the SLO",
            slo.metric.words(),
            unit.symbol()
        );
        vec![Picture::Dots {
            caption: caption.replace(" (,", " ("),
            axes: ("cost of the run ($, less is better)".to_owned(), slo.metric.words().to_owned()),
            dots,
            limit: Some(unit.shown(slo.criterion.bound)),
        }]
    }

    pub fn json(&self) -> Value {
        let estimate = |one: Estimate| json!({"mean": one.mean, "half_width_95": one.half_width, "seeds": one.count});
        let trial = |trial: &Trial| {
            let nodes = self.pools.iter().zip(&trial.nodes).map(|(pool, nodes)| {
                (pool.name(), json!({"min": nodes.min, "initial": nodes.initial, "max": nodes.max}))
            });
            let figures = self.arguments.slo.iter().zip(&trial.values).map(|(slo, values)| {
                (slo.metric.name.to_owned(), json!(values.as_deref().and_then(Estimate::of).map(estimate)))
            });
            json!({
                "nodes": nodes.collect::<serde_json::Map<_, _>>(),
                "cost": trial.cost.map(estimate),
                "figures": figures.collect::<serde_json::Map<_, _>>(),
                "passes": trial.passes,
            })
        };
        let set = |found: &Trial| -> Vec<String> {
            pools::patches(self.pools, &found.nodes)
                .into_iter()
                .map(|(path, value)| format!("{path}={value}"))
                .collect()
        };
        let of = |answer: &Answered| {
            json!({
                "policy": answer.policy,
                "today": trial(&answer.today),
                "found": answer.found.as_ref().map(trial),
                "set": answer.found.as_ref().map(set),
                "nearest": answer.nearest.as_ref().map(trial),
                "proof": proof(answer.proof),
                "inventories": answer.tried.len(),
            })
        };
        json!({
            "scenario": self.setting.loaded.name,
            "slo": self.arguments.slo.iter().map(|slo| slo.criterion.to_string()).collect::<Vec<_>>(),
            "confidence": self.arguments.confidence.to_string(),
            "answers": self.answers.iter().map(of).collect::<Vec<_>>(),
        })
    }
}

fn runs_of(answer: &Answered) -> String {
    counted(answer.tried.len(), "inventory was tried", "inventories were tried")
}

fn dollars(cost: Option<Estimate>) -> String {
    cost.map_or_else(|| "–".to_owned(), |cost| Unit::Dollars.estimate(&cost))
}
