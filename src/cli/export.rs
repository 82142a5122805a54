//! `smo export`: a recorded run for other programs.

use super::{Failure, runs};
use crate::record;
use crate::record::aside::replace_file;
use crate::report::openmetrics::Export;
use anyhow::{Context, anyhow};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  smo export --openmetrics runs/quickstart/naive-1 --out naive.om
  smo export --openmetrics runs/quickstart/naive-1 --start 2025-06-02 --out naive.om
  smo simulate scenarios/quickstart.yaml --set sample_every=15s   (dashboards look back 40 s)
  promtool tsdb create-blocks-from openmetrics naive.om /var/lib/prometheus

Names and labels are those that live dashboards ask for (kube_deployment_status_replicas_ready, container_cpu_usage_seconds_total,
node_cpu_seconds_total ...), and smo_* for the rest; the file's HELP lines say what each is.";

/// Export a recorded run as `OpenMetrics` text with timestamps, so that Grafana shows it with the dashboards of a live one.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A run directory.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// As `OpenMetrics` text.
    #[arg(long, required = true)]
    openmetrics: bool,
    /// The file to write; default: the standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// When the run is said to have started, in UTC: `2025-06-02`, `2025-06-02T08:30:00Z`, or seconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = instant, default_value = "2025-01-01")]
    start: i64,
}

/// Writes the run.
///
/// # Errors
/// A run that is not there or cannot be read, or a file that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let directory = runs::only(&arguments.run)?;
    let record = record::read(&directory).map_err(Failure::input)?;
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age stay far below 2^53")]
    let export = Export::read(record, arguments.start as f64).map_err(Failure::input)?;
    let Some(path) = &arguments.out else {
        let mut out = BufWriter::new(out);
        export.write(&mut out)?;
        return Ok(out.flush()?);
    };
    let mut text = Vec::new();
    export.write(&mut text)?;
    replace_file(path, &text).with_context(|| path.display().to_string()).map_err(Failure::run)?;
    Ok(writeln!(out, "{}: {} bytes, {}", path.display(), text.len(), directory.display())?)
}

/// Seconds since 1970 of a day, an instant in UTC, or such seconds.
fn instant(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time; write it like `2025-06-02`, `2025-06-02T08:30:00Z` or `1748851200`");
    if let Ok(seconds) = text.parse::<i64>() {
        return if (0..253_402_300_800).contains(&seconds) { Ok(seconds) } else { Err(wrong()) };
    }
    let (day, time) = text.split_once('T').map_or((text, "00:00:00"), |(day, time)| (day, time));
    let numbers = |text: &str, by: char| -> Option<Vec<i64>> {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        text.split(by).map(digits).collect()
    };
    let time = time.strip_suffix('Z').or((!text.contains('T')).then_some(time)).ok_or_else(wrong)?;
    let (day, time) = (numbers(day, '-').ok_or_else(wrong)?, numbers(time, ':').ok_or_else(wrong)?);
    let ([year, month, date], [hour, minute, rest @ ..]) = (&day[..], &time[..]) else { return Err(wrong()) };
    let second = rest.first().copied().unwrap_or(0);
    let fits = (1970..=9_999).contains(year)
        && (1..=12).contains(month)
        && (1..=days_of(*year, *month)).contains(date)
        && (*hour < 24 && *minute < 60 && second < 60 && rest.len() < 2);
    let days: i64 = (1970..*year).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<i64>()
        + (1..*month).map(|month| days_of(*year, month)).sum::<i64>()
        + date
        - 1;
    if fits { Ok(days * 86_400 + hour * 3_600 + minute * 60 + second) } else { Err(wrong()) }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl From<record::RecordError> for Failure {
    fn from(error: record::RecordError) -> Self {
        Self::input(anyhow!(error))
    }
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn instants_are_read_in_utc_and_nonsense_is_refused() {
        assert_eq!(instant("1970-01-01"), Ok(0));
        // 55 years of 365 days and 14 leap days.
        assert_eq!(instant("2025-01-01"), Ok((55 * 365 + 14) * 86_400));
        assert_eq!(instant("2024-02-29T23:59:59Z"), Ok(1_709_251_199));
        assert_eq!(instant("2025-06-02T08:30Z"), Ok(1_748_853_000));
        assert_eq!(instant("1748851200"), Ok(1_748_851_200));
        for wrong in
            ["2025-02-29", "2025-13-01", "yesterday", "2025-06-02T08:30:00", "-5", "2025-06-02T25:00:00Z", "1-2-3"]
        {
            assert!(instant(wrong).is_err_and(|error| error.contains("write it like")), "{wrong}");
        }
    }
}
