//! Fits as text: a line each, then what a reader should know, then refusals with what would help.

use super::gather::Gathered;
use crate::capacity::design::Plan;
use crate::capacity::regression::WARNING;
use crate::capacity::{Estimate, Fitted, FittedGroup, Method, Options, Outcome};
use crate::cli::aligned::Columns;
use crate::cli::clock::clock;
use crate::input::trace::calendar;
use crate::model::Capacity;
use crate::units::Time;
use std::io::{self, Write};

/// Prints everything.
///
/// # Errors
/// Where the output does not take it.
pub fn print(
    (groups, plans): (&[FittedGroup], &[Plan]),
    gathered: &Gathered,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    if options.method == Method::Ols {
        wrapped(&format!("warning: {WARNING}"), "", out)?;
        writeln!(out)?;
    }
    let percent = format!("{} %", figure(options.confidence * 100.0));
    let mut columns = Columns::new([
        "service",
        "class",
        "identified by",
        ">requests/s of r replicas",
        ">one replica",
        &format!(">{percent} interval"),
        ">points",
        "r²",
    ]);
    for group in groups {
        columns.row(row(group));
    }
    columns.print("", out)?;
    for note in &gathered.notes {
        wrapped(&format!("read      {note}"), "          ", out)?;
    }
    for group in groups {
        let name = name(group);
        for note in &group.notes {
            wrapped(&format!("note      {name}: {}", note.message), "          ", out)?;
        }
        match &group.outcome {
            Outcome::Fitted(fitted) => {
                if let Some(drift) = drift(fitted, gathered.has_dates) {
                    wrapped(&format!("drift     {name}: {drift}"), "          ", out)?;
                }
                if let Some(within) = within_objective(fitted, options) {
                    wrapped(&format!("objective {name}: {within}"), "          ", out)?;
                }
            }
            Outcome::Refused(refusal) => {
                wrapped(&format!("refused   {name}: {}", refusal.reason), "          ", out)?;
                for help in &refusal.would_help {
                    wrapped(&format!("  help    {help}"), "          ", out)?;
                }
            }
        }
    }
    for (group, plan) in groups.iter().zip(plans) {
        print_plan(group, plan, out)?;
    }
    Ok(())
}

/// `service on class`.
pub fn name(group: &FittedGroup) -> String {
    named(&group.service, &group.class)
}

/// `service on class`; the service alone where its class was not observed.
pub fn named(service: &str, class: &str) -> String {
    if class == crate::input::capacities::ALL { service.to_owned() } else { format!("{service} on {class}") }
}

fn row(group: &FittedGroup) -> Vec<String> {
    let mut cells = vec![group.service.clone(), group.class.clone()];
    match &group.outcome {
        Outcome::Refused(refusal) => {
            cells.push(format!("refused: {}", refusal.code.replace('_', " ")));
            cells.extend([String::new(), String::new(), String::new(), group.points.used.to_string(), String::new()]);
        }
        Outcome::Fitted(fitted) => {
            cells.push(fitted.identified_by.name().to_owned());
            cells.push(formula(&fitted.capacity));
            cells.push(figure(fitted.per_replica.value));
            cells.push(interval(&fitted.per_replica));
            cells.push(group.points.used.to_string());
            cells.push(if fitted.r_squared.is_nan() { String::new() } else { format!("{:.3}", fitted.r_squared) });
        }
    }
    cells
}

/// `30.2·r − 1.5`, or the USL with its figures.
pub fn formula(capacity: &Capacity) -> String {
    match *capacity {
        Capacity::Linear { alpha, beta: 0.0 } => format!("{}·r", figure(alpha)),
        Capacity::Linear { alpha, beta } => {
            let sign = if beta < 0.0 { '−' } else { '+' };
            format!("{}·r {sign} {}", figure(alpha), figure(beta.abs()))
        }
        Capacity::Usl { gamma, sigma, kappa } => {
            format!("{}·r/(1 + {}·(r−1) + {}·r(r−1))", figure(gamma), figure(sigma), figure(kappa))
        }
    }
}

/// Three or four digits.
pub fn figure(value: f64) -> String {
    if !value.is_finite() {
        return if value > 0.0 { "∞".to_owned() } else { "–".to_owned() };
    }
    let magnitude = value.abs();
    let decimals = match magnitude {
        _ if magnitude >= 1000.0 => 0,
        _ if magnitude >= 100.0 => 1,
        _ if magnitude >= 1.0 => 2,
        _ if magnitude >= 0.001 => 4,
        _ if magnitude == 0.0 => 0,
        _ => return format!("{value:.2e}"),
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `29.4 – 31.1`.
pub fn interval(estimate: &Estimate) -> String {
    format!("{} – {}", figure(estimate.low), figure(estimate.high))
}

/// An instant as a date, or since the start of a run.
pub fn instant(at: Time, has_dates: bool) -> String {
    if has_dates { calendar::utc(at.0) + " UTC" } else { clock(at.as_seconds_f64()) }
}

/// Whether the service changed, in words; `None` where it did not.
pub fn drift(fitted: &Fitted, has_dates: bool) -> Option<String> {
    let verdict = &fitted.drift;
    if !verdict.drifted {
        return None;
    }
    let when = verdict.at.or(verdict.alarm_at).map(|at| format!(" at {}", instant(at, has_dates))).unwrap_or_default();
    let ratio = verdict.ratio.map(|ratio| format!("; CPU per request is {} times what it was", figure(ratio)));
    Some(format!("it changed{when} (by {}){}", verdict.by.join(", ").replace('_', " "), ratio.unwrap_or_default()))
}

fn within_objective(fitted: &Fitted, options: &Options) -> Option<String> {
    let within = fitted.latency.as_ref()?.per_replica_within_slo.as_ref()?;
    let slo = options.slo_p95?;
    Some(format!(
        "one replica serves {} requests/s ({}) with a 95th percentile of at most {} ms",
        figure(within.value),
        interval(within),
        figure(slo * 1e3)
    ))
}

fn print_plan(group: &FittedGroup, plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    let now = if plan.half_width_now.is_finite() {
        format!("the interval is ± {} % now", figure(plan.half_width_now * 100.0))
    } else {
        "capacity is not identified now".to_owned()
    };
    wrapped(&format!("measure next, {}: {now}", name(group)), "  ", out)?;
    let mut columns = Columns::new([">replicas", ">requests/s", ">minutes", ">then ±", "why"]);
    for one in &plan.experiments {
        columns.row(vec![
            one.replicas.to_string(),
            figure(one.rate),
            one.minutes.to_string(),
            format!("{} %", figure(one.half_width * 100.0)),
            one.why.clone(),
        ]);
    }
    columns.print("  ", out)
}

/// Breaks a sentence at blanks; further lines begin with `indent`.
pub fn wrapped(text: &str, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    wrapped_at(super::width().max(60), text, indent, out)
}

/// The same at so many columns.
pub fn wrapped_at(width: usize, text: &str, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    let leading: String = text.chars().take_while(|letter| *letter == ' ').collect();
    line.push_str(&leading);
    // Runs of blanks are columns: they stay.
    for word in text.trim_start().split(' ') {
        let used = line.chars().count();
        if used > 0 && used + 1 + word.chars().count() > width && !line.trim().is_empty() {
            writeln!(out, "{}", line.trim_end())?;
            indent.clone_into(&mut line);
        } else if !line.is_empty() && line != leading && line != indent {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{figure, formula, wrapped};
    use crate::model::Capacity;

    #[test]
    fn figures_have_three_or_four_digits() {
        let shown = [0.0, 30.0, 30.1234, 5234.6, 0.026_715, 7.69e-4, 123.456].map(figure);
        assert_eq!(shown, ["0", "30", "30.12", "5235", "0.0267", "7.69e-4", "123.5"]);
        assert_eq!(formula(&Capacity::Linear { alpha: 30.0, beta: -1.5 }), "30·r − 1.5");
    }

    #[test]
    fn long_sentences_are_broken_and_columns_stay() {
        let mut out = Vec::new();
        wrapped(&format!("note      {}", "word ".repeat(40)), "          ", &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("note      word word") && text.lines().count() > 1);
        assert!(text.lines().skip(1).all(|line| line.starts_with("          word")));
    }
}
