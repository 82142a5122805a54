//! Edits that change how high rates are, some of the time: scale, set, add, clip, bursts and flash crowds.
//!
//! Each is a list of changes in time; between two of them one rule maps every rate of the selection. Where a rule begins or
//! ends between two rows, a row is put there. A service without a rate yet has none to multiply; what is set or added counts
//! for it as for a rate of zero.

use super::flow::{Flow, PerService, Queue, Row, Transform, too_large};
use super::quantity::Factor;
use super::script::Shape;
use crate::input::trace::generate::exp;
use crate::model::ServiceId;
use crate::model::workload::WorkloadError;
use crate::units::{Ratio, Span, Time};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a rate becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Itself.
    Same,
    /// So many times itself.
    Scale(Factor),
    /// This.
    Set(Flow),
    /// Itself and this.
    Add(Flow),
    /// Itself, within bounds.
    Clip(Flow, Flow),
}

impl Rule {
    /// What a flow becomes; `None` for none.
    ///
    /// # Errors
    /// Where it is too large to count.
    fn apply(self, flow: Option<Flow>) -> Result<Option<Flow>, TooLarge> {
        let found = flow.unwrap_or_default();
        Ok(match self {
            Self::Same => flow,
            Self::Scale(factor) => flow.map(|flow| factor.times(flow.0).map(Flow).ok_or(TooLarge)).transpose()?,
            Self::Set(level) => Some(level),
            Self::Add(more) => Some(Flow(found.0.checked_add(more.0).ok_or(TooLarge)?)),
            Self::Clip(low, high) if flow.is_some() || low > Flow::ZERO => Some(found.clamp(low, high)),
            Self::Clip(..) => None,
        })
    }
}

/// A number leaves its range.
struct TooLarge;

/// Rules with the moments from which they hold, in rising order.
pub type Rules = Vec<(Time, Rule)>;

/// One rule from one moment to another.
pub fn one(rule: Rule, (from, until): (Time, Time)) -> Rules {
    if until == Time::MAX { vec![(from, rule)] } else { vec![(from, rule), (until, Rule::Same)] }
}

/// Stairs of a ramp.
const STAIRS: u64 = 20;
/// Stairs of a decay, and how many times its length they reach: less than 1 % of the height is left (e⁻⁵).
const DECAY: (u64, u64) = (100, 5);

/// The rules of a surge that begins at `start`: a factor that rises from 1 to `times` and falls again.
///
/// A ramp is a staircase of 20 equal steps, each as high as the line in its middle. A flash crowd decays as
/// `1 + (times − 1)·e^(−t/decay)`, in 100 steps over five times `decay`. `None` where it leaves the range of times or factors.
pub fn surge(start: Time, times: Factor, shape: Shape) -> Option<Rules> {
    let mut rules = Rules::new();
    let mut stair = |from: u64, share: Factor| {
        rules.push((Time(from), Rule::Scale(between(times, share)?)));
        Some(())
    };
    let (up, top, until) = match shape {
        Shape::Burst { span, ramp } => (ramp, start.0.checked_add(ramp.0)?, start.0.checked_add(span.0)?),
        Shape::Crowd { rise, decay } => {
            let top = start.0.checked_add(rise.0)?;
            (rise, top, top.checked_add(decay.0.checked_mul(DECAY.1)?)?)
        }
    };
    let part =
        |of: Span, stair: u64| u64::try_from(u128::from(of.0) * u128::from(stair) / u128::from(STAIRS)).unwrap_or(0);
    for index in 0..if up == Span::ZERO { 0 } else { STAIRS } {
        stair(start.0 + part(up, index), Factor::new(2 * index + 1, 2 * STAIRS)?)?;
    }
    match shape {
        Shape::Burst { ramp, .. } => {
            stair(top, Factor::new(1, 1)?)?;
            for index in 0..if ramp == Span::ZERO { 0 } else { STAIRS } {
                stair(until - ramp.0 + part(ramp, index), Factor::new(2 * (STAIRS - index) - 1, 2 * STAIRS)?)?;
            }
        }
        Shape::Crowd { .. } => {
            let length = until - top;
            for index in 0..DECAY.0 {
                let middle = (index as f64 + 0.5) * (DECAY.1 as f64) / (DECAY.0 as f64);
                let from = top + u64::try_from(u128::from(length) * u128::from(index) / u128::from(DECAY.0)).ok()?;
                stair(from, Factor::new(Ratio::from_f64(exp(-middle)).0, 1_000_000)?)?;
            }
        }
    }
    rules.push((Time(until), Rule::Same));
    // Stairs shorter than a nanosecond fall together; the last one counts.
    rules.reverse();
    rules.dedup_by_key(|(at, _)| *at);
    rules.reverse();
    Some(rules)
}

/// `1 + (times − 1)·share`, exactly.
fn between(times: Factor, share: Factor) -> Option<Factor> {
    let rest = share.under - share.over;
    let over = u128::from(times.over) * u128::from(share.over) + u128::from(times.under) * u128::from(rest);
    let under = u128::from(times.under) * u128::from(share.under);
    Factor::new(u64::try_from(over).ok()?, u64::try_from(under).ok()?)
}

/// Applies rules to a selection.
#[derive(Debug, Clone)]
pub struct Level {
    edit: Arc<str>,
    selected: Arc<BTreeSet<ServiceId>>,
    rules: Arc<Rules>,
    /// The rules before this one are over.
    next: usize,
    rule: Rule,
    /// The flow of each selected service as it came, and as it was handed on.
    flows: PerService<(Option<Flow>, Option<Flow>)>,
}

impl Level {
    /// `edit`: as the user wrote it, for messages.
    pub fn new(edit: &str, selected: Arc<BTreeSet<ServiceId>>, rules: Rules) -> Self {
        let (edit, rules) = (edit.into(), Arc::new(rules));
        Self { edit, selected, rules, next: 0, rule: Rule::Same, flows: PerService::default() }
    }

    /// Puts rows where rules change until `until`, and takes the rule that changes there.
    fn advance(&mut self, until: Time, out: &mut Queue) -> Result<(), WorkloadError> {
        while let Some(&(at, rule)) = self.rules.get(self.next).filter(|(at, _)| *at <= until) {
            self.next += 1;
            self.rule = rule;
            if at < until {
                let mut row = Row { at, flows: Vec::new() };
                self.restate(&mut row)?;
                if !row.flows.is_empty() {
                    out.push_back(row);
                }
            }
        }
        Ok(())
    }

    /// Adds the selected services whose flow is another one now, as far as the row does not name them.
    fn restate(&mut self, row: &mut Row) -> Result<(), WorkloadError> {
        for service in self.selected.iter().copied() {
            let (came, went) = self.flows.get(service);
            let now = self.rule.apply(*came).map_err(|TooLarge| too_large(&self.edit))?;
            // What was set or added and is over leaves nothing behind.
            let now = now.or(went.map(|_| Flow::ZERO));
            if now != *went {
                *went = now;
                row.flows.extend(now.map(|flow| (service, flow)));
            }
        }
        Ok(())
    }
}

impl Transform for Level {
    fn take(&mut self, mut row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        let before = self.next;
        self.advance(row.at, out)?;
        for (service, flow) in row.flows.iter_mut().filter(|(service, _)| self.selected.contains(service)) {
            let (came, went) = self.flows.get(*service);
            *came = Some(*flow);
            let now = self.rule.apply(*came).map_err(|TooLarge| too_large(&self.edit))?;
            *went = now;
            *flow = now.unwrap_or_default();
        }
        if self.next > before {
            self.restate(&mut row)?;
        }
        out.push_back(row);
        Ok(())
    }

    fn finish(&mut self, end: Time, out: &mut Queue) -> Result<Time, WorkloadError> {
        self.advance(end, out)?;
        Ok(end)
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}
