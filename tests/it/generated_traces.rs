//! The traces that are shipped come from the generator, by the commands in `traces/README.md`; and the generator does what
//! its options say.

use smo::input::trace::generate::{Burst, GenerateOptions, ServiceLoad, generate};
use smo::input::trace::write::{Compress, long_csv};
use smo::input::trace::{self, ServiceNames, TraceOptions};
use smo::model::workload::{RateRow, RateSource};
use smo::seed::Seed;
use std::io::Read as _;
use std::path::Path;

/// The options of a command `smo trace generate ...`, as `traces/README.md` spells them.
fn options(command: &str) -> (String, GenerateOptions) {
    let mut options = GenerateOptions::default();
    let (mut out, mut names, mut mean) = (String::new(), Vec::new(), None);
    let words = command.strip_prefix("smo trace generate ").expect("a command of the generator");
    for flag in words.split("--").skip(1) {
        let (flag, value) = flag.trim().split_once(' ').expect("a flag has a value");
        let value = value.trim_matches('"');
        let wrong = "the README's quantities are spelled right";
        match flag {
            "out" => value.clone_into(&mut out),
            "services" => names = value.split(',').map(str::to_owned).collect(),
            "mean" => mean = Some(value.parse().expect(wrong)),
            "span" => options.span = value.parse().expect(wrong),
            "step" => options.step = value.parse().expect(wrong),
            "daily" => options.daily = value.parse().expect(wrong),
            "peak-at" => options.peak_at = value.parse().expect(wrong),
            "weekend" => options.weekend = value.parse().expect(wrong),
            "trend" => options.trend = value.parse().expect(wrong),
            "noise" => options.noise = value.parse().expect(wrong),
            "autocorrelation" => options.autocorrelation = value.parse().expect(wrong),
            "crowd" => options.crowds.push(value.parse().expect(wrong)),
            "burst" => options.bursts.push(value.parse().expect(wrong)),
            "seed" => options.seed = Seed(value.parse().expect(wrong)),
            other => panic!("the README has an unknown flag `--{other}`"),
        }
    }
    let mean = mean.expect("a command states the mean");
    options.services = names.into_iter().map(|name| ServiceLoad { name, mean }).collect();
    (out, options)
}

fn commands() -> Vec<(String, GenerateOptions)> {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/README.md")).expect("it is there");
    let commands: Vec<_> = readme.lines().filter(|line| line.starts_with("smo trace generate")).map(options).collect();
    assert_eq!(commands.len(), 11, "a command for each trace");
    commands
}

fn names(options: &GenerateOptions) -> ServiceNames {
    ServiceNames::new(options.services.iter().map(|service| service.name.clone()))
}

fn text(options: &GenerateOptions) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rows = generate(options).expect("the options are sound");
    long_csv(&mut rows, &names(options), &mut out, Compress::No).expect("memory takes it");
    out
}

/// The text is compared and not its compressed form, which may differ between processors.
#[test]
fn the_shipped_traces_are_what_their_commands_generate() {
    for (out, options) in commands() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&out);
        let mut shipped = Vec::new();
        let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{out}: {error}"));
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut shipped).expect("it is gzip");
        assert!(shipped == text(&options), "{out} is not what its command generates");
    }
}

#[test]
fn a_compressed_trace_bears_no_time_and_no_name() {
    for (_, options) in commands() {
        let mut bytes = Vec::new();
        let mut rows = generate(&options).expect("the options are sound");
        long_csv(&mut rows, &names(&options), &mut bytes, Compress::Gzip).expect("memory takes it");
        // RFC 1952: deflate, no flags (so no name), modification time 0.
        assert!(bytes.starts_with(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]));
    }
}

#[test]
fn the_shipped_traces_have_the_load_that_the_readme_states() {
    let expected = [
        ("traces/day.csv.gz", 221.0, 489.0),
        ("traces/flash-crowd.csv.gz", 108.0, 518.0),
        ("traces/shop.csv.gz", 38.7, 97.3),
        ("traces/week.csv.gz", 218.0, 571.0),
        ("traces/classic/steady.csv.gz", 219.7, 231.8),
        ("traces/classic/daily.csv.gz", 222.4, 494.4),
        ("traces/classic/weekly.csv.gz", 199.7, 541.0),
        ("traces/classic/flash-crowd.csv.gz", 83.8, 568.9),
        ("traces/classic/shop.csv.gz", 89.8, 212.7),
        ("traces/classic/api.csv.gz", 109.6, 282.3),
        ("traces/classic/films.csv.gz", 89.8, 231.0),
    ];
    for ((out, options), (name, mean, peak)) in commands().into_iter().zip(expected) {
        assert_eq!(out, name);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&out);
        let mut trace = trace::open(&path, &names(&options), &TraceOptions::default()).expect("it is sound");
        let survey = trace::survey(&mut trace).expect("it is sound");
        let found = (survey.total().as_f64() / survey.end.as_seconds_f64(), survey.peak[0].per_second());
        assert!((found.0 - mean).abs() < 0.6 && (found.1 - peak).abs() < 0.6, "{name}: {found:?}");
        assert_eq!(survey.end.0, options.span.0);
        assert_eq!(trace.notes(), Vec::<String>::new());
    }
}

fn rates(options: &GenerateOptions, service: usize) -> Vec<f64> {
    let (mut source, mut row, mut rates) =
        (generate(options).expect("the options are sound"), RateRow::default(), Vec::new());
    while source.next_row(&mut row).expect("generated rows are sound") {
        rates.push(row.rates[service].1.per_second());
    }
    rates
}

fn load(names: &[&str]) -> Vec<ServiceLoad> {
    names
        .iter()
        .map(|name| ServiceLoad { name: (*name).to_owned(), mean: "1000 /s".parse().expect("a rate") })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_day_has_the_mean_and_the_peak_that_were_asked_for_at_the_hour() {
    let daily = "2.4".parse().expect("a ratio");
    let options = GenerateOptions { services: load(&["a"]), daily, ..GenerateOptions::default() };
    let rates = rates(&options, 0);
    assert_eq!(rates.len(), 1_440);
    assert!((mean(&rates) - 1_000.0).abs() < 0.01, "{}", mean(&rates));
    let peak = rates.iter().copied().fold(0.0, f64::max);
    assert!((peak - 2_400.0).abs() < 0.1, "{peak}");
    // 15:00 is between the minutes 899 and 900.
    assert_eq!(rates[899].to_bits(), peak.to_bits());
    assert_eq!(rates[900].to_bits(), peak.to_bits());
}

#[test]
fn a_week_rests_at_its_end_and_a_trend_rises() {
    let (week, hour) = ("7 d".parse().expect("a span"), "1 h".parse().expect("a span"));
    let weekend = "50 %".parse().expect("a ratio");
    let options =
        GenerateOptions { services: load(&["a"]), span: week, step: hour, weekend, ..GenerateOptions::default() };
    let found = rates(&options, 0);
    // 5 working days of 7/6 and 2 days of half of that have the mean 1.
    assert!((found[0] - 1_166.667).abs() < 1e-9 && (found[6 * 24] - 583.333).abs() < 1e-9);
    let trend = "3".parse().expect("a ratio");
    let found = rates(&GenerateOptions { weekend: "1".parse().expect("a ratio"), trend, ..options }, 0);
    assert!((mean(&found) - 1_000.0).abs() < 0.01);
    assert!((found[0] - 500.0).abs() < 10.0 && (found[167] - 1_500.0).abs() < 10.0);
}

/// Goal: noise has the mean, the deviation and the autocorrelation that were asked for, and each service its own.
/// Method: 86,400 steps; with φ = 0.9 they are worth about 4,500 independent ones, so means are within 3 × 0.1/√4500 = 0.5 %.
#[test]
fn noise_is_as_asked_for() {
    let options = GenerateOptions {
        services: load(&["a", "b"]),
        step: "1 s".parse().expect("a span"),
        noise: "0.1".parse().expect("a ratio"),
        autocorrelation: "0.9".parse().expect("a ratio"),
        ..GenerateOptions::default()
    };
    let (a, b) = (rates(&options, 0), rates(&options, 1));
    assert!((mean(&a) / 1_000.0 - 1.0).abs() < 0.005, "{}", mean(&a));
    let deviations = |rates: &[f64]| -> Vec<f64> { rates.iter().map(|rate| (rate / 1_000.0).ln() + 0.005).collect() };
    let (a, b) = (deviations(&a), deviations(&b));
    let product = |x: &[f64], y: &[f64]| mean(&x.iter().zip(y).map(|(x, y)| x * y).collect::<Vec<_>>());
    let variance = product(&a, &a);
    assert!((variance.sqrt() - 0.1).abs() < 0.005, "{}", variance.sqrt());
    assert!((product(&a, &a[1..]) / variance - 0.9).abs() < 0.01);
    assert!((product(&a, &b) / variance).abs() < 0.06, "the services are independent");
}

#[test]
fn a_burst_rises_holds_and_falls() {
    let burst: Burst = "at=1 h,for=20 min,times=6,ramp=5 min".parse().expect("a burst");
    let options = GenerateOptions { services: load(&["a"]), bursts: vec![burst], ..GenerateOptions::default() };
    let found = rates(&options, 0);
    assert_eq!((found[59], found[80]), (1_000.0, 1_000.0));
    // In the middle of the minutes 0, 5 and 19 of the burst: 10 %, 100 % and 10 % of the way from 1 to 6.
    assert_eq!((found[60], found[65], found[79]), (1_500.0, 6_000.0, 1_500.0));
}

#[test]
fn options_that_contradict_themselves_are_refused() {
    let sound = GenerateOptions { services: load(&["a"]), ..GenerateOptions::default() };
    let cases = [
        (GenerateOptions { services: Vec::new(), ..sound.clone() }, "no service is named"),
        (GenerateOptions { services: load(&["a", "b", "a"]), ..sound.clone() }, "the service `a` is named twice"),
        (
            GenerateOptions { step: "7 h".parse().expect("a span"), ..sound.clone() },
            "1 d is not at least two whole steps of 7 h",
        ),
        (
            GenerateOptions { step: "0 s".parse().expect("a span"), ..sound.clone() },
            "1 d is not at least two whole steps",
        ),
        (
            GenerateOptions { daily: "0.6".parse().expect("a ratio"), ..sound.clone() },
            "the daily peak over the mean is 0.6\n  it must be between 1 and 10",
        ),
        (GenerateOptions { autocorrelation: "1".parse().expect("a ratio"), ..sound }, "the autocorrelation is 1\n"),
    ];
    for (options, wrong) in cases {
        let error = generate(&options).expect_err(wrong).to_string();
        assert!(error.starts_with(wrong), "expected {wrong}\n   found {error}");
    }
    for text in ["", "at=1 h", "at=1 h,for=2 min", "at=1 h,for=2 min,times=6,color=red", "at=x,for=2 min,times=6"] {
        assert!(text.parse::<Burst>().is_err(), "{text}");
    }
}
