//! What the metrics of a condition stand for in the simulated world.
//!
//! | name of the metric | stands for | asked as |
//! |---|---|---|
//! | has `cpu` | cores in use | `rate(...[1m])`, or bare |
//! | has `latency`, `duration` or `response_time` | 95th percentile of an entry service, in s (ms where it ends with `_ms` or `_milliseconds`) | bare, or `histogram_quantile(0.95, rate(...[1m]))` |
//! | has `replicas` | ready replicas | bare |
//! | is `up` | whether the cluster named by a label is up | bare, or in `absent` |
//! | any other, under `rate` or `irate` | requests per second | `rate(...[1m])` |
//! | has `rate`, `rps`, `qps` or `per_second` | requests per second | bare |
//!
//! A declaration beside the condition goes before these rules. Whose metric it is, a label with the name of a service
//! says (`service`, `app`, `deployment`, `job` and such), or the declaration, or that there is one service only.
//! `increase` is the rate times its range. `sum`, `avg`, `min`, `max` and `count` gather several services.

use super::promql::{Fault, Selector, Tree};
use crate::input::error::known_names;
use crate::model::condition::{Comparison, Condition, Expression, Gather, Operator, Over, Reading};
use crate::model::id::Id;
use crate::model::{ClusterId, ServiceId};
use crate::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measures {
    /// Requests that arrive.
    Requests,
    /// CPU in use, in cores.
    Cpu,
    /// 95th percentile of the latency of an entry service, in seconds.
    Latency,
    /// Ready replicas.
    Replicas,
}

/// Metrics that are declared beside a condition: whose they are and what they measure, where that is said.
pub type Declared = BTreeMap<String, (Vec<String>, Option<Measures>)>;

/// What names may stand for.
#[derive(Debug, Clone)]
pub struct Names<'a> {
    /// Services, by id.
    pub services: Vec<&'a str>,
    /// Clusters, by id.
    pub clusters: Vec<&'a str>,
    /// Declared metrics.
    pub declared: Declared,
}

/// A condition, and what was not looked at, a sentence each.
pub type Resolved = (Condition, Vec<String>);

/// Labels that name a service.
const SERVICE_LABELS: &[&str] =
    &["service", "app", "deployment", "job", "service_name", "app_kubernetes_io_name", "workload", "statefulset"];

/// Labels that name a cluster.
const CLUSTER_LABELS: &[&str] = &["cluster", "cluster_name", "prometheus", "member_cluster"];

impl Names<'_> {
    /// The condition that `tree` stands for.
    ///
    /// # Errors
    /// What is not simulated.
    pub fn condition(&self, tree: &Tree) -> Result<Resolved, Fault> {
        let mut resolver = Resolver { names: self, notes: Vec::new() };
        let condition = resolver.condition(tree)?;
        Ok((condition, resolver.notes))
    }
}

struct Resolver<'a> {
    names: &'a Names<'a>,
    notes: Vec<String>,
}

/// What a metric is asked through.
#[derive(Clone, Copy)]
enum Through {
    Bare,
    Rate,
    Quantile,
}

impl Resolver<'_> {
    fn condition(&mut self, tree: &Tree) -> Result<Condition, Fault> {
        match tree {
            Tree::Binary { operator: "and", operands, .. } => {
                let [left, right] = &**operands;
                Ok(Condition::And(Box::new(self.condition(left)?), Box::new(self.condition(right)?)))
            }
            Tree::Binary { operator: "or", operands, .. } => {
                let [left, right] = &**operands;
                Ok(Condition::Or(Box::new(self.condition(left)?), Box::new(self.condition(right)?)))
            }
            Tree::Binary { operator, operands, .. } if let Some(comparison) = comparison(operator) => {
                let [left, right] = &**operands;
                Ok(Condition::Compare(self.value(left)?, comparison, self.value(right)?))
            }
            Tree::Call { function, arguments, at } if function == "absent" => match arguments.as_slice() {
                [one] => Ok(Condition::Absent(self.value(one)?)),
                _ => Err(fault(*at, "`absent` takes one metric; write `absent(NAME)`")),
            },
            Tree::Number(_) => {
                Err(fault(1, "a number alone is no condition; write a comparison like `rate(x[1m]) > 12`"))
            }
            value => Ok(Condition::Present(self.value(value)?)),
        }
    }

    fn value(&mut self, tree: &Tree) -> Result<Expression, Fault> {
        match tree {
            Tree::Number(number) => Ok(Expression::Number(*number)),
            Tree::Binary { operator, operands, at } => {
                let [left, right] = &**operands;
                let Some(operator) = arithmetic(operator) else {
                    return Err(fault(*at, "a comparison gives no number here; compare at the outside, or with `and`"));
                };
                Ok(Expression::Binary(Box::new(self.value(left)?), operator, Box::new(self.value(right)?)))
            }
            Tree::Call { function, arguments, at } => self.call(function, arguments, *at),
            Tree::Selector(selector) => self.single(selector, Through::Bare),
        }
    }

    fn call(&mut self, function: &str, arguments: &[Tree], at: usize) -> Result<Expression, Fault> {
        match (function, arguments) {
            ("rate" | "irate", [Tree::Selector(selector)]) => self.single(selector, Through::Rate),
            ("increase", [Tree::Selector(selector)]) => {
                let rate = self.single(selector, Through::Rate)?;
                let seconds = selector.range.unwrap_or(Span::ZERO).as_seconds_f64();
                Ok(Expression::Binary(Box::new(rate), Operator::Multiply, Box::new(Expression::Number(seconds))))
            }
            ("histogram_quantile", [Tree::Number(share), of]) => {
                if (share - 0.95).abs() > 1e-9 {
                    return Err(fault(at, &format!("the quantile {share} is not seen; ask for 0.95")));
                }
                match innermost(of) {
                    Some(selector) => self.single(selector, Through::Quantile),
                    None => Err(fault(at, "a histogram is wanted; write `histogram_quantile(0.95, rate(NAME[1m]))`")),
                }
            }
            (_, [one]) if let Some(gather) = gather(function) => self.gathered(gather, one),
            _ => {
                let known = "rate, irate, increase, histogram_quantile, sum, avg, min, max, count and absent";
                Err(fault(at, &format!("`{function}` like this is not evaluated; what is known are {known}")))
            }
        }
    }

    /// An aggregation; over anything but a plain metric or its rate it is over one number, which it leaves alone.
    fn gathered(&mut self, gather: Gather, of: &Tree) -> Result<Expression, Fault> {
        let (selector, through) = match of {
            Tree::Selector(selector) => (selector, Through::Bare),
            Tree::Call { function, arguments, .. } if ["rate", "irate"].contains(&function.as_str()) => {
                match arguments.as_slice() {
                    [Tree::Selector(selector)] => (selector, Through::Rate),
                    _ => return self.value(of),
                }
            }
            _ => return self.value(of),
        };
        let (readings, scale) = self.readings(selector, through)?;
        Ok(scaled(Expression::Readings(gather, readings), if gather == Gather::Count { 1.0 } else { scale }))
    }

    /// A metric that has to be that of one service.
    fn single(&mut self, selector: &Selector, through: Through) -> Result<Expression, Fault> {
        let (readings, scale) = self.readings(selector, through)?;
        if readings.len() > 1 {
            let name = &selector.name;
            let message = format!(
                "`{name}` is that of {} services; write `sum(...)`, or `{name}{{service=\"...\"}}`",
                readings.len()
            );
            return Err(fault(selector.at, &message));
        }
        Ok(scaled(Expression::Readings(Gather::Sum, readings), scale))
    }

    fn readings(&mut self, selector: &Selector, through: Through) -> Result<(Vec<Reading>, f64), Fault> {
        if selector.name == "up" {
            return Ok((self.up(selector), 1.0));
        }
        let (measures, scale) = self.measures(selector, through)?;
        let over = selector.range.map_or(Over::Window, Over::Last);
        let reading = |service| match measures {
            Measures::Requests => Reading::Requests(service, over),
            Measures::Cpu => Reading::Cpu(service, over),
            Measures::Latency => Reading::Latency(service),
            Measures::Replicas => Reading::Replicas(service),
        };
        Ok((self.services(selector)?.into_iter().map(reading).collect(), scale))
    }

    /// What a metric measures, and by what the measured number is multiplied.
    fn measures(&self, selector: &Selector, through: Through) -> Result<(Measures, f64), Fault> {
        let name = selector.name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let declared = self.names.declared.get(&selector.name).and_then(|(_, measures)| *measures);
        let by_name = match through {
            _ if has(&["cpu"]) => Some(Measures::Cpu),
            Through::Quantile => Some(Measures::Latency),
            Through::Bare if has(&["latency", "duration", "response_time"]) => Some(Measures::Latency),
            Through::Bare if has(&["replicas"]) => Some(Measures::Replicas),
            Through::Bare if has(&["rate", "rps", "qps", "per_second"]) => Some(Measures::Requests),
            Through::Rate if !has(&["latency", "duration", "response_time", "replicas", "_sum"]) => {
                Some(Measures::Requests)
            }
            Through::Bare | Through::Rate => None,
        };
        let measures = declared.or(by_name);
        let fits = match (through, measures) {
            (_, None) => false,
            (Through::Rate, Some(one)) => matches!(one, Measures::Requests | Measures::Cpu) && selector.range.is_some(),
            (Through::Quantile, Some(one)) => one == Measures::Latency,
            (Through::Bare, Some(_)) => selector.range.is_none(),
        };
        let Some(measures) = measures.filter(|_| fits) else {
            let message = format!(
                "what `{}` measures is not simulated, or not asked like this; what is: `rate(REQUESTS[1m])`, `rate(CPU[1m])`, \
                 a latency, ready replicas",
                selector.name
            );
            return Err(fault(selector.at, &message));
        };
        let is_in_ms = name.ends_with("_ms") || name.ends_with("_milliseconds");
        Ok((measures, if measures == Measures::Latency && is_in_ms { 1e3 } else { 1.0 }))
    }

    fn services(&mut self, selector: &Selector) -> Result<Vec<ServiceId>, Fault> {
        let services = &self.names.services;
        let find = |name: &str| services.iter().position(|known| *known == name).map(ServiceId::from_index);
        let mut found = None;
        for (key, value) in &selector.labels {
            match find(value) {
                Some(service) => found = Some(service),
                None if SERVICE_LABELS.contains(&key.as_str()) => {
                    let message =
                        format!("no service is called `{value}`; {}", known_names(value, "services", services));
                    return Err(fault(selector.at, &message));
                }
                None => self.notes.push(format!("the label `{key}=\"{value}\"` is not looked at")),
            }
        }
        if let Some(service) = found {
            return Ok(vec![service]);
        }
        let declared = self.names.declared.get(&selector.name).map(|(names, _)| names.as_slice()).unwrap_or_default();
        let mut all = Vec::with_capacity(declared.len());
        for name in declared {
            all.push(find(name).ok_or_else(|| {
                let listed = known_names(name, "services", services);
                fault(
                    selector.at,
                    &format!("`{}` is declared of `{name}`, which is no service; {listed}", selector.name),
                )
            })?);
        }
        match (all.is_empty(), services.as_slice()) {
            (false, _) => Ok(all),
            (true, [_]) => Ok(vec![ServiceId::from_index(0)]),
            (true, _) => {
                let name = &selector.name;
                let message = format!("whose `{name}` is meant, is not said; write `{name}{{service=\"...\"}}`");
                Err(fault(selector.at, &message))
            }
        }
    }

    /// The cluster whose monitoring is asked about; `NAMESPACE/NAME` of an operator counts by its first part.
    fn up(&mut self, selector: &Selector) -> Vec<Reading> {
        let clusters = &self.names.clusters;
        let find = |name: &str| clusters.iter().position(|known| *known == name).map(ClusterId::from_index);
        let first = |value: &str| value.split('/').next().and_then(find);
        let named = selector.labels.iter().filter(|(key, _)| CLUSTER_LABELS.contains(&key.as_str()));
        match named.clone().find_map(|(_, value)| first(value)) {
            Some(cluster) => vec![Reading::Up(cluster)],
            None if selector.labels.is_empty() => {
                (0..clusters.len()).map(ClusterId::from_index).map(Reading::Up).collect()
            }
            None => {
                let labels: Vec<&str> = selector.labels.iter().map(|(_, value)| value.as_str()).collect();
                self.notes
                    .push(format!("`up` of `{}` is that of no cluster here: it is never there", labels.join(", ")));
                Vec::new()
            }
        }
    }
}

fn scaled(expression: Expression, scale: f64) -> Expression {
    if (scale - 1.0).abs() < f64::EPSILON {
        return expression;
    }
    Expression::Binary(Box::new(expression), Operator::Multiply, Box::new(Expression::Number(scale)))
}

/// The metric below aggregations and `rate`.
fn innermost(tree: &Tree) -> Option<&Selector> {
    match tree {
        Tree::Selector(selector) => Some(selector),
        Tree::Call { function, arguments, .. } if ["rate", "irate", "sum"].contains(&function.as_str()) => {
            arguments.first().and_then(innermost)
        }
        _ => None,
    }
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        ">" => Comparison::Above,
        ">=" => Comparison::AtLeast,
        "<" => Comparison::Below,
        "<=" => Comparison::AtMost,
        "==" => Comparison::Equal,
        "!=" => Comparison::Unequal,
        _ => return None,
    })
}

fn arithmetic(operator: &str) -> Option<Operator> {
    Some(match operator {
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        _ => return None,
    })
}

fn gather(function: &str) -> Option<Gather> {
    Some(match function {
        "sum" => Gather::Sum,
        "avg" => Gather::Average,
        "min" => Gather::Smallest,
        "max" => Gather::Largest,
        "count" => Gather::Count,
        _ => return None,
    })
}

fn fault(at: usize, message: &str) -> Fault {
    Fault { at, message: message.to_owned() }
}
