//! What NFVCL has, as people read it: infrastructures and clusters, a line each, or one with all its fields.
//!
//! The columns are the original's; further fields of a newer server are shown where one is shown alone.

use super::told::{self, cell, printed};
use crate::cli::aligned::Columns;
use serde_json::Value;

/// Columns of a list: what stands above, and which field stands below.
type Heads = [(&'static str, &'static str)];

/// Of infrastructures.
pub const VIMS: &Heads = &[
    ("vim", "id"),
    ("name", "vim_name"),
    ("area", "pop_area"),
    ("kind", "vim_type"),
    ("url", "vim_url"),
    ("management", "mgmt_network"),
    ("service", "service_network"),
];

/// Of clusters.
pub const CLUSTERS: &Heads = &[
    ("cluster", "smo_id"),
    ("area", "pop_area"),
    ("state", "state"),
    ("workers", "running_workers"),
    ("management", "mgmt_network"),
    ("service", "service_network"),
    ("karmada", "karmada_name"),
    ("blueprint", "nfvcl_id"),
];

/// A line each; columns in which nothing stands are left out.
pub fn list(items: &Value, heads: &Heads, nothing: &str) -> String {
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        return format!("{nothing}\n");
    }
    let is_filled = |key: &str| items.iter().any(|item| cell(&item[key]) != told::DASH);
    let shown: Vec<_> = heads.iter().filter(|(_, key)| is_filled(key)).collect();
    let mut columns = Columns::new(shown.iter().map(|(head, _)| *head));
    items.iter().for_each(|item| columns.row(shown.iter().map(|(_, key)| cell(&item[*key])).collect()));
    printed(&columns)
}

/// All fields of one.
pub fn one(item: &Value) -> String {
    let fields = item.as_object().into_iter().flatten();
    let lines: Vec<String> = fields.map(|(key, value)| format!("{key:<20}  {}", field(value))).collect();
    told::lines(&lines)
}

/// What stands in a field, on one line.
fn field(value: &Value) -> String {
    if value.is_object() { value.to_string() } else { cell(value) }
}

#[cfg(test)]
mod tests {
    use super::{CLUSTERS, VIMS, list, one};
    use serde_json::json;

    #[test]
    fn lists_have_the_columns_in_which_something_stands() {
        let vims = json!([{"id": 2, "vim_name": "milan", "pop_area": 3, "vim_type": "openstack", "vim_url": null}]);
        assert_eq!(list(&vims, VIMS, "none"), "vim  name   area  kind\n2    milan  3     openstack\n");
        assert_eq!(list(&json!([]), CLUSTERS, "NFVCL has made no clusters"), "NFVCL has made no clusters\n");
    }

    #[test]
    fn one_is_told_with_all_its_fields() {
        let found = one(&json!({"smo_id": "OS_K8S_3_aBcDe", "running_workers": 2, "master_flavor": {"vcpu": "4"}}));
        let wanted =
            "smo_id                OS_K8S_3_aBcDe\nrunning_workers       2\nmaster_flavor         {\"vcpu\":\"4\"}\n";
        assert_eq!(found, wanted);
    }
}
