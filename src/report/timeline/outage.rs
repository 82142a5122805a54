//! What was broken, and when: losses joined with the returns of the same thing.

use crate::record::journal::EventRead;

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
pub fn outages(events: &[EventRead]) -> Vec<Outage> {
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
            "lost" => outages.push(Outage { what, from_s: event.at_s, until_s: None }),
            _ => {}
        }
    }
    outages
}

#[cfg(test)]
mod tests {
    use super::outages;
    use crate::record::journal::EventRead;

    #[test]
    fn what_comes_back_ends_its_outage() {
        let event = |at_s: f64, event: &str| EventRead { at_s, event: event.to_owned(), subject: "edge-2".to_owned() };
        let found = outages(&[
            event(10.0, "cluster_lost"),
            event(12.0, "replica_crashed"),
            event(15.0, "service_started"),
            event(30.0, "cluster_back"),
        ]);
        let spans: Vec<_> = found.iter().map(|one| (one.what.as_str(), one.from_s, one.until_s)).collect();
        assert_eq!(spans, [("cluster edge-2", 10.0, Some(30.0)), ("replica edge-2", 12.0, Some(12.0))]);
        assert_eq!(outages(&[event(10.0, "link_lost")])[0].until_s, None);
        assert!(found[0].overlaps(29.0, 40.0) && !found[0].overlaps(31.0, 40.0) && !found[0].overlaps(0.0, 9.0));
    }
}
