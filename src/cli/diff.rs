//! `smo diff`: where two runs part, and what it led to.

use super::aligned::aligned;
use super::clock::clock;
use super::{Failure, Format};
use crate::record;
use crate::record::history::Places;
use crate::report::divergence::{self, Difference, Divergence, Field, Pair, Parting, Side};
use crate::report::metric;
use crate::report::unit::grouped;
use crate::units::Span;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo diff runs/quickstart/naive-1 runs/quickstart/greedy+rate-headroom=50pct-1
  smo diff runs/cluster-loss/greedy+rate-1 runs/cluster-loss/no_loss/greedy+rate-1
  smo diff runs/quickstart/naive-1 runs/quickstart/naive-2 --format json

Differences are right less left. The exit code is 0 whether the runs differ or not;
`smo replay` is the command that fails when a run is not what it was.";

/// Fields of the manifests that are shown; JSON has all.
const FIELDS_SHOWN: usize = 12;

/// Show where the decisions of two runs part, on which figures, and what it led to until the end.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The directory of one run.
    #[arg(value_name = "RUN")]
    left: PathBuf,
    /// The directory of another.
    #[arg(value_name = "RUN")]
    right: PathBuf,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Compares two runs.
///
/// # Errors
/// Where one of them cannot be read.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let left = record::read(&arguments.left).map_err(Failure::input)?;
    let right = record::read(&arguments.right).map_err(Failure::input)?;
    let difference = divergence::compare(&left, &right).map_err(Failure::input)?;
    let names = [&left, &right].map(|run| run.dir.display().to_string());
    match arguments.format {
        Format::Json => writeln!(out, "{:#}", json!({"left": names[0], "right": names[1], "difference": difference}))?,
        Format::Table => tell(&difference, &names).iter().try_for_each(|line| writeln!(out, "{line}"))?,
    }
    Ok(())
}

fn tell(difference: &Difference, [left, right]: &[String; 2]) -> Vec<String> {
    let mut lines = vec![format!("left   {left}"), format!("right  {right}"), String::new()];
    lines.extend(manifests(&difference.manifests));
    lines.push(String::new());
    if let Some(apart_s) = difference.apart_s {
        lines.extend([apart(apart_s), String::new()]);
    }
    match &difference.divergence {
        None => {
            lines.push("The decisions are the same: both want the same of every service at every instant.".to_owned());
        }
        Some(parted) => {
            lines.extend(parting(parted));
            lines.push(String::new());
            lines.extend(pairs("from there to the end", &difference.consequences));
        }
    }
    lines.push(String::new());
    let defined = difference.metrics.iter().filter(|pair| pair.left.is_some() || pair.right.is_some());
    lines.extend(pairs("the whole runs", &defined.cloned().collect::<Vec<_>>()));
    lines
}

/// That real runs share no time, where the right one began by so much after the left one.
fn apart(later_s: f64) -> String {
    let (later, earlier) = if later_s < 0.0 { ("left", "right") } else { ("right", "left") };
    let span = Span::from_seconds_f64(later_s.abs().round());
    format!(
        "The runs share no time: the {later} one began {span} after the {earlier} one. Times are since the start of each."
    )
}

fn manifests(fields: &[Field]) -> Vec<String> {
    if fields.is_empty() {
        return vec!["The manifests are the same.".to_owned()];
    }
    let text = |side: &Option<String>| side.as_deref().map_or_else(|| "–".to_owned(), shortened);
    let row = |field: &Field| vec![format!("  {}", field.field), text(&field.left), text(&field.right)];
    let head = ["what was run", "left", "right"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(fields.iter().take(FIELDS_SHOWN).map(row)).collect();
    let mut lines = aligned(&rows);
    if fields.len() > FIELDS_SHOWN {
        lines.push(format!("  and {} more fields; `--format json` has all", fields.len() - FIELDS_SHOWN));
    }
    lines
}

fn shortened(text: &str) -> String {
    const LETTERS: usize = 40;
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= LETTERS {
        line.to_owned()
    } else {
        line.chars().take(LETTERS - 1).collect::<String>() + "…"
    }
}

fn parting(parted: &Divergence) -> Vec<String> {
    let Divergence { at_s, services, same_share_after } = parted;
    let count = services.len();
    let noun = if count == 1 { "service" } else { "services" };
    let mut lines = vec![format!("The decisions part at {}, about {count} {noun}:", clock(*at_s))];
    for Parting { service, left, right } in services {
        lines.push(format!("  {service}"));
        let sides = [("left", left), ("right", right)];
        let rows: Vec<Vec<String>> = sides.iter().map(|(name, side)| row(name, side.as_ref())).collect();
        lines.extend(aligned(&rows).into_iter().map(|line| format!("    {line}")));
    }
    lines.push(format!("From then on they want the same at {:.1} % of the decisions.", same_share_after * 100.0));
    lines
}

fn row(name: &str, side: Option<&Side>) -> Vec<String> {
    let Some(Side { service, refused, .. }) = side else {
        return vec![name.to_owned(), "decided nothing about it".to_owned()];
    };
    let seen = service.rate_seen_per_s.map_or_else(
        || "no rate seen".to_owned(),
        |rate| format!("{rate:.1} /s seen, {:.0} s old", service.rate_age_s),
    );
    let refused = if *refused > 0 { format!(", {refused} refused") } else { String::new() };
    vec![name.to_owned(), words(&service.target) + &refused, seen, shortened(&service.why)]
}

fn words(places: &Places) -> String {
    let all: Vec<String> = places.iter().map(|(cluster, replicas)| format!("{cluster} ({replicas})")).collect();
    if all.is_empty() { "nowhere".to_owned() } else { all.join(", ") }
}

fn pairs(heading: &str, pairs: &[Pair]) -> Vec<String> {
    let head = [heading, "left", "right", "difference"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(pairs.iter().map(pair)).collect();
    aligned(&rows)
}

fn pair(pair: &Pair) -> Vec<String> {
    let Pair { name, unit, left, right, difference } = pair;
    let (factor, unit) = if *unit == divergence::SHARE { (100.0, "%") } else { (1.0, *unit) };
    let title = metric::find(name).map_or(*name, metric::Metric::words);
    let figures: Vec<f64> = [left, right].into_iter().filter_map(|side| side.map(|value| value * factor)).collect();
    let largest = figures.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let whole = figures.iter().all(|value| value.fract().abs() < 1e-9);
    let decimals = if whole || largest >= 1_000.0 {
        0
    } else {
        3 - [10.0, 100.0].iter().filter(|least| largest >= **least).count()
    };
    let number = |value: f64| grouped(&format!("{:.decimals$}", value * factor));
    let plain = |side: &Option<f64>| side.map_or_else(|| "–".to_owned(), number);
    let signed = difference.map(|value| match number(value) {
        zero if !zero.contains(|digit: char| ('1'..='9').contains(&digit)) => "0".to_owned(),
        negative if value < 0.0 => negative.replace('-', "−"),
        positive => format!("+{positive}"),
    });
    let unit = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
    vec![format!("  {title}{unit}"), plain(left), plain(right), signed.unwrap_or_else(|| "–".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::{apart, pair};
    use crate::report::divergence::Pair;

    #[test]
    fn runs_that_share_no_time_are_said_to_count_from_their_own_starts() {
        let wanted =
            "The runs share no time: the left one began 2 h after the right one. Times are since the start of each.";
        assert_eq!(apart(-7_200.4), wanted);
        assert!(apart(90.0).contains("the right one began 90 s after the left one"), "{}", apart(90.0));
    }

    #[test]
    fn what_is_undefined_is_a_dash_and_no_zero() {
        let undefined = Pair { name: "cost", unit: "$", left: None, right: None, difference: None };
        assert_eq!(pair(&undefined)[1..], ["–", "–", "–"]);
    }
}
