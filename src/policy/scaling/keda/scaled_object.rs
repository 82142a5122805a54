//! KEDA's own part of a decision: between nothing and one, and what happens when triggers fail.
//!
//! Source: `RequestScale`, `scaleToZeroOrIdle`, `scaleFromZeroOrIdle` and `doFallbackScaling` of KEDA 2.21. Everything above one
//! replica is the autoscaler's.

use crate::units::{Span, Time};
use std::str::FromStr;

/// What the user writes into a `ScaledObject`, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaledObject {
    /// `minReplicaCount`.
    pub min: u32,
    /// `idleReplicaCount`.
    pub idle: Option<u32>,
    /// `cooldownPeriod`.
    pub cooldown: Span,
    /// `initialCooldownPeriod`.
    pub initial_cooldown: Span,
    /// `fallback`.
    pub fallback: Option<Fallback>,
}

/// What to do when a trigger cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// `replicas`.
    pub replicas: u32,
    /// `failureThreshold`: so many failures in a row are put up with.
    pub failures: u32,
    /// `behavior`.
    pub behavior: Behavior,
}

/// Which replicas a fallback means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    /// The stated ones.
    Static,
    /// Those that there are.
    CurrentReplicas,
    /// The larger of the two.
    CurrentReplicasIfHigher,
    /// The smaller of the two.
    CurrentReplicasIfLower,
}

impl FromStr for Behavior {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "static" => Ok(Self::Static),
            "currentReplicas" => Ok(Self::CurrentReplicas),
            "currentReplicasIfHigher" => Ok(Self::CurrentReplicasIfHigher),
            "currentReplicasIfLower" => Ok(Self::CurrentReplicasIfLower),
            _ => Err(format!(
                "`{text}` is none of `static`, `currentReplicas`, `currentReplicasIfHigher`, `currentReplicasIfLower`"
            )),
        }
    }
}

impl Fallback {
    /// The replicas that it means where there are `current`.
    pub fn replicas(self, current: u32) -> u32 {
        match self.behavior {
            Behavior::Static => self.replicas,
            Behavior::CurrentReplicas => current,
            Behavior::CurrentReplicasIfHigher => current.max(self.replicas),
            Behavior::CurrentReplicasIfLower => current.min(self.replicas),
        }
    }
}

/// What the triggers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// One of them is active.
    pub is_active: bool,
    /// One of them could not be read.
    pub is_error: bool,
}

/// What KEDA remembers in the object's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// `creationTimestamp`: the first look.
    pub created: Option<Time>,
    /// `lastActiveTime`.
    pub last_active: Option<Time>,
}

impl ScaledObject {
    /// What becomes of `current` replicas at a look at the triggers, and why.
    pub fn request_scale(
        &self,
        status: &mut Status,
        now: Time,
        (current, activity): (u32, Activity),
    ) -> (u32, &'static str) {
        status.created.get_or_insert(now);
        if activity.is_active {
            status.last_active = Some(now);
            let is_idle = current == 0 || (self.idle.is_some() && current < self.min);
            return if is_idle {
                (self.min.max(1), "a trigger is active: awake")
            } else {
                (current, "a trigger is active")
            };
        }
        if activity.is_error {
            return match self.fallback {
                Some(fallback) if fallback.replicas > 0 => {
                    (fallback.replicas(current), "no trigger is active and one cannot be read: the fallback's replicas")
                }
                // The source would go on to scale to zero where no fallback is stated. An outage of telemetry is no rest.
                _ => (current, "hold: no trigger is active, but one cannot be read"),
            };
        }
        let is_lowered = self.idle.is_some_and(|idle| current > idle) || (current > 0 && self.min == 0);
        if is_lowered {
            return if self.has_cooled(*status, now) {
                (self.idle.unwrap_or(0), "no trigger was active for the cooldown: asleep")
            } else {
                (current, "no trigger is active; cooling down")
            };
        }
        if current < self.min && self.idle.is_none() {
            return (self.min, "below the minimum");
        }
        (current, "no trigger is active")
    }

    fn has_cooled(&self, status: Status, now: Time) -> bool {
        match status.last_active {
            Some(active) => active + self.cooldown < now,
            None => status.created.is_some_and(|created| created + self.initial_cooldown < now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, Behavior, Fallback, ScaledObject, Status};
    use crate::units::{Span, Time};

    const ACTIVE: Activity = Activity { is_active: true, is_error: false };
    const IDLE: Activity = Activity { is_active: false, is_error: false };
    const BROKEN: Activity = Activity { is_active: false, is_error: true };

    fn object() -> ScaledObject {
        ScaledObject { min: 0, idle: None, cooldown: Span::seconds(300), initial_cooldown: Span::ZERO, fallback: None }
    }

    fn series(object: ScaledObject, start: u32, looks: &[(u64, Activity)]) -> Vec<u32> {
        let (mut status, mut replicas) = (Status::default(), start);
        let look = |&(second, activity): &(u64, Activity)| {
            replicas = object.request_scale(&mut status, Time(Span::seconds(second).0), (replicas, activity)).0;
            replicas
        };
        looks.iter().map(look).collect()
    }

    /// Active at 30 s: one. Idle from 60 s; the cooldown of 300 s is over when more than that has passed since 30 s.
    #[test]
    fn awake_when_active_and_asleep_after_the_cooldown() {
        let looks = [(0, IDLE), (30, ACTIVE), (60, IDLE), (330, IDLE), (331, IDLE), (360, IDLE)];
        assert_eq!(series(object(), 0, &looks), [0, 1, 1, 1, 0, 0]);
    }

    /// Replicas that were there before any trigger was active go after the initial cooldown, at once by default.
    #[test]
    fn the_initial_cooldown_counts_from_the_first_look() {
        assert_eq!(series(object(), 4, &[(0, IDLE), (30, IDLE)]), [4, 0]);
        let patient = ScaledObject { initial_cooldown: Span::seconds(60), ..object() };
        assert_eq!(series(patient, 4, &[(0, IDLE), (60, IDLE), (90, IDLE)]), [4, 4, 0]);
    }

    /// A minimum of 3: from below to it, and no lower; with idle 0 to nothing and back to the minimum.
    #[test]
    fn a_minimum_holds_unless_there_is_an_idle_count() {
        let least = ScaledObject { min: 3, ..object() };
        assert_eq!(series(least, 1, &[(0, IDLE), (999, IDLE), (1_000, ACTIVE)]), [3, 3, 3]);
        let idle = ScaledObject { idle: Some(0), ..least };
        assert_eq!(series(idle, 3, &[(0, IDLE), (30, IDLE), (60, ACTIVE), (400, IDLE)]), [3, 0, 3, 0]);
    }

    #[test]
    fn a_fallback_means_these_replicas() {
        let of = |behavior, current| Fallback { replicas: 5, failures: 3, behavior }.replicas(current);
        assert_eq!([of(Behavior::Static, 2), of(Behavior::Static, 9)], [5, 5]);
        assert_eq!([of(Behavior::CurrentReplicas, 2), of(Behavior::CurrentReplicas, 9)], [2, 9]);
        assert_eq!([of(Behavior::CurrentReplicasIfHigher, 2), of(Behavior::CurrentReplicasIfHigher, 9)], [5, 9]);
        assert_eq!([of(Behavior::CurrentReplicasIfLower, 2), of(Behavior::CurrentReplicasIfLower, 9)], [2, 5]);
    }

    #[test]
    fn a_trigger_that_cannot_be_read_is_no_rest() {
        assert_eq!(series(object(), 4, &[(0, ACTIVE), (600, BROKEN), (900, BROKEN)]), [4, 4, 4]);
        let fallback = Fallback { replicas: 6, failures: 3, behavior: Behavior::Static };
        let safe = ScaledObject { fallback: Some(fallback), ..object() };
        assert_eq!(series(safe, 4, &[(0, ACTIVE), (600, BROKEN), (630, IDLE)]), [4, 6, 0]);
    }
}
