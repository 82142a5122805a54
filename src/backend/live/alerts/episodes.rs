//! Which episodes of which alerts were told already.
//!
//! Of each alert only the newest episode is kept: what belongs to an older one comes from a replica that lags, and is no news.

use super::payload::{Alert, State};
use std::collections::BTreeMap;
use std::time::Duration;

/// Alerts that are remembered; then those go that were heard of longest ago.
const ALERTS_MAX: usize = 10_000;

/// What was told, by fingerprint.
#[derive(Debug, Default)]
pub(super) struct Episodes {
    told: BTreeMap<String, Told>,
    count: u64,
}

#[derive(Debug)]
struct Told {
    starts_at: Duration,
    state: State,
    count: u64,
}

impl Episodes {
    /// Whether this was not told yet: a later episode, or the end of the one that is known.
    pub(super) fn is_news(&self, alert: &Alert) -> bool {
        let told = self.told.get(&alert.fingerprint);
        told.is_none_or(|told| (told.starts_at, told.state) < (alert.starts_at, alert.state))
    }

    /// It is told now.
    pub(super) fn remember(&mut self, alert: &Alert) {
        self.count += 1;
        let told = Told { starts_at: alert.starts_at, state: alert.state, count: self.count };
        self.told.insert(alert.fingerprint.clone(), told);
        if self.told.len() > ALERTS_MAX {
            self.forget_half();
        }
    }

    fn forget_half(&mut self) {
        let mut counts: Vec<u64> = self.told.values().map(|told| told.count).collect();
        counts.sort_unstable();
        let middle = counts[counts.len() / 2];
        self.told.retain(|_fingerprint, told| told.count >= middle);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Alert, State};
    use super::{ALERTS_MAX, Episodes};
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn alert(name: &str, starts_at_s: u64, state: State) -> Alert {
        let (labels, annotations) = (BTreeMap::new(), BTreeMap::new());
        Alert { state, labels, annotations, starts_at: Duration::from_secs(starts_at_s), fingerprint: name.to_owned() }
    }

    #[test]
    fn an_episode_is_told_when_it_begins_and_when_it_ends() {
        let mut episodes = Episodes::default();
        let script = [
            (alert("a", 1, State::Firing), true),
            (alert("a", 1, State::Firing), false),
            (alert("b", 1, State::Resolved), true),
            (alert("a", 1, State::Resolved), true),
            // From a replica that lags.
            (alert("a", 1, State::Firing), false),
            (alert("a", 2, State::Firing), true),
            (alert("a", 1, State::Resolved), false),
        ];
        for (at, (alert, is_news)) in script.iter().enumerate() {
            assert_eq!(episodes.is_news(alert), *is_news, "step {at}");
            if *is_news {
                episodes.remember(alert);
            }
        }
    }

    #[test]
    fn what_was_heard_of_longest_ago_is_forgotten() {
        let mut episodes = Episodes::default();
        for number in 0..=ALERTS_MAX {
            episodes.remember(&alert(&number.to_string(), 1, State::Firing));
        }
        assert!(episodes.is_news(&alert("0", 1, State::Firing)));
        assert!(!episodes.is_news(&alert(&ALERTS_MAX.to_string(), 1, State::Firing)));
    }
}
