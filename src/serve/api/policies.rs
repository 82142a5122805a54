//! Who could decide, and who asks.

use super::App;
use super::access::By;
use super::openapi::Reads;
use super::page::Page;
use super::problem::Problem;
use crate::policy::joint::JOINTS;
use crate::policy::parameter::Parameter;
use crate::policy::placement::PLACEMENTS;
use crate::policy::scaling::SCALINGS;
use crate::serve::store::rows::Role;
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(policies)).routes(routes!(whoami))
}

/// A policy, or a half of one: `PLACEMENT+SCALING`, each with its parameters behind a colon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyEntry {
    /// What it decides: where (`placement`), how many (`scaling`), or both (`joint`).
    pub half: Half,
    /// Its name.
    pub name: String,
    /// In a line.
    pub summary: String,
    /// How it decides, and what it assumes.
    pub about: String,
    /// The other half that goes with it where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// Its knobs.
    pub parameters: Vec<Knob>,
}

/// What a policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// Where.
    Placement,
    /// How many.
    Scaling,
    /// Both.
    Joint,
}

/// A parameter of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Knob {
    /// Its name.
    pub name: String,
    /// What it is where nothing is said.
    pub default: String,
    /// What it does, with its unit.
    pub summary: String,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"name": "port-operator", "role": "operator", "project": "harbour"}))]
pub struct Identity {
    /// What the token is called; `anonymous` where tokens are not asked for.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// In which project; in all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// List policies
///
/// What a graph, a project or the server may name as its policy: `anytime+rate:headroom=20%`.
#[utoipa::path(
    get, path = "/v1/policies", operation_id = "listPolicies", tag = "policies",
    responses((status = 200, description = "All of them", body = Page<PolicyEntry>), Reads)
)]
async fn policies(by: By) -> Result<Json<Page<PolicyEntry>>, Problem> {
    by.need(Role::Viewer)?;
    let placements = PLACEMENTS.iter().map(|entry| {
        let about = (entry.name, entry.summary, entry.about);
        of((Half::Placement, about), Some(entry.partner), entry.parameters)
    });
    let scalings = SCALINGS.iter().map(|entry| {
        let about = (entry.name, entry.summary, entry.about);
        of((Half::Scaling, about), Some(entry.partner), entry.parameters)
    });
    let joints = JOINTS.iter().map(|entry| {
        let about = (entry.name, entry.summary, entry.about);
        of((Half::Joint, about), None, entry.parameters)
    });
    Ok(Json(Page::whole(placements.chain(scalings).chain(joints).collect())))
}

fn of(
    (half, (name, summary, about)): (Half, (&str, &str, &str)),
    partner: Option<&str>,
    parameters: &[Parameter],
) -> PolicyEntry {
    let knob = |one: &Parameter| Knob {
        name: one.name.to_owned(),
        default: one.default.to_owned(),
        summary: one.summary.to_owned(),
    };
    PolicyEntry {
        half,
        name: name.to_owned(),
        summary: summary.to_owned(),
        about: about.to_owned(),
        partner: partner.map(str::to_owned),
        parameters: parameters.iter().map(knob).collect(),
    }
}

/// Say who asks
#[utoipa::path(
    get, path = "/v1/whoami", operation_id = "whoAmI", tag = "access",
    responses((status = 200, description = "You", body = Identity), Reads)
)]
async fn whoami(by: By) -> Json<Identity> {
    let By(caller) = by;
    Json(Identity { name: caller.name, role: caller.role, project: caller.project })
}
