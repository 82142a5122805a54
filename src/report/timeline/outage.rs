//! What was broken, and when: losses joined with the returns of the same thing.

use crate::record::history::HappenedRead;
use std::collections::BTreeMap;

/// Something that was broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// What: `cluster edge-2`.
    pub what: String,
    /// From when.
    pub from_s: f64,
    /// Until when; `None` to the end; the beginning for what has no length.
    pub until_s: Option<f64>,
}

impl Outage {
    /// Whether it was there at some time between the two.
    pub fn overlaps(&self, from_s: f64, until_s: f64) -> bool {
        self.from_s <= until_s && self.until_s.is_none_or(|end| end >= from_s)
    }
}

/// Losses joined with the returns of the same thing. Events that are neither are not outages.
pub fn outages(events: &[HappenedRead]) -> Vec<Outage> {
    let mut outages: Vec<Outage> = Vec::new();
    for event in events {
        let (thing, change) = event.event.rsplit_once('_').unwrap_or((&event.event, ""));
        let what = thing_named(thing, &event.subject);
        match change {
            "back" => {
                let open = outages.iter_mut().rev().find(|outage| outage.what == what && outage.until_s.is_none());
                if let Some(outage) = open {
                    outage.until_s = Some(event.at_s);
                }
            }
            "crashed" => outages.push(Outage { what, from_s: event.at_s, until_s: Some(event.at_s) }),
            "lost" => outages.push(Outage { what, from_s: event.at_s, until_s: None }),
            _ => {}
        }
    }
    outages
}

/// `cluster edge-2`; what there is only one of is its own name.
pub fn thing_named(thing: &str, subject: &str) -> String {
    if thing == subject { thing.to_owned() } else { format!("{thing} {subject}").trim().to_owned() }
}

/// The same things, those without length that struck the same one as one entry each: what, how often, and the first and
/// the last of them.
pub fn joined(outages: &[Outage]) -> Vec<(Outage, usize)> {
    let mut joined: Vec<(Outage, usize)> = Vec::new();
    let no_length = |outage: &Outage| outage.until_s.is_some_and(|until| until <= outage.from_s);
    let mut crashes = BTreeMap::new();
    for outage in outages {
        let place = no_length(outage).then(|| *crashes.entry(outage.what.as_str()).or_insert(joined.len()));
        match place.and_then(|place| joined.get_mut(place)) {
            Some((first, count)) => {
                first.until_s = Some(outage.from_s);
                *count += 1;
            }
            None => joined.push((outage.clone(), 1)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::{joined, outages, thing_named};
    use crate::record::history::HappenedRead;

    #[test]
    fn what_comes_back_ends_its_outage() {
        let event =
            |at_s: f64, event: &str| HappenedRead { at_s, event: event.to_owned(), subject: "edge-2".to_owned() };
        let found = outages(&[
            event(10.0, "cluster_lost"),
            event(12.0, "replica_crashed"),
            event(15.0, "service_started"),
            event(30.0, "cluster_back"),
        ]);
        let spans: Vec<_> = found.iter().map(|one| (one.what.as_str(), one.from_s, one.until_s)).collect();
        assert_eq!(spans, [("cluster edge-2", 10.0, Some(30.0)), ("replica edge-2", 12.0, Some(12.0))]);
        assert_eq!(outages(&[event(10.0, "link_lost")])[0].until_s, None);
        assert_eq!(thing_named("telemetry", "telemetry"), "telemetry");
        let again = outages(&[event(1.0, "node_crashed"), event(2.0, "link_lost"), event(5.0, "node_crashed")]);
        let counted: Vec<_> = joined(&again).into_iter().map(|(one, count)| (one.from_s, one.until_s, count)).collect();
        assert_eq!(counted, [(1.0, Some(5.0), 2), (2.0, None, 1)]);
        assert!(found[0].overlaps(29.0, 40.0) && !found[0].overlaps(31.0, 40.0) && !found[0].overlaps(0.0, 9.0));
    }
}
