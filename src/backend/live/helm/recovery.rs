//! What a killed Helm leaves, and how it is cleared away.
//!
//! A Helm that is killed leaves its revision `pending-*` (or the release `uninstalling`), and every later Helm then refuses to
//! touch the release. Nothing tells a killed Helm from one that is still at work, except that ours hold the [lock](super::lock): one
//! that began under the lock and is gone was killed. A revision that is none of ours is cleared only when it is older than any
//! Helm's patience.

use super::answer::{Revision, Status};
use super::lock::Lock;
use super::{Helm, Release, trouble};
use crate::backend::live::clock;
use crate::backend::live::outside::{CallError, Class};
use std::time::Duration;

/// After how long a Helm that is none of ours is taken for dead: twice what Helm itself waits for one thing.
const FOREIGN_DEAD: Duration = Duration::from_mins(10);

/// What was done about a release that a killed Helm left unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It was rolled back to this revision, the last that had been in force.
    RolledBack {
        /// Where the unfinished revision stood.
        was: Status,
        /// The number of the revision that was restored.
        to: u32,
    },
    /// It was removed: it had never been in force, or was being removed anyway.
    Removed {
        /// Where it stood.
        was: Status,
    },
}

impl Helm {
    /// The newest revision of a release on which nobody is at work any more, and what had to be done for that.
    pub(super) async fn clear(
        &self,
        release: &Release,
        lock: &Lock,
    ) -> Result<(Option<Revision>, Option<Recovery>), CallError> {
        let what = lock.what();
        let was_interrupted = lock.was_interrupted().map_err(|error| trouble(what, &self.settings.home, &error))?;
        let history = self.read_history(what, release).await?;
        let Some(recovery) = recovery(&history) else {
            // Killed before it began, or behind its end: the next revision that is unfinished may be somebody else's.
            lock.end().map_err(|error| trouble(what, &self.settings.home, &error))?;
            return Ok((history.into_iter().next_back(), None));
        };
        let age = clock::since_epoch().saturating_sub(history.last().map_or(Duration::ZERO, |last| last.updated_at));
        if !was_interrupted && age < FOREIGN_DEAD {
            let reason = format!("another helm has been at this release for {} s", age.as_secs());
            return Err(CallError::new("helm", what, Class::Conflict, reason));
        }
        match recovery {
            Recovery::RolledBack { to, .. } => self.run_rollback(release, to, lock).await?,
            Recovery::Removed { .. } => self.run_uninstall(release, lock).await?,
        }
        let newest = self.read_history(what, release).await?.pop();
        Ok((newest, Some(recovery)))
    }
}

/// What a history, oldest first, needs before Helm touches its release again.
fn recovery(history: &[Revision]) -> Option<Recovery> {
    let was = history.last().map(|newest| newest.status).filter(|status| status.is_unfinished())?;
    let newest_of = |wanted| history.iter().rev().find(|revision| revision.status == wanted);
    let last_good = newest_of(Status::Deployed).or_else(|| newest_of(Status::Superseded));
    Some(match (was, last_good) {
        (Status::Uninstalling, _) | (_, None) => Recovery::Removed { was },
        (_, Some(good)) => Recovery::RolledBack { was, to: good.revision },
    })
}

#[cfg(test)]
mod tests {
    use super::{Recovery, recovery};
    use crate::backend::live::helm::{Revision, Status};
    use std::time::Duration;

    fn history(states: &[Status]) -> Vec<Revision> {
        let numbered = (1..).zip(states.iter().copied());
        let revision = |(revision, status)| Revision {
            revision,
            status,
            description: String::new(),
            chart: String::new(),
            updated_at: Duration::ZERO,
        };
        numbered.map(revision).collect()
    }

    #[test]
    fn what_was_in_force_last_is_restored_and_what_never_was_is_removed() {
        use Status::{Deployed, Failed, PendingInstall, PendingRollback, PendingUpgrade, Superseded, Uninstalling};
        let of = |states: &[Status]| recovery(&history(states));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[Deployed, Failed]), None);
        assert_eq!(of(&[PendingInstall]), Some(Recovery::Removed { was: PendingInstall }));
        assert_eq!(of(&[Failed, PendingUpgrade]), Some(Recovery::Removed { was: PendingUpgrade }));
        let was = PendingUpgrade;
        assert_eq!(of(&[Superseded, Deployed, Failed, was]), Some(Recovery::RolledBack { was, to: 2 }));
        let was = PendingRollback;
        assert_eq!(of(&[Superseded, Superseded, was]), Some(Recovery::RolledBack { was, to: 2 }));
        assert_eq!(of(&[Superseded, Uninstalling]), Some(Recovery::Removed { was: Uninstalling }));
    }
}
