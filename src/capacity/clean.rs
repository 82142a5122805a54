//! Step 0: samples to buckets, and which of them may be fitted.
//!
//! Samples are sorted, repeated ones dropped, impossible values (negative, infinite) made missing; then averaged in buckets
//! of a minute. A bucket is left out while replicas settle (they changed or restarted less than two minutes before), while
//! requests fail, where no replica was ready, or where the replicas or the rate are missing. Everything is counted.
//!
//! Clusters of one class are cleaned one by one, for what changes in one says nothing of another, and then put together by
//! time: their samples stand beside each other, and no figures of two of them are ever added up.
//!
//! **Fails** where replicas change so often that little is left: then only the buckets of the changes themselves are left
//! out, and a note says so. **Source**: policies §6.2 step 0.

use super::observations::{Regime, Series, value};
use super::options::Options;
use super::outcome::{LeftOut, Note, Refusal, Standing};
use super::pool;

/// Share of samples with one defect beyond which a series is refused.
const DEFECTS_MAX: f64 = 0.05;
/// Share of the buckets that must be left once settling ones are out.
const SETTLED_MIN: f64 = 0.2;

/// A series in buckets, columns of equal length; missing is NaN.
#[derive(Debug, Clone, Default)]
pub struct Buckets {
    /// Start of the bucket in nanoseconds.
    pub at: Vec<u64>,
    /// Ready replicas.
    pub replicas: Vec<f64>,
    /// Requests per second answered, or offered where only that was observed.
    pub rate: Vec<f64>,
    /// Requests per second offered.
    pub offered: Vec<f64>,
    /// Cores of all replicas.
    pub cpu: Vec<f64>,
    /// CPU limit of one replica.
    pub limit: Vec<f64>,
    /// Share of throttled periods.
    pub throttled: Vec<f64>,
    /// Share of failed requests.
    pub errors: Vec<f64>,
    /// Requests waiting.
    pub waiting: Vec<f64>,
    /// Latency for the inversion: mean, else median, else 95th, else 99th percentile.
    pub latency: Vec<f64>,
    /// Latency for saturation: 95th, else 99th percentile, else mean, else median.
    pub tail: Vec<f64>,
    /// Version index.
    pub version: Vec<u32>,
    /// What became of each.
    pub standing: Vec<Standing>,
    /// Which cluster of the class it is of.
    pub source: Vec<u32>,
}

impl Buckets {
    /// Buckets.
    pub const fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Indices of the buckets that are fitted, in order of time.
    pub fn used(&self) -> Vec<usize> {
        (0..self.len()).filter(|at| matches!(self.standing[*at], Standing::Used | Standing::Saturated)).collect()
    }

    /// Clusters that the buckets are of; 1 for none.
    pub fn sources(&self) -> usize {
        self.source.iter().max().map_or(1, |last| *last as usize + 1)
    }

    /// The bucket before, of the same cluster.
    pub fn before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|other| self.source[*other] == self.source[at])
    }

    /// The buckets before and after, of the same cluster, if they are no further away than usual.
    pub fn neighbours(&self, at: usize) -> Option<(usize, usize)> {
        let before = self.before(at)?;
        let after = (at + 1..self.len()).find(|other| self.source[*other] == self.source[at])?;
        let (left, right) = (self.at[at] - self.at[before], self.at[after] - self.at[at]);
        (left <= 2 * right && right <= 2 * left).then_some((before, after))
    }

    /// Share of the limit that a bucket's replicas used.
    pub fn utilisation(&self, at: usize) -> f64 {
        self.cpu[at] / (self.replicas[at] * self.limit[at])
    }
}

/// Buckets, with what was seen on the way.
#[derive(Debug, Clone, Default)]
pub struct Cleaned {
    /// The buckets.
    pub buckets: Buckets,
    /// Which column `latency` is.
    pub latency_column: Option<&'static str>,
    /// Whether the rate is what was offered, because what was answered was not observed.
    pub rate_is_offered: bool,
    /// Samples that never became part of a bucket.
    pub left_out: Vec<LeftOut>,
    /// What a reader should know.
    pub notes: Vec<Note>,
}

/// Cleans a series.
///
/// # Errors
///
/// A refusal where more than one sample in twenty contradicts another or cannot be.
pub fn clean(series: &Series, options: &Options) -> Result<Cleaned, Refusal> {
    let mut cleaned = Cleaned { rate_is_offered: series.completed.is_empty(), ..Cleaned::default() };
    let mut defects = Defects::default();
    let orders: Vec<Vec<u32>> = members(series).into_iter().map(|rows| ordered(series, rows, &mut defects)).collect();
    defects.tell(series.len(), &mut cleaned)?;
    count_impossible(series, &mut cleaned)?;
    let columns = Columns::of(series, &mut cleaned);
    let bucket = if series.regime == Regime::Saturated { 0 } else { options.bucket.0 };
    let mut parts = Vec::with_capacity(orders.len());
    for order in &orders {
        let mut buckets = Buckets::default();
        fill(&columns, order, bucket, &mut buckets);
        stand(&mut buckets, (&columns, order), options, &mut cleaned.notes);
        parts.push(buckets);
    }
    cleaned.buckets = pool::together(parts);
    if series.regime == Regime::Operation {
        cleaned.notes.extend(gap(&cleaned.buckets));
    }
    Ok(cleaned)
}

/// A day or more without a sample: the fit does not mind, but whoever reads it may.
fn gap(buckets: &Buckets) -> Option<Note> {
    let days = |nanos: u64| nanos as f64 / 86.4e12;
    let longest = buckets.at.windows(2).map(|pair| pair[1] - pair[0]).max().filter(|gap| days(*gap) >= 1.0)?;
    let message =
        format!("there is no sample for {:.1} days on end: nothing was observed, or a clock was set", days(longest));
    Some(Note { code: "gap", message })
}

/// Samples by cluster.
fn members(series: &Series) -> Vec<Vec<u32>> {
    let count = u32::try_from(series.len()).unwrap_or(u32::MAX);
    if series.cluster.is_empty() {
        return vec![(0..count).collect()];
    }
    let mut members = Vec::new();
    for row in 0..count {
        let cluster = series.cluster[row as usize] as usize;
        if members.len() <= cluster {
            members.resize(cluster + 1, Vec::new());
        }
        members[cluster].push(row);
    }
    members
}

/// What was wrong with times.
#[derive(Debug, Default)]
struct Defects {
    backwards: usize,
    repeated: usize,
    contradicting: usize,
}

impl Defects {
    fn tell(&self, count: usize, cleaned: &mut Cleaned) -> Result<(), Refusal> {
        let Self { backwards, repeated, contradicting } = *self;
        if contradicting as f64 > DEFECTS_MAX * count as f64 {
            let reason = format!("{contradicting} of {count} samples contradict another one of the same instant");
            let help =
                "one series for each service and class: two services or replicas seem to share this name".to_owned();
            return Err(Refusal { code: "duplicates", reason, would_help: vec![help] });
        }
        if backwards > 0 {
            let message = format!(
                "time goes back {backwards} times (a clock was set, or the file is not sorted); samples were sorted"
            );
            cleaned.notes.push(Note { code: "out_of_order", message });
        }
        if repeated > 0 {
            cleaned.left_out.push(LeftOut { reason: "repeated instant", count: repeated });
            let message = format!(
                "{repeated} samples repeat an instant, {contradicting} with other values; the first of each was kept"
            );
            cleaned.notes.push(Note { code: "duplicates", message });
        }
        Ok(())
    }
}

/// Samples of a cluster in order of time, without repetitions. Load tests keep all: their times often mean nothing.
fn ordered(series: &Series, mut order: Vec<u32>, defects: &mut Defects) -> Vec<u32> {
    if series.regime == Regime::Saturated {
        return order;
    }
    let time = |at: u32| series.at[at as usize];
    let backwards = order.windows(2).filter(|pair| time(pair[1]) < time(pair[0])).count();
    if backwards > 0 {
        order.sort_by_key(|at| time(*at));
        defects.backwards += backwards;
    }
    let same = |a: u32, b: u32| time(a) == time(b);
    let repeated = order.windows(2).filter(|pair| same(pair[0], pair[1]));
    let (mut count, mut contradicting) = (0, 0);
    for pair in repeated {
        count += 1;
        contradicting += usize::from(differ(series, pair[0], pair[1]));
    }
    if count > 0 {
        order.dedup_by(|next, before| same(*next, *before));
        defects.repeated += count;
        defects.contradicting += contradicting;
    }
    order
}

fn differ(series: &Series, a: u32, b: u32) -> bool {
    let differs = |values: &[f64]| {
        let (a, b) = (value(values, a as usize), value(values, b as usize));
        (a - b).abs() > 1e-9 * a.abs().max(b.abs())
    };
    series.columns().iter().any(|(_, values)| differs(values))
}

fn count_impossible(series: &Series, cleaned: &mut Cleaned) -> Result<(), Refusal> {
    for (column, values) in series.columns() {
        let count = values.iter().filter(|value| **value < 0.0 || value.is_infinite()).count();
        if count == 0 {
            continue;
        }
        if count as f64 > DEFECTS_MAX * series.len() as f64 {
            let reason = format!("{count} of {} values of `{column}` are negative or infinite", series.len());
            let help = format!("`{column}` as a rate or level: differences of counters need their resets handled");
            return Err(Refusal { code: "impossible_values", reason, would_help: vec![help] });
        }
        let message = format!(
            "{count} values of `{column}` are negative or infinite (a counter was reset?) and count as missing"
        );
        cleaned.notes.push(Note { code: "impossible_values", message });
    }
    Ok(())
}

/// The columns of a series by their use in the fit.
struct Columns<'a> {
    series: &'a Series,
    values: [&'a [f64]; 9],
}

impl<'a> Columns<'a> {
    fn of(series: &'a Series, cleaned: &mut Cleaned) -> Self {
        let first = |names: [(&'static str, &'a [f64]); 4]| {
            names.into_iter().find(|(_, values)| values.iter().any(|value| value.is_finite()))
        };
        let (mean, p50) = (("latency_mean", &series.latency_mean[..]), ("latency_p50", &series.latency_p50[..]));
        let (p95, p99) = (("latency_p95", &series.latency_p95[..]), ("latency_p99", &series.latency_p99[..]));
        let latency = first([mean, p50, p95, p99]);
        let tail = first([p95, p99, mean, p50]);
        cleaned.latency_column = latency.map(|(name, _)| name);
        let rate = if series.completed.is_empty() { &series.offered } else { &series.completed };
        let latency = latency.map_or(&[][..], |(_, values)| values);
        let tail = tail.map_or(&[][..], |(_, values)| values);
        let values = [
            &rate[..],
            &series.offered,
            &series.cpu,
            &series.cpu_limit,
            &series.throttled,
            &series.errors,
            &series.waiting,
            latency,
            tail,
        ];
        Self { series, values }
    }
}

/// Means by bucket; a bucket of length 0 is one sample.
fn fill(columns: &Columns<'_>, order: &[u32], bucket: u64, buckets: &mut Buckets) {
    let mut from = 0;
    while from < order.len() {
        let start =
            |at: usize| columns.series.at[order[at] as usize].0.checked_div(bucket).map_or(0, |index| index * bucket);
        let begin = start(from);
        let mut until = from + 1;
        while bucket > 0 && until < order.len() && start(until) == begin {
            until += 1;
        }
        push(columns, &order[from..until], buckets);
        from = until;
    }
}

fn push(columns: &Columns<'_>, samples: &[u32], buckets: &mut Buckets) {
    let mean = |values: &[f64]| {
        let known =
            samples.iter().map(|at| value(values, *at as usize)).filter(|value| *value >= 0.0 && value.is_finite());
        let (sum, count) = known.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
        if count == 0 { f64::NAN } else { sum / f64::from(count) }
    };
    buckets.at.push(columns.series.at[samples[0] as usize].0);
    buckets.replicas.push(mean(&columns.series.replicas));
    let [rate, offered, cpu, limit, throttled, errors, waiting, latency, tail] = columns.values.map(mean);
    buckets.rate.push(rate);
    buckets.offered.push(offered);
    buckets.cpu.push(cpu);
    buckets.limit.push(limit);
    buckets.throttled.push(throttled);
    buckets.errors.push(errors);
    buckets.waiting.push(waiting);
    buckets.latency.push(latency);
    buckets.tail.push(tail);
    let last = samples[samples.len() - 1] as usize;
    buckets.version.push(columns.series.version.get(last).copied().unwrap_or(0));
    buckets.standing.push(Standing::Used);
    buckets.source.push(columns.series.cluster.get(last).copied().unwrap_or(0));
}

fn stand(buckets: &mut Buckets, (columns, order): (&Columns<'_>, &[u32]), options: &Options, notes: &mut Vec<Note>) {
    for at in 0..buckets.len() {
        buckets.standing[at] = if buckets.replicas[at] < 0.5 {
            Standing::NoReplica
        } else if buckets.replicas[at].is_nan() || buckets.rate[at].is_nan() {
            Standing::Incomplete
        } else if buckets.errors[at] > options.errors_max {
            Standing::Failing
        } else {
            Standing::Used
        };
    }
    if columns.series.regime == Regime::Saturated {
        return;
    }
    let changed = changes(buckets, columns.series, order);
    let usable = buckets.used().len();
    let mut settling = vec![false; buckets.len()];
    let mut last = None;
    for at in 0..buckets.len() {
        if changed[at] {
            last = Some(buckets.at[at]);
        }
        settling[at] = last.is_some_and(|last| buckets.at[at] - last < options.settle.0);
    }
    let left = |out: &[bool]| (0..out.len()).filter(|at| !out[*at] && buckets.standing[*at] == Standing::Used).count();
    let enough = |count: usize| count as f64 >= SETTLED_MIN * usable as f64 && count >= options.points_min.min(usable);
    if !enough(left(&settling)) {
        let message =
            "replicas change so often that only the buckets of the changes themselves are left out".to_owned();
        if notes.iter().all(|note| note.code != "settling_kept") {
            notes.push(Note { code: "settling_kept", message });
        }
        settling = if enough(left(&changed)) { changed } else { vec![false; settling.len()] };
    }
    for (standing, settling) in buckets.standing.iter_mut().zip(settling) {
        if settling && *standing == Standing::Used {
            *standing = Standing::Settling;
        }
    }
}

/// Buckets in which replicas changed or restarted, against the bucket before or within.
fn changes(buckets: &Buckets, series: &Series, order: &[u32]) -> Vec<bool> {
    let whole = |replicas: f64| (replicas - replicas.round()).abs() < 1e-6;
    let mostly_whole = buckets.replicas.iter().filter(|replicas| whole(**replicas)).count() * 2 > buckets.len();
    let mut changed: Vec<bool> = (0..buckets.len())
        .map(|at| {
            let moved = at > 0 && (buckets.replicas[at] - buckets.replicas[at - 1]).abs() > 1e-6;
            moved || (mostly_whole && !whole(buckets.replicas[at]) && buckets.replicas[at].is_finite())
        })
        .collect();
    for pair in order.windows(2).filter(|_| !series.restarts.is_empty()) {
        let (before, after) = (pair[0] as usize, pair[1] as usize);
        if series.restarts[after] > series.restarts[before] {
            let bucket = buckets.at.partition_point(|start| *start <= series.at[after].0);
            changed[bucket.saturating_sub(1)] = true;
        }
    }
    changed
}
