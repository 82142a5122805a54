//! What a policy's section draws, read from one run's series and decisions.

use super::chart::Ink;
use crate::record::read::{EventRead, Incidents};
use crate::record::series::{Line, Series};
use crate::record::{RecordError, RunRecord};

/// Entry services that are drawn; the busiest ones.
const ENTRIES_MAX: usize = 3;
/// Refusals that are listed; the last ones.
const REFUSALS_MAX: usize = 20;

/// A run over time.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// How long it was.
    pub span_s: f64,
    /// The busiest entry services.
    pub entries: Vec<Entry>,
    /// How many entry services there are.
    pub entries_count: usize,
    /// When samples were taken.
    pub times: Vec<f64>,
    /// Ready replicas by cluster, from the bottom up.
    pub replicas: Vec<Stack>,
    /// What was broken, and when.
    pub outages: Vec<Outage>,
    /// What was out of the ordinary.
    pub incidents: Incidents,
}

/// An entry service over time.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub service: String,
    /// Its promise.
    pub slo: Option<Promise>,
    /// Requests per second that arrive.
    pub offered: Line,
    /// Requests per second that are served.
    pub served: Line,
    /// Requests per second that the ready replicas can serve.
    pub capacity: Line,
    /// 95th percentile of latency in milliseconds.
    pub p95: Line,
}

/// An SLO.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// How long a request may take, in milliseconds.
    pub latency_ms: f64,
    /// How many of them must keep it, 0..1.
    pub share: f64,
}

/// Replicas of all services in one cluster, or in several small ones.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Which.
    pub cluster: String,
    /// Its colour.
    pub ink: Ink,
    /// Ready replicas at each of [`Timeline::times`].
    pub ready: Vec<f64>,
}

/// Something that was broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// What: `cluster edge-2`.
    pub what: String,
    /// From when.
    pub from_s: f64,
    /// Until when; `None` to the end, and for what has no length.
    pub until_s: Option<f64>,
}

impl Timeline {
    /// Reads what is drawn of `run`.
    ///
    /// # Errors
    /// Where its series or decisions cannot be read.
    pub fn read(run: &RunRecord) -> Result<Self, RecordError> {
        let columns = ["offered_per_s", "served_per_s", "capacity_per_s", "latency_p95_ms", "replicas_ready", "up"];
        let series = run.series(&columns)?;
        let incidents = run.incidents(REFUSALS_MAX)?;
        let mut entries: Vec<_> = run.summary.by_service.iter().filter(|service| service.entry).collect();
        let entries_count = entries.len();
        entries.sort_by(|a, b| b.requests_offered.total_cmp(&a.requests_offered));
        let entries = entries.into_iter().take(ENTRIES_MAX).map(|service| {
            let line = |column| series.line(Some(&service.service), None, column);
            Entry {
                service: service.service.clone(),
                slo: service
                    .slo_latency_ms
                    .zip(service.slo_share)
                    .map(|(latency_ms, share)| Promise { latency_ms, share }),
                offered: line("offered_per_s"),
                served: line("served_per_s"),
                capacity: line("capacity_per_s"),
                p95: line("latency_p95_ms"),
            }
        });
        let (times, replicas) = stacks(run, &series);
        let outages = outages(&incidents.events);
        Ok(Self {
            span_s: run.summary.span_s,
            entries: entries.collect(),
            entries_count,
            times,
            replicas,
            outages,
            incidents,
        })
    }
}

/// Replicas by cluster: as many clusters as there are colours, the small ones together.
fn stacks(run: &RunRecord, series: &Series) -> (Vec<f64>, Vec<Stack>) {
    let names: Vec<&str> = run.summary.by_cluster.iter().map(|cluster| cluster.cluster.as_str()).collect();
    let times: Vec<f64> = names
        .first()
        .map(|name| series.line(None, Some(name), "up").iter().map(|(at, _)| *at).collect())
        .unwrap_or_default();
    let mut sums: Vec<(String, Vec<f64>)> =
        names.iter().map(|name| (name.to_string(), vec![0.0; times.len()])).collect();
    for (service, cluster) in series.keys() {
        let Some(sum) = cluster.and_then(|name| sums.iter_mut().find(|(other, _)| other == name)) else { continue };
        if service.is_none() {
            continue;
        }
        for (at, ready) in series.line(service, cluster, "replicas_ready") {
            if let Ok(index) = times.binary_search_by(|time| time.total_cmp(&at)) {
                sum.1[index] += ready.unwrap_or(0.0);
            }
        }
    }
    sums.retain(|(_, ready)| ready.iter().any(|ready| *ready > 0.0));
    let ink = |index: usize| Ink::Series(u8::try_from(index).unwrap_or(0));
    let stacks = joined(sums).into_iter().enumerate();
    (times, stacks.map(|(index, (cluster, ready))| Stack { cluster, ink: ink(index), ready }).collect())
}

/// The largest ones as they are and the rest as one, where there are more than colours.
fn joined(mut sums: Vec<(String, Vec<f64>)>) -> Vec<(String, Vec<f64>)> {
    if sums.len() <= Ink::SERIES {
        return sums;
    }
    let mut sizes: Vec<f64> = sums.iter().map(|(_, ready)| ready.iter().sum()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let least = sizes[Ink::SERIES - 2];
    let (mut kept, mut rest) = (Vec::new(), Vec::new());
    for one in sums.drain(..) {
        let large = one.1.iter().sum::<f64>() >= least && kept.len() < Ink::SERIES - 1;
        if large { kept.push(one) } else { rest.push(one) }
    }
    let count = rest.len();
    let sum = rest.into_iter().map(|(_, ready)| ready).reduce(|mut sum, ready| {
        sum.iter_mut().zip(ready).for_each(|(sum, ready)| *sum += ready);
        sum
    });
    kept.extend(sum.map(|ready| (format!("{count} others"), ready)));
    kept
}

/// Losses joined with the returns of the same thing.
fn outages(events: &[EventRead]) -> Vec<Outage> {
    let mut outages: Vec<Outage> = Vec::new();
    for event in events {
        let (thing, change) = event.event.rsplit_once('_').unwrap_or((&event.event, ""));
        let what = format!("{thing} {}", event.subject).trim().to_owned();
        match change {
            "back" => {
                let open = outages.iter_mut().rev().find(|outage| outage.what == what && outage.until_s.is_none());
                if let Some(outage) = open {
                    outage.until_s = Some(event.at_s);
                }
            }
            "crashed" => outages.push(Outage { what, from_s: event.at_s, until_s: Some(event.at_s) }),
            _ => outages.push(Outage { what, from_s: event.at_s, until_s: None }),
        }
    }
    outages
}

#[cfg(test)]
mod tests {
    use super::{joined, outages};
    use crate::record::read::EventRead;

    #[test]
    fn what_comes_back_ends_its_outage() {
        let event = |at_s: f64, event: &str| EventRead { at_s, event: event.to_owned(), subject: "edge-2".to_owned() };
        let found =
            outages(&[event(10.0, "cluster_lost"), event(12.0, "replica_crashed"), event(30.0, "cluster_back")]);
        let spans: Vec<_> = found.iter().map(|one| (one.what.as_str(), one.from_s, one.until_s)).collect();
        assert_eq!(spans, [("cluster edge-2", 10.0, Some(30.0)), ("replica edge-2", 12.0, Some(12.0))]);
        assert_eq!(outages(&[event(10.0, "link_lost")])[0].until_s, None);
    }

    #[test]
    fn more_clusters_than_colours_are_joined_and_none_is_lost() {
        let sums: Vec<(String, Vec<f64>)> = (1..=10).map(|size| (size.to_string(), vec![f64::from(size)])).collect();
        let joined = joined(sums);
        assert_eq!(joined.len(), 8);
        assert_eq!(joined[7], ("3 others".to_owned(), vec![1.0 + 2.0 + 3.0]));
    }
}
