//! The exact tiers: what reduced-cost fixing leaves, piece by piece, and then a few clusters at a time around the answer.

use super::exact::{self, Limits};
use super::fixing::{open_places, pieces};
use super::restrict::Part;
use super::{Search, Stop, Tiers, index};
use crate::solver::dice::Dice;
use std::time::Duration;

/// Open places up to which the exact tier is tried where time does not count.
const PLACES_MAX: usize = 1_500;

/// Open places up to which the whole is solved before anything else is tried.
const PLACES_AT_ONCE: usize = 500;

/// Open places a second that the exact tier is trusted with where time counts.
const PLACES_A_SECOND: f64 = 12_000.0;

impl Search<'_> {
    /// Closes what cannot be better, solves the pieces that are left, and then looks around the answer.
    pub(super) fn be_exact(&mut self) -> Stop {
        if self.effort.tiers == Tiers::Search || self.effort.nodes == 0 {
            return Stop::Heuristic;
        }
        let mut open = open_places(self.problem, &mut self.prices, (&self.best, self.cost));
        let count = |open: &[bool]| open.iter().filter(|open| **open).count();
        if self.effort.time.is_some() && count(&open) > PLACES_AT_ONCE {
            // A better answer closes more places, and neighbourhoods find one sooner than the whole does.
            self.look_around(0.6);
            open = open_places(self.problem, &mut self.prices, (&self.best, self.cost));
        }
        let open_count = count(&open);
        let left = self.clock.left().map(|left| left.as_secs_f64());
        let most = left.map_or(PLACES_MAX as f64, |left| left * PLACES_A_SECOND);
        if open_count as f64 <= most || self.effort.tiers == Tiers::Exact {
            self.solve_pieces(&open);
            if self.is_done() {
                return Stop::Optimal;
            }
        }
        self.look_around(0.97);
        Stop::NodeLimit
    }

    /// The best answer among the open places, piece by piece.
    fn solve_pieces(&mut self, open: &[bool]) {
        let pieces = pieces(self.problem, open);
        let has_choice = |piece: &Vec<u32>| {
            piece.iter().any(|service| {
                let places = self.problem.places_of(*service as usize);
                let open = places.filter(|place| open[*place]).count();
                open > 1 || self.best_is_short(*service)
            })
        };
        let choices: Vec<_> = pieces.into_iter().filter(has_choice).collect();
        let (mut gain, before) = (0.0, self.cost);
        let count = choices.len();
        for (at, piece) in choices.into_iter().enumerate() {
            let part = Part::new(self.problem, &self.best, &piece, open);
            let present = part.problem.cost(&part.read(&self.best));
            let share = self.clock.left().map(|left| left.div_f64((count - at) as f64));
            let limits = Limits { nodes: self.effort.nodes, time: share, gap: self.effort.gap * self.cost.abs() };
            let Some(found) = exact::solve(&part.problem, &limits) else {
                gain = f64::INFINITY;
                continue;
            };
            gain += (present - found.bound).max(0.0);
            if let Some(mut counts) = found.counts {
                let mut whole = self.best.clone();
                part.problem.trim(&mut counts);
                part.write(&counts, &mut whole);
                self.offer(&whole, "exact");
            }
        }
        // Whatever is cheaper than the answer uses open places only, and gains no more than all pieces could.
        let bound = (before - gain).min(self.cost);
        if bound > self.bound {
            self.bound = bound;
            self.tier = if count == 0 { "fixed" } else { "exact" };
        }
    }

    fn best_is_short(&self, service: u32) -> bool {
        self.problem.short(service as usize, &self.best) > 0
    }

    /// Frees the services of a few clusters at a time, again and again, while the budget lasts or until a share of the time
    /// is over.
    fn look_around(&mut self, until: f64) {
        let clusters = self.problem.clusters();
        if clusters < 3 || self.effort.tiers == Tiers::Exact {
            return;
        }
        let mut dice = Dice::new(self.cost.to_bits());
        let rounds = if self.effort.time.is_some() { u32::MAX } else { self.effort.nodes / 250 };
        for _ in 0..rounds {
            if self.clock.is_past(until) || self.is_done() {
                return;
            }
            let chosen = self.neighbours(&mut dice);
            let free = self.residents(&chosen);
            let mut open = vec![false; self.problem.places.len()];
            for service in &free {
                for place in self.problem.places_of(*service as usize) {
                    let cluster = self.problem.places[place].cluster as usize;
                    open[place] = chosen[cluster] || self.best[place] > 0;
                }
            }
            let part = Part::new(self.problem, &self.best, &free, &open);
            let time = self.clock.left().map(|left| left.min(Duration::from_millis(400)));
            let Some(found) = exact::solve(&part.problem, &Limits { nodes: 100, time, gap: 0.0 }) else { continue };
            if let Some(mut counts) = found.counts {
                let mut whole = self.best.clone();
                part.problem.trim(&mut counts);
                part.write(&counts, &mut whole);
                self.offer(&whole, "neighbourhood");
            }
        }
    }

    /// Clusters that are freed: so many that about sixty services are.
    fn neighbours(&self, dice: &mut Dice) -> Vec<bool> {
        let clusters = self.problem.clusters();
        let used = self.best.iter().filter(|count| **count > 0).count();
        let count = (60 * clusters).div_ceil(used.max(1)).clamp(2, clusters);
        let mut chosen = vec![false; clusters];
        let mut left = count;
        while left > 0 {
            let cluster = dice.below(clusters);
            left -= usize::from(!chosen[cluster]);
            chosen[cluster] = true;
        }
        chosen
    }

    /// Services with replicas in the chosen clusters, or short of some.
    fn residents(&self, chosen: &[bool]) -> Vec<u32> {
        let services = 0..index(self.problem.services.len());
        let is_there = |service: &u32| {
            self.problem.short(*service as usize, &self.best) > 0
                || self
                    .problem
                    .places_of(*service as usize)
                    .any(|place| self.best[place] > 0 && chosen[self.problem.places[place].cluster as usize])
        };
        services.filter(is_there).collect()
    }
}
