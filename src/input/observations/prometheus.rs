//! Answers of Prometheus to range queries: series by metric and labels, put together by service.
//!
//! A metric is a column: its name says quantity and unit like that of a column, `--column METRIC=cpu_cores` says it for
//! others, and where an answer has no metric name (it is of an expression) the name of its file says it. Counters of several
//! pods are made rates one by one, before they are added up, so that a pod that restarts looks like one.

use super::ReadOptions;
use super::collector::{Collector, Key, Where};
use super::csv::checked;
use super::finish::to_rates;
use super::kinds::{self, KINDS};
use super::quantity::{Form, Meaning, Measure, Quantity, meaning, plain};
use super::row::Layout;
use crate::input::trace::error::{listed, shown};
use crate::input::trace::prometheus::{Answer, Bounded, explained};
use crate::input::trace::text::Compression;
use crate::input::trace::{Fault, ImportFault, Place, TraceError};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;

/// Namespace, service, class, cluster.
type Whose = [String; 4];
type Labels = BTreeMap<String, String>;

/// Values at a time: the sum, and of how many series.
type Values = BTreeMap<u64, (f64, u32)>;

/// Columns of one service, and its version.
type Known = (BTreeMap<Quantity, Values>, Option<String>);

/// All answers of all files.
#[derive(Debug, Default)]
pub struct Answers {
    /// Samples of one series, which several answers may hold parts of.
    series: BTreeMap<String, Raw>,
    unread: BTreeMap<String, u64>,
    unknown: u64,
    resets: u64,
}

#[derive(Debug)]
struct Raw {
    whose: Whose,
    measure: Measure,
    version: Option<String>,
    samples: BTreeMap<u64, f64>,
}

impl Answers {
    /// Reads a file.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn read(&mut self, path: &Path, options: &ReadOptions) -> Result<(), TraceError> {
        let compression = Compression::by_name(&path.to_string_lossy().to_lowercase());
        let text = Bounded::open(path, compression, options.size_max)?;
        let stream = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, text));
        let mut is_empty = true;
        for answer in stream.into_iter::<Answer<RawSeries>>() {
            let answer = answer.map_err(|error| explained(path, error))?;
            self.take(answer, path, options)?;
            is_empty = false;
        }
        if is_empty { Err(TraceError::whole(path, Fault::Empty)) } else { Ok(()) }
    }

    fn take(&mut self, answer: Answer<RawSeries>, path: &Path, options: &ReadOptions) -> Result<(), TraceError> {
        let series = answer.matrix().map_err(|fault| TraceError::whole(path, fault.into()))?;
        for (index, series) in series.into_iter().enumerate() {
            self.add(series, path, options)
                .map_err(|fault| TraceError::at(path, Place::Whole, &format!("data.result.{index}"), fault))?;
        }
        Ok(())
    }

    fn add(&mut self, series: RawSeries, path: &Path, options: &ReadOptions) -> Result<(), Fault> {
        let Some((name, measure)) = measure_of(&series.metric, path, options)? else {
            let name = series.metric.get("__name__").cloned().unwrap_or_default();
            *self.unread.entry(name).or_default() += 1;
            return Ok(());
        };
        let whose = whose(&series.metric, options)?;
        let version = label(&series.metric, kinds::VERSIONS).cloned();
        let id = format!("{name} {:?}", series.metric);
        let raw = self.series.entry(id).or_insert_with(|| Raw { whose, measure, version, samples: BTreeMap::new() });
        for (seconds, text) in series.values {
            let at = nanos(seconds)
                .ok_or_else(|| Fault::Observed(format!("{seconds} is not a time\n  a time is seconds since 1970")))?;
            let value: f64 = text.parse().map_err(|_| not_a_number(&text))?;
            if value.is_nan() {
                self.unknown += 1;
                continue;
            }
            if value.is_infinite() {
                return Err(not_a_number(&text));
            }
            let value = checked(value, &raw.measure).map_err(Fault::Observed)?;
            #[expect(clippy::float_cmp, reason = "whether it is the very same")]
            if let Some(before) = raw.samples.insert(at, value)
                && before != value
            {
                let what = format!(
                    "two values at {seconds} s: {before} and {value}\n  ask each time once, or leave one of the files out"
                );
                return Err(Fault::Observed(what));
            }
        }
        Ok(())
    }

    /// Hands all over, by service and time.
    ///
    /// # Errors
    /// Several quantiles of one service, or two forms of one quantity.
    pub fn hand_over(mut self, path: &Path, collector: &mut Collector<'_>) -> Result<(), TraceError> {
        let mut gathered: BTreeMap<Whose, Known> = BTreeMap::new();
        let whole = |fault| TraceError::whole(path, fault);
        for raw in std::mem::take(&mut self.series).into_values() {
            let form = if raw.measure.form == Form::Counter { Form::Plain } else { raw.measure.form };
            collector.take_form(raw.measure.quantity, form).map_err(whole)?;
            let at: Vec<u64> = raw.samples.keys().copied().collect();
            let mut values: Vec<f64> = raw.samples.values().copied().collect();
            if raw.measure.form == Form::Counter {
                self.resets += to_rates(&at, &mut values);
            }
            let (columns, version) = gathered.entry(raw.whose.clone()).or_default();
            if version.is_none() {
                version.clone_from(&raw.version);
            }
            let column = columns.entry(raw.measure.quantity).or_default();
            for (at, value) in at.into_iter().zip(values).filter(|(_, value)| !value.is_nan()) {
                let held = column.entry(at).or_insert((0.0, 0));
                held.0 += value;
                held.1 += 1;
            }
        }
        for (whose, known) in &gathered {
            push(whose, known, collector).map_err(whole)?;
        }
        self.tell(collector);
        Ok(())
    }

    fn tell(&self, collector: &mut Collector<'_>) {
        if !self.unread.is_empty() {
            let names: Vec<&str> = self.unread.keys().map(String::as_str).collect();
            collector.notes.push(format!(
                "Metrics that are not read: {}; `--column METRIC=cpu_cores` says what one is.",
                listed(names.into_iter())
            ));
        }
        if self.unknown > 0 {
            collector.notes.push(format!("{} values are NaN and count as unknown.", self.unknown));
        }
        if self.resets > 0 {
            collector
                .notes
                .push(format!("Counters were reset {} times; the rate across a reset is unknown.", self.resets));
        }
    }
}

/// Hands over what is known of one service, a row a time.
fn push(whose: &Whose, known: &Known, collector: &mut Collector<'_>) -> Result<(), Fault> {
    let (columns, version) = known;
    let quantities: Vec<Quantity> = columns.keys().copied().collect();
    let layout = Layout {
        measures: quantities
            .iter()
            .map(|quantity| (0, Measure { quantity: *quantity, unit: 1.0, form: Form::Plain }))
            .collect(),
        ..Layout::default()
    };
    collector.use_quantities(&layout);
    let mut times: Vec<u64> = columns.values().flat_map(|column| column.keys().copied()).collect();
    times.sort_unstable();
    times.dedup();
    let [namespace, service, class, cluster] = whose.each_ref().map(String::as_bytes);
    let mut values = vec![f64::NAN; quantities.len()];
    for at in times {
        for (quantity, value) in quantities.iter().zip(&mut values) {
            *value = match columns[quantity].get(&at) {
                None => f64::NAN,
                Some((sum, 1)) => *sum,
                Some((sum, _)) if quantity.adds_up() => *sum,
                // Replicas of one service have one limit.
                Some((sum, count)) if *quantity == Quantity::CpuLimit => sum / f64::from(*count),
                Some((_, count)) => return Err(several(&whose[1], *quantity, *count)),
            };
        }
        let row = Where { at, version: version.as_deref().map(str::as_bytes) };
        let key = Key { namespace, service, class, cluster };
        collector.push(key, row, &values).map_err(|(_, fault)| fault)?;
    }
    Ok(())
}

fn several(service: &str, quantity: Quantity, count: u32) -> Fault {
    Fault::Observed(format!(
        "{count} series are {} of `{service}`, and such values cannot be added up\n  aggregate by service in the query, or tell the series apart by a label `cluster` or `class`",
        quantity.words()
    ))
}

fn not_a_number(text: &str) -> Fault {
    Fault::Observed(format!(
        "`{}` is not a finite number\n  a value is a number as text, or `NaN` where it is not known",
        shown(text.as_bytes())
    ))
}

fn nanos(seconds: f64) -> Option<u64> {
    /// The last millisecond that fits nanoseconds of 64 bits.
    const LAST_MS: f64 = 18_446_744_073_709.0;
    let ms = (seconds * 1e3).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    (0.0..LAST_MS).contains(&ms).then_some(ms as u64 * 1_000_000)
}

/// The name of a series and what it is; `None` where it is nothing that is read.
fn measure_of(metric: &Labels, path: &Path, options: &ReadOptions) -> Result<Option<(String, Measure)>, Fault> {
    let stem = || path.file_name().map(|name| name.to_string_lossy().split('.').next().unwrap_or_default().to_owned());
    let named = metric.get("__name__");
    let name = match named {
        Some(name) => name.clone(),
        None => stem().unwrap_or_default(),
    };
    let mapped = options.columns.iter().find(|(from, _)| plain(from) == plain(&name)).map(|(_, to)| to.as_str());
    if mapped == Some("") {
        return Ok(None);
    }
    let spelled = mapped.unwrap_or(&name);
    // Kubernetes has one metric for the limits of all resources.
    let is_limit = spelled == "kube_pod_container_resource_limits";
    if is_limit && metric.get("resource").is_some_and(|resource| resource != "cpu") {
        return Ok(None);
    }
    let spelled = if is_limit { "cpu_limit_cores" } else { spelled };
    match meaning(spelled) {
        Meaning::Measure(measure) => Ok(Some((name, measure))),
        Meaning::UnitOpen(right) => {
            let example = right.split([',', ' ']).next().unwrap_or_default();
            Err(Fault::Observed(format!(
                "`{name}` does not say its unit (or of what)\n  say it by `--column {name}={example}`; names with units are {right}"
            )))
        }
        Meaning::Nothing if named.is_none() => {
            let right: Vec<&str> =
                KINDS.iter().map(|kind| kind.right.split([',', ' ']).next().unwrap_or_default()).take(5).collect();
            Err(Fault::Observed(format!(
                "the series has no name, and that of the file, `{name}`, is no quantity\n  name the file by what is in it, like {}, or say it by `--column {name}=requests_per_s`",
                right.join(", ")
            )))
        }
        Meaning::Nothing => Ok(None),
    }
}

fn label<'a>(metric: &'a Labels, names: &[&str]) -> Option<&'a String> {
    names.iter().find_map(|name| metric.get(*name))
}

fn whose(metric: &Labels, options: &ReadOptions) -> Result<Whose, Fault> {
    let asked = |from: &Option<String>, names: &[&str]| match from {
        None => Ok(label(metric, names).cloned().unwrap_or_default()),
        Some(name) => metric.get(name).cloned().ok_or_else(|| {
            let labels: Vec<&str> = metric.keys().map(String::as_str).collect();
            Fault::from(ImportFault::NoLabel { label: name.clone(), found: listed(labels.into_iter()) })
        }),
    };
    Ok([
        label(metric, kinds::NAMESPACES).cloned().unwrap_or_default(),
        asked(&options.service_from, kinds::SERVICES)?,
        asked(&options.class_from, kinds::CLASSES)?,
        label(metric, kinds::CLUSTERS).cloned().unwrap_or_default(),
    ])
}

#[derive(Deserialize)]
struct RawSeries {
    metric: Labels,
    #[serde(default)]
    values: Vec<(f64, String)>,
}
