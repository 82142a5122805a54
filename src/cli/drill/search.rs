//! The least head-room with which a drill passes: further nodes that are always there, by pool.
//!
//! Each trial is the whole drill in a scenario that was read again with the fields of the inventory that are answered. So
//! what is told is what was seen to pass, and pasting it makes the drill pass.

use super::evaluate::{Drill, Drilled};
use crate::cli::Failure;
use crate::cli::asked::Scenario;
use crate::cli::pools::{self, Nodes, PoolNow};
use crate::solver::sizing::{Judge, Judged, Point, Proof, Space, search};

/// What was found.
#[derive(Debug, Clone)]
pub struct HeadRoom {
    /// The pools.
    pub pools: Vec<PoolNow>,
    /// Nodes more of each; `None` where nothing passes.
    pub more: Option<Point>,
    /// What came nearest where nothing passes, and its drill.
    pub nearest: Option<(Point, Drilled)>,
    /// How sure it is that nothing is cheaper.
    pub proof: Proof,
    /// Drills that were run for it.
    pub drills: usize,
}

impl HeadRoom {
    /// The fields of the inventory that give the head-room.
    pub fn patches(&self, more: &Point) -> Vec<(String, String)> {
        patches(&self.pools, more)
    }

    /// What it costs an hour at list prices.
    pub fn price(&self, more: &Point) -> f64 {
        self.pools.iter().zip(more).map(|(pool, more)| pool.price * f64::from(*more)).sum()
    }
}

fn patches(pools: &[PoolNow], more: &[u32]) -> Vec<(String, String)> {
    let nodes: Vec<Nodes> = pools.iter().zip(more).map(|(pool, more)| pool.nodes.with(*more)).collect();
    pools::patches(pools, &nodes)
}

/// Pools grow to so many times their nodes at most.
const TIMES_MAX: u32 = 4;
/// And may have so many more in any case.
const MORE_MIN: u32 = 3;

/// Searches, with so many drills at most.
///
/// # Errors
/// Where a run fails.
pub fn least(asked: &Scenario, drill: &Drill<'_>, now: &[PoolNow], budget: usize) -> Result<HeadRoom, Failure> {
    let is_free = now.iter().all(|pool| pool.price <= 0.0);
    let weights: Vec<f64> = now.iter().map(|pool| if is_free { 1.0 } else { pool.price }).collect();
    let high = now.iter().map(|pool| (pool.nodes.max * (TIMES_MAX - 1)).max(MORE_MIN)).collect();
    let zero = vec![0; now.len()];
    let space = Space { low: zero.clone(), high, start: zero, weights: weights.clone(), budget };
    let mut trials = Trials { asked, drill, now, weights };
    let answer = search(&space, &mut trials)?;
    let more = answer.found.map(|(point, _)| point);
    let nearest = match more {
        Some(_) => None,
        None => Some((answer.nearest.0.clone(), trials.run(&answer.nearest.0)?)),
    };
    Ok(HeadRoom { pools: now.to_vec(), more, nearest, proof: answer.proof, drills: answer.tried.len() })
}

struct Trials<'a> {
    asked: &'a Scenario,
    drill: &'a Drill<'a>,
    now: &'a [PoolNow],
    weights: Vec<f64>,
}

impl Trials<'_> {
    fn run(&self, more: &Point) -> Result<Drilled, Failure> {
        self.drill.run(&self.asked.load(None, &patches(self.now, more))?)
    }
}

impl Judge for Trials<'_> {
    type Error = Failure;

    fn judge(&mut self, points: &[Point]) -> Result<Vec<Judged>, Failure> {
        let judge = |point: &Point| {
            let drilled = self.run(point)?;
            let miss = drilled.losses.iter().map(|struck| struck.miss(self.drill.pass)).sum();
            let passes = drilled.losses.iter().all(|struck| struck.passes(self.drill.pass));
            Ok(Judged { passes, cost: self.cost(point).unwrap_or(0.0), miss })
        };
        points.iter().map(judge).collect()
    }

    fn cost(&self, point: &[u32]) -> Option<f64> {
        Some(point.iter().zip(&self.weights).map(|(more, weight)| f64::from(*more) * weight).sum())
    }
}
