//! Published traces as their authors wrote them: each is read by a named format, and no request is lost on the way.
//!
//! Totals are those that the data's README states, or were summed from the raw files in integers. Every file of the data's
//! rate folders is either in a table of these tests or in the list of what is no rate, with the reason.
#![expect(clippy::print_stdout, reason = "what was skipped")]

use crate::data_dir;
use crate::real_traces::RECORDED;
use smo::input::formats;
use smo::input::trace::{self, Import, Part, Selection, ServiceNames, TraceOptions, Zone};
use smo::model::workload::{RateRow, RateSource};
use smo::units::{Span, Time};
use std::collections::BTreeSet;
use std::path::Path;

const S: u64 = 1_000_000_000;

/// A file as it was published, the format that must recognise it, what has to be said about it, its rows and requests.
struct Raw {
    file: &'static str,
    format: &'static str,
    import: fn() -> Import,
    /// How long a rate holds where rows are missing, in seconds.
    hold_s: Option<u64>,
    rows: u64,
    requests: u128,
}

fn nothing() -> Import {
    Import::default()
}

fn all_in_steps(step_s: u64) -> Import {
    Import { step: Some(Span(step_s * S)), service_from: Some("all".into()), ..Import::default() }
}

fn in_utc() -> Import {
    Import { timezone: Some(Zone::UTC), ..Import::default() }
}

const fn arrivals(file: &'static str, import: fn() -> Import, rows: u64, requests: u128) -> Raw {
    Raw { file, format: "arrivals", import, hold_s: None, rows, requests }
}

const fn plain(file: &'static str, requests: u128) -> Raw {
    Raw { file, format: "values", import: nothing, hold_s: None, rows: 3_600, requests }
}

const fn sums(file: &'static str, rows: u64, requests: u128) -> Raw {
    Raw { file, format: "cloudwatch", import: in_utc, hold_s: Some(300), rows, requests }
}

const fn intervals(file: &'static str, import: fn() -> Import, rows: u64, requests: u128) -> Raw {
    Raw { file, format: "limbo", import, hold_s: None, rows, requests }
}

/// Rows of arrivals are the steps that change the rate, so those without requests after another such step are not counted.
const RAW: &[Raw] = &[
    arrivals("azure_llm_2023/raw/AzureLLMInferenceTrace_code.csv.gz", nothing, 0, 8_819),
    arrivals("azure_llm_2023/raw/AzureLLMInferenceTrace_conv.csv.gz", nothing, 0, 19_366),
    arrivals("mooncake_llm/conversation_arrivals.csv.gz", || all_in_steps(3), 0, 12_031),
    arrivals("azure_functions_samples/iluvatar_trace.csv", || all_in_steps(10), 30, 11_868),
    arrivals("azure_functions_samples/Azure2021_200.csv", || all_in_steps(60), 0, 199),
    plain("autothrottle_rps/raw/bursty.txt", 587_788),
    plain("autothrottle_rps/raw/diurnal.txt", 945_292),
    plain("autothrottle_rps/raw/diurnal-2.txt", 822_101),
    plain("autothrottle_rps/raw/noisy.txt", 566_914),
    intervals("limbo_wikipedia_ibm/raw/wikipedia_trace.txt", || step(3_600), 1_483, 2_112_744_963),
    intervals("limbo_wikipedia_ibm/raw/IBM_Transactions_trace_1week.txt", || step(900), 672, 8_522_685),
    sums("nab_cloudwatch/raw/realAWSCloudwatch/elb_request_count_8c0756.csv", 0, 249_327),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_AAPL.csv.gz", 15_902, 1_360_453),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_AMZN.csv.gz", 15_831, 843_768),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_CRM.csv.gz", 15_902, 53_261),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_CVS.csv.gz", 15_853, 5_701),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_FB.csv.gz", 15_833, 282_006),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_GOOG.csv.gz", 15_842, 328_506),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_IBM.csv.gz", 15_893, 69_774),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_KO.csv.gz", 15_851, 180_658),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_PFE.csv.gz", 15_858, 13_742),
    sums("nab_cloudwatch/raw/realTweets/Twitter_volume_UPS.csv.gz", 15_866, 86_570),
];

fn step(step_s: u64) -> Import {
    Import { step: Some(Span(step_s * S)), ..Import::default() }
}

/// Files of the rate folders that hold no request rate, by a part of their path.
const NO_RATES: &[(&str, &str)] = &[
    ("README.md", "a description"),
    ("LICENSE", "a licence"),
    ("derive.py", "a program"),
    ("AzureLLMInferenceDataset2023.md", "a description"),
    ("workload.tbz2", "a bzip2 archive; unpacked by `tar`, it is of the format `values`, see below"),
    ("tokens_10s.csv", "sizes of requests"),
    ("femux_apps.csv", "totals and memory of applications"),
    ("iluvatar_metadata-trace.csv", "durations and memory of functions"),
    ("combined_windows.json", "labels of anomalies"),
    ("cpu_utilization", "CPU utilisation"),
    ("realAWSCloudwatch/ec2_disk", "bytes written"),
    ("realAWSCloudwatch/ec2_network", "bytes received"),
    ("NetworkIn.csv", "bytes received"),
    ("grok_asg_anomaly.csv", "machines of a group"),
    ("ec2_request_latency", "latency"),
];

fn options(raw: &Raw) -> (ServiceNames, TraceOptions) {
    let import = (raw.import)();
    let hold = raw.hold_s.map(|hold_s| Span(hold_s * S));
    (
        ServiceNames::new(["web"]),
        TraceOptions { selection: Selection::Only("web".into()), hold, import, ..TraceOptions::default() },
    )
}

#[test]
fn published_traces_keep_every_request() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    for raw in RAW {
        for format in [None, Some(raw.format)] {
            let (services, mut options) = options(raw);
            options.import.format = format.map(str::to_owned);
            let mut trace = trace::open(&data.join(raw.file), &services, &options).expect(raw.file);
            let survey = trace::survey(&mut trace).expect(raw.file);
            println!("{}: {} rows, {:?}", raw.file, survey.rows, trace.notes());
            assert_eq!(survey.total().nearest(), raw.requests, "{}", raw.file);
            assert!(raw.rows == 0 || raw.rows == survey.rows, "{}: {} rows", raw.file, survey.rows);
        }
    }
}

/// 36,447 container-minutes, each read as one unit a second for 60 s.
#[test]
fn containers_by_minute_are_units_of_load() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    let path = data.join("azure_functions_samples/femux_containers_per_min.csv.gz");
    let services = ServiceNames::new((0..100).map(|app| format!("app{app:03}")));
    let mut trace = trace::open(&path, &services, &TraceOptions::default()).expect("it is sound");
    let survey = trace::survey(&mut trace).expect("it is sound");
    assert_eq!(survey.total().nearest(), 36_447 * 60);
    assert_eq!(survey.end, Time(86_400 * S));
}

#[test]
fn every_file_of_the_rate_folders_is_read_or_known_to_be_no_rate() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    let mut read: BTreeSet<String> = RAW.iter().map(|raw| raw.file.to_owned()).collect();
    read.extend(RECORDED.iter().map(|recorded| recorded.file.to_owned()));
    read.insert("azure_functions_samples/femux_containers_per_min.csv.gz".to_owned());
    let folders: BTreeSet<String> = read.iter().filter_map(|file| Some(file.split('/').next()?.to_owned())).collect();
    let listed = std::fs::read_to_string(data.join("README.md")).expect("the data have an index");
    let rates =
        listed.lines().filter(|line| line.contains("| rate |")).map(|line| line.split('|').nth(1).unwrap().trim());
    for folder in rates {
        assert!(folders.contains(folder), "no file of {folder} is read");
        for file in files(&data.join(folder)) {
            let file = file.strip_prefix(&data).expect("it is below").to_string_lossy().into_owned();
            let known = read.contains(&file) || NO_RATES.iter().any(|(part, _)| file.contains(part));
            assert!(known, "{file} is neither read nor known to be no rate");
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it is a folder").map(|entry| entry.expect("it is there").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn each_format_that_a_table_names_has_a_page() {
    for raw in RAW {
        assert!(formats::FORMATS.iter().any(|page| page.name == raw.format), "{}", raw.format);
    }
}

/// The rate of each service at each step.
fn by_step(source: &mut dyn RateSource, step: u64, services: usize) -> Vec<Vec<u64>> {
    let (mut rows, mut row, mut present) = (Vec::new(), RateRow::default(), vec![0; services]);
    while source.next_row(&mut row).expect("it is sound") {
        while (rows.len() as u64) * step < row.at.0 {
            rows.push(present.clone());
        }
        row.rates.iter().for_each(|(service, rate)| present[service.0 as usize] = rate.0);
    }
    while (rows.len() as u64) * step < source.end().0 {
        rows.push(present.clone());
    }
    rows
}

/// Goal: two files with one epoch are one trace on one clock, second for second what was derived from them elsewhere.
#[test]
fn raw_arrivals_of_two_services_are_the_rates_that_were_derived_from_them() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    let services = ServiceNames::new(["llm-code", "llm-conv"]);
    let part = |file: &str, service: &str| {
        let epoch = trace::instant("2023-11-16T18:15:46Z").ok();
        let import = Import { epoch, ..Import::default() };
        let options = TraceOptions { selection: Selection::Only(service.into()), import, ..TraceOptions::default() };
        let path = data.join("azure_llm_2023/raw").join(file);
        let source = Box::new(trace::open(&path, &services, &options).expect("it is sound"));
        Part { path, source }
    };
    let parts = vec![
        part("AzureLLMInferenceTrace_code.csv.gz", "llm-code"),
        part("AzureLLMInferenceTrace_conv.csv.gz", "llm-conv"),
    ];
    let raw = by_step(&mut trace::merge(parts, &services).expect("they are sound"), S, 2);
    let derived = data.join("azure_llm_2023/rps_1s.csv.gz");
    let mut derived = trace::open(&derived, &services, &TraceOptions::default()).expect("it is sound");
    assert_eq!(raw, by_step(&mut derived, S, 2));
}

/// The raw load balancer's series without `hold`: what a gap keeps is 362 requests more, as in the derived file.
#[test]
fn a_missing_period_is_a_gap_and_keeps_the_rate() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    let raw = RAW.iter().find(|raw| raw.file.contains("elb")).expect("it is in the table");
    let (services, options) = options(raw);
    let options = TraceOptions { hold: None, ..options };
    let mut trace = trace::open(&data.join(raw.file), &services, &options).expect("it is sound");
    assert_eq!(trace::survey(&mut trace).expect("it is sound").total().nearest(), 249_327 + 362);
    let notes = trace.notes();
    assert!(notes.iter().any(|note| note.starts_with("8 of 4031 steps are longer")), "{notes:?}");
    assert!(notes.contains(&"its times state no zone and are read as UTC".to_owned()), "{notes:?}");
    let options = TraceOptions { import: Import::default(), ..options };
    let error = trace::open(&data.join(raw.file), &services, &options).err().expect("no zone is stated").to_string();
    assert!(error.contains("line 2: field `timestamp`: `2014-04-10 00:04:00` states no time zone\n"), "{error}");
}

/// The raw seconds of NASA and Twitter are a text in a bzip2 archive, which is unpacked here by `tar`, if it can.
#[test]
fn raw_seconds_add_up_once_they_are_unpacked() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    for (folder, rows, requests) in
        [("nasa_http_1995", 5_059_950, 3_461_610), ("twitter_stream_2021_08", 1_899_061, 120_774_326)]
    {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let archive = data.join(folder).join("raw/workload.tbz2");
        let unpacked = std::process::Command::new("tar").arg("-xjf").arg(&archive).current_dir(dir.path()).status();
        if !unpacked.is_ok_and(|status| status.success()) {
            return println!("skipped: there is no `tar` that unpacks bzip2");
        }
        let options = TraceOptions { selection: Selection::Only("web".into()), ..TraceOptions::default() };
        let path = dir.path().join("workload.txt");
        let mut trace = trace::open(&path, &ServiceNames::new(["web"]), &options).expect("it is sound");
        let survey = trace::survey(&mut trace).expect("it is sound");
        assert_eq!((survey.rows, survey.total().nearest()), (rows, requests), "{folder}");
    }
}
