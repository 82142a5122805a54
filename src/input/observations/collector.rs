//! Rows of all files gathered by service, class and cluster, then put in order and into the units of their quantities.
//!
//! What a row says only together with others is worked out at the end: a counter becomes a rate (its increase over the time
//! since the sample before; where it falls, something was restarted and the rate is unknown), CPU of one replica is
//! multiplied by the ready ones, CPU as a share by the limit. Two values of one service for one time must be equal.

use super::finish::Finishing;
use super::quantity::{Form, Quantity};
use super::row::Layout;
use super::{Observed, ReadOptions};
use crate::input::trace::error::{seconds, shown};
use crate::input::trace::{Fault, TraceError};
use std::collections::BTreeMap;
use std::path::Path;

/// Whose a row is, as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// Namespace.
    pub namespace: &'a [u8],
    /// Service.
    pub service: &'a [u8],
    /// Class.
    pub class: &'a [u8],
    /// Cluster.
    pub cluster: &'a [u8],
}

/// When a row was, and what ran then.
#[derive(Debug, Clone, Copy)]
pub struct Where<'a> {
    /// Nanoseconds.
    pub at: u64,
    /// Version, where it was observed.
    pub version: Option<&'a [u8]>,
}

/// Rows of one series and version that stand together.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Nanoseconds.
    pub times: &'a [u64],
    /// Version, where it was observed.
    pub version: Option<&'a [u8]>,
}

type Owned = [Box<[u8]>; 4];

/// The most services and clusters: a column of requests or pods is none of services.
const SERIES_MAX: usize = 100_000;

/// Rows of one service in one cluster.
#[derive(Debug)]
pub struct Held {
    /// Namespace, service, class, cluster.
    pub key: [Box<[u8]>; 4],
    /// When, in nanoseconds.
    pub at: Vec<u64>,
    /// Values, as far as they were given, in the order of first appearance.
    pub columns: Vec<(Quantity, Vec<f64>)>,
    /// Index into `versions`.
    pub version: Vec<u32>,
    /// Versions in the order of first appearance.
    pub versions: Vec<String>,
    /// Whether rows came by rising time.
    pub is_sorted: bool,
}

/// Gathers rows.
#[derive(Debug)]
pub struct Collector<'a> {
    options: &'a ReadOptions,
    held: Vec<Held>,
    by_key: BTreeMap<Owned, usize>,
    /// The series of the row before.
    last: usize,
    /// Quantities of the present file, in the order of its rows.
    quantities: Vec<Quantity>,
    forms: BTreeMap<Quantity, Form>,
    /// Files whose rows have times, and files whose rows have none.
    timed: [usize; 2],
    /// Rows that went back in time, and the first of them.
    backwards: (u64, Option<String>),
    /// What is worth telling.
    pub notes: Vec<String>,
}

impl<'a> Collector<'a> {
    /// Nothing yet.
    pub fn new(options: &'a ReadOptions) -> Self {
        Self {
            options,
            held: Vec::new(),
            by_key: BTreeMap::new(),
            last: 0,
            quantities: Vec::new(),
            forms: BTreeMap::new(),
            timed: [0, 0],
            backwards: (0, None),
            notes: Vec::new(),
        }
    }

    /// Begins a file with these columns.
    ///
    /// # Errors
    /// A quantity that another file gives in another form.
    pub fn begin_file(&mut self, path: &Path, layout: &Layout) -> Result<(), TraceError> {
        if !layout.unread.is_empty() {
            self.notes.push(format!("{}: not read: {}.", path.display(), layout.unread.join(", ")));
        }
        self.timed[usize::from(layout.time.is_none())] += 1;
        if self.timed.iter().all(|files| *files > 0) {
            let what =
                "some files have times and others have none\n  fit load tests and what was watched one after the other";
            return Err(TraceError::whole(path, Fault::Observed(what.to_owned())));
        }
        self.use_quantities(layout);
        for (_, measure) in &layout.measures {
            self.take_form(measure.quantity, measure.form).map_err(|fault| TraceError::whole(path, fault))?;
        }
        Ok(())
    }

    /// Rows from here on have these quantities.
    pub fn use_quantities(&mut self, layout: &Layout) {
        self.quantities = layout.measures.iter().map(|(_, measure)| measure.quantity).collect();
    }

    /// Notes how values of a quantity are to be understood.
    ///
    /// # Errors
    /// Where they were understood otherwise before.
    pub fn take_form(&mut self, quantity: Quantity, form: Form) -> Result<(), Fault> {
        let before = *self.forms.entry(quantity).or_insert(form);
        if before == form {
            return Ok(());
        }
        let what = format!(
            "{} is given in two ways (a counter, a value, per replica)\n  give it in one, and leave the other out by `--column NAME=`",
            quantity.words()
        );
        Err(Fault::Observed(what))
    }

    /// Takes a row: values in the order of the file's quantities.
    ///
    /// # Errors
    /// The field and the fault.
    pub fn push(&mut self, key: Key<'_>, row: Where<'_>, values: &[f64]) -> Result<(), (&'static str, Fault)> {
        let index = self.find(key)?;
        let held = &mut self.held[index];
        let count = held.at.len();
        note_order(held, row.at, &mut self.backwards);
        held.at.push(row.at);
        for (slot, (quantity, value)) in self.quantities.iter().zip(values).enumerate() {
            let column = held.column(slot, *quantity);
            column.resize(count, f64::NAN);
            column.push(*value);
        }
        if let Some(version) = row.version {
            held.take_version(version, count);
        }
        Ok(())
    }

    /// Takes rows of one series: a slice for each of the file's quantities, in their order.
    ///
    /// # Errors
    /// The field and the fault.
    pub fn push_run<'v>(
        &mut self,
        key: Key<'_>,
        run: Run<'_>,
        values: impl Iterator<Item = &'v [f64]>,
    ) -> Result<(), (&'static str, Fault)> {
        let index = self.find(key)?;
        let held = &mut self.held[index];
        let count = held.at.len();
        for at in run.times {
            note_order(held, *at, &mut self.backwards);
            held.at.push(*at);
        }
        for (slot, (quantity, values)) in self.quantities.iter().zip(values).enumerate() {
            let column = held.column(slot, *quantity);
            column.resize(count, f64::NAN);
            column.extend_from_slice(values);
        }
        if let Some(version) = run.version.filter(|_| !run.times.is_empty()) {
            held.take_version(version, count);
            let last = held.version[count];
            held.version.resize(held.at.len(), last);
        }
        Ok(())
    }

    /// The series of a key. Files name the same ones in the same order, so the next is looked for behind the last.
    fn find(&mut self, key: Key<'_>) -> Result<usize, (&'static str, Fault)> {
        for index in [self.last, self.last + 1, 0] {
            if self.held.get(index).is_some_and(|held| held.is(key)) {
                self.last = index;
                return Ok(index);
            }
        }
        let parts = [key.namespace, key.service, key.class, key.cluster];
        let owned: Owned = parts.map(Into::into);
        if let Some(index) = self.by_key.get(&owned) {
            self.last = *index;
            return Ok(*index);
        }
        if let Some(broken) = parts.iter().find(|part| std::str::from_utf8(part).is_err()) {
            return Err(("service", Fault::NotUtf8(shown(broken))));
        }
        if self.held.len() == SERIES_MAX {
            return Err(("service", Fault::TooManySeries(SERIES_MAX)));
        }
        self.last = self.held.len();
        self.by_key.insert(owned.clone(), self.last);
        self.held.push(Held {
            key: owned,
            at: Vec::new(),
            columns: Vec::new(),
            version: Vec::new(),
            versions: Vec::new(),
            is_sorted: true,
        });
        Ok(self.last)
    }

    /// The present file has ended: the next may begin earlier.
    pub fn end_of_file(&mut self) {
        self.quantities.clear();
        if let (count @ 1.., Some(first)) = (self.backwards.0, &self.backwards.1) {
            self.notes.push(format!(
                "Rows were not in order of time and were sorted: {count} stand behind a later one, first where {first}. Where a clock was set back, cut the file there."
            ));
        }
        self.backwards = (0, None);
    }

    /// All series, in order.
    ///
    /// # Errors
    /// Rows that contradict each other, or a column that another one needs.
    pub fn finish(mut self, path: &Path) -> Result<Observed, TraceError> {
        let mut whole = Finishing { forms: &self.forms, restarted: 0, repeated: 0 };
        let mut series = Vec::with_capacity(self.held.len());
        let shared = self.shared_names();
        for held in self.held.drain(..) {
            let name = held.name(&shared);
            series.push(whole.finished(held, name).map_err(|fault| TraceError::whole(path, fault))?);
        }
        if whole.repeated > 0 {
            self.notes.push(format!("{} rows stand there twice with the same values and count once.", whole.repeated));
        }
        if whole.restarted > 0 {
            let count = whole.restarted;
            self.notes.push(format!("Counters were reset {count} times; the rate across a reset is unknown."));
        }
        if !shared.is_empty() {
            let names: Vec<&str> = shared.iter().map(String::as_str).collect();
            self.notes
                .push(format!("Services of one name in several namespaces are told apart: {}.", names.join(", ")));
        }
        if self.options.load_test {
            self.notes.push("Every row is taken as a level of a load test at its highest throughput.".to_owned());
        }
        series.sort_by(|a, b| (&a.service, &a.class, &a.cluster).cmp(&(&b.service, &b.class, &b.cluster)));
        Ok(Observed { series, notes: self.notes, is_timeless: self.timed[1] > 0 })
    }

    /// Names of services that are in several namespaces.
    fn shared_names(&self) -> Vec<String> {
        let mut namespaces: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
        for held in &self.held {
            let known = namespaces.entry(&held.key[1]).or_default();
            if !known.contains(&&*held.key[0]) {
                known.push(&held.key[0]);
            }
        }
        let several = namespaces.into_iter().filter(|(_, namespaces)| namespaces.len() > 1);
        several.map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    }
}

/// Notes whether a time goes on from the last.
fn note_order(held: &mut Held, at: u64, backwards: &mut (u64, Option<String>)) {
    let Some(last) = held.at.last().copied().filter(|last| at <= *last) else { return };
    held.is_sorted = false;
    if at < last {
        backwards.0 += 1;
        backwards.1.get_or_insert_with(|| format!("{} s follows {} s", seconds(at), seconds(last)));
    }
}

impl Held {
    fn is(&self, key: Key<'_>) -> bool {
        let [namespace, service, class, cluster] = &self.key;
        **service == *key.service && **cluster == *key.cluster && **class == *key.class && **namespace == *key.namespace
    }

    fn name(&self, shared: &[String]) -> String {
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let name = text(&self.key[1]);
        if shared.contains(&name) { format!("{}/{name}", text(&self.key[0])) } else { name }
    }

    /// The column of a quantity, which in a file is always at the same place.
    fn column(&mut self, slot: usize, quantity: Quantity) -> &mut Vec<f64> {
        let is_there = self.columns.get(slot).is_some_and(|(held, _)| *held == quantity);
        let found = if is_there { Some(slot) } else { self.columns.iter().position(|(held, _)| *held == quantity) };
        let place = found.unwrap_or_else(|| {
            self.columns.push((quantity, Vec::new()));
            self.columns.len() - 1
        });
        &mut self.columns[place].1
    }

    fn take_version(&mut self, version: &[u8], count: usize) {
        let last = self.version.last().copied();
        let is_last = last.is_some_and(|last| self.versions[last as usize].as_bytes() == version);
        let index = if let Some(last) = last.filter(|_| is_last) {
            last
        } else {
            let text = String::from_utf8_lossy(version).into_owned();
            let place = self.versions.iter().position(|known| *known == text).unwrap_or_else(|| {
                self.versions.push(text);
                self.versions.len() - 1
            });
            u32::try_from(place).unwrap_or(u32::MAX)
        };
        self.version.resize(count, index);
        self.version.push(index);
    }

    /// Everything in the order `order`.
    pub fn reorder(&mut self, order: &[usize]) {
        self.at = order.iter().map(|row| self.at[*row]).collect();
        for (_, column) in &mut self.columns {
            *column = order.iter().map(|row| column[*row]).collect();
        }
        if !self.version.is_empty() {
            self.version = order.iter().map(|row| self.version[*row]).collect();
        }
    }
}
