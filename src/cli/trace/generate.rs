//! `smo trace generate`: traces from a seeded generator: whoever has the command has the trace.

use super::Failure;
use super::output::{Output, failure, write};
use crate::input::trace::ServiceNames;
use crate::input::trace::generate::{Burst, Crowd, GenerateOptions, ServiceLoad, generate, week};
use crate::input::trace::write::{Compress, Head, long_csv};
use crate::seed::Seed;
use crate::units::{Rate, Ratio, Span, Time};
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  smo trace generate --services frontend --mean 60/s --daily 2.15 --noise 0.05 --out day.csv.gz
  smo trace generate --services frontend --span 6h --step 10s --mean 40/s \\
      --burst 'at=03:00,for=20 min,times=6,ramp=2 min' --out flash-crowd.csv.gz
  smo trace generate --services web=90/s,api=30/s --span 7d --step 5min \\
      --week 1,1,1,1,1.1,0.6,0.5 --out week.parquet
  smo trace generate --services shop --mean 50/s --noise 0.1 --autocorrelation 0.9 \\
      --crowd 'at=12:00,times=8,rise=2 min,decay=15 min' --out crowd.csv

The ending of OUT says how it is written: .csv, .csv.gz, .csv.zst or .parquet; without --out, CSV is printed.";

/// What is to be generated; the formulas stand in `input::trace::generate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Services, each with a mean rate of its own or that of --mean; may be given again.
    #[arg(long, visible_alias = "service", value_name = "NAME[=RATE]", required = true, value_delimiter = ',')]
    services: Vec<String>,
    /// Mean rate of each service, without bursts.
    #[arg(long, value_name = "RATE", default_value = "1 /s")]
    mean: Rate,
    /// From begin to end.
    #[arg(long, value_name = "T", default_value = "1 d")]
    span: Span,
    /// From one row to the next.
    #[arg(long, value_name = "T", default_value = "1 min")]
    step: Span,
    /// The day's peak over its mean, 1 to 10; 1: no daily course.
    #[arg(long, value_name = "RATIO", default_value = "1")]
    daily: Ratio,
    /// Hour of the peak.
    #[arg(long, value_name = "HH:MM", default_value = "15:00")]
    peak_at: Time,
    /// Load of a Saturday or Sunday over that of a working day; time 0 is Monday, 00:00.
    #[arg(long, value_name = "RATIO", default_value = "1")]
    weekend: Ratio,
    /// Load of each day from Monday on, relative to each other: seven ratios, `1,1,1,1,1.1,0.6,0.5`; instead of --weekend.
    #[arg(long, value_name = "RATIOS", conflicts_with = "weekend")]
    week: Option<String>,
    /// Level at the end over that at the begin.
    #[arg(long, value_name = "RATIO", default_value = "1")]
    trend: Ratio,
    /// Standard deviation of the noise, as a share of the rate.
    #[arg(long, value_name = "RATIO", default_value = "0")]
    noise: Ratio,
    /// Autocorrelation of the noise from one row to the next, below 1.
    #[arg(long, value_name = "RATIO", default_value = "0")]
    autocorrelation: Ratio,
    /// A burst of all services, `at=12:00,for=20 min,times=6,ramp=2 min`; may be given again.
    #[arg(long = "burst", value_name = "BURST")]
    bursts: Vec<Burst>,
    /// A flash crowd at all services, `at=12:00,times=8,rise=2 min,decay=15 min`: a sharp rise and an exponential decay; may
    /// be given again.
    #[arg(long = "crowd", value_name = "CROWD")]
    crowds: Vec<Crowd>,
    /// Seed of the noise.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Makes a trace.
///
/// # Errors
/// Options that do not fit, or a file that cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let options = options(arguments)?;
    let mut rows = generate(&options).map_err(Failure::input)?;
    let services = ServiceNames::new(options.services.iter().map(|service| service.name.clone()));
    let head = Head::from(&services);
    let Some(path) = &arguments.out else {
        return long_csv(&mut rows, head, out, Compress::No).map_err(failure);
    };
    let written = write(&mut rows, head, &Output::new(path, None)?)?;
    Ok(writeln!(out, "{}", written.told(path, head))?)
}

fn options(arguments: &Arguments) -> Result<GenerateOptions, Failure> {
    let load = |text: &String| {
        let Some((name, rate)) = text.split_once('=') else {
            return Ok(ServiceLoad { name: text.clone(), mean: arguments.mean });
        };
        let mean = rate.parse().with_context(|| format!("--services {text}")).map_err(Failure::input)?;
        Ok(ServiceLoad { name: name.to_owned(), mean })
    };
    Ok(GenerateOptions {
        services: arguments.services.iter().map(load).collect::<Result<_, Failure>>()?,
        span: arguments.span,
        step: arguments.step,
        daily: arguments.daily,
        peak_at: arguments.peak_at,
        weekend: arguments.weekend,
        trend: arguments.trend,
        noise: arguments.noise,
        autocorrelation: arguments.autocorrelation,
        bursts: arguments.bursts.clone(),
        week: arguments.week.as_deref().map(week).transpose().map_err(Failure::input)?,
        crowds: arguments.crowds.clone(),
        seed: Seed(arguments.seed),
    })
}
