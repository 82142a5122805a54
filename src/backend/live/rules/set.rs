//! The rules of one graph, and how they are written.

use crate::backend::live::digest::sha256;
use crate::backend::live::names::is_name;
use crate::backend::live::outside::{CallError, Class};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The annotation of an alert that holds the [revision](RuleSet::revision) of the set whose rule it is: one of a set that is gone
/// may still come.
pub const REVISION_ANNOTATION: &str = "smo_revision";
/// The label of an alert that says whose graph it is about.
pub const PROJECT_LABEL: &str = "smo_project";
/// The label of an alert that says which graph it is about.
pub const GRAPH_LABEL: &str = "smo_graph";

/// What makes an alert fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The name of the alert.
    pub alert: String,
    /// The expression that has to give something, in PromQL.
    pub expr: String,
    /// For how long it has to.
    pub lasting: Duration,
    /// Labels of the alert, besides [`PROJECT_LABEL`] and [`GRAPH_LABEL`].
    pub labels: BTreeMap<String, String>,
}

/// The rules of one graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    project: String,
    graph: String,
    triggers: Vec<Trigger>,
}

impl RuleSet {
    /// The rules of `graph` in `project`.
    ///
    /// # Errors
    /// One of the two is no name that Kubernetes takes.
    pub fn new(project: &str, graph: &str, triggers: Vec<Trigger>) -> Result<Self, CallError> {
        if let Some(wrong) = [project, graph].into_iter().find(|name| !is_name(name, 63)) {
            let reason = format!("`{wrong}` is no name; wanted at most 63 of a-z, 0-9 and - inside");
            return Err(CallError::new("prometheus", "rules", Class::Permanent, reason));
        }
        Ok(Self { project: project.to_owned(), graph: graph.to_owned(), triggers })
    }

    /// The name of its object, file and group. Names of projects and graphs may have hyphens and no dots: behind a hyphen, `a-shop` of
    /// `team` would be called like `shop` of `team-a`.
    pub fn name(&self) -> String {
        format!("smo-{}.{}", self.project, self.graph)
    }

    /// What makes its alerts fire.
    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
    }

    /// The digest of what it says.
    pub fn revision(&self) -> String {
        let rules: Vec<Value> = self.triggers.iter().map(|trigger| self.rule(trigger)).collect();
        sha256(Value::from(rules).to_string().as_bytes())
    }

    /// The `groups` of a rule file, or of the `spec` of a `PrometheusRule`: both have the same shape.
    pub fn groups(&self) -> Value {
        let revision = self.revision();
        let annotated = |trigger| {
            let mut rule = self.rule(trigger);
            rule["annotations"] = json!({ REVISION_ANNOTATION: revision });
            rule
        };
        let rules: Vec<Value> = self.triggers.iter().map(annotated).collect();
        json!([{"name": self.name(), "rules": rules}])
    }

    fn rule(&self, trigger: &Trigger) -> Value {
        let mut labels = trigger.labels.clone();
        labels.insert(PROJECT_LABEL.to_owned(), self.project.clone());
        labels.insert(GRAPH_LABEL.to_owned(), self.graph.clone());
        let lasting = format!("{}ms", trigger.lasting.as_millis());
        json!({"alert": trigger.alert, "expr": trigger.expr, "for": lasting, "labels": labels})
    }
}
