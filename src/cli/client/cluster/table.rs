//! Clusters as people read them: a line a cluster, or one with all that is known of it.

use crate::cli::aligned::Columns;
use crate::cli::client::told::{self, DASH, cell, gib, instant, printed, text, yes_no};
use serde_json::Value;

/// A line a cluster.
pub fn list(clusters: &Value) -> String {
    let clusters = clusters.as_array().map_or(&[][..], Vec::as_slice);
    if clusters.is_empty() {
        return "no clusters were seen yet; `smo cluster sync` asks the control plane\n".to_owned();
    }
    let heads = ["cluster", "ready", ">nodes", ">cores", ">free", ">memory", ">free", ">gpu", "location", "seen"];
    let mut columns = Columns::new(heads);
    for cluster in clusters {
        let amount = |key: &str, part: &str| cluster[key][part].as_f64().unwrap_or(0.0);
        columns.row(vec![
            cell(&cluster["name"]),
            ready(cluster).to_owned(),
            cell(&cluster["nodes"]),
            format!("{:.1}", amount("cpu", "allocatable")),
            format!("{:.1}", amount("cpu", "free")),
            gib(amount("memory", "allocatable")),
            gib(amount("memory", "free")),
            gpu(cluster),
            location(cluster),
            instant(text(cluster, "seen_at")),
        ]);
    }
    printed(&columns)
}

/// One with all that is known of it.
pub fn cluster(cluster: &Value) -> String {
    let amount = |key: &str, part: &str| cluster[key][part].as_f64().unwrap_or(0.0);
    let said = &cluster["attributes"];
    let some = |value: &Value| Some(cell(value)).filter(|cell| cell != DASH);
    let with_unit = |value: &Value, unit: &str| some(value).map(|value| format!("{value} {unit}"));
    let facts = [
        ("ready", Some(ready(cluster).to_owned())),
        ("seen", Some(instant(text(cluster, "seen_at")))),
        ("nodes", some(&cluster["nodes"])),
        ("cores", Some(format!("{:.1} of {:.1} free", amount("cpu", "free"), amount("cpu", "allocatable")))),
        ("memory", Some(format!("{} of {} free", gib(amount("memory", "free")), gib(amount("memory", "allocatable"))))),
        ("gpu", Some(format!("{} of {} free", amount("gpu", "free"), amount("gpu", "allocatable")))),
        ("version", some(&cluster["version"])),
        ("region", some(&cluster["region"])),
        ("pods", some(&cluster["pod_cidr"])),
        ("services", some(&cluster["service_cidr"])),
        ("location", some(&said["location"])),
        ("price", with_unit(&said["price_per_core_hour"], "$ a core and hour")),
        ("carbon", with_unit(&said["carbon"], "g CO₂e/kWh")),
        ("pue", some(&said["pue"])),
        ("acceleration", some(&said["acceleration"])),
        ("trusted", some(&said["trusted"])),
        ("near-devices", some(&said["near_devices"])),
        ("rtt", distances(&said["rtt_ms"])),
        ("rtt measured", distances(&cluster["rtt_ms"])),
        ("dashboard", some(&cluster["dashboard"])),
    ];
    let facts = facts.into_iter().filter_map(|(word, value)| Some(format!("{word:<12}  {}", value?)));
    let lines: Vec<String> = std::iter::once(cell(&cluster["name"])).chain(facts).collect();
    told::lines(&lines)
}

/// Milliseconds there and back to other clusters.
fn distances(rtts: &Value) -> Option<String> {
    let one = |(name, ms): (&String, &Value)| format!("{name} {:.1} ms", ms.as_f64().unwrap_or_default());
    let all: Vec<String> = rtts.as_object()?.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// `left` of one that the control plane has no more.
fn ready(cluster: &Value) -> &'static str {
    if cluster["present"] == false { "left" } else { yes_no(cluster["ready"] == true) }
}

/// Where the operator says it is, else where the control plane says it is.
fn location(cluster: &Value) -> String {
    let said = cell(&cluster["attributes"]["location"]);
    if said == DASH { cell(&cluster["region"]) } else { said }
}

/// Accelerators; `yes` where only the operator knows of some.
fn gpu(cluster: &Value) -> String {
    let count = cluster["gpu"]["allocatable"].as_f64().unwrap_or(0.0);
    if count == 0.0 && cluster["attributes"]["acceleration"] == true { "yes".to_owned() } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::{cluster, list};
    use crate::serve::at::At;
    use crate::serve::store::rows::{Amount, ClusterAttributes, ClusterRow};
    use serde_json::{Value, json};

    fn edge() -> Value {
        let gib = f64::from(1_u32 << 30);
        let row = ClusterRow {
            name: "edge-1".to_owned(),
            present: true,
            ready: true,
            seen_at: At(1_796_026_500_042),
            cpu: Amount { allocatable: 12.0, free: 7.25 },
            memory: Amount { allocatable: 24.0 * gib, free: 21.5 * gib },
            gpu: Amount::default(),
            nodes: 3,
            version: "v1.33.1".to_owned(),
            region: "eu-south".to_owned(),
            pod_cidr: None,
            service_cidr: None,
            rtt_ms: std::collections::BTreeMap::default(),
            attributes: ClusterAttributes { carbon: Some(270.0), acceleration: Some(true), ..Default::default() },
            dashboard: None,
        };
        serde_json::to_value(row).unwrap()
    }

    #[test]
    fn clusters_are_listed_with_what_is_free() {
        let found = list(&json!([edge()]));
        let row: Vec<&str> = found.lines().nth(1).unwrap().split_whitespace().collect();
        let wanted = "edge-1 yes 3 12.0 7.2 24.0 GiB 21.5 GiB yes eu-south 2026-11-30 08:15:00";
        assert_eq!(row.join(" "), wanted);
        assert!(list(&json!([])).contains("smo cluster sync"));
    }

    #[test]
    fn one_that_has_left_is_shown_as_such() {
        let mut left = edge();
        left["present"] = json!(false);
        assert!(list(&json!([left])).contains("edge-1   left"));
    }

    #[test]
    fn only_what_is_known_of_a_cluster_is_told() {
        let found = cluster(&edge());
        assert!(found.starts_with("edge-1\nready         yes\n"), "{found}");
        assert!(
            found.contains("cores         7.2 of 12.0 free") && found.contains("carbon        270.0 g CO₂e/kWh"),
            "{found}"
        );
        assert!(!found.contains("pue") && !found.contains("dashboard"), "{found}");
    }
}
