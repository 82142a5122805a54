//! Named random streams: everyone who draws has a stream of their own.
//!
//! A stream is keyed by (seed, purpose, entity) and never by who asked first. So two policies that are simulated with the
//! same seed face the same arrivals, the same failures and the same delays whatever they decide (common random numbers),
//! and a difference between them is theirs. The generator is counter-based (ChaCha with 8 rounds): a stream costs nothing
//! until it is drawn from, and it can be cloned when a run is forked.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A stream of random numbers; a clone draws the same numbers again.
pub type Stream = ChaCha8Rng;

/// The seed of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of one consumer: `purpose` says what is drawn (`"image_pull"`), `entity` for whom (an index).
    #[must_use]
    pub fn stream(self, purpose: &str, entity: u64) -> Stream {
        let mut hasher = Sha256::new();
        hasher.update(self.0.to_le_bytes());
        hasher.update(entity.to_le_bytes());
        hasher.update(purpose.as_bytes());
        Stream::from_seed(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;
    use rand::Rng;

    #[test]
    fn streams_differ_by_seed_purpose_and_entity_and_nothing_else() {
        let first = |seed: u64, purpose: &str, entity: u64| Seed(seed).stream(purpose, entity).next_u64();
        let reference = first(1, "arrivals", 7);
        assert_eq!(reference, first(1, "arrivals", 7));
        assert_ne!(reference, first(2, "arrivals", 7));
        assert_ne!(reference, first(1, "failures", 7));
        assert_ne!(reference, first(1, "arrivals", 8));
    }
}
