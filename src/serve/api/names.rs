//! What may be a name, and what may be a policy: checked before anything is stored.

use super::problem::Problem;
use crate::backend::live::names::is_name;
use crate::policy::PolicySpec;

/// Letters of a name in Kubernetes.
const NAME_MAX: usize = 63;

/// A project is a namespace of Kubernetes, and none of its own.
///
/// # Errors
/// 422.
pub fn project(name: &str) -> Result<(), Problem> {
    if !is_name(name, NAME_MAX) {
        let detail = format!("`{name}` cannot be a project; use a-z, 0-9, and - inside, at most {NAME_MAX} letters");
        return Err(Problem::unprocessable(detail).of_kind("bad-name"));
    }
    if let Some(prefix) = ["kube-", "karmada-"].into_iter().find(|prefix| name.starts_with(prefix)) {
        let detail =
            format!("`{name}` cannot be a project: what begins with `{prefix}` is the platform's; choose another");
        return Err(Problem::unprocessable(detail).of_kind("bad-name"));
    }
    Ok(())
}

/// A graph's name becomes one in Kubernetes, and stands in paths.
///
/// # Errors
/// 422.
pub fn graph(name: &str) -> Result<(), Problem> {
    if is_name(name, NAME_MAX) {
        return Ok(());
    }
    let detail =
        format!("hdaGraph.id: `{name}` cannot name a graph; use a-z, 0-9, and - inside, at most {NAME_MAX} letters");
    Err(Problem::unprocessable(detail).of_kind("bad-name"))
}

/// A policy is one of the registry. Programs are what a server's owner starts, not what is asked of it over the network.
///
/// # Errors
/// 422.
pub fn policy(text: &str) -> Result<(), Problem> {
    if text.trim_start().starts_with("exec:") {
        let detail = "programs (`exec:`) are not started for callers; name a policy of `GET /v1/policies`";
        return Err(Problem::unprocessable(detail).of_kind("bad-policy"));
    }
    match text.parse::<PolicySpec>() {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::unprocessable(format!("policy: {error}")).of_kind("bad-policy")),
    }
}

/// What people call a token or a webhook.
///
/// # Errors
/// 422.
pub fn label(name: &str) -> Result<(), Problem> {
    if (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Problem::unprocessable("`name` has between 1 and 100 printable letters").of_kind("bad-name"))
}

#[cfg(test)]
mod tests {
    use super::{graph, policy, project};

    #[test]
    fn a_project_is_a_namespace_and_not_the_platforms() {
        assert!(["a", "demo0", "port-lab", "default"].into_iter().all(|name| project(name).is_ok()));
        let too_long = "a".repeat(64);
        for name in ["", "-a", "a-", "A", "a_b", "a.b", "a/b", "kube-system", "karmada-es-member1", &too_long] {
            assert!(project(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_graph_has_a_name_that_stands_in_a_path() {
        assert!(["a", "image-detection-graph", "7"].into_iter().all(|name| graph(name).is_ok()));
        for name in ["", ".", "..", "a/b", "a b", "-a", "ü", "A", "v1.2", &"a".repeat(64)] {
            assert!(graph(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_policy_is_one_of_the_registry_and_never_a_program() {
        assert!(policy("anytime+rate").is_ok());
        assert!(policy("anytime+rtae").unwrap_err().detail.contains("rate"), "the nearest name is said");
        assert_eq!(policy("exec:rm -rf /").unwrap_err().status, 422);
        assert!(policy("").is_err());
    }
}
