//! Kubernetes objects as `kubectl get -o yaml|json`, `kustomize build` and `helm template` print them: several YAML
//! documents in a file, JSON, and lists (`List`, `NodeList`, `ClusterList`) whose items may leave out what they are.

use super::super::at::At;
use super::super::defaults::limits;
use super::super::error::{InputError, Mistake};
use super::super::letters::Text;
use super::super::node::{Node, Scalar, Value};
use super::super::yaml::{Budget, LeftOut};

/// One object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Group and version, like `apps/v1`.
    pub api: Text,
    /// Kind, like `Deployment`.
    pub kind: Text,
    /// The object itself.
    pub node: Node,
}

impl Object {
    /// Whether it is of this kind, in any version of this group; the core group is empty.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.api.rsplit_once('/').map_or("", |(group, _)| group) == group
    }

    /// Its name; empty where it has none.
    pub fn name(&self) -> &str {
        self.metadata("name").unwrap_or_default()
    }

    /// Its namespace; `default` where it has none.
    pub fn namespace(&self) -> &str {
        self.own_namespace().unwrap_or("default")
    }

    /// The namespace that it names.
    pub fn own_namespace(&self) -> Option<&str> {
        self.metadata("namespace")
    }

    /// A finger on it.
    pub const fn at(&self) -> At<'_> {
        At::root(&self.node)
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.node.get("metadata")?.get(key)?.text().filter(|text| !text.is_empty())
    }
}

/// Whether a text looks like Kubernetes objects: an `apiVersion` among the first keys. No native file has such a key.
pub fn looks_like_objects(text: &str) -> bool {
    text.match_indices("apiVersion").any(|(at, word)| {
        let before = text[..at].trim_end_matches(['"', '\'', ' ']);
        let after = text[at + word.len()..].trim_start_matches(['"', '\'', ' ']);
        after.starts_with(':') && (before.is_empty() || before.ends_with(['\n', '{', ',', '-']))
    })
}

/// What nobody reads of objects: who changed which field, the images that a node has, what containers mount, are told and
/// are probed by. It is the larger part of most dumps.
struct Bulk;

impl LeftOut for Bulk {
    const KEYS: &[&str] = &[
        "managedFields",
        "images",
        "volumes",
        "volumeMounts",
        "env",
        "containerStatuses",
        "initContainerStatuses",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
    ];
}

/// Reads all objects of a text; `label` is the file's name for messages.
///
/// # Errors
/// Broken YAML or JSON, and documents that are no objects.
pub fn objects(text: impl Into<Box<str>>, label: &str) -> Result<Vec<Object>, InputError> {
    let text = text.into();
    let budget = Budget {
        depth: limits::KUBERNETES_DEPTH,
        nodes: limits::KUBERNETES_NODES,
        kept: limits::KUBERNETES_VALUES + text.len() / limits::KUBERNETES_BYTES_A_VALUE,
    };
    let mut found = Vec::new();
    for document in Node::parse_all::<Bulk>(text, label, &budget)? {
        collect(document, None, &mut found)?;
    }
    Ok(found)
}

/// Takes a document apart; `listed` is what a list says about its items.
fn collect(node: Node, listed: Option<&(Text, Text)>, found: &mut Vec<Object>) -> Result<(), InputError> {
    let word = |key: &str| node.get(key).and_then(Node::letters).filter(|text| !text.is_empty()).cloned();
    let api = word("apiVersion").or_else(|| listed.map(|(api, _)| api.clone()));
    let kind = word("kind").or_else(|| listed.map(|(_, kind)| kind.clone()));
    let (Some(api), Some(kind)) = (api, kind) else {
        let message = "this is no Kubernetes object; it needs `apiVersion` and `kind`";
        return Err(Box::new(Mistake::new(node.place, String::new(), message)).into());
    };
    let Some(item_kind) = kind.without_end("List").filter(|_| node.get("items").is_some()) else {
        found.push(Object { api, kind, node });
        return Ok(());
    };
    let said = (!item_kind.is_empty()).then_some((api, item_kind));
    for item in items(node)? {
        collect(item, said.as_ref(), found)?;
    }
    Ok(())
}

/// The items of a list; `null` is an empty one.
fn items(list: Node) -> Result<Vec<Node>, InputError> {
    let Value::Map(entries) = list.value else { return Ok(Vec::new()) };
    let Some(entry) = entries.into_iter().find(|entry| entry.key == "items") else { return Ok(Vec::new()) };
    match entry.node.value {
        Value::List(items) => Ok(items),
        Value::Scalar(Scalar::Null) => Ok(Vec::new()),
        _ => {
            let message = "the items of a list are a list; write `items: [...]`";
            Err(Box::new(Mistake::new(entry.node.place, "items".to_owned(), message)).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{looks_like_objects, objects};

    fn found(text: &str) -> Vec<(String, String, u32)> {
        let all = objects(text, "x.yaml").expect("good objects");
        all.into_iter().map(|one| (one.kind.to_string(), one.name().to_owned(), one.node.place.line)).collect()
    }

    #[test]
    fn documents_lists_and_json_become_objects_with_their_lines() {
        let text = "# dump\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n---\napiVersion: apps/v1\nkind: Deployment\n\
                    metadata: {name: b}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata: {name: c}\n\
                    - apiVersion: v1\n  kind: NodeList\n  items:\n  - metadata: {name: d}\n";
        let wanted = [("Service", "a", 2), ("Deployment", "b", 7), ("Node", "c", 14), ("Node", "d", 20)];
        let wanted = wanted.map(|(kind, name, line)| (kind.to_owned(), name.to_owned(), line));
        assert_eq!(found(text), wanted);
        let json =
            "{\"apiVersion\": \"v1\",\n \"items\": [\n  {\"metadata\": {\"name\": \"e\"}}],\n \"kind\": \"NodeList\"}";
        assert_eq!(found(json), [("Node".to_owned(), "e".to_owned(), 3)]);
        assert!(found("apiVersion: v1\nkind: PodList\nitems: null\n").is_empty());
        assert!(found("").is_empty());
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_line() {
        let error = |text: &str| objects(text, "x.yaml").expect_err("no objects").to_string();
        assert!(error("apiVersion: v1\nkind: Node\n---\nhello\n").starts_with("x.yaml: line 4, column 1: this is no"));
        assert!(error("kind: List\nitems: []\n").contains("no Kubernetes object"));
        assert!(error("apiVersion: v1\nkind: List\nitems: 3\n").contains("line 3, column 8: field `items`"));
        assert!(error("apiVersion: v1\nkind: List\nitems: [{metadata: {name: a}}]\n").contains("no Kubernetes object"));
        assert!(error("apiVersion: [\n").contains("the YAML is broken"));
        let deep = format!("apiVersion: v1\nkind: {}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(error(&deep).contains("line 2"), "{}", error(&deep));
        let deep = format!("apiVersion: v1\nkind: {}{}", "[".repeat(70), "]".repeat(70));
        assert!(error(&deep).contains("too large once it is unfolded"));
    }

    #[test]
    fn objects_are_told_from_native_files() {
        for text in
            ["apiVersion: v1", "---\n# x\nkind: A\napiVersion: v1", "{\"apiVersion\":\"v1\"}", "[{\"apiVersion\": 1}]"]
        {
            assert!(looks_like_objects(text), "{text}");
        }
        for text in ["clusters: []", "name: apiVersion", "# the apiVersion\nservices: []", "labels: {xapiVersion: 1}"] {
            assert!(!looks_like_objects(text), "{text}");
        }
    }
}
