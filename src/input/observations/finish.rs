//! Rows of one service put in order and into the units of their quantities.

use super::ObservedSeries;
use super::collector::Held;
use super::quantity::{Form, Quantity};
use crate::input::trace::Fault;
use crate::input::trace::error::seconds;
use crate::units::Time;
use std::collections::BTreeMap;

/// Puts series in order, and counts what it met.
pub struct Finishing<'a> {
    /// How values are to be understood.
    pub forms: &'a BTreeMap<Quantity, Form>,
    /// How often counters fell.
    pub restarted: u64,
    /// Rows that said the same again.
    pub repeated: u64,
}

impl Finishing<'_> {
    /// A series in order and in the units of its quantities.
    ///
    /// # Errors
    /// Values of one time that differ; a quantity relative to one that is not there.
    pub fn finished(&mut self, mut held: Held, service: String) -> Result<ObservedSeries, Fault> {
        let rows = held.at.len();
        held.columns.iter_mut().for_each(|(_, column)| column.resize(rows, f64::NAN));
        if !held.version.is_empty() {
            let last = held.version.last().copied().unwrap_or(0);
            held.version.resize(rows, last);
        }
        if !held.is_sorted {
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_by_key(|row| held.at[*row]);
            held.reorder(&order);
            self.join(&mut held, &service)?;
        }
        let mut columns: BTreeMap<Quantity, Vec<f64>> = held.columns.into_iter().collect();
        let counters = self.forms.iter().filter(|(_, form)| **form == Form::Counter).map(|(quantity, _)| *quantity);
        for quantity in counters.collect::<Vec<_>>() {
            if let Some(column) = columns.get_mut(&quantity) {
                self.restarted += to_rates(&held.at, column);
            }
        }
        for (quantity, form) in self.forms {
            multiply(&mut columns, *quantity, *form)?;
        }
        columns.retain(|_, column| column.iter().any(|value| !value.is_nan()));
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        Ok(ObservedSeries {
            service,
            class: text(&held.key[2]),
            cluster: text(&held.key[3]),
            at: held.at.into_iter().map(Time).collect(),
            columns,
            version: held.version,
            versions: held.versions,
        })
    }

    /// Makes one row of those of one time.
    fn join(&mut self, held: &mut Held, service: &str) -> Result<(), Fault> {
        let mut kept: Vec<usize> = Vec::with_capacity(held.at.len());
        for row in 0..held.at.len() {
            let Some(&first) = kept.last().filter(|first| held.at[**first] == held.at[row]) else {
                kept.push(row);
                continue;
            };
            let mut adds = false;
            for (quantity, column) in &mut held.columns {
                let (old, new) = (column[first], column[row]);
                #[expect(clippy::float_cmp, reason = "whether it is the very same")]
                if old.is_nan() || new.is_nan() {
                    adds |= !new.is_nan();
                    column[first] = if old.is_nan() { new } else { old };
                } else if old != new {
                    return Err(contradiction(service, held.at[row], *quantity, (old, new)));
                }
            }
            self.repeated += u64::from(!adds);
        }
        if kept.len() < held.at.len() {
            held.reorder(&kept);
        }
        Ok(())
    }
}

fn contradiction(service: &str, at: u64, quantity: Quantity, (old, new): (f64, f64)) -> Fault {
    let (at, words) = (seconds(at), quantity.words());
    Fault::Observed(format!(
        "at {at} s, {words} of `{service}` is {old} and {new}\n  a service has one value at a time: was a clock set back? cut the file there; are these two services of one name, or two clusters? name them apart by a column `namespace`, `cluster` or `class`, or aggregate them"
    ))
}

/// Counts to rates; how often a count fell.
pub fn to_rates(at: &[u64], column: &mut [f64]) -> u64 {
    let mut before: Option<(u64, f64)> = None;
    let mut restarted = 0;
    for (at, value) in at.iter().zip(column.iter_mut()) {
        let count = *value;
        if count.is_nan() {
            continue;
        }
        *value = match before {
            Some((then, last)) if *at > then && count >= last => (count - last) / ((*at - then) as f64 / 1e9),
            Some(_) => {
                restarted += 1;
                f64::NAN
            }
            None => f64::NAN,
        };
        before = Some((*at, count));
    }
    restarted
}

/// Brings a quantity that is said per replica, of the limit or over requests to its own unit.
fn multiply(columns: &mut BTreeMap<Quantity, Vec<f64>>, quantity: Quantity, form: Form) -> Result<(), Fault> {
    let needed: &[Quantity] = match form {
        Form::Plain | Form::Counter => return Ok(()),
        Form::PerReplica => &[Quantity::Replicas],
        Form::OfLimit => &[Quantity::Replicas, Quantity::CpuLimit],
        Form::OverRequests if columns.contains_key(&Quantity::Offered) => &[Quantity::Offered],
        Form::OverRequests => &[Quantity::Completed],
    };
    let Some(mut column) = columns.remove(&quantity) else { return Ok(()) };
    for other in needed {
        let Some(factor) = columns.get(other) else {
            let what = format!(
                "{} is given relative to {}, which is not there\n  give both, or {} by itself",
                quantity.words(),
                other.words(),
                quantity.words()
            );
            return Err(Fault::Observed(what));
        };
        for (value, factor) in column.iter_mut().zip(factor) {
            *value = match form {
                Form::OverRequests if *factor > 0.0 => (*value / factor).min(1.0),
                Form::OverRequests => 0.0 * *value,
                _ => *value * factor,
            };
        }
    }
    columns.insert(quantity, column);
    Ok(())
}
