//! `smo trace`: traces from a seeded generator: whoever has the command has the trace.

use super::Failure;
use crate::input::trace::ServiceNames;
use crate::input::trace::generate::{Burst, GenerateError, GenerateOptions, ServiceLoad, generate};
use crate::input::trace::write::{Compress, WriteError, long_csv, wide_parquet};
use crate::seed::Seed;
use crate::units::{Rate, Ratio, Span, Time};
use anyhow::{Context, anyhow};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  smo trace generate --services frontend --mean 60/s --daily 2.15 --noise 0.05 --out day.csv.gz
  smo trace generate --services frontend --span 6h --step 10s --mean 40/s \\
      --burst 'at=03:00,for=20 min,times=6,ramp=2 min' --out flash-crowd.csv.gz
  smo trace generate --services web=90/s,api=30/s --span 7d --weekend 60% --out week.parquet

The ending of OUT says how it is written: .csv, .csv.gz, .csv.zst or .parquet; without --out, CSV is printed.";

/// Make traces.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Generate a trace: daily course, weekends, trend, noise and bursts, the same for the same seed everywhere.
    #[command(after_help = EXAMPLES)]
    Generate(Box<Generate>),
}

/// What is to be generated; the formulas stand in `input::trace::generate`.
#[derive(Debug, clap::Args)]
pub struct Generate {
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
pub fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    let Command::Generate(arguments) = command;
    let options = options(arguments)?;
    let Some(path) = &arguments.out else { return write(&options, Written::Csv(Compress::No), out) };
    let kind = Written::by_name(path)?;
    let aside = path.with_added_extension("partial");
    let at = || path.display().to_string();
    let file = File::create(&aside).with_context(at).map_err(Failure::run)?;
    if let Err(failure) = write(&options, kind, file) {
        // What is left of it is of no use to anybody.
        let _ = fs::remove_file(&aside);
        return Err(failure);
    }
    fs::rename(&aside, path).with_context(at).map_err(Failure::run)?;
    let (services, rows) = (options.services.len(), options.span.times(options.step).unwrap_or(0));
    Ok(writeln!(out, "{}: {rows} rows, {services} services, {}", path.display(), options.span)?)
}

fn options(arguments: &Generate) -> Result<GenerateOptions, Failure> {
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
        seed: Seed(arguments.seed),
    })
}

/// How a trace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Csv(Compress),
    Parquet,
}

impl Written {
    /// What the ending of a file's name asks for.
    fn by_name(path: &Path) -> Result<Self, Failure> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match name.strip_suffix(".parquet") {
            Some(_) => Ok(Self::Parquet),
            None if [".csv", ".csv.gz", ".csv.zst"].iter().any(|end| name.ends_with(end)) => {
                Ok(Self::Csv(Compress::by_name(&name)))
            }
            None => {
                let remedy = "end it in .csv, .csv.gz, .csv.zst or .parquet";
                Err(Failure::input(anyhow!("{}: no format has this ending\n  {remedy}", path.display())))
            }
        }
    }
}

fn write(options: &GenerateOptions, kind: Written, out: impl Write) -> Result<(), Failure> {
    let mut rows = generate(options).map_err(|error: GenerateError| Failure::input(error))?;
    let names = ServiceNames::new(options.services.iter().map(|service| service.name.clone()));
    let done = match kind {
        Written::Csv(compress) => long_csv(&mut rows, &names, out, compress),
        Written::Parquet => wide_parquet(&mut rows, &names, out),
    };
    done.map_err(|error| match error {
        WriteError::Io(error) => Failure::from(error),
        other => Failure::run(other),
    })
}
