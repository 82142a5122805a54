//! When an SLO was broken, and what was to be seen at the same time.
//!
//! A record does not know causes. It knows what coincided: load above capacity, replicas that were asked for and not
//! ready, faults, refusals, telemetry that was old or missing. That is told, in this order, and called no more than that.

use super::Entry;
use super::outage::Outage;
use super::sums::of_service;
use crate::record::Journal;
use crate::record::journal::EpisodeKind;
use crate::record::line::{Line, Series};

/// Breaks that are told; the longest ones.
const BREAKS_MAX: usize = 8;
/// Breaks while something was broken that are told besides.
const FAULTY_MAX: usize = 4;
/// Samples without a break that do not end one.
const GAP: usize = 3;
/// Faults count that ended so many seconds before a break began: their effects last.
const BEFORE_S: f64 = 600.0;
/// Seconds after which a measurement counts as old.
const OLD_S: f64 = 60.0;
/// Other services that are named.
const OTHERS_MAX: usize = 2;

/// A time in which an SLO was broken again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Break {
    /// Whose SLO.
    pub service: String,
    /// From when.
    pub from_s: f64,
    /// Until when.
    pub until_s: f64,
    /// For how long of that.
    pub broken_s: f64,
    /// The largest 95th percentile of latency in it, in milliseconds.
    pub p95_ms: Option<f64>,
    /// What was to be seen at the same time.
    pub seen: Vec<String>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The series.
    pub series: &'a Series,
    /// The entry services.
    pub entries: &'a [Entry],
    /// What was broken.
    pub outages: &'a [Outage],
    /// What was decided.
    pub journal: &'a Journal,
}

/// The breaks that are told, with what was to be seen then, and how many there were.
pub fn find(seen: &Seen<'_>) -> (Vec<Break>, usize) {
    let found: Vec<Break> = seen.entries.iter().flat_map(spans).collect();
    let all = found.len();
    let mut told = told(found, seen.outages);
    let loads = if told.is_empty() { Vec::new() } else { loads(seen.series) };
    for one in &mut told {
        one.seen = reasons(seen, &loads, one);
    }
    (told, all)
}

/// Those that are told: the longest ones, and those while something was broken; in order of time.
pub fn told(breaks: Vec<Break>, outages: &[Outage]) -> Vec<Break> {
    let faulty = |one: &Break| outages.iter().any(|outage| outage.overlaps(one.from_s, one.until_s));
    let mut ranked: Vec<Break> = breaks;
    ranked.sort_by(|a, b| b.broken_s.total_cmp(&a.broken_s));
    let rest = ranked.split_off(ranked.len().min(BREAKS_MAX));
    ranked.extend(rest.into_iter().filter(faulty).take(FAULTY_MAX));
    ranked.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    ranked
}

/// When the SLO of one service was broken.
fn spans(entry: &Entry) -> Vec<Break> {
    let mut spans: Vec<Break> = Vec::new();
    let mut quiet = GAP + 1;
    let mut before = 0.0;
    for (index, (at, share)) in entry.broken.iter().enumerate() {
        let step = at - before;
        let share = share.unwrap_or(0.0);
        quiet = if share > 0.0 { quiet } else { quiet + 1 };
        if share > 0.0 {
            let p95 = entry.p95.get(index).and_then(|(_, value)| *value);
            match spans.last_mut().filter(|_| quiet <= GAP) {
                Some(open) => {
                    open.until_s = *at;
                    open.broken_s += share * step;
                    open.p95_ms = [open.p95_ms, p95].into_iter().flatten().reduce(f64::max);
                }
                None => spans.push(Break {
                    service: entry.service.clone(),
                    from_s: before,
                    until_s: *at,
                    broken_s: share * step,
                    p95_ms: p95,
                    seen: Vec::new(),
                }),
            }
            quiet = 0;
        }
        before = *at;
    }
    spans
}

fn reasons(seen: &Seen<'_>, loads: &[Load<'_>], one: &Break) -> Vec<String> {
    let mut reasons = Vec::new();
    let (from, until) = (one.from_s, one.until_s);
    if from <= 0.0 {
        reasons.push("the run begins: the first decisions had not taken effect yet".to_owned());
    }
    let overloaded = overloaded(loads, one);
    reasons.extend(overloaded.iter().map(|(_, sentence)| sentence.clone()));
    let names = overloaded.iter().map(|(name, _)| name.as_str()).chain([one.service.as_str()]);
    reasons.extend(missing(seen.series, names, (from, until)));
    let outages = seen.outages.iter().filter(|outage| outage.overlaps(from - BEFORE_S, until));
    let mut outages: Vec<&str> = outages.map(|outage| outage.what.as_str()).collect();
    outages.sort_unstable();
    outages.dedup();
    if let [first, rest @ ..] = outages.as_slice() {
        let others = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        reasons.push(format!("{first} lost{others}"));
    }
    let refused = seen.journal.episodes.iter().filter(|one| one.kind == EpisodeKind::Refused);
    let mut refused = refused.filter(|episode| episode.from_s <= until && episode.until_s >= from);
    reasons
        .extend(refused.next().map(|episode| format!("replicas of {} refused: {}", episode.service, episode.reason)));
    reasons.extend(telemetry(seen.series, one));
    if reasons.is_empty() {
        reasons.extend(busiest(loads, one));
    }
    reasons
}

/// What a service was offered and could serve, at each sample at which something was offered.
struct Load<'a> {
    service: &'a str,
    /// When, offered, and the capacity of the ready replicas.
    samples: Vec<(f64, f64, f64)>,
}

/// The loads of all services; worked out once, since every break looks at all of them.
fn loads(series: &Series) -> Vec<Load<'_>> {
    let services = series.keys().filter(|(_, cluster)| cluster.is_none()).filter_map(|(service, _)| service);
    let load = |service| {
        let offered = series.line(Some(service), None, "offered_per_s");
        let capacity = series.line(Some(service), None, "capacity_per_s");
        let pairs = offered.into_iter().zip(capacity);
        let known = pairs.filter_map(|((at, offered), (_, capacity))| Some((at, offered?, capacity?)));
        Load { service, samples: known.filter(|(_, offered, _)| *offered > 0.0).collect() }
    };
    services.map(load).collect()
}

impl Load<'_> {
    /// The samples during a break.
    fn during(&self, one: &Break) -> &[(f64, f64, f64)] {
        let from = self.samples.partition_point(|(at, ..)| *at <= one.from_s);
        let until = self.samples.partition_point(|(at, ..)| *at <= one.until_s);
        &self.samples[from..until.max(from)]
    }
}

/// Offered load over the capacity of the ready replicas.
fn share((_, offered, capacity): &(f64, f64, f64)) -> f64 {
    if *capacity > 0.0 { offered / capacity } else { f64::INFINITY }
}

/// The service that came nearest to its capacity, where none was above it at any sample.
fn busiest(loads: &[Load<'_>], one: &Break) -> Option<String> {
    let peak = |load: &Load<'_>| load.during(one).iter().map(share).reduce(f64::max);
    let peaks = loads.iter().filter_map(|load| Some((peak(load)?, load.service)));
    let (share, service) = peaks.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!(
        "no service above its capacity at a sample: requests waited; the busiest was {service}, at up to {:.0} %",
        share * 100.0
    ))
}

/// The services that were offered more than they could serve, the entry itself first, then the worst others.
fn overloaded(loads: &[Load<'_>], one: &Break) -> Vec<(String, String)> {
    let mut found: Vec<(bool, f64, &str, String)> = Vec::new();
    for load in loads {
        let (service, samples) = (load.service, load.during(one));
        let over = samples.iter().filter(|sample| share(sample) > 1.0).count();
        let worst = samples.iter().max_by(|a, b| share(a).total_cmp(&share(b))).filter(|_| over > 0);
        let Some(worst @ (_, offered, capacity)) = worst else { continue };
        let part = over as f64 / samples.len() as f64 * 100.0;
        let part = if part < 0.5 { "less than 1 %".to_owned() } else { format!("{part:.0} %") };
        let decimals = digits_apart(*offered, *capacity);
        let sentence = format!(
            "load of {service} above its capacity in {part} of the samples, at worst {offered:.decimals$}/s against \
             {capacity:.decimals$}/s"
        );
        found.push((service != one.service, share(worst), service, sentence));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then_with(|| a.2.cmp(b.2)));
    found.into_iter().take(1 + OTHERS_MAX).map(|(.., name, sentence)| (name.to_owned(), sentence)).collect()
}

/// The fewest decimals, at most three, with which two figures look different.
fn digits_apart(a: f64, b: f64) -> usize {
    (0..3).find(|decimals| format!("{a:.decimals$}") != format!("{b:.decimals$}")).unwrap_or(3)
}

/// Replicas that were asked for and not ready.
fn missing<'a>(series: &Series, services: impl Iterator<Item = &'a str>, span: (f64, f64)) -> Option<String> {
    let mut names: Vec<&str> = services.collect();
    names.sort_unstable();
    names.dedup();
    let times = super::sums::times(series);
    let worst = names.into_iter().filter_map(|name| {
        let target = of_service(series, name, &times, "replicas_target");
        let ready = of_service(series, name, &times, "replicas_ready");
        let inside = times.iter().zip(target.iter().zip(&ready)).filter(|(at, _)| **at > span.0 && **at <= span.1);
        let short = inside.map(|(_, (target, ready))| target - ready).fold(0.0, f64::max);
        (short > 0.0).then_some((short, name))
    });
    let (short, name) = worst.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let noun = if short > 1.0 { "replicas" } else { "replica" };
    Some(format!("up to {short:.0} {noun} of {name} asked for and not ready"))
}

/// Whether policies saw old measurements of the service, or none.
fn telemetry(series: &Series, one: &Break) -> Option<String> {
    let ages: Line = series.line(Some(&one.service), None, "rate_age_s");
    let inside: Vec<Option<f64>> =
        ages.iter().filter(|(at, _)| *at > one.from_s && *at <= one.until_s).map(|(_, age)| *age).collect();
    let blind = inside.iter().filter(|age| age.is_none()).count();
    if blind > 0 && one.from_s > 0.0 {
        return Some(format!("policies saw no rate of {} in {blind} of {} samples", one.service, inside.len()));
    }
    let oldest = inside.into_iter().flatten().fold(0.0, f64::max);
    (oldest > OLD_S).then(|| format!("measurements of {} up to {oldest:.0} s old", one.service))
}

#[cfg(test)]
mod tests {
    use super::{Entry, digits_apart, spans, told};

    fn entry(broken: &[f64]) -> Entry {
        let line =
            |values: &[f64]| (1..).map(|at| f64::from(at) * 60.0).zip(values.iter().map(|one| Some(*one))).collect();
        let none = Vec::new;
        let (offered, served, capacity, p50, p99) = (none(), none(), none(), none(), none());
        let p95 = line(&broken.iter().map(|share| 100.0 + share * 900.0).collect::<Vec<_>>());
        Entry { service: "web".to_owned(), slo: None, offered, served, capacity, p50, p95, p99, broken: line(broken) }
    }

    /// A sample covers the minute before it: 0.5 of the second minute and all of the third, then a pause of four.
    #[test]
    fn breaks_are_joined_over_short_pauses_and_measured_in_seconds() {
        let found = spans(&entry(&[0.0, 0.5, 1.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 1.0]));
        let spans: Vec<_> = found.iter().map(|one| (one.from_s, one.until_s, one.broken_s.round())).collect();
        assert_eq!(spans, [(60.0, 300.0, 102.0), (540.0, 600.0, 60.0)]);
        assert_eq!(found[0].p95_ms, Some(1000.0));
        assert_eq!(told(found, &[]).len(), 2);
    }

    #[test]
    fn what_differs_looks_different() {
        assert_eq!(digits_apart(553.2, 284.0), 0);
        assert_eq!(digits_apart(3.4, 3.2), 1);
        assert_eq!(digits_apart(3.0, 3.0), 3);
    }
}
