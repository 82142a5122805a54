//! Alerting rules of graphs: checked before they are written, written as one object a graph, confirmed by reading them back.
//!
//! Each graph has an object (or file) and a group of its own, `smo-<project>.<graph>`, so that no upgrade of anybody's chart wipes
//! it and its removal touches nothing else. Each rule carries an annotation with the digest of its set: Prometheus is told to have
//! taken a change when it shows that digest. It is an annotation, not a label, because labels are what an alert *is*: with another
//! label a firing alert would end and begin anew, and be taken for news.
//!
//! A wrong expression never reaches a rule file, where it would keep Prometheus from loading every other rule too.
//! Deleting a firing rule does not end its alert at once: Alertmanager holds it for some minutes.

mod files;
mod operator;
mod set;

pub use files::Files;
pub use operator::Operator;
pub use set::{GRAPH_LABEL, PROJECT_LABEL, REVISION_ANNOTATION, RuleSet, Trigger};

use super::clock;
use super::outside::{CallError, Class};
use super::prometheus::{Prometheus, RuleGroup};
use std::sync::Arc;
use std::time::Duration;

/// How often Prometheus is asked whether it has taken a change.
const EVERY: Duration = Duration::from_millis(200);

/// Where rules are written.
#[derive(Debug)]
pub enum Place {
    /// As `PrometheusRule` objects, which an operator turns into files.
    Operator(Box<Operator>),
    /// As files that Prometheus reads, where no operator runs.
    Files(Files),
}

/// The rules of all graphs.
#[derive(Debug)]
pub struct Rules {
    prometheus: Arc<Prometheus>,
    place: Place,
    patience: Duration,
}

impl Rules {
    /// Rules that are written to `place` and loaded by `prometheus` within `patience`: seconds with files, up to two minutes where
    /// an operator and the kubelet pass them on.
    pub const fn new(prometheus: Arc<Prometheus>, place: Place, patience: Duration) -> Self {
        Self { prometheus, place, patience }
    }

    /// Brings the rules of a graph to `set`; does nothing where Prometheus has them loaded. A set without triggers removes them.
    ///
    /// # Errors
    /// An expression is wrong (permanent, named, nothing was written), the place refuses the rules, somebody else owns their name,
    /// or Prometheus did not load them in time (retryable).
    pub async fn apply(&self, set: &RuleSet) -> Result<(), CallError> {
        if set.triggers().is_empty() {
            return self.remove(set).await;
        }
        let (group, revision) = (set.name(), set.revision());
        let groups = self.prometheus.rule_groups().await?;
        if groups.iter().any(|loaded| loaded.name == group && shows(loaded, set, &revision)) {
            return Ok(());
        }
        for trigger in set.triggers() {
            self.prometheus.check(&trigger.expr).await.map_err(|error| CallError {
                reason: format!("the trigger `{}` cannot be a rule: {}", trigger.alert, error.reason),
                ..error
            })?;
        }
        match &self.place {
            Place::Operator(operator) => operator.write(set).await?,
            Place::Files(files) => files.write(&self.prometheus, set).await?,
        }
        self.until("loaded", &group, |loaded| loaded.is_some_and(|loaded| shows(loaded, set, &revision))).await
    }

    /// Removes the rules of a graph; that there are none is fine.
    ///
    /// # Errors
    /// The place does not give them up, or Prometheus still had them loaded after its time (retryable).
    pub async fn remove(&self, set: &RuleSet) -> Result<(), CallError> {
        match &self.place {
            Place::Operator(operator) => operator.remove(&set.name()).await?,
            Place::Files(files) => files.remove(&self.prometheus, &set.name()).await?,
        }
        self.until("unloaded", &set.name(), |loaded| loaded.is_none()).await
    }

    /// The same where there are none as a rule: without waiting until Prometheus has noticed, and without a word to it where there is
    /// nothing.
    ///
    /// # Errors
    /// The place does not give them up.
    pub async fn delete(&self, set: &RuleSet) -> Result<(), CallError> {
        match &self.place {
            Place::Operator(operator) => operator.remove(&set.name()).await,
            Place::Files(files) if files.has(&set.name()) => files.remove(&self.prometheus, &set.name()).await,
            Place::Files(_) => Ok(()),
        }
    }

    /// Waits until what Prometheus has loaded of `group` is as it should be.
    async fn until(
        &self,
        wanted: &str,
        group: &str,
        is_so: impl Fn(Option<&RuleGroup>) -> bool,
    ) -> Result<(), CallError> {
        let end = clock::now() + self.patience;
        loop {
            let missing = match self.prometheus.rule_groups().await {
                Ok(groups) if is_so(groups.iter().find(|loaded| loaded.name == group)) => return Ok(()),
                Ok(_not_yet) => {
                    let reason = format!("`{group}` is not {wanted} after {:?}", self.patience);
                    CallError::new("prometheus", "rules", Class::Retryable, reason)
                }
                Err(error) => error,
            };
            if missing.class == Class::Permanent || clock::now() + EVERY >= end {
                return Err(missing);
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// Whether a loaded group is this revision of the set, as a whole.
fn shows(loaded: &RuleGroup, set: &RuleSet, revision: &str) -> bool {
    let is_current = |annotation: Option<&String>| annotation.is_some_and(|shown| shown == revision);
    loaded.rules.len() == set.triggers().len()
        && loaded.rules.iter().all(|rule| is_current(rule.annotations.get(REVISION_ANNOTATION)))
}

#[cfg(test)]
mod tests;
