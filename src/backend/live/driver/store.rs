//! What is stored for all who may drive: who does, the kill switch, and what is wanted.

use super::Driver;
use crate::backend::live::clock;
use crate::backend::live::happening::Happening;
use crate::backend::live::karmada::store::{LEASE, Wish};
use crate::backend::live::outside::{CallError, Class};
use crate::model::observation::{Event, EventKind};
use crate::units::Span;
use std::time::Duration;

/// From one look at the kill switch to the next: no write is made on an older one.
const LOOK_EVERY: Span = Span::seconds(1);
/// A lease is renewed when a third of it is gone.
const RENEW_EVERY: Span = Span::seconds(LEASE.as_secs() / 3);

impl Driver {
    /// Reads the kill switch and who drives, and says that we still do.
    pub(super) async fn look(&mut self) -> Result<(), CallError> {
        let now = self.clock.time();
        if self.looked.is_some_and(|looked| now.since(looked) < LOOK_EVERY) {
            return Ok(());
        }
        let found = self.karmada.stored(&self.shared.connection.name).await;
        let found = found.map_err(|error| self.on_barred(error))?;
        if let Some(other) = found.other_driver(&self.me, clock::since_epoch()) {
            return Err(double_control(&self.shared.connection.name, other));
        }
        // Once it was us, anybody else has taken over meanwhile, even if they have left again: our wishes are not theirs.
        let name = found.driver.as_ref().map_or("", |(name, _)| name);
        if self.renewed.is_some() && name != self.me {
            let other = if name.is_empty() { "somebody else" } else { name };
            return Err(double_control(&self.shared.connection.name, other));
        }
        self.looked = Some(now);
        self.note_pause(found.paused.as_deref());
        self.stored.version.clone_from(&found.version);
        self.stored.paused = found.paused;
        if self.renewed.is_none_or(|renewed| now.since(renewed) >= RENEW_EVERY) {
            self.store().await?;
        }
        Ok(())
    }

    fn note_pause(&self, now: Option<&str>) {
        let kind = match (self.stored.paused.is_some(), now.is_some()) {
            (false, true) => EventKind::ControlPaused,
            (true, false) => EventKind::ControlResumed,
            _ => return,
        };
        let subject = now.or(self.stored.paused.as_deref()).unwrap_or_default().to_owned();
        self.shared.tell(Happening::Event(Event { at: self.clock.time(), kind, subject }));
    }

    pub(super) async fn store(&mut self) -> Result<(), CallError> {
        let now = self.clock.time();
        self.stored.driver = Some((self.me.clone(), clock::since_epoch()));
        match self.karmada.store(&self.shared.connection.name, &self.stored).await {
            Ok(version) => {
                self.stored.version = version;
                self.renewed = Some(now);
                self.barred = None;
                Ok(())
            }
            // The kill switch, or another driver: the next look tells.
            Err(error) if error.class == Class::Conflict => {
                self.looked = None;
                Err(CallError { class: Class::Retryable, ..error })
            }
            Err(error) => Err(self.on_barred(error)),
        }
    }

    /// What is stored cannot be had, or not be written. A control plane that comes back may know nobody's rights for a moment, so that
    /// counts as what passes for as long as a lease lasts without a break; after that anybody may drive, and we cannot.
    fn on_barred(&mut self, error: CallError) -> CallError {
        if error.class == Class::Retryable {
            self.barred = None;
            return error;
        }
        let now = self.clock.time();
        let passes = now.since(*self.barred.get_or_insert(now)) < Span::seconds(LEASE.as_secs());
        if passes { CallError { class: Class::Retryable, ..error } } else { error }
    }

    /// Wants this from now on. What cannot be stored is not wanted: nothing of it may be acted on.
    pub(super) async fn want(&mut self, wishes: Vec<(String, Wish)>) -> Result<(), CallError> {
        let before = self.stored.wishes.clone();
        self.stored.wishes.extend(wishes);
        let stored = self.store().await;
        if stored.is_err() {
            self.stored.wishes = before;
        }
        stored
    }

    /// Says that nobody drives any more. What is wanted stays stored.
    pub(super) async fn leave(&mut self) {
        self.stored.driver = Some((String::new(), Duration::ZERO));
        if let Err(error) = self.karmada.store(&self.shared.connection.name, &self.stored).await {
            self.shared.note(&error);
        }
    }
}

/// Two of us on one connection.
pub fn double_control(connection: &str, other: &str) -> CallError {
    let reason = format!("`{other}` drives it already; stop that one, or wait {} s if it is gone", LEASE.as_secs());
    CallError::new("karmada", format!("drive {connection}"), Class::Permanent, reason)
}
