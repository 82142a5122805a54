//! Real traces are replayed to the request: rate × time adds up to what was recorded.
//!
//! The files state counts divided by their bin, as floats of up to 19 digits. A rate here is a whole number of millionths,
//! so each row is off by at most half a millionth times its bin; the table states the recorded total, which the sum must
//! meet when it is rounded to a request, and the tests print by how much it is off before.
#![expect(clippy::print_stdout, reason = "what was skipped, and by how much totals are off")]

use crate::data_dir;
use smo::input::trace::{self, Selection, ServiceNames, Survey, TraceOptions};
use smo::units::{Span, Time};
use std::path::Path;

/// A file, its bin in seconds, its rows, and the recorded requests of each series.
pub struct Recorded {
    pub file: &'static str,
    bin_s: u64,
    rows: u64,
    requests: &'static [(&'static str, u128)],
}

/// All files of the data that are ready to replay. Totals as `data/README.md` states them; where it states none, summed
/// in rational numbers.
pub const RECORDED: &[Recorded] = &[
    Recorded { file: "nasa_http_1995/rps_60s.csv.gz", bin_s: 60, rows: 84_333, requests: &[("nasa-www", 3_461_610)] },
    Recorded {
        file: "nasa_http_1995/rps_1s_peakday.csv.gz",
        bin_s: 1,
        rows: 86_400,
        requests: &[("nasa-www", 139_331)],
    },
    Recorded {
        file: "twitter_stream_2021_08/rps_60s.csv.gz",
        bin_s: 60,
        rows: 31_652,
        requests: &[("twitter-stream", 120_774_326)],
    },
    Recorded {
        file: "twitter_stream_2021_08/rps_1s_day0.csv.gz",
        bin_s: 1,
        rows: 86_400,
        requests: &[("twitter-stream", 5_531_778)],
    },
    Recorded {
        file: "azure_llm_2023/rps_10s.csv",
        bin_s: 10,
        rows: 352,
        requests: &[("llm-code", 8_819), ("llm-conv", 19_366)],
    },
    Recorded {
        file: "azure_llm_2023/rps_1s.csv.gz",
        bin_s: 1,
        rows: 3_514,
        requests: &[("llm-code", 8_819), ("llm-conv", 19_366)],
    },
    Recorded {
        file: "limbo_wikipedia_ibm/rps_wikipedia_1h.csv",
        bin_s: 3_600,
        rows: 1_483,
        requests: &[("wikipedia", 2_112_744_963)],
    },
    Recorded {
        file: "limbo_wikipedia_ibm/rps_ibm_15min.csv",
        bin_s: 900,
        rows: 672,
        requests: &[("ibm-cics", 8_522_685)],
    },
    Recorded { file: "nab_cloudwatch/rps_elb.csv", bin_s: 300, rows: 4_032, requests: &[("elb-8c0756", 249_327)] },
    Recorded {
        file: "nab_cloudwatch/rps_tweets.csv.gz",
        bin_s: 300,
        rows: 15_902,
        requests: &[
            ("tweets-aapl", 1_360_453),
            ("tweets-amzn", 843_768),
            ("tweets-crm", 53_261),
            ("tweets-cvs", 5_701),
        ],
    },
    Recorded {
        file: "autothrottle_rps/rps_1s.csv",
        bin_s: 1,
        rows: 3_600,
        requests: &[("bursty", 587_788), ("diurnal", 945_292), ("diurnal-2", 822_101), ("noisy", 566_914)],
    },
    Recorded {
        file: "azure_functions_samples/rps_iluvatar_10s.csv",
        bin_s: 10,
        rows: 30,
        requests: &[("fn-0417fd6cb6", 1_405), ("fn-04e50c014b", 49), ("fn-08c02fa097", 1_411), ("fn-4137b8c22f", 753)],
    },
    Recorded { file: "mooncake_llm/rps_10s.csv", bin_s: 10, rows: 354, requests: &[("kimi-conversation", 12_031)] },
];

fn options(recorded: &Recorded, hold: Option<Span>) -> (ServiceNames, TraceOptions) {
    let names = ServiceNames::new(recorded.requests.iter().map(|(name, _)| *name));
    let chosen = recorded.requests.iter().map(|(name, _)| ((*name).to_owned(), (*name).to_owned())).collect();
    (names, TraceOptions { selection: Selection::Chosen(chosen), hold, ..TraceOptions::default() })
}

/// What the file adds up to, and what is unusual about it.
fn read(path: &Path, services: &ServiceNames, options: &TraceOptions) -> (Survey, Vec<String>) {
    let mut trace = trace::open(path, services, options).expect("real data are read");
    let survey = trace::survey(&mut trace).expect("real data are read to their end");
    (survey, trace.notes())
}

#[test]
fn real_traces_add_up_to_the_request() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    for recorded in RECORDED {
        let (services, options) = options(recorded, Some(Span(recorded.bin_s * 1_000_000_000)));
        let (survey, _) = read(&data.join(recorded.file), &services, &options);
        for (id, (name, requests)) in recorded.requests.iter().enumerate() {
            let replayed = survey.requests[id];
            println!("{}: {name}: off by {:+.6} requests", recorded.file, replayed.as_f64() - *requests as f64);
            assert_eq!(replayed.nearest(), *requests, "{}: {name}", recorded.file);
        }
    }
}

#[test]
fn every_row_of_a_real_trace_is_read() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    for recorded in RECORDED {
        let (services, options) = options(recorded, None);
        let (survey, notes) = read(&data.join(recorded.file), &services, &options);
        println!("{}: {} rows, {} s; {notes:?}", recorded.file, survey.rows, survey.end.0 / 1_000_000_000);
        assert_eq!(survey.rows, recorded.rows, "{}", recorded.file);
    }
}

/// The load balancer's record lacks eight rows. Without `hold` the rates before them hold for two steps: 362 requests more
/// than were recorded, and a note.
#[test]
fn a_missing_row_keeps_the_rate_and_is_noted() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    let recorded = RECORDED.iter().find(|recorded| recorded.file.contains("elb")).expect("it is in the table");
    let (services, options) = options(recorded, None);
    let (survey, notes) = read(&data.join(recorded.file), &services, &options);
    assert_eq!(survey.total().nearest(), 249_327 + 362);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("8 of 4031 steps are longer than the first one of 300 s"), "{notes:?}");
}

#[test]
fn a_series_can_be_given_to_a_service_of_another_name() {
    let Some(data) = data_dir() else { return println!("skipped: no SMO_DATA_DIR and no ../shared/data") };
    let services = ServiceNames::new(["cart", "frontend"]);
    let options = TraceOptions { selection: Selection::Only("frontend".into()), ..TraceOptions::default() };
    let (survey, _) = read(&data.join("nasa_http_1995/rps_1s_peakday.csv.gz"), &services, &options);
    assert_eq!(survey.requests[1].nearest(), 139_331);
    assert_eq!(survey.requests[0].nearest(), 0);
    assert_eq!(survey.end, Time(86_400_000_000_000));
}
