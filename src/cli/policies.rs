//! `smo policies`: what could decide, and by which knobs; it walks the registries, so nothing is missing here.

use super::{Failure, Format};
use crate::policy::asked::KINDS;
use crate::policy::exec;
use crate::policy::joint::JOINTS;
use crate::policy::parameter::Parameter;
use crate::policy::placement::PLACEMENTS;
use crate::policy::scaling::SCALINGS;
use crate::policy::{PolicySpec, joint, placement, scaling};
use serde_json::json;
use std::io::{self, Write};

const EXAMPLES: &str = "\
Examples:
  smo policies                        all of them
  smo policies hpa                    one, with its parameters
  smo policies --format json          for programs

A policy is a placement and a scaling: greedy+rate. With one of the two, its partner joins it.
Parameters follow a colon: greedy+rate:headroom=20%,...";

/// List placement and scaling policies with their parameters.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only this one, in full.
    name: Option<String>,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// A line of one of the registries.
struct Listed {
    half: &'static str,
    name: &'static str,
    summary: &'static str,
    about: &'static str,
    partner: Option<&'static str>,
    parameters: &'static [Parameter],
}

/// Policies that are programs of the user's.
const PROGRAM: Listed = Listed {
    half: "program",
    name: "exec",
    summary: exec::SUMMARY,
    about: exec::ABOUT,
    partner: None,
    parameters: &[],
};

/// Lists the policies.
///
/// # Errors
/// A name that none of them has.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut policies: Vec<Listed> = PLACEMENTS
        .iter()
        .map(of_placement)
        .chain(SCALINGS.iter().map(of_scaling))
        .chain(JOINTS.iter().map(of_joint))
        .chain([PROGRAM])
        .collect();
    if let Some(name) = &arguments.name {
        policies.retain(|policy| policy.name == name);
        if policies.is_empty() {
            // The registry knows what to say: the nearest name, or the feature that is missing.
            let spec = name.parse::<PolicySpec>().map_err(Failure::input)?;
            return Err(Failure::input(anyhow::anyhow!("`{}` is not the name of one policy", spec.label)));
        }
    }
    match (arguments.format, &arguments.name) {
        (Format::Json, _) => writeln!(out, "{:#}", json!(policies.iter().map(to_json).collect::<Vec<_>>()))?,
        (Format::Table, Some(_)) => policies.iter().try_for_each(|policy| write_one(policy, out))?,
        (Format::Table, None) => write_all(&policies, out)?,
    }
    Ok(())
}

fn of_placement(entry: &placement::Entry) -> Listed {
    let placement::Entry { name, summary, about, parameters, partner, .. } = *entry;
    Listed { half: "placement", name, summary, about, partner: Some(partner), parameters }
}

fn of_scaling(entry: &scaling::Entry) -> Listed {
    let scaling::Entry { name, summary, about, parameters, partner, .. } = *entry;
    Listed { half: "scaling", name, summary, about, partner: Some(partner), parameters }
}

fn of_joint(entry: &joint::Entry) -> Listed {
    let joint::Entry { name, summary, about, parameters, .. } = *entry;
    Listed { half: "joint", name, summary, about, partner: None, parameters }
}

fn to_json(policy: &Listed) -> serde_json::Value {
    let parameter = |one: &Parameter| json!({"name": one.name, "default": one.default, "summary": one.summary});
    json!({
        "half": policy.half,
        "name": policy.name,
        "summary": policy.summary,
        "about": policy.about,
        "partner": policy.partner,
        "parameters": policy.parameters.iter().map(parameter).collect::<Vec<_>>(),
    })
}

fn write_all(policies: &[Listed], out: &mut dyn Write) -> io::Result<()> {
    let width = policies.iter().map(|policy| policy.name.len()).max().unwrap_or(0);
    let headings = [
        ("placement", "Placement: where replicas run"),
        ("scaling", "Scaling: how many there are"),
        ("joint", "Joint: where and how many at once"),
        ("program", "Programs of yours: exec:COMMAND"),
    ];
    for (half, heading) in headings {
        if policies.iter().all(|policy| policy.half != half) {
            continue;
        }
        writeln!(out, "{heading}")?;
        for policy in policies.iter().filter(|policy| policy.half == half) {
            let names: Vec<&str> = policy.parameters.iter().map(|one| one.name).collect();
            let knobs = if names.is_empty() { String::new() } else { format!(" [{}]", names.join(", ")) };
            writeln!(out, "  {:width$}  {}{knobs}", policy.name, policy.summary)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "Joined by `+`: greedy+rate:headroom=20%. `smo policies NAME` shows one with its parameters.")?;
    let kinds = KINDS.iter().map(|(kind, stands_for)| format!("  {kind:width$}  {stands_for}"));
    writeln!(out, "For `smo simulate --policy` and a scenario's `policies`:\n{}", kinds.collect::<Vec<_>>().join("\n"))
}

fn write_one(policy: &Listed, out: &mut dyn Write) -> io::Result<()> {
    let Listed { half, name, summary, about, partner, parameters } = policy;
    writeln!(out, "{name} ({half}): {summary}")?;
    if let Some(partner) = partner {
        writeln!(out, "  with `{partner}` unless another is named")?;
    }
    writeln!(out, "{}", wrapped(about))?;
    let width = parameters.iter().map(|one| one.name.len() + one.default.len()).max().unwrap_or(0);
    for Parameter { name, default, summary } in *parameters {
        let space = width - name.len() - default.len();
        writeln!(out, "  {name}={default}{:space$}  {summary}", "")?;
    }
    Ok(())
}

/// `text` in lines of at most a hundred columns, each indented by two.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from(" ")];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.chars().count() + 1 + word.chars().count() > 100 && !line.trim().is_empty() {
            lines.push(format!("  {word}"));
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n")
}
