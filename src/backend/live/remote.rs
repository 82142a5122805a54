//! A hand on a run for whoever looks after it from another thread: the loop itself waits, and cannot be asked.

use super::happening::Happening;
use super::shared::Shared;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A hand on a run from another thread.
#[derive(Debug, Clone)]
pub struct Remote(Arc<Shared>);

impl Remote {
    /// A hand on the run that shares this.
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Ends the run; what was asked for stays, and is stored.
    pub fn end(&self) {
        self.0.tell(Happening::Over);
    }

    /// What went wrong and passed by itself, and how often.
    pub fn troubles(&self) -> BTreeMap<String, u64> {
        self.0.troubles()
    }
}
