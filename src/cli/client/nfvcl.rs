//! What NFVCL has, as people read it: infrastructures and clusters, a line each, or one with all its fields.
//!
//! The columns are the original's and what tells how far NFVCL is; further fields of a newer server are shown where one is shown
//! alone.

use super::told::{self, cell, one_line, printed, text};
use crate::cli::aligned::Columns;
use serde_json::Value;

/// Columns of a list: what stands above, and where what stands below is found.
type Heads = [(&'static str, &'static str)];

/// Of infrastructures.
pub const VIMS: &Heads = &[
    ("vim", "/vim_name"),
    ("number", "/id"),
    ("areas", "/areas"),
    ("kind", "/vim_type"),
    ("url", "/vim_url"),
    ("management", "/mgmt_network"),
    ("service", "/service_network"),
    ("known", "/present"),
    ("reason", "/reason"),
];

/// Of clusters.
pub const CLUSTERS: &Heads = &[
    ("cluster", "/smo_id"),
    ("vim", "/vim_name"),
    ("area", "/pop_area"),
    ("state", "/state"),
    ("workers", "/running_workers"),
    ("karmada", "/karmada/name"),
    ("blueprint", "/nfvcl_id"),
    ("reason", "/reason"),
];

/// A line each; columns in which nothing stands are left out.
pub fn list(items: &Value, heads: &Heads, nothing: &str) -> String {
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        return format!("{nothing}\n");
    }
    let at = |item: &Value, place: &str| item.pointer(place).map_or_else(|| told::DASH.to_owned(), cell);
    let shown: Vec<_> =
        heads.iter().filter(|(_, place)| items.iter().any(|item| at(item, place) != told::DASH)).collect();
    let mut columns = Columns::new(shown.iter().map(|(head, _)| *head));
    for item in items {
        columns.row(shown.iter().map(|(_, place)| at(item, place)).collect());
    }
    printed(&columns)
}

/// What a sync found: what is new, then all.
pub fn synced(synced: &Value, heads: &Heads, nothing: &str) -> String {
    let news = ["added", "updated", "deleted"].into_iter().filter_map(|key| {
        let names = cell(&synced[key]);
        (names != told::DASH).then(|| format!("{key:<7}  {names}\n"))
    });
    let news: String = news.collect();
    let news = if news.is_empty() { "nothing is new\n".to_owned() } else { news };
    format!("{news}\n{}", list(&synced["items"], heads, nothing))
}

/// All fields of one.
pub fn one(item: &Value) -> String {
    let fields = item.as_object().into_iter().flatten();
    let lines: Vec<String> = fields.map(|(key, value)| format!("{key:<16}  {}", field(value))).collect();
    told::lines(&lines)
}

/// What stands in a field, on one line.
fn field(value: &Value) -> String {
    if value.is_object() { value.to_string() } else { cell(value) }
}

/// Whether NFVCL is through with a cluster, and Karmada has it where it is to.
pub fn is_through(cluster: &Value) -> bool {
    let is_member = cluster["karmada"]["wanted"] != true || cluster["karmada"]["name"].is_string();
    match text(cluster, "state") {
        "ready" => is_member,
        state => state == "failed",
    }
}

/// How far a cluster is, in a line.
pub fn progress(cluster: &Value) -> String {
    let (state, karmada) = (text(cluster, "state"), &cluster["karmada"]);
    let joins = state == "ready" && !karmada["name"].is_string();
    let (state, reason) = if joins { ("joins Karmada", &karmada["reason"]) } else { (state, &cluster["reason"]) };
    let reason = reason.as_str().map(|reason| format!(": {}", one_line(reason))).unwrap_or_default();
    format!("{}  {state}{reason}", cell(&cluster["smo_id"]))
}

#[cfg(test)]
mod tests {
    use super::{CLUSTERS, VIMS, is_through, list, one, progress, synced};
    use serde_json::{Value, json};

    fn cluster(state: &str, karmada: &Value) -> Value {
        json!({"smo_id": "OS_K8S_3_aBcDe", "pop_area": 3, "state": state, "running_workers": 2, "karmada": karmada, "nfvcl_id": null})
    }

    #[test]
    fn lists_have_the_columns_in_which_something_stands() {
        let vims = json!([{"id": 2, "vim_name": "milan", "areas": [3, 4], "vim_type": "openstack", "vim_url": null, "present": true}]);
        let wanted = "vim    number  areas  kind       known\nmilan  2       3, 4   openstack  yes\n";
        assert_eq!(list(&vims, VIMS, "none"), wanted);
        assert_eq!(list(&json!([]), CLUSTERS, "NFVCL has made no clusters"), "NFVCL has made no clusters\n");
        let found = list(&json!([cluster("ready", &json!({"name": "milan-3"}))]), CLUSTERS, "none");
        assert!(found.contains("3     ready  2        milan-3"), "{found}");
    }

    #[test]
    fn a_sync_says_what_is_new() {
        let found = synced(&json!({"items": [], "added": ["a", "b"], "updated": [], "deleted": ["c"]}), VIMS, "none");
        assert_eq!(found, "added    a, b\ndeleted  c\n\nnone\n");
        assert!(synced(&json!({"items": []}), VIMS, "none").starts_with("nothing is new\n"));
    }

    #[test]
    fn one_is_told_with_all_its_fields() {
        let found = one(&json!({"smo_id": "OS_K8S_3_aBcDe", "running_workers": 2, "master_flavor": {"vcpu": "4"}}));
        let wanted = "smo_id            OS_K8S_3_aBcDe\nrunning_workers   2\nmaster_flavor     {\"vcpu\":\"4\"}\n";
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_cluster_that_is_to_join_is_through_when_it_has() {
        let wanted = json!({"wanted": true, "reason": "no credentials yet"});
        let states = ["creating", "unclear", "deploying", "ready", "failed", "deleting"];
        let through = states.map(|state| is_through(&cluster(state, &json!({"wanted": false}))));
        assert_eq!(through, [false, false, false, true, true, false]);
        assert!(!is_through(&cluster("ready", &wanted)));
        assert!(is_through(&cluster("ready", &json!({"wanted": true, "name": "milan-3"}))));
        assert_eq!(progress(&cluster("deploying", &wanted)), "OS_K8S_3_aBcDe  deploying");
        assert_eq!(progress(&cluster("ready", &wanted)), "OS_K8S_3_aBcDe  joins Karmada: no credentials yet");
    }
}
