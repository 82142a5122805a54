//! Somebody who asks, with what they may do.

use crate::serve::store::rows::Role;
use serde::Serialize;

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Caller {
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// In which project; in all where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl Caller {
    /// Everybody, where nobody has to say who they are.
    pub fn anonymous() -> Self {
        Self { name: "anonymous".to_owned(), role: Role::Admin, project: None }
    }

    /// Whether they may do what needs a role in a project; without a project, what concerns the whole server. Who belongs to a project
    /// may do nothing in others, and nothing to the server.
    pub fn may(&self, role: Role, project: Option<&str>) -> bool {
        self.role >= role && (self.project.is_none() || self.project.as_deref() == project)
    }

    /// Whether they have a role at all, whatever they belong to: for what everybody may see, like clusters and policies.
    pub fn is(&self, role: Role) -> bool {
        self.role >= role
    }
}
