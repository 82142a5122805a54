//! What a scenario's author expects: `spread.cost < 0.9 * naive.cost`, `hpa@cloud_only.slo_violation_time < 0.5 %`.

use super::error::known_names;
use crate::model::Expectation;
use crate::model::expectation::{Bound, Comparison, MetricOf};

/// What expectations may name.
#[derive(Debug)]
pub struct Nameable {
    /// Labels of the policies, without blanks.
    pub policies: Vec<String>,
    /// Names of the variants.
    pub variants: Vec<String>,
}

const GRAMMAR: &str = "write `policy[@variant].metric < 0.5 %` or `policy.metric <= 0.9 * policy.metric`";

/// Reads an expectation.
///
/// # Errors
/// What is wrong and what would be right.
pub fn expectation(text: &str, nameable: &Nameable) -> Result<Expectation, String> {
    let (left, comparison, right) = sides(text).ok_or_else(|| format!("`{text}` compares nothing; {GRAMMAR}"))?;
    Ok(Expectation {
        text: text.trim().to_owned(),
        left: metric_of(left, nameable)?,
        comparison,
        right: bound(right.trim(), nameable)?,
    })
}

/// What a figure is to keep, whoever it is of: `slo_violation_time < 0.5 %`.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// Name of the figure.
    pub name: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what; `0.5 %` is 0.005.
    pub bound: f64,
}

/// Reads a criterion.
///
/// # Errors
/// What is wrong and what would be right.
pub fn criterion(text: &str) -> Result<Criterion, String> {
    let wrong = |what: &str| format!("`{}` {what}; write like `slo_violation_time < 0.5 %`", text.trim());
    let (name, comparison, right) = sides(text).ok_or_else(|| wrong("compares nothing"))?;
    let bound = number(right).ok_or_else(|| wrong("compares with no number"))?;
    Ok(Criterion { name: name.trim().to_owned(), comparison, bound })
}

impl std::fmt::Display for Criterion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self.comparison {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        };
        write!(f, "{} {sign} {}", self.name, self.bound)
    }
}

/// What stands on both sides of a comparison.
fn sides(text: &str) -> Option<(&str, Comparison, &str)> {
    let (left, rest) = text.split_at(text.find(['<', '>'])?);
    let (comparison, right) = match rest.as_bytes() {
        [b'<', b'=', ..] => (Comparison::LessOrEqual, &rest[2..]),
        [b'>', b'=', ..] => (Comparison::GreaterOrEqual, &rest[2..]),
        [b'<', ..] => (Comparison::Less, &rest[1..]),
        _ => (Comparison::Greater, &rest[1..]),
    };
    Some((left, comparison, right))
}

fn bound(text: &str, nameable: &Nameable) -> Result<Bound, String> {
    if let Some(number) = number(text) {
        return Ok(Bound::Number(number));
    }
    match text.split_once('*') {
        Some((factor, metric)) => {
            let factor = number(factor)
                .ok_or_else(|| format!("`{}` is not a factor; write a number like `0.9` or `90 %`", factor.trim()))?;
            Ok(Bound::Times(factor, metric_of(metric, nameable)?))
        }
        None => Ok(Bound::Times(1.0, metric_of(text, nameable)?)),
    }
}

/// `0.5`, `0.5 %` or `1_000`.
fn number(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '_').collect();
    let (digits, scale) = text.strip_suffix('%').map_or((text.as_str(), 1.0), |digits| (digits, 0.01));
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
    let value = digits.parse::<f64>().ok().filter(|value| plain && value.is_finite())?;
    Some(value * scale)
}

fn metric_of(text: &str, nameable: &Nameable) -> Result<MetricOf, String> {
    let text: String = text.split_whitespace().collect();
    let (named, metric) = text.rsplit_once('.').ok_or_else(|| format!("`{text}` is no policy's metric; {GRAMMAR}"))?;
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !metric.starts_with(|c: char| c.is_ascii_lowercase()) || !metric.chars().all(word) {
        return Err(format!("`{metric}` is no name of a metric; {GRAMMAR}"));
    }
    let (policy, variant) = named.split_once('@').map_or((named, None), |(policy, variant)| (policy, Some(variant)));
    if let Some(variant) = variant.filter(|variant| !nameable.variants.iter().any(|known| known == variant)) {
        let known: Vec<&str> = nameable.variants.iter().map(String::as_str).collect();
        return Err(format!("no variant is called `{variant}`; {}", known_names(variant, "variants", &known)));
    }
    Ok(MetricOf {
        policy: label_of(policy, &nameable.policies)?.to_owned(),
        variant: variant.map(str::to_owned),
        metric: metric.to_owned(),
    })
}

/// The policy with that label; or the only one that is so called without its parameters, or has a part that is:
/// `hpa` finds `spread+hpa:target=60%`.
fn label_of<'a>(given: &str, labels: &'a [String]) -> Result<&'a str, String> {
    if let Some(label) = labels.iter().find(|label| *label == given) {
        return Ok(label);
    }
    let bare = |part: &str| part.split(':').next().unwrap_or(part).to_owned();
    let names = |label: &str| label.split('+').map(bare).collect::<Vec<_>>();
    let found: Vec<&String> = labels
        .iter()
        .filter(|label| {
            let names = names(label);
            names.join("+") == given || names.iter().any(|name| name == given)
        })
        .collect();
    let known: Vec<&str> = labels.iter().map(String::as_str).collect();
    match found[..] {
        [label] => Ok(label),
        [] => Err(format!("no policy is called `{given}`; {}", known_names(given, "the policies here", &known))),
        _ => Err(format!("several policies are called `{given}`; name one in full: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Comparison, MetricOf, Nameable, expectation};

    fn nameable() -> Nameable {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Nameable {
            policies: owned(&["naive", "spread+hpa:target=60%", "greedy+rate"]),
            variants: owned(&["cloud_only"]),
        }
    }

    fn metric(policy: &str, variant: Option<&str>, metric: &str) -> MetricOf {
        MetricOf { policy: policy.into(), variant: variant.map(Into::into), metric: metric.into() }
    }

    #[test]
    fn both_right_sides_and_all_comparisons_are_read() {
        let one = expectation("hpa.slo_violation_time < 0.5 %", &nameable()).expect("it is good");
        assert_eq!(one.left, metric("spread+hpa:target=60%", None, "slo_violation_time"));
        assert_eq!((one.comparison, one.right), (Comparison::Less, Bound::Number(0.005)));
        let two = expectation("greedy+rate@cloud_only.cost >= 0.9 * naive.cost", &nameable()).expect("it is good");
        assert_eq!(two.left, metric("greedy+rate", Some("cloud_only"), "cost"));
        assert_eq!(two.comparison, Comparison::GreaterOrEqual);
        assert_eq!(two.right, Bound::Times(0.9, metric("naive", None, "cost")));
        let three =
            expectation("spread+hpa:target=60%.latency_p95<=naive.latency_p95", &nameable()).expect("it is good");
        assert_eq!(three.right, Bound::Times(1.0, metric("naive", None, "latency_p95")));
    }

    #[test]
    fn a_criterion_is_a_figure_and_a_number() {
        let one = super::criterion("slo_violation_time < 0.5 %").expect("it is good");
        assert_eq!((one.name.as_str(), one.comparison, one.bound), ("slo_violation_time", Comparison::Less, 0.005));
        assert_eq!(super::criterion("cost>=2").expect("it is good").to_string(), "cost >= 2");
        assert!(super::criterion("cost").expect_err("no comparison").contains("compares nothing"));
        assert!(super::criterion("cost < a lot").expect_err("no number").contains("no number"));
    }

    #[test]
    fn what_is_unknown_is_named_with_what_is_known() {
        let error = |text: &str| expectation(text, &nameable()).expect_err("it is broken");
        assert!(error("naiv.cost < 1").contains("did you mean `naive`?"));
        assert!(error("naive@cloud.cost < 1").contains("no variant is called `cloud`"));
        assert!(error("naive.cost").contains("compares nothing"));
        assert!(error("naive.Cost < 1").contains("no name of a metric"));
        assert!(error("naive.cost < two * naive.cost").contains("not a factor"));
        assert!(error("cost < 1").contains("no policy's metric"));
    }
}
