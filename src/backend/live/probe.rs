//! Whether a cluster is there: our own answer, since Karmada needs most of a minute for an API server that hangs.
//!
//! Lost after some questions in a row without an answer; back after it has answered for a while without a break, so that a
//! cluster that comes and goes is not returned to each time. Between the two it keeps the state that it had.

use crate::model::connection::Probe;
use crate::model::observation::EventKind;
use crate::units::Time;

/// The answers of one cluster so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    missed: u32,
    lost: bool,
    answers_since: Option<Time>,
}

impl Reach {
    /// Whether it counts as lost.
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether its last question was answered; nothing where it was never asked.
    pub const fn answered(&self) -> Option<bool> {
        match (self.missed, self.answers_since) {
            (0, None) => None,
            (missed, _) => Some(missed == 0),
        }
    }

    /// It was asked at `at`; what became of it, where that changed.
    pub fn on_asked(&mut self, answered: bool, at: Time, probe: &Probe) -> Option<EventKind> {
        if answered {
            self.missed = 0;
            let since = *self.answers_since.get_or_insert(at);
            let is_back = self.lost && at.since(since) >= probe.back_after;
            self.lost &= !is_back;
            return is_back.then_some(EventKind::ClusterBack);
        }
        self.answers_since = None;
        self.missed += 1;
        let is_news = !self.lost && self.missed >= probe.lost_after;
        self.lost |= is_news;
        is_news.then_some(EventKind::ClusterLost)
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;
    use crate::model::connection::Probe;
    use crate::model::observation::EventKind;
    use crate::units::{Span, Time};

    /// One question a second; `x` is no answer, `o` is one. Lost at the third x in a row, back after 4 s of answers.
    #[test]
    fn a_cluster_is_lost_after_silence_and_back_after_a_while() {
        let probe = Probe { every: Span::seconds(1), lost_after: 3, back_after: Span::seconds(4) };
        let mut reach = Reach::default();
        assert_eq!(reach.answered(), None);
        let mut told = Vec::new();
        for (second, letter) in "oxxoxxxxooxoooooo".chars().enumerate() {
            let at = Time(second as u64 * 1_000_000_000);
            told.extend(reach.on_asked(letter == 'o', at, &probe).map(|kind| (second, kind)));
        }
        assert_eq!(told, [(6, EventKind::ClusterLost), (15, EventKind::ClusterBack)]);
    }
}
