//! Seats by the method of Webster (Sainte-Laguë): the next one goes to the party with the largest votes ÷ (2·seats + 1).
//!
//! Ties fall to the party with fewer seats, then by name: rising or falling, as a hash of the workload's UID says, so that not
//! every workload favours the same cluster. Quotients are compared as floating-point numbers because Karmada does.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// One party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Name, unique among the parties.
    pub name: String,
    /// Votes.
    pub votes: i64,
    /// Seats.
    pub seats: i32,
}

/// Who wins among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieBreak {
    /// The name that comes first.
    Rising,
    /// The name that comes last.
    Falling,
}

impl TieBreak {
    /// Falling where the 32-bit FNV-1a hash of the UID is odd.
    pub fn of_uid(uid: &str) -> Self {
        const BASIS: u32 = 2_166_136_261;
        const PRIME: u32 = 16_777_619;
        let hash = uid.bytes().fold(BASIS, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
        if !uid.is_empty() && hash & 1 == 1 { Self::Falling } else { Self::Rising }
    }
}

/// Divides `seats` among parties with these votes; the result is sorted by name. Nobody gets anything where there are no
/// votes at all.
pub fn allocate<'a>(seats: i32, votes: impl IntoIterator<Item = (&'a str, i64)>, ties: TieBreak) -> Vec<Party> {
    let parties = votes.into_iter().map(|(name, votes)| Party { name: name.to_owned(), votes, seats: 0 });
    let mut queue: BinaryHeap<Claim> = parties.map(|party| Claim { party, ties }).collect();
    if queue.iter().fold(0i64, |sum, claim| sum.wrapping_add(claim.party.votes)) == 0 {
        return Vec::new();
    }
    for _ in 0..seats {
        let Some(mut best) = queue.peek_mut() else { break };
        best.party.seats += 1;
    }
    let mut parties: Vec<Party> = queue.into_iter().map(|claim| claim.party).collect();
    parties.sort_by(|a, b| a.name.cmp(&b.name));
    parties
}

/// A party in the queue for the next seat; the greatest gets it.
struct Claim {
    party: Party,
    ties: TieBreak,
}

impl Claim {
    fn quotient(&self) -> f64 {
        self.party.votes as f64 / f64::from(self.party.seats.wrapping_mul(2).wrapping_add(1))
    }
}

impl Ord for Claim {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_name = match self.ties {
            TieBreak::Rising => other.party.name.cmp(&self.party.name),
            TieBreak::Falling => self.party.name.cmp(&other.party.name),
        };
        let by_quotient = self.quotient().total_cmp(&other.quotient());
        by_quotient.then(other.party.seats.cmp(&self.party.seats)).then(by_name)
    }
}

impl PartialOrd for Claim {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Claim {}

#[cfg(test)]
mod tests {
    use super::{TieBreak, allocate};

    fn seats(count: i32, votes: &[(&str, i64)], ties: TieBreak) -> Vec<i32> {
        allocate(count, votes.iter().copied(), ties).iter().map(|party| party.seats).collect()
    }

    /// The example of the method in textbooks: 53,000, 24,000 and 23,000 votes, seven seats. Quotients by 1, 3, 5, 7:
    /// 53, 17.67, 10.6, 7.57 | 24, 8, 4.8 | 23, 7.67, 4.6: the seven largest are 53, 24, 23, 17.67, 10.6, 8, 7.67.
    #[test]
    fn seven_seats_for_three_parties_are_divided_as_in_textbooks() {
        assert_eq!(seats(7, &[("a", 53_000), ("b", 24_000), ("c", 23_000)], TieBreak::Rising), [3, 2, 2]);
    }

    #[test]
    fn ties_go_to_the_party_with_fewer_seats_then_by_name() {
        // After 3 of 4 seats: a (votes 9) has 1, quotient 9/3 = 3; b (votes 3) has 0, quotient 3/1 = 3: b has fewer.
        assert_eq!(seats(2, &[("a", 9), ("b", 3)], TieBreak::Rising), [1, 1]);
        assert_eq!(seats(1, &[("a", 1), ("b", 1), ("c", 1)], TieBreak::Rising), [1, 0, 0]);
        assert_eq!(seats(1, &[("a", 1), ("b", 1), ("c", 1)], TieBreak::Falling), [0, 0, 1]);
    }

    #[test]
    fn without_votes_nobody_gets_a_seat() {
        assert!(seats(5, &[("a", 0), ("b", 0)], TieBreak::Rising).is_empty());
        assert!(seats(5, &[], TieBreak::Rising).is_empty());
        assert_eq!(seats(5, &[("a", 0), ("b", 1)], TieBreak::Rising), [0, 5]);
    }

    /// The published 32-bit FNV-1a hashes of `a` and `b` are 0xe40c292c, even, and 0xe70c2de5, odd.
    #[test]
    fn the_direction_of_names_is_the_parity_of_the_hash() {
        assert_eq!(TieBreak::of_uid(""), TieBreak::Rising);
        assert_eq!(TieBreak::of_uid("a"), TieBreak::Rising);
        assert_eq!(TieBreak::of_uid("b"), TieBreak::Falling);
    }
}
