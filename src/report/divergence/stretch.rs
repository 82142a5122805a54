//! What two runs led to from their parting on: figures of both over the same stretch of time, each from its own series.
//!
//! What nobody measured is not zero: a side has a figure only where it was measured all the time but for a moment, and none has one
//! of a stretch without length.

use super::{Pair, SHARE};
use crate::model::figures::is_moment;
use crate::record::{RecordError, RunRecord, Series};
use crate::units::Span;

/// Columns that count as those of the entry services.
const OF_ENTRIES: [&str; 3] = ["served_per_s", "dropped_per_s", "slo_violated_share"];

/// What was different from `from_s` on until the first of their last samples; the right began by `later_s` after the left.
///
/// # Errors
/// See [`RecordError`].
pub fn consequences(runs: [&RunRecord; 2], later_s: f64, from_s: f64) -> Result<Vec<Pair>, RecordError> {
    let others = ["offered_per_s", "replicas_ready", "cost_usd", "carbon_g"];
    let columns: Vec<&str> = OF_ENTRIES.into_iter().chain(others).collect();
    let [left, right] = runs.map(|run| run.series(&columns));
    let series = [left?, right?];
    // What a longer run wants after the end of the other leads to nothing that could be compared.
    let until_s = last_s(&series[0]).min(last_s(&series[1]) + later_s).max(from_s);
    // Samples and sums are since the start of their own run.
    let began_s = [0.0, later_s];
    let stretches = [0, 1].map(|side| {
        let stretch_s = (from_s - began_s[side], until_s - began_s[side]);
        Stretch::new(runs[side], &series[side], stretch_s)
    });
    let has_length = until_s > from_s;
    let pair = |name, (unit, column), get: fn(&Stretch<'_>) -> f64| {
        let figure = |one: &Stretch<'_>| (has_length && one.is_known(column)).then(|| get(one));
        Pair::new(name, unit, stretches.each_ref().map(figure))
    };
    Ok(vec![
        pair("requests served", ("", "served_per_s"), |one| one.total("served_per_s")),
        pair("requests dropped", ("", "dropped_per_s"), |one| one.total("dropped_per_s")),
        pair("time over the SLO", (SHARE, "slo_violated_share"), |one| one.worst_share("slo_violated_share")),
        pair("mean ready replicas", ("", "replicas_ready"), |one| one.mean("replicas_ready")),
        pair("cost", ("$", "cost_usd"), |one| one.gained("cost_usd")),
        pair("carbon", ("kg", "carbon_g"), |one| one.gained("carbon_g") / 1e3),
    ])
}

/// When the last sample of a run was taken, on its own clock.
///
/// # Errors
/// See [`RecordError`].
pub fn end_s(run: &RunRecord) -> Result<f64, RecordError> {
    Ok(last_s(&run.series(&["cost_usd"])?))
}

fn last_s(series: &Series) -> f64 {
    let lines = series.keys().map(|(service, cluster)| series.line(service, cluster, "cost_usd"));
    lines.filter_map(|line| line.last().map(|(at_s, _)| *at_s)).fold(0.0, f64::max)
}

/// A part of a run's series, on its own clock.
struct Stretch<'a> {
    series: &'a Series,
    entries: Vec<&'a str>,
    /// When samples were taken. A line may be without some: a service has rows only for clusters that hold or want it.
    samples_s: Vec<f64>,
    from_s: f64,
    until_s: f64,
}

impl<'a> Stretch<'a> {
    fn new(run: &'a RunRecord, series: &'a Series, (from_s, until_s): (f64, f64)) -> Self {
        let entries = run.summary.by_service.iter().filter(|service| service.entry);
        let entries: Vec<&str> = entries.map(|service| service.service.as_str()).collect();
        let lines = entries.iter().map(|entry| series.line(Some(entry), None, "served_per_s"));
        let samples_s = lines.max_by_key(Vec::len).unwrap_or_default().into_iter().map(|(at_s, _)| at_s).collect();
        Self { series, entries, samples_s, from_s, until_s }
    }

    /// Whether there is a figure of the column: of those of the entry services, each that has any of it in the whole run was
    /// measured all the time but for a moment.
    fn is_known(&self, column: &str) -> bool {
        if !OF_ENTRIES.contains(&column) {
            return self.series.has(column);
        }
        let whole = span(self.until_s - self.from_s);
        let mut measured = self.entries.iter().filter(|entry| self.is_ever_measured(entry, column)).peekable();
        measured.peek().is_some() && measured.all(|entry| is_moment(span(self.unknown_s(entry, column)), whole))
    }

    fn is_ever_measured(&self, entry: &str, column: &str) -> bool {
        self.series.line(Some(entry), None, column).iter().any(|(_, value)| value.is_some())
    }

    /// For how many seconds nobody measured the column at an entry service. While nobody calls it, there is nothing to be answered
    /// or late.
    fn unknown_s(&self, entry: &str, column: &str) -> f64 {
        let offered = self.weighted(Some(entry), None, "offered_per_s");
        let samples = self.weighted(Some(entry), None, column).into_iter().zip(offered);
        let unknown = samples.filter(|((_, value), (_, offered))| value.is_none() && *offered != Some(0.0));
        unknown.map(|((seconds, _), _)| seconds).sum()
    }

    /// A line as (seconds within the stretch, value): each sample stands for the time since the one before.
    fn weighted(&self, service: Option<&str>, cluster: Option<&str>, column: &str) -> Vec<(f64, Option<f64>)> {
        let weigh = |(at_s, value): (f64, Option<f64>)| {
            let earlier = self.samples_s.partition_point(|sample_s| *sample_s < at_s);
            let before = earlier.checked_sub(1).map_or(0.0, |index| self.samples_s[index]);
            let seconds = at_s.min(self.until_s) - self.from_s.max(before);
            (seconds > 0.0).then_some((seconds, value))
        };
        self.series.line(service, cluster, column).into_iter().filter_map(weigh).collect()
    }

    fn integral(&self, service: Option<&str>, cluster: Option<&str>, column: &str) -> f64 {
        self.weighted(service, cluster, column).iter().map(|(seconds, value)| seconds * value.unwrap_or(0.0)).sum()
    }

    /// A rate over the stretch, of the entry services together.
    fn total(&self, column: &str) -> f64 {
        self.entries.iter().map(|entry| self.integral(Some(entry), None, column)).sum()
    }

    /// The mean of a share over the stretch, of the entry service where it is largest.
    fn worst_share(&self, column: &str) -> f64 {
        let seconds = (self.until_s - self.from_s).max(f64::MIN_POSITIVE);
        self.entries.iter().map(|entry| self.integral(Some(entry), None, column) / seconds).fold(0.0, f64::max)
    }

    /// The mean over the stretch of a count, of all services in all clusters.
    fn mean(&self, column: &str) -> f64 {
        let seconds = (self.until_s - self.from_s).max(f64::MIN_POSITIVE);
        let placements = self.series.keys().filter(|(service, cluster)| service.is_some() && cluster.is_some());
        placements.map(|(service, cluster)| self.integral(service, cluster, column)).sum::<f64>() / seconds
    }

    /// By how much a sum since the start rose in the stretch, over all clusters.
    fn gained(&self, column: &str) -> f64 {
        let clusters = self.series.keys().filter(|(service, cluster)| service.is_none() && cluster.is_some());
        let at = |line: &[(f64, Option<f64>)], instant: f64| {
            let before = line.iter().take_while(|(at_s, _)| *at_s <= instant);
            before.last().and_then(|(_, value)| *value).unwrap_or(0.0)
        };
        let gain = |(service, cluster)| {
            let line = self.series.line(service, cluster, column);
            at(&line, self.until_s) - at(&line, self.from_s)
        };
        clusters.map(gain).sum()
    }
}

fn span(seconds: f64) -> Span {
    Span::from_seconds_f64(seconds.max(0.0))
}
