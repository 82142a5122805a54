//! The cheapest whole numbers that pass a test which is dear to ask: how many nodes of each pool, where the test is a
//! simulation.
//!
//! More is taken to help: what passes passes with more of anything, and where that is not so, an answer is still one that
//! was seen to pass, only not surely the cheapest. Small spaces are tried out wholly. In others: up from the start in one
//! common share until something passes; down each number by halving; then exchanges, more of one for less of another,
//! which find mixes that no single step leads to; and again, until nothing gets cheaper.
//!
//! What it does not do: guess. Every point that is answered was judged.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

/// A point: a number for each dimension.
pub type Point = Vec<u32>;

/// What is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// The least of each.
    pub low: Point,
    /// The most of each.
    pub high: Point,
    /// Where the search begins.
    pub start: Point,
    /// What one more of each is thought to cost: the order in which numbers are lowered, the dearest first.
    pub weights: Vec<f64>,
    /// Points that may be judged; a space with no more is tried out wholly.
    pub budget: usize,
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Whether it passes.
    pub passes: bool,
    /// What it costs.
    pub cost: f64,
    /// How far it is from passing, in the judge's own measure: to tell what came nearest where nothing passes.
    pub miss: f64,
}

/// Who judges points.
pub trait Judge {
    /// What may go wrong.
    type Error;

    /// Judges points, in their order.
    ///
    /// # Errors
    /// Where one of them cannot be judged.
    fn judge(&mut self, points: &[Point]) -> Result<Vec<Judged>, Self::Error>;

    /// What a point costs, where that is known before it is judged: what cannot be cheaper is then not judged.
    fn cost(&self, point: &[u32]) -> Option<f64> {
        let _ = point;
        None
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The cheapest point that passes; `None` where none does.
    pub found: Option<(Point, Judged)>,
    /// The point that came nearest to passing.
    pub nearest: (Point, Judged),
    /// How it is known that nothing is cheaper.
    pub proof: Proof,
    /// Points that were judged, in the order of their numbers.
    pub tried: BTreeMap<Point, Judged>,
}

/// How sure it is that nothing is cheaper, or that nothing passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// All points were judged, but those that cost more than the one that was found.
    Exhaustive,
    /// No single number can be lowered, and no exchange of two makes it cheaper.
    NoBetterStep,
    /// The most of everything does not pass.
    MostFails,
    /// The search ended since it had judged as many points as it may.
    BudgetSpent,
}

/// Points that are judged at a time where all are.
const AT_A_TIME: usize = 8;
/// Steps of an exchange: so many more of one at once.
const EXCHANGES: [u32; 3] = [1, 2, 4];
/// Parts of the way from a point that fails to one that passes, when both are multiples of one start.
const PARTS: u32 = 16;

/// Finds the cheapest point that passes.
///
/// # Errors
/// What the judge could not do.
///
/// # Panics
/// Where the space has no points, or its parts differ in length.
pub fn search<J: Judge>(space: &Space, judge: &mut J) -> Result<Answer, J::Error> {
    let dimensions = space.low.len();
    assert!(dimensions > 0 && [&space.high, &space.start].iter().all(|point| point.len() == dimensions));
    assert!(space.weights.len() == dimensions && space.low.iter().zip(&space.high).all(|(low, high)| low <= high));
    let mut search = Search { space, judge, tried: BTreeMap::new(), spent: false };
    let proof = match search.size() {
        Some(size) if size <= space.budget => search.everything()?,
        _ => search.descend_from_start()?,
    };
    Ok(search.answer(proof))
}

struct Search<'a, J> {
    space: &'a Space,
    judge: &'a mut J,
    tried: BTreeMap<Point, Judged>,
    spent: bool,
}

impl<J: Judge> Search<'_, J> {
    /// How many points there are, where that is a number.
    fn size(&self) -> Option<usize> {
        let mut widths = self.space.low.iter().zip(&self.space.high).map(|(low, high)| (high - low) as usize + 1);
        widths.try_fold(1_usize, usize::checked_mul)
    }

    fn answer(self, proof: Proof) -> Answer {
        let by_cost = |a: &(&Point, &Judged), b: &(&Point, &Judged)| a.1.cost.total_cmp(&b.1.cost);
        let sum = |point: &Point| point.iter().map(|number| u64::from(*number)).sum::<u64>();
        let passing = self.tried.iter().filter(|(_, judged)| judged.passes);
        let found = passing.min_by(|a, b| by_cost(a, b).then_with(|| sum(a.0).cmp(&sum(b.0))));
        let nearest = self.tried.iter().min_by(|a, b| a.1.miss.total_cmp(&b.1.miss).then_with(|| by_cost(a, b)));
        let owned = |(point, judged): (&Point, &Judged)| (point.clone(), *judged);
        Answer {
            found: found.map(owned),
            nearest: nearest.map(owned).expect("at least one point was judged"),
            proof,
            tried: self.tried,
        }
    }

    /// Judges one point, once; `None` where no more may be judged.
    fn look(&mut self, point: &Point) -> Result<Option<Judged>, J::Error> {
        if let Some(known) = self.tried.get(point) {
            return Ok(Some(*known));
        }
        if self.tried.len() >= self.space.budget.max(1) {
            self.spent = true;
            return Ok(None);
        }
        let judged = self.judge.judge(std::slice::from_ref(point))?[0];
        self.tried.insert(point.clone(), judged);
        Ok(Some(judged))
    }

    fn passes(&mut self, point: &Point) -> Result<bool, J::Error> {
        Ok(self.look(point)?.is_some_and(|judged| judged.passes))
    }

    /// Every point; by rising cost and up to the first that passes, where costs are known.
    fn everything(&mut self) -> Result<Proof, J::Error> {
        let mut points = vec![Point::new()];
        for (low, high) in self.space.low.iter().zip(&self.space.high) {
            let longer = |point: &Point| (*low..=*high).map(|number| [point.as_slice(), &[number]].concat()).collect();
            points = points.iter().flat_map(|point| -> Vec<Point> { longer(point) }).collect();
        }
        let costs: Option<Vec<f64>> = points.iter().map(|point| self.judge.cost(point)).collect();
        if let Some(costs) = costs {
            let mut by_cost: Vec<(f64, Point)> = costs.into_iter().zip(points).collect();
            by_cost.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (_, point) in by_cost {
                if self.passes(&point)? {
                    break;
                }
            }
            return Ok(Proof::Exhaustive);
        }
        for chunk in points.chunks(AT_A_TIME) {
            let judged = self.judge.judge(chunk)?;
            self.tried.extend(chunk.iter().cloned().zip(judged));
        }
        Ok(Proof::Exhaustive)
    }

    fn descend_from_start(&mut self) -> Result<Proof, J::Error> {
        let Some(mut best) = self.rise()? else {
            return Ok(if self.spent { Proof::BudgetSpent } else { Proof::MostFails });
        };
        loop {
            let before = best.clone();
            self.lower(&mut best)?;
            if !self.exchange(&mut best)? && best == before || self.spent {
                break;
            }
        }
        Ok(if self.spent { Proof::BudgetSpent } else { Proof::NoBetterStep })
    }

    /// A point that passes: the start, or a multiple of it, or the most of all; of the multiples about the least.
    fn rise(&mut self) -> Result<Option<Point>, J::Error> {
        let high = self.space.high.clone();
        let mut fails = self.clamped(&self.space.start);
        if self.passes(&fails)? {
            return Ok(Some(fails));
        }
        let mut step = 1;
        let mut passes = loop {
            let next = self.clamped(&fails.iter().map(|now| now + (now / 2).max(step)).collect());
            if next == fails {
                return Ok(None);
            }
            if self.passes(&next)? {
                break next;
            }
            if self.spent || next == high {
                return Ok(None);
            }
            step *= 2;
            fails = next;
        };
        let (mut low, mut high) = (0, PARTS);
        let on_the_way = |part: u32, from: &Point, to: &Point| -> Point {
            from.iter().zip(to).map(|(from, to)| from + (to - from) * part / PARTS).collect()
        };
        let (from, to) = (fails, passes.clone());
        while low + 1 < high {
            let middle = low.midpoint(high);
            let point = on_the_way(middle, &from, &to);
            if self.passes(&point)? {
                (high, passes) = (middle, point);
            } else {
                low = middle;
            }
        }
        Ok(Some(passes))
    }

    fn clamped(&self, point: &Point) -> Point {
        let bounds = self.space.low.iter().zip(&self.space.high);
        point.iter().zip(bounds).map(|(number, (low, high))| *number.clamp(low, high)).collect()
    }

    /// Lowers each number as far as the point still passes.
    fn lower(&mut self, best: &mut Point) -> Result<(), J::Error> {
        let mut order: Vec<usize> = (0..best.len()).collect();
        order.sort_by(|a, b| self.space.weights[*b].total_cmp(&self.space.weights[*a]));
        for place in order {
            let least = self.least(best, place)?;
            if least < best[place] {
                let mut lowered = best.clone();
                lowered[place] = least;
                self.take(best, lowered)?;
            }
        }
        Ok(())
    }

    /// The least number in that place with which `point` passes, if it does with the one that it has.
    fn least(&mut self, point: &Point, place: usize) -> Result<u32, J::Error> {
        let (mut low, mut high) = (self.space.low[place], point[place]);
        let mut trial = point.clone();
        // Most often nothing can be taken away, or one.
        let mut middle = high.saturating_sub(1).max(low);
        while low < high {
            trial[place] = middle;
            if self.passes(&trial)? {
                high = middle;
            } else {
                low = middle + 1;
            }
            middle = low.midpoint(high);
        }
        Ok(high)
    }

    /// Makes `better` the best where it passes and costs no more, or as much for less.
    fn take(&mut self, best: &mut Point, better: Point) -> Result<bool, J::Error> {
        let (Some(now), Some(then)) = (self.look(best)?, self.look(&better)?) else { return Ok(false) };
        let is_less = better.iter().zip(best.iter()).all(|(new, old)| new <= old);
        let is_better = then.passes && (then.cost < now.cost || (is_less && then.cost <= now.cost));
        if is_better {
            *best = better;
        }
        Ok(is_better)
    }

    /// More of one number for less of another, the first exchange that is cheaper; whether there was one.
    fn exchange(&mut self, best: &mut Point) -> Result<bool, J::Error> {
        for less in 0..best.len() {
            for more in (0..best.len()).filter(|more| *more != less) {
                for step in EXCHANGES {
                    if best[less] == self.space.low[less] || best[more] + step > self.space.high[more] {
                        break;
                    }
                    let mut trial = best.clone();
                    trial[more] += step;
                    trial[less] -= 1;
                    if self.is_hopeless(&trial, less, best) || !self.passes(&trial)? {
                        continue;
                    }
                    trial[less] = self.least(&trial, less)?;
                    if self.take(best, trial)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Whether not even the least number in that place would make the point cheaper than the best, as far as that is known.
    fn is_hopeless(&self, trial: &Point, place: usize, best: &Point) -> bool {
        let mut least = trial.clone();
        least[place] = self.space.low[place];
        let (then, now) = (self.judge.cost(&least), self.judge.cost(best));
        then.zip(now).is_some_and(|(then, now)| then >= now)
    }
}
