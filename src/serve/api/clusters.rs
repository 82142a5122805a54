//! Clusters: as they were seen last, and what the operator says of them.

use super::access::By;
use super::body::Sent;
use super::openapi::{Changes, Reads};
use super::page::Page;
use super::problem::Problem;
use super::{App, body};
use crate::serve::store::rows::{ClusterAttributes, ClusterRow, Role};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Carbon intensity of a grid, g CO₂e/kWh: the dirtiest fuel is at about 1,500. More is a slip of units.
const CARBON_MAX: f64 = 5_000.0;
/// Power usage effectiveness: the worst machine rooms are at about 3.
const PUE_MAX: f64 = 10.0;
/// Dollars for a core and an hour.
const PRICE_MAX: f64 = 1_000.0;
/// Letters of a location.
const LOCATION_MAX: usize = 100;
/// Nobody is farther away, in milliseconds.
const RTT_MS_MAX: f64 = 10_000.0;
/// Clusters whose distance is said.
const RTTS_MAX: usize = 1_000;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(sync)).routes(routes!(show, patch))
}

/// List clusters
///
/// As they were seen last, also those that have left.
#[utoipa::path(
    get, path = "/v1/clusters", operation_id = "listClusters", tag = "clusters",
    responses((status = 200, description = "All of them", body = Page<ClusterRow>), Reads)
)]
async fn list(State(app): State<App>, by: By) -> Result<Json<Page<ClusterRow>>, Problem> {
    by.need(Role::Viewer)?;
    Ok(Json(Page::whole(app.store.clusters().await?)))
}

/// Ask the control plane for its clusters now
#[utoipa::path(
    post, path = "/v1/clusters/sync", operation_id = "syncClusters", tag = "clusters",
    responses((status = 200, description = "All of them, as they are now", body = Page<ClusterRow>), Changes)
)]
async fn sync(State(app): State<App>, by: By) -> Result<Json<Page<ClusterRow>>, Problem> {
    by.need(Role::Operator)?;
    Ok(Json(Page::whole(app.acts.sync_clusters().await?)))
}

/// Show a cluster
#[utoipa::path(
    get, path = "/v1/clusters/{name}", operation_id = "getCluster", tag = "clusters",
    params(("name" = String, Path, description = "Its name in Karmada", example = "member1")),
    responses((status = 200, description = "The cluster", body = ClusterRow), Reads)
)]
async fn show(State(app): State<App>, by: By, Path(name): Path<String>) -> Result<Json<ClusterRow>, Problem> {
    by.need(Role::Viewer)?;
    app.store.cluster(&name).await?.map(Json).ok_or_else(|| no_cluster(&name))
}

/// Say something of a cluster
///
/// Fields that are left out stay as they are; `null` takes one away.
#[utoipa::path(
    patch, path = "/v1/clusters/{name}", operation_id = "patchCluster", tag = "clusters",
    params(("name" = String, Path, description = "Its name in Karmada", example = "member1")),
    request_body(content(
        (ClusterAttributes = "application/json", example = json!({"location": "Zürich", "carbon": 42.0, "pue": 1.2})),
        (ClusterAttributes = "application/merge-patch+json"),
    )),
    responses((status = 200, description = "The cluster, with what is said of it now", body = ClusterRow), Changes)
)]
async fn patch(
    State(app): State<App>,
    by: By,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Json<ClusterRow>, Problem> {
    by.need_everywhere(Role::Admin)?;
    let patch: Map<String, Value> = body::shaped(sent).await?;
    let cluster = app.store.cluster(&name).await?.ok_or_else(|| no_cluster(&name))?;
    let attributes = patched(&cluster.attributes, patch)?;
    let cluster = app.store.set_attributes(&name, &attributes).await?;
    app.acts.wake();
    Ok(Json(cluster))
}

/// Attributes with what a patch says.
fn patched(attributes: &ClusterAttributes, patch: Map<String, Value>) -> Result<ClusterAttributes, Problem> {
    let whole = serde_json::to_value(attributes).map_err(|error| Problem::internal(error.to_string()))?;
    let Value::Object(mut fields) = whole else { return Err(Problem::internal("attributes are no map")) };
    fields.extend(patch);
    let patched: ClusterAttributes =
        serde_json::from_value(Value::Object(fields)).map_err(|error| Problem::unprocessable(error.to_string()))?;
    check(&patched)?;
    Ok(patched)
}

fn check(attributes: &ClusterAttributes) -> Result<(), Problem> {
    let ranges = [
        ("price_per_core_hour", attributes.price_per_core_hour, 0.0, PRICE_MAX, "dollars"),
        ("carbon", attributes.carbon, 0.0, CARBON_MAX, "g CO₂e/kWh"),
        ("pue", attributes.pue, 1.0, PUE_MAX, "in all for 1 that computes"),
    ];
    for (field, value, least, most, unit) in ranges {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return Err(Problem::unprocessable(format!("`{field}` goes from {least} to {most} {unit}")));
        }
    }
    let rtts = attributes.rtt_ms.iter().flatten();
    if rtts.clone().any(|(_, ms)| !(0.0..=RTT_MS_MAX).contains(ms)) || rtts.count() > RTTS_MAX {
        let message = format!("`rtt_ms` has at most {RTTS_MAX} clusters, each from 0 to {RTT_MS_MAX} ms away");
        return Err(Problem::unprocessable(message));
    }
    let fits = |text: &String| text.chars().count() <= LOCATION_MAX && !text.chars().any(char::is_control);
    if attributes.location.as_ref().is_some_and(|text| !fits(text)) {
        return Err(Problem::unprocessable(format!("`location` has at most {LOCATION_MAX} printable letters")));
    }
    Ok(())
}

fn no_cluster(name: &str) -> Problem {
    Problem::not_found(format!(
        "there is no cluster `{name}`; `GET /v1/clusters` lists all, POST /v1/clusters/sync asks again"
    ))
}

#[cfg(test)]
mod tests {
    use super::patched;
    use crate::serve::store::rows::ClusterAttributes;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "tests read better so")]
    fn with(patch: serde_json::Value) -> Result<ClusterAttributes, super::Problem> {
        let before = ClusterAttributes { location: Some("Bern".to_owned()), pue: Some(1.5), ..Default::default() };
        patched(&before, patch.as_object().unwrap().clone())
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let after = with(json!({"pue": null, "carbon": 40})).unwrap();
        let wanted = ClusterAttributes { location: Some("Bern".to_owned()), carbon: Some(40.0), ..Default::default() };
        assert_eq!(after, wanted);
    }

    #[test]
    fn slips_of_units_and_strange_fields_are_refused() {
        for patch in [json!({"pue": 0.9}), json!({"carbon": -1}), json!({"carbon": 42_000}), json!({"colour": "red"})] {
            assert_eq!(with(patch.clone()).unwrap_err().status, 422, "{patch}");
        }
        assert_eq!(with(json!({"location": "a".repeat(101)})).unwrap_err().status, 422);
        assert_eq!(with(json!({"price_per_core_hour": "cheap"})).unwrap_err().status, 422);
        for rtts in [json!({"b": -1}), json!({"b": 60_000}), json!({"b": null}), json!([3])] {
            assert_eq!(with(json!({"rtt_ms": rtts})).unwrap_err().status, 422, "{rtts}");
        }
        let said = with(json!({"rtt_ms": {"b": 4.5}})).unwrap();
        assert_eq!(said.rtt_ms.unwrap().into_iter().collect::<Vec<_>>(), [("b".to_owned(), 4.5)]);
    }
}
