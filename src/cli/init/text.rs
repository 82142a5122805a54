//! The words of a fitted scenario: YAML with comments that say what is assumed.

use super::size::{Fit, Sized};
use std::fmt::Write;

/// Appends a line; a string takes all.
macro_rules! line {
    ($text:expr, $($rest:tt)*) => {
        writeln!($text, $($rest)*).expect("a string takes all")
    };
}

/// What a fitted scenario is made of, as it is written there.
pub struct Scenario {
    /// Paths of the files of the inventory, quoted, by the name of their cluster.
    pub kubectl: Vec<(Option<String>, Vec<String>)>,
    /// Namespaces of the application.
    pub own_namespaces: Vec<String>,
    /// The section `application`, whole.
    pub application: String,
    /// The section `traces`, whole.
    pub traces: String,
    /// Names of a cluster and of a pool, for an example.
    pub example: (String, String),
}

impl Scenario {
    /// The file.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Fitted by `smo init` to what kubectl printed. What is assumed is said here, and in the notes of `smo scenario check`.\n\
             #\n\
             #   smo simulate scenario.yaml            runs it: a table here, a page in runs/\n\
             #   smo scenario schema                   lists everything that may stand here\n\
             question: Which policy serves a day's load in time on these clusters, and at what cost?\n\n",
        );
        text += &self.application;
        line!(text, "\ninventory:");
        match &self.kubectl[..] {
            [(None, paths)] => line!(text, "  kubectl: {}", flow(paths)),
            many => {
                line!(text, "  kubectl:");
                for (name, paths) in many {
                    line!(text, "    {}: {}", quoted(name.as_deref().unwrap_or_default()), flow(paths));
                }
            }
        }
        if !self.own_namespaces.is_empty() {
            let names: Vec<String> = self.own_namespaces.iter().map(|name| quoted(name)).collect();
            line!(
                text,
                "  own_namespaces: [{}]        # their pods are the application, and hold nothing",
                names.join(", ")
            );
        }
        let (cluster, pool) = (quoted(&self.example.0), quoted(&self.example.1));
        line!(text, "  # What Kubernetes does not know, by name; everything that an inventory may say may stand here:");
        line!(text, "  # clusters:");
        line!(
            text,
            "  #   {cluster}: {{region: europe-west1, pue: 1.1, pools: {{{pool}: {{price_per_hour: 0.20 $}}}}}}"
        );
        line!(text, "\n{}", self.traces);
        line!(text, "# `smo policies` lists what else could decide.");
        line!(text, "policies: [naive, \"spread+hpa:target=60%\", \"greedy+rate:headroom=50%\"]");
        line!(text, "seeds: 3");
        text
    }
}

/// One path, or a list of them.
fn flow(paths: &[String]) -> String {
    if let [one] = paths { one.clone() } else { format!("[{}]", paths.join(", ")) }
}

/// The application file of services that were sized to the clusters.
pub fn application(fit: &Fit, services: &[Sized], is_chain: bool) -> String {
    let mut text = String::from(
        "# Sized by `smo init` so that half of the free room carries the peak at 60 %. CPU, memory and capacity are ASSUMED:\n\
         # replace them by what your services request and what a load test found.\n\
         name: assumed\n\nservices:\n",
    );
    for (index, service) in services.iter().enumerate() {
        let Sized { name, replicas, capacity } = service;
        let most = (fit.rooms / services.len() as u64).clamp(*replicas, 1_000);
        line!(text, "  - name: {}", quoted(name));
        line!(text, "    cpu: {}", fit.cpu);
        line!(text, "    memory: {}", fit.memory);
        line!(text, "    replicas: {{initial: {}, min: 1, max: {most}}}", replicas.div_ceil(2));
        line!(text, "    capacity: {} /s                    # requests per second of a replica", rounded(*capacity));
        if index == 0 || !is_chain {
            line!(text, "    slo: {{latency: {}, share: 95 %}}", promise(*capacity));
        }
        if fit.tolerates {
            line!(text, "    tolerations: [\"*\"]             # all nodes are tainted");
        }
    }
    if let ([first, second], true) = (services, is_chain) {
        line!(text, "\ncalls:\n  - {{from: {}, to: {}}}", quoted(&first.name), quoted(&second.name));
    }
    text
}

/// A latency that a service with this capacity can keep: twenty times the time of a request, and at least half a second.
pub fn promise(capacity: f64) -> String {
    let millis = (20_000.0 / capacity.max(1e-6)).max(500.0);
    format!("{} ms", rounded(millis).round())
}

/// Three digits are enough for an assumption; never below 10⁻⁴.
pub fn rounded(number: f64) -> f64 {
    let number = number.max(1e-4);
    let unit = 10f64.powf(number.log10().floor() - 2.0);
    ((number / unit).round() * unit * 1e6).round() / 1e6
}

/// A text as YAML takes it: plain where that is safe.
pub fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let word = text.starts_with(|first: char| first.is_ascii_alphabetic())
        || text.starts_with("./")
        || text.starts_with("../");
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "nan", "inf"];
    if word && text.chars().all(plain) && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::{promise, quoted, rounded};

    #[test]
    fn texts_are_quoted_where_they_could_be_something_else() {
        assert_eq!(quoted("../a/b-1.yaml"), "../a/b-1.yaml");
        for odd in ["yes", "1.5", "a: b", "/tmp/x y", "# x", "", "-", "ü"] {
            assert_eq!(quoted(odd), format!("\"{odd}\""));
        }
    }

    #[test]
    fn assumptions_have_three_digits_and_are_never_zero() {
        let cases = [(25.0, 25.0), (1_234.5, 1_230.0), (0.012_345, 0.012_3), (0.0, 0.000_1), (99.96, 100.0)];
        for (number, wanted) in cases {
            assert!((rounded(number) - wanted).abs() < 1e-9, "{number}: {}", rounded(number));
        }
        assert_eq!(promise(100.0), "500 ms");
        assert_eq!(promise(2.0), "10000 ms");
    }
}
