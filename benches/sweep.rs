//! A sweep as it is run: `smo simulate` over 5 policies, 20 scenarios and seeds, a day each of 50 services on 10 clusters.
//!
//! The command itself is timed, from scenario files on the disk to records and pages on the disk, at the default decision and
//! scrape every 15 s. The scenarios are generated from fixed seeds and differ in load (daily wave, flash crowd, office hours,
//! growth) and in what goes wrong (nothing, a cluster, a node, telemetry, old telemetry). Checked: one thread and two leave
//! the same bytes in every file but `timing.json`, and every request is accounted for.
//!
//! `cargo bench --bench sweep` runs one seed, 100 runs, in rounds of one thread and two; `-- full` all 10 seeds, once.
//! `SMO_BENCH_SMOKE` runs a few hours of two scenarios, once.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use clap::Parser;
use sha2::{Digest, Sha256};
use smo::cli::Cli;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

const POLICIES: [&str; 5] = ["naive", "greedy+rate", "spread+hpa", "best-fit+keda", "karmada+rate"];
const SERVICES: u64 = 50;
const CLUSTERS: u64 = 10;

/// How much is run.
#[derive(Clone, Copy)]
struct Size {
    scenarios: usize,
    seeds: usize,
    hours: u64,
    rounds: usize,
}

const USUAL: Size = Size { scenarios: 20, seeds: 1, hours: 24, rounds: 3 };
const FULL: Size = Size { seeds: 10, rounds: 1, ..USUAL };
const SMOKE: Size = Size { scenarios: 2, seeds: 1, hours: 2, rounds: 1 };

/// Noise in [-1, 1) from a few numbers, the same everywhere.
fn noise(scenario: u64, service: u64, minute: u64) -> f64 {
    let mut x = (scenario << 40) ^ (service << 20) ^ minute;
    for _ in 0..3 {
        x = (x ^ (x >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Requests per second of a service: one of four shapes.
fn rate(scenario: u64, service: u64, minute: u64) -> f64 {
    let day = minute as f64 / 1_440.0;
    let phase = service as f64 / SERVICES as f64;
    let shape = match scenario % 4 {
        0 => 1.0 - 0.8 * ((day + phase) * std::f64::consts::TAU).cos(),
        1 => 0.6 + if (700..760).contains(&minute) && service.is_multiple_of(5) { 2.5 } else { 0.0 },
        2 => 0.3 + if (480..1_080).contains(&minute) { 1.0 } else { 0.0 },
        _ => 0.5 + day,
    };
    let mean = 60.0 + 4.0 * ((service * 7 + scenario * 3) % 20) as f64;
    (mean * shape * (1.0 + 0.1 * noise(scenario, service, minute))).max(0.0)
}

/// What goes wrong: one of five.
fn fault(scenario: u64) -> &'static str {
    match scenario / 4 {
        0 => "",
        1 => "faults: [{lose: cluster c3, at: 1 h, for: 30 min}]\n",
        2 => "faults: [{lose: node c1, at: 90 min, for: 1 h}, {lose: node c2, every: 8 h, for: 20 min}]\n",
        3 => "faults: [{lose: telemetry, at: 80 min, for: 10 min}]\n",
        _ => "telemetry: {delay: 60 s, loss: 1 %}\n",
    }
}

/// Writes a scenario with its load; gives its path.
fn write(home: &Path, number: u64, hours: u64) -> PathBuf {
    let mut load = String::from("timestamp_s");
    for service in 0..SERVICES {
        write!(load, ",s{service}").expect("a string takes all");
    }
    for minute in 0..hours * 60 {
        write!(load, "\n{}", minute * 60).expect("a string takes all");
        for service in 0..SERVICES {
            write!(load, ",{:.3}", rate(number, service, minute)).expect("a string takes all");
        }
    }
    load.push('\n');
    std::fs::write(home.join(format!("load-{number:02}.csv")), load).expect("there is room");
    let mut text = format!("question: What does a sweep cost?\npolicies: [naive]\nuntil: {hours} h\n{}", fault(number));
    writeln!(text, "traces: [{{file: load-{number:02}.csv}}]\napplication:\n  services:").expect("a string takes all");
    for service in 0..SERVICES {
        writeln!(
            text,
            "    - {{name: s{service}, cpu: 1, memory: 1 GiB, replicas: {{initial: 5, min: 1, max: 60}}, capacity: 20 /s, slo: 1 s}}"
        )
        .expect("a string takes all");
    }
    text.push_str("inventory:\n  clusters:\n");
    for cluster in 0..CLUSTERS {
        writeln!(
            text,
            "    - {{name: c{cluster}, region: r{cluster}, pools: [{{name: main, cpu: 16, memory: 64 GiB, \
             nodes: {{initial: 4, min: 2, max: 8}}, price_per_hour: 0.{}0 $}}]}}",
            5 + (cluster + number) % 5
        )
        .expect("a string takes all");
    }
    let path = home.join(format!("sweep-{number:02}.yaml"));
    std::fs::write(&path, text).expect("there is room");
    path
}

/// Runs the command; gives its seconds.
fn simulate(scenarios: &[PathBuf], out: &Path, size: Size, threads: u32) -> f64 {
    let mut arguments: Vec<std::ffi::OsString> = vec!["smo".into(), "simulate".into()];
    arguments.extend(scenarios.iter().map(Into::into));
    for policy in POLICIES {
        arguments.extend(["--policy".into(), policy.into()]);
    }
    let (seeds, threads) = (size.seeds.to_string(), threads.to_string());
    arguments.extend(["--seeds".into(), seeds.into(), "-j".into(), threads.into(), "--out".into(), out.into()]);
    let started = Instant::now();
    let mut said = Vec::new();
    Cli::parse_from(arguments).run(&mut said).unwrap_or_else(|failure| panic!("{failure:?}"));
    started.elapsed().as_secs_f64()
}

/// One number for all files that a sweep left, by name and content; only what took how long is left out.
fn digest(folder: &Path) -> (String, usize) {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut digest = Sha256::new();
    for path in &files {
        digest.update(path.strip_prefix(folder).expect("it lies there").to_string_lossy().as_bytes());
        digest.update(std::fs::read(path).expect("it was just written"));
    }
    let summaries = files.iter().filter(|path| path.ends_with("summary.json")).count();
    (digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")), summaries)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("it was just written") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            collect(&path, files);
        } else if !path.ends_with("timing.json") {
            files.push(path);
        }
    }
}

fn main() {
    let size = match (std::env::var_os("SMO_BENCH_SMOKE"), std::env::args().any(|argument| argument == "full")) {
        (Some(_), _) => SMOKE,
        (None, true) => FULL,
        (None, false) => USUAL,
    };
    let home = tempfile::tempdir().expect("a temporary directory");
    // With the smoke size, one scenario of each kind of trouble that comes early.
    let numbers = (0..20).filter(|number| size.scenarios == 20 || number % 9 == 4).take(size.scenarios);
    let scenarios: Vec<PathBuf> = numbers.map(|number| write(home.path(), number, size.hours)).collect();
    let runs = size.scenarios * size.seeds * POLICIES.len();
    let mut first: Option<String> = None;
    for round in 1..=size.rounds {
        let mut seconds = [0.0; 2];
        for threads in [1, 2] {
            let out = home.path().join("runs");
            seconds[threads as usize - 1] = simulate(&scenarios, &out, size, threads);
            let (left, summaries) = digest(&out);
            assert_eq!(summaries, runs, "each run leaves its summary");
            assert_eq!(first.get_or_insert_with(|| left.clone()), &left, "threads or rounds change what is left");
            std::fs::remove_dir_all(&out).expect("it was just written");
        }
        let [one, two] = seconds;
        let count = runs as f64;
        println!(
            "sweep, round {round}: {runs} runs of {} h; -j 1: {one:.1} s, {:.2} runs/s; -j 2: {two:.1} s, {:.2} runs/s; {:.2} times",
            size.hours,
            count / one,
            count / two,
            one / two
        );
    }
}
