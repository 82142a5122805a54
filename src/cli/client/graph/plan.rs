//! Plans and differences as people read them: what would run where, what found no place, what would change.

use crate::cli::Failure;
use crate::cli::aligned::Columns;
use crate::cli::client::told::{cell, counted, lines, one_line, places, printed, text};
use serde_json::Value;
use std::collections::BTreeSet;

/// A line a service, then what was refused and noted.
pub fn table(plan: &Value) -> String {
    let targets: Vec<(&String, &Value)> = plan["targets"].as_object().into_iter().flatten().collect();
    let replicas: u64 = targets.iter().map(|(_, clusters)| total(clusters)).sum();
    let count = counted(usize::try_from(replicas).unwrap_or(usize::MAX), "replica");
    let title = format!("{} of {} by {}\n\n", count, counted(targets.len(), "service"), text(plan, "policy"));
    let mut columns = Columns::new(["service", ">replicas", "clusters"]);
    for (service, clusters) in targets {
        columns.row(vec![one_line(service), total(clusters).to_string(), places(clusters)]);
    }
    let said = |word: &'static str, key: &str| {
        let all = plan[key].as_array().into_iter().flatten();
        all.map(move |line| format!("{word:<8}  {}", cell(line))).collect::<Vec<_>>()
    };
    let mut below = [said("refused", "refusals"), said("note", "notes")].concat();
    let took = plan["took_ms"].as_f64();
    below.extend(took.map(|took| format!("decided in {took:.1} ms; `--format json` has the explanation")));
    format!("{title}{}\n{}", printed(&columns), lines(&below))
}

fn total(clusters: &Value) -> u64 {
    clusters.as_object().into_iter().flatten().filter_map(|(_, replicas)| replicas.as_u64()).sum()
}

/// Whether everything found a place.
///
/// # Errors
/// It did not (3); the table says what.
pub fn verdict(plan: &Value) -> Result<(), Failure> {
    let refused = plan["refusals"].as_array().is_some_and(|refusals| !refusals.is_empty());
    if refused { Err(Failure::refused()) } else { Ok(()) }
}

/// What would change: services that come and go, fields that differ, replicas that move.
pub fn difference(difference: &Value) -> String {
    let mut found = Vec::new();
    let named = |key: &str| difference[key].as_array().into_iter().flatten().map(cell).collect::<Vec<_>>();
    found.extend(named("added").into_iter().map(|name| format!("+ {name}")));
    found.extend(named("removed").into_iter().map(|name| format!("- {name}")));
    for (service, changes) in difference["changed"].as_object().into_iter().flatten() {
        found.push(format!("~ {}", one_line(service)));
        found.extend(fields(changes).into_iter().map(|line| format!("    {line}")));
    }
    found.extend(fields(&difference["graph"]).into_iter().map(|line| format!("~ {line}")));
    found.extend(fields(&difference["options"]).into_iter().map(|line| format!("~ options.{line}")));
    found.extend(moves(&difference["now"], &difference["then"]));
    if found.is_empty() {
        return "no difference\n".to_owned();
    }
    found.extend(named("refusals").into_iter().map(|refusal| format!("refused  {refusal}")));
    found.extend(named("notes").into_iter().map(|note| format!("note  {note}")));
    found.into_iter().map(|line| line + "\n").collect()
}

/// `artifact.valuesOverwrite.size: 1 → 2` for each field that differs.
fn fields(changes: &Value) -> Vec<String> {
    let changes = changes.as_array().map_or(&[][..], Vec::as_slice);
    let line = |change: &Value| {
        let (from, to) = (cell(&change["from"]), cell(&change["to"]));
        format!("{}: {from} → {to}", cell(&change["field"]))
    };
    changes.iter().map(line).collect()
}

/// A line for each service that would run elsewhere, or in another number.
fn moves(now: &Value, then: &Value) -> Vec<String> {
    let names = |plan: &Value| plan.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let all: BTreeSet<String> = names(now).into_iter().chain(names(then)).collect();
    let change = |service: String| {
        let (from, to) = (places(&now[&service]), places(&then[&service]));
        (from != to).then(|| format!("{}  {from} → {to}", one_line(&service)))
    };
    all.into_iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::{difference, table, verdict};
    use serde_json::json;

    #[test]
    fn a_plan_is_told_by_its_services_and_what_it_could_not_do() {
        let plan = json!({
            "policy": "anytime+rate", "took_ms": 0.84, "notes": ["`gpuu` is not known"], "explanation": {},
            "targets": {"front": {"edge-2": 2, "cloud-1": 1, "far": 0}, "gpu": {}},
            "refusals": ["gpu: 1 of 1 replicas: no cluster has a GPU"],
        });
        let wanted = "\
3 replicas of 2 services by anytime+rate

service  replicas  clusters
front           3  edge-2 (2), cloud-1 (1)
gpu             0  nowhere

refused   gpu: 1 of 1 replicas: no cluster has a GPU
note      `gpuu` is not known
decided in 0.8 ms; `--format json` has the explanation
";
        assert_eq!(table(&plan), wanted);
        assert_eq!(verdict(&plan).unwrap_err().code, 3);
        assert!(verdict(&json!({"refusals": []})).is_ok());
    }

    #[test]
    fn a_difference_is_told_by_what_comes_goes_changes_and_moves() {
        let difference_of = json!({
            "added": ["cache"], "removed": ["old"],
            "changed": {"front": [{"field": "artifact.valuesOverwrite.size", "from": 1, "to": 2}]},
            "options": [{"field": "policy", "from": null, "to": "anytime"}],
            "now": {"front": {"a": 1}, "back": {"a": 1}, "old": {"a": 1}},
            "then": {"front": {"b": 2}, "back": {"a": 1, "b": 0}, "cache": {"a": 1}},
            "notes": ["odd"],
        });
        let wanted = "\
+ cache
- old
~ front
    artifact.valuesOverwrite.size: 1 → 2
~ options.policy: – → anytime
cache  nowhere → a (1)
front  a (1) → b (2)
old  a (1) → nowhere
note  odd
";
        assert_eq!(difference(&difference_of), wanted);
        assert_eq!(difference(&json!({"added": [], "changed": {}, "then": {}, "now": {}})), "no difference\n");
    }
}
