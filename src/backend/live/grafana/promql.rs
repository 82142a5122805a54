//! Pieces of PromQL: texts, patterns, and the labels that tell a deployment's pods from everybody else's.
//!
//! A pod has no label that says whose it is, only a name that begins with its deployment's. A pattern that goes by the beginning
//! alone (`web.*`) also takes the pods of `web-api`, so the rest of the name is said too.

/// The letters that Kubernetes makes names up of: no vowels, so that no words come about, and no digits that look like letters
/// (`k8s.io/apimachinery/pkg/util/rand`).
const MADE_UP: &str = "[bcdfghjklmnpqrstvwxz2456789]";

/// A string of PromQL.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text as a regular expression that matches it.
pub(super) fn escaped(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    text.chars().flat_map(|letter| (!is_plain(letter)).then_some('\\').into_iter().chain([letter])).collect()
}

/// The labels of the containers of a deployment's pods; `deployment` is a pattern.
///
/// A pod's name is that of its deployment, up to ten letters of its replica set, and five of its own. Of a name that would be too
/// long the end is cut before the five, and then their dash is lost.
pub(super) fn pods(namespace: &str, deployment: &str) -> String {
    let pattern = format!("{deployment}-{MADE_UP}{{1,10}}-?{MADE_UP}{{5}}");
    format!("namespace={}, pod=~{}, container!=\"\"", quoted(namespace), quoted(&pattern))
}

#[cfg(test)]
mod tests {
    use super::{escaped, pods, quoted};

    #[test]
    fn names_are_written_so_that_they_mean_themselves() {
        assert_eq!(quoted("a\"\\"), "\"a\\\"\\\\\"");
        assert_eq!(escaped("a.b-c"), "a\\.b-c");
    }

    #[test]
    fn a_service_is_not_taken_for_one_whose_name_goes_on() {
        let labels = pods("shop", "web");
        let pattern = labels.split("pod=~\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a pattern");
        let pattern = regex_lite(pattern);
        for ours in ["web-7d4b9c6f5d-x2k9p", "web-5f7-bcdfg", "web-7d4bx2k9p"] {
            assert!(pattern(ours), "{ours}");
        }
        // Pods of the deployments `web-api` and `web-db`, of a stateful set `web-api`, and of a daemon set `web`.
        for others in
            ["web-api-7d4b9c6f5d-x2k9p", "web-db-7d4b9c6f5d-x2k9p", "web-api-0", "web-x2k9p", "web", "web-1a-e0aui"]
        {
            assert!(!pattern(others), "{others}");
        }
    }

    /// The one shape of pattern that is made here, matched by hand: `NAME-[set]{1,10}-?[set]{5}`.
    fn regex_lite(pattern: &str) -> impl Fn(&str) -> bool {
        let (name, rest) = pattern.split_once("-[").expect("a name and a set");
        let set = rest.split(']').next().unwrap_or_default().to_owned();
        assert_eq!(rest, format!("{set}]{{1,10}}-?[{set}]{{5}}"));
        let start = format!("{name}-");
        move |text: &str| {
            let Some(rest) = text.strip_prefix(&start) else { return false };
            let is_made_up = |part: &str| part.chars().all(|letter| set.contains(letter));
            if !rest.is_ascii() || rest.len() < 6 {
                return false;
            }
            let (head, own) = rest.split_at(rest.len() - 5);
            let head = head.strip_suffix('-').unwrap_or(head);
            is_made_up(own) && is_made_up(head) && (1..=10).contains(&head.len())
        }
    }
}
