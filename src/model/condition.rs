//! What a conditional service waits for: conditions on telemetry that have held for a while.
//!
//! Conditions are PromQL as descriptors write it, resolved to what the simulated world measures. Their value is three-valued:
//! true, false, or not known. **Missing is never zero**: a condition whose metrics are not seen neither fires nor resets;
//! only `absent` asks for what is missing. Arithmetic on numbers follows IEEE 754, as Prometheus' does.

use super::id::{ClusterId, ServiceId};
use crate::units::{Span, Time};

/// When a service starts, and whether it stops again.
#[derive(Debug, Clone, PartialEq)]
pub struct StartWhen {
    /// How many of the events it takes.
    pub takes: Takes,
    /// The events; a service without any is never started.
    pub events: Vec<Event>,
    /// Whether it stops as soon as the events are over. Otherwise it stays, as the original has it.
    pub stop_when_resolved: bool,
}

/// How events are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// One is enough.
    Any,
    /// All at the same time.
    All,
}

/// A condition that has to hold for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Name, and that of the alert.
    pub name: String,
    /// What has to hold.
    pub condition: Condition,
    /// For so long without being seen false (Prometheus: `for`).
    pub grace: Span,
}

/// Something that holds or does not.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A comparison of two values.
    Compare(Expression, Comparison, Expression),
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// One of them holds.
    Or(Box<Condition>, Box<Condition>),
    /// There is a value.
    Present(Expression),
    /// There is no value.
    Absent(Expression),
}

/// The comparisons of PromQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

/// A number, or something that gives one.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A constant.
    Number(f64),
    /// Readings of some services (or clusters) as one number.
    Readings(Gather, Vec<Reading>),
    /// Two values and what is made of them.
    Binary(Box<Expression>, Operator, Box<Expression>),
}

/// How several readings become one number. What is not seen is left out; where nothing is seen there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gather {
    /// Their sum.
    Sum,
    /// Their mean.
    Average,
    /// The smallest.
    Smallest,
    /// The largest.
    Largest,
    /// How many there are.
    Count,
}

/// The arithmetic of PromQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// Something that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Requests per second that arrive at a service, mean over a time.
    Requests(ServiceId, Over),
    /// Cores that a service uses in all clusters, mean over a time.
    Cpu(ServiceId, Over),
    /// 95th percentile of the latency of an entry service, in seconds.
    Latency(ServiceId),
    /// Ready replicas of a service.
    Replicas(ServiceId),
    /// 1 where the cluster is seen to be up; not seen otherwise.
    Up(ClusterId),
}

/// The time that a mean is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The window of the telemetry.
    Window,
    /// So long.
    Last(Span),
}

impl Condition {
    /// Whether it holds, where that is known; `read` gives what is seen of a reading.
    pub fn holds(&self, read: &impl Fn(Reading) -> Option<f64>) -> Option<bool> {
        match self {
            Self::Compare(left, comparison, right) => Some(comparison.holds(left.value(read)?, right.value(read)?)),
            Self::And(one, other) => match (one.holds(read), other.holds(read)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (one, other) => Some(one? && other?),
            },
            Self::Or(one, other) => match (one.holds(read), other.holds(read)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (one, other) => Some(one? || other?),
            },
            Self::Present(expression) => expression.value(read).map(|_| true),
            Self::Absent(expression) => Some(expression.value(read).is_none()),
        }
    }

    /// All readings, in the order in which they are written.
    pub fn readings(&self) -> Vec<Reading> {
        match self {
            Self::Compare(left, _, right) => [left.readings(), right.readings()].concat(),
            Self::And(one, other) | Self::Or(one, other) => [one.readings(), other.readings()].concat(),
            Self::Present(expression) | Self::Absent(expression) => expression.readings(),
        }
    }
}

impl Comparison {
    #[expect(clippy::float_cmp, reason = "`==` of PromQL is that of IEEE 754")]
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Above => left > right,
            Self::AtLeast => left >= right,
            Self::Below => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }
}

impl Expression {
    /// The number, where all of it is seen.
    pub fn value(&self, read: &impl Fn(Reading) -> Option<f64>) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Readings(gather, readings) => {
                gather.of(&readings.iter().filter_map(|reading| read(*reading)).collect::<Vec<_>>())
            }
            Self::Binary(left, operator, right) => {
                let (left, right) = (left.value(read)?, right.value(read)?);
                Some(match operator {
                    Operator::Add => left + right,
                    Operator::Subtract => left - right,
                    Operator::Multiply => left * right,
                    Operator::Divide => left / right,
                })
            }
        }
    }

    /// All readings, in the order in which they are written.
    pub fn readings(&self) -> Vec<Reading> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Readings(_, readings) => readings.clone(),
            Self::Binary(left, _, right) => [left.readings(), right.readings()].concat(),
        }
    }
}

impl Gather {
    fn of(self, values: &[f64]) -> Option<f64> {
        let count = values.len() as f64;
        match self {
            Self::Sum => values.iter().copied().reduce(|sum, value| sum + value),
            Self::Average => values.iter().copied().reduce(|sum, value| sum + value).map(|sum| sum / count),
            Self::Smallest => values.iter().copied().reduce(f64::min),
            Self::Largest => values.iter().copied().reduce(f64::max),
            Self::Count => (!values.is_empty()).then_some(count),
        }
    }
}

/// Where a conditional service is between waiting and running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Of each event, since when it has been seen to hold without being seen false; never was it, or it was reset.
    pub pending: Vec<Option<Time>>,
    /// Whether the service is wanted.
    pub wanted: bool,
}

impl Progress {
    /// Nothing has happened yet.
    pub fn new(start: &StartWhen) -> Self {
        Self { pending: vec![None; start.events.len()], wanted: false }
    }

    /// Looks at all events at `now`; tells whether the service is to start (true) or to stop (false), where that changes.
    /// An event that is not known keeps what it was, and fires only once it is seen again.
    pub fn look(&mut self, start: &StartWhen, now: Time, read: &impl Fn(Reading) -> Option<f64>) -> Option<bool> {
        let mut fired = Vec::with_capacity(start.events.len());
        for (event, pending) in start.events.iter().zip(&mut self.pending) {
            let holds = event.condition.holds(read);
            match holds {
                Some(true) => *pending = pending.or(Some(now)),
                Some(false) => *pending = None,
                None => {}
            }
            let ripe = pending.is_some_and(|since| now.since(since) >= event.grace);
            fired.push(holds.map(|_| ripe));
        }
        let happened = match start.takes {
            Takes::Any => fired.contains(&Some(true)),
            Takes::All => !fired.is_empty() && fired.iter().all(|one| *one == Some(true)),
        };
        let over = match start.takes {
            Takes::Any => fired.iter().all(|one| *one == Some(false)),
            Takes::All => fired.contains(&Some(false)),
        };
        match self.wanted {
            false if happened => self.wanted = true,
            true if over && start.stop_when_resolved => self.wanted = false,
            _ => return None,
        }
        Some(self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Comparison, Condition, Event, Expression, Gather, Operator, Over, Progress, Reading, StartWhen, Takes,
    };
    use crate::model::ServiceId;
    use crate::units::{Span, Time};

    fn rate(service: u32) -> Expression {
        Expression::Readings(Gather::Sum, vec![Reading::Requests(ServiceId(service), Over::Window)])
    }

    fn above(service: u32, number: f64) -> Condition {
        Condition::Compare(rate(service), Comparison::Above, Expression::Number(number))
    }

    /// What is seen of services 0 and 1.
    fn seen(values: [Option<f64>; 2]) -> impl Fn(Reading) -> Option<f64> {
        move |reading| match reading {
            Reading::Requests(service, _) => values[service.0 as usize],
            _ => None,
        }
    }

    #[test]
    fn what_is_not_known_is_neither_true_nor_false_unless_it_does_not_matter() {
        let both = Condition::And(Box::new(above(0, 5.0)), Box::new(above(1, 5.0)));
        let one = Condition::Or(Box::new(above(0, 5.0)), Box::new(above(1, 5.0)));
        let cases = [
            ([Some(6.0), None], None, Some(true)),
            ([Some(4.0), None], Some(false), None),
            ([None, None], None, None),
            ([Some(6.0), Some(7.0)], Some(true), Some(true)),
            ([Some(5.0), Some(5.0)], Some(false), Some(false)),
        ];
        for (values, and, or) in cases {
            assert_eq!((both.holds(&seen(values)), one.holds(&seen(values))), (and, or), "{values:?}");
        }
        let absent = Condition::Absent(rate(0));
        assert_eq!([absent.holds(&seen([None; 2])), absent.holds(&seen([Some(0.0); 2]))], [Some(true), Some(false)]);
    }

    /// (3 + 5) / 2 = 4, and the sum of two services of which one is not seen is that of the other.
    #[test]
    fn arithmetic_is_that_of_people() {
        let half = |of| Expression::Binary(Box::new(of), Operator::Divide, Box::new(Expression::Number(2.0)));
        let sum = Expression::Binary(Box::new(rate(0)), Operator::Add, Box::new(rate(1)));
        assert_eq!(half(sum).value(&seen([Some(3.0), Some(5.0)])), Some(4.0));
        let all = [0, 1].map(|service| Reading::Requests(ServiceId(service), Over::Window)).to_vec();
        assert_eq!(Expression::Readings(Gather::Sum, all).value(&seen([Some(3.0), None])), Some(3.0));
    }

    /// Grace 20 s. True at 10 s, not seen at 20 s, true at 30 s: 30 − 10 ≥ 20, it fires. False at 40 s: it stops.
    #[test]
    fn a_gap_holds_the_grace_period_and_a_false_one_ends_it() {
        let event = Event { name: "busy".to_owned(), condition: above(0, 5.0), grace: Span::seconds(20) };
        let start = StartWhen { takes: Takes::Any, events: vec![event], stop_when_resolved: true };
        let mut progress = Progress::new(&start);
        let mut look = |at_s: u64, value| progress.look(&start, Time::ZERO + Span::seconds(at_s), &seen([value, None]));
        assert_eq!([look(0, Some(5.0)), look(10, Some(6.0)), look(20, None)], [None; 3]);
        assert_eq!([look(30, Some(6.0)), look(35, None), look(40, Some(1.0))], [Some(true), None, Some(false)]);
        assert_eq!([look(50, Some(6.0)), look(60, Some(1.0)), look(80, Some(6.0))], [None; 3], "the count begins anew");
    }

    #[test]
    fn all_events_have_to_hold_at_the_same_time_where_all_are_wanted() {
        let event = |service| Event { name: String::new(), condition: above(service, 5.0), grace: Span::ZERO };
        let start = StartWhen { takes: Takes::All, events: vec![event(0), event(1)], stop_when_resolved: false };
        let mut progress = Progress::new(&start);
        assert_eq!(progress.look(&start, Time::ZERO, &seen([Some(9.0), Some(1.0)])), None);
        assert_eq!(progress.look(&start, Time::ZERO, &seen([Some(9.0), Some(9.0)])), Some(true));
        assert_eq!(progress.look(&start, Time::ZERO, &seen([Some(0.0), Some(0.0)])), None, "it stays");
    }
}
