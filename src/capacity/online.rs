//! The same estimators, one sample at a time: while a run goes on, a service is fitted on what it showed lately.
//!
//! **Method.** The last [`WINDOW`] samples are kept, older ones weigh less by the half-life of the options (7 days where none is
//! given), and the pipeline is run again once a tenth more has come. Between fits every sample is compared with the
//! model: standardised CPU residuals feed two Page–Hinkley sums, and decisions feed a count (saturated below 85 % of the
//! believed capacity, or served above 115 % of it). An alarm throws away what came before the change. Until enough came after
//! it, the old model is scaled by what the samples since the change show, with the note `provisional`.
//!
//! **Assumes** samples about a bucket apart, in order of time; others are dropped. **Source**: policies §6.2 step 8.
//! **Fails** to notice a change that shows neither in CPU nor in saturation; nothing would.

use super::drift::PageHinkley;
use super::estimate::median;
use super::fit::fit_series;
use super::observations::Series;
use super::options::Options;
use super::outcome::{FittedGroup, Note, Outcome};
use super::predict::{scaled, throughput};
use crate::units::{Span, Time};

/// Samples that are kept.
pub const WINDOW: usize = 4096;
/// Threshold of the sums: about one false alarm in 20 000 samples that are independent.
const THRESHOLD: f64 = 9.0;
/// Relative scale of a residual, at least: what a model that was fitted on other loads may err by.
const SCALE_MIN: f64 = 0.03;
/// Relative change of CPU that is an alarm.
const CHANGE_MIN: f64 = 0.1;
/// Decisions in a row that contradict the model, for an alarm.
const CONTRADICTIONS: usize = 5;
/// Samples after a change that a provisional ratio needs.
const PROVISIONAL_MIN: usize = 3;
/// Age at which a sample weighs half.
const HALF_LIFE: Span = Span(7 * 86_400 * crate::units::NANOS_PER_SECOND);

/// One sample of the running service; NaN is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// Ready replicas.
    pub replicas: f64,
    /// Requests per second that arrived.
    pub offered: f64,
    /// Requests per second that were answered.
    pub completed: f64,
    /// CPU of all replicas in cores.
    pub cpu: f64,
    /// CPU limit of one replica in cores.
    pub cpu_limit: f64,
    /// Share of throttled periods.
    pub throttled: f64,
    /// Share of requests that failed.
    pub errors: f64,
    /// Requests that wait.
    pub waiting: f64,
    /// Latency in seconds (95th percentile where there is a choice).
    pub latency: f64,
}

impl Sample {
    /// Its figures in the order of the fields, for who keeps them.
    pub const fn values(&self) -> [f64; 9] {
        let Self { at: _, replicas, offered, completed, cpu, cpu_limit, throttled, errors, waiting, latency } = *self;
        [replicas, offered, completed, cpu, cpu_limit, throttled, errors, waiting, latency]
    }

    /// The sample of such figures.
    pub const fn of(at: Time, values: [f64; 9]) -> Self {
        let [replicas, offered, completed, cpu, cpu_limit, throttled, errors, waiting, latency] = values;
        Self { at, replicas, offered, completed, cpu, cpu_limit, throttled, errors, waiting, latency }
    }
}

/// Fits one service on one class while it runs, in bounded memory.
#[derive(Debug, Clone)]
pub struct Online {
    options: Options,
    series: Series,
    current: Option<FittedGroup>,
    /// Samples that came since the last fit.
    fresh: usize,
    sums: PageHinkley,
    contradictions: usize,
    /// The model before an alarm, until the samples after it suffice.
    before: Option<FittedGroup>,
    /// That model scaled by what is known since.
    shown: Option<FittedGroup>,
    alarms: Vec<Time>,
}

impl Online {
    /// Nothing seen yet. `options.points_min` samples make the first fit.
    pub fn new(service: &str, class: &str, mut options: Options) -> Self {
        options.half_life = options.half_life.or(Some(HALF_LIFE));
        let series = Series { service: service.to_owned(), class: class.to_owned(), ..Series::default() };
        let sums = PageHinkley::default();
        Self {
            options,
            series,
            current: None,
            fresh: 0,
            sums,
            contradictions: 0,
            before: None,
            shown: None,
            alarms: Vec::new(),
        }
    }

    /// Takes one sample; says whether it raised the drift alarm. One that does not follow the one before is dropped.
    pub fn push(&mut self, sample: &Sample) -> bool {
        if self.series.at.last().is_some_and(|last| sample.at <= *last) {
            return false;
        }
        if self.series.len() >= WINDOW {
            self.forget(WINDOW / 4);
        }
        append(&mut self.series, sample);
        self.fresh += 1;
        let Some(ago) = self.contradicted(sample) else { return false };
        self.alarms.push(sample.at);
        let keep = ago.clamp(1, self.series.len());
        self.forget(self.series.len() - keep);
        // An alarm before the last one was settled says that the provisional model is wrong too: the older one stays the base.
        let model = self.current.take();
        self.before = self.before.take().or(model);
        (self.sums, self.contradictions) = (PageHinkley::default(), 0);
        true
    }

    /// The model as of now; `None` before the first samples suffice. Cheap enough for every decision: it is fitted again only
    /// when enough has changed.
    pub fn current(&mut self) -> Option<&FittedGroup> {
        let due = self.fresh >= (self.series.len() / 10).max(10) || self.current.is_none();
        if due && self.series.len() >= self.options.points_min {
            let group = fit_series(&self.measured(), &self.options, None);
            self.fresh = 0;
            if group.fitted().is_some() || self.before.is_none() {
                self.before = None;
                self.current = Some(group);
                self.sums = PageHinkley::default();
            }
        }
        if self.current.is_none() {
            return self.provisional();
        }
        self.current.as_ref()
    }

    /// When alarms were raised.
    pub fn alarms(&self) -> &[Time] {
        &self.alarms
    }

    /// Samples that are kept.
    pub const fn len(&self) -> usize {
        self.series.len()
    }

    /// The oldest and the newest sample that are kept; `None` where none is.
    pub fn span(&self) -> Option<(Time, Time)> {
        Some((*self.series.at.first()?, *self.series.at.last()?))
    }

    /// Whether an alarm was raised that no fit has settled yet: the model is that of before, or a provisional one.
    pub const fn is_unsettled(&self) -> bool {
        self.before.is_some()
    }

    /// Whether nothing was seen.
    pub const fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// How many samples ago the service began to contradict its model.
    fn contradicted(&mut self, sample: &Sample) -> Option<usize> {
        let fitted = self.current.as_ref()?.fitted()?;
        let rate = if sample.completed.is_nan() { sample.offered } else { sample.completed };
        if sample.replicas < 1.0 || rate.is_nan() || sample.errors > self.options.errors_max || self.is_settling(sample)
        {
            return None;
        }
        if let (Some(demand), Some(cpu)) = (&fitted.demand, fitted.cpu(rate, sample.replicas)) {
            let scale = (demand.scale * sample.replicas.sqrt()).max(SCALE_MIN * cpu.value);
            if sample.cpu.is_finite() {
                self.sums.push((sample.cpu - cpu.value) / scale);
            }
        }
        let load = rate / throughput(&fitted.capacity, sample.replicas);
        let short = rate < 0.97 * sample.offered || sample.waiting > rate;
        // Arrivals alone do not say that so much is served.
        let serves_more = !short && load > 1.15 && !sample.completed.is_nan();
        let contradicts = (short && load < 0.85) || serves_more;
        self.contradictions = if contradicts { self.contradictions + 1 } else { 0 };
        let by_decisions = (self.contradictions >= CONTRADICTIONS).then_some(self.contradictions);
        let Some(ago) = self.sums.alarm(THRESHOLD) else { return by_decisions };
        if self.changed_by(ago) >= CHANGE_MIN {
            return Some(ago);
        }
        // A model of a few loads errs a little at others: it is fitted again, and nobody is alarmed.
        self.sums = PageHinkley::default();
        self.fresh = self.series.len();
        by_decisions
    }

    /// How far CPU of the last `ago` samples is from its prediction: the relative median.
    fn changed_by(&self, ago: usize) -> f64 {
        let Some(fitted) = self.current.as_ref().and_then(FittedGroup::fitted) else { return 0.0 };
        let ratio = |at: usize| {
            let rate =
                if self.series.completed[at].is_nan() { self.series.offered[at] } else { self.series.completed[at] };
            fitted.cpu(rate, self.series.replicas[at]).map(|cpu| self.series.cpu[at] / cpu.value - 1.0)
        };
        let recent = self.series.len().saturating_sub(ago)..self.series.len();
        median(&recent.filter_map(ratio).collect::<Vec<_>>()).abs()
    }

    /// Whether replicas changed within the time that they need to settle.
    fn is_settling(&self, sample: &Sample) -> bool {
        let mut recent =
            (0..self.series.len()).rev().take_while(|at| sample.at.since(self.series.at[*at]) <= self.options.settle);
        recent.any(|at| (self.series.replicas[at] - sample.replicas).abs() > 1e-9)
    }

    /// The samples as they are fitted: a column of answers that nobody counted is none, or it would hide the arrivals.
    fn measured(&self) -> Series {
        let mut series = self.series.clone();
        if series.completed.iter().all(|rate| rate.is_nan()) {
            series.completed.clear();
        }
        series
    }

    fn forget(&mut self, count: usize) {
        self.series.at.drain(..count);
        for column in numeric_columns(&mut self.series) {
            column.drain(..count);
        }
    }

    /// The old model, scaled by what CPU per request or throughput at saturation since the change shows.
    fn provisional(&mut self) -> Option<&FittedGroup> {
        let before = self.before.as_ref()?;
        let fitted = before.fitted()?;
        let factors: Vec<f64> = (0..self.series.len()).filter_map(|at| self.factor(fitted, at)).collect();
        if factors.len() < PROVISIONAL_MIN {
            return Some(before);
        }
        let factor = median(&factors);
        let mut scaled_fit = fitted.clone();
        scaled_fit.capacity = scaled(&fitted.capacity, factor);
        scaled_fit.capacity_low = scaled(&fitted.capacity_low, factor.min(1.0));
        scaled_fit.per_replica = fitted.per_replica.scaled(factor);
        scaled_fit.levels.iter_mut().for_each(|level| level.estimate = level.estimate.scaled(factor));
        let mut group = FittedGroup { outcome: Outcome::Fitted(Box::new(scaled_fit)), ..before.clone() };
        let message = format!(
            "the service changed; until more is seen its capacity is taken to be {factor:.2} times what it was"
        );
        group.notes.retain(|note| note.code != "provisional");
        group.notes.push(Note { code: "provisional", message });
        // Kept apart from `before`, which stays the base of the next factor.
        Some(&*self.shown.insert(group))
    }

    fn factor(&self, fitted: &super::outcome::Fitted, at: usize) -> Option<f64> {
        let (offered, completed) = (self.series.offered[at], self.series.completed[at]);
        let rate = if completed.is_nan() { offered } else { completed };
        let replicas = self.series.replicas[at];
        if rate < 0.97 * offered || self.series.waiting[at] > rate {
            return Some(rate / throughput(&fitted.capacity, replicas)).filter(|factor| factor.is_finite());
        }
        let demand = fitted.demand.as_ref()?;
        let busy = self.series.cpu[at] - demand.per_replica.value * replicas;
        let wanted = fitted.cpu(rate, replicas)?.value - demand.per_replica.value * replicas;
        Some(wanted / busy).filter(|factor| factor.is_finite() && *factor > 0.0)
    }
}

fn append(series: &mut Series, sample: &Sample) {
    series.at.push(sample.at);
    for (column, value) in numeric_columns(series).into_iter().zip(sample.values()) {
        column.push(value);
    }
}

fn numeric_columns(series: &mut Series) -> [&mut Vec<f64>; 9] {
    [
        &mut series.replicas,
        &mut series.offered,
        &mut series.completed,
        &mut series.cpu,
        &mut series.cpu_limit,
        &mut series.throttled,
        &mut series.errors,
        &mut series.waiting,
        &mut series.latency_p95,
    ]
}

#[cfg(test)]
mod tests {
    use super::{Online, Sample, WINDOW};
    use crate::capacity::Series;
    use crate::capacity::options::Options;
    use crate::capacity::synthetic::Truth;
    use crate::seed::Seed;

    fn sample(series: &Series, at: usize) -> Sample {
        Sample {
            at: series.at[at],
            replicas: series.replicas[at],
            offered: series.offered[at],
            completed: series.completed[at],
            cpu: series.cpu[at],
            cpu_limit: series.cpu_limit[at],
            throttled: series.throttled[at],
            errors: f64::NAN,
            waiting: series.waiting[at],
            latency: series.latency_mean[at],
        }
    }

    fn options() -> Options {
        Options { resamples: 30, ceiling: Some(0.92), ..Options::default() }
    }

    /// Capacity halves at minute 1500: the alarm comes within 15 samples, and after 15 more the model is right within a tenth.
    #[test]
    fn a_change_of_version_is_noticed_and_learned() {
        for seed in 1..=5 {
            let truth = Truth { change: Some((1500, 0.5)), minutes: 1800, ..Truth::default() };
            let series = truth.series("shop", Seed(seed));
            let mut online = Online::new("shop", "standard", options());
            let (mut alarm, mut learned) = (None, None);
            for at in 0..series.len() {
                let raised = online.push(&sample(&series, at));
                assert!(!raised || at >= 1500, "seed {seed}: false alarm at {at}");
                alarm = alarm.or(raised.then_some(at));
                let believed = if at % 5 == 0 {
                    online.current().and_then(|group| group.fitted().map(|fitted| fitted.capacity))
                } else {
                    None
                };
                if let Some(crate::model::capacity::Capacity::Linear { alpha, .. }) = believed.filter(|_| at >= 1500) {
                    learned = learned.or(((alpha / 15.0 - 1.0).abs() < 0.1).then_some(at));
                }
            }
            assert!(alarm.is_some_and(|at| at < 1515), "seed {seed}: {alarm:?}");
            assert!(learned.is_some_and(|at| at < 1530), "seed {seed}: {learned:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_old_samples_are_dropped() {
        let series = Truth { minutes: WINDOW + 2000, ..Truth::default() }.series("shop", Seed(1));
        let mut online = Online::new("shop", "standard", options());
        for at in 0..series.len() {
            online.push(&sample(&series, at));
            assert!(online.len() <= WINDOW);
        }
        assert!(!online.push(&sample(&series, 5)), "time does not go back");
    }
}
