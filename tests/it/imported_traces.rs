//! Traces of other tools: small files of each format, counted by hand.

use smo::input::trace::{self, Import, Selection, ServiceNames, TraceOptions, Zone};
use smo::model::workload::{RateRow, RateSource};
use smo::units::{Ratio, Span};
use std::fs;
use std::path::{Path, PathBuf};

pub const S: u64 = 1_000_000_000;

pub fn services() -> ServiceNames {
    ServiceNames::new(["frontend", "cart"])
}

pub fn file(dir: &tempfile::TempDir, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, contents).expect("the directory takes files");
    path
}

pub fn only(service: &str, import: Import) -> TraceOptions {
    TraceOptions { selection: Selection::Only(service.into()), import, ..TraceOptions::default() }
}

pub fn step(step_s: u64) -> Import {
    Import { step: Some(Span(step_s * S)), ..Import::default() }
}

pub fn from(service_from: &str) -> Import {
    Import { service_from: Some(service_from.into()), ..Import::default() }
}

/// (seconds, rates of services in millionths per second), the end in seconds, and the notes.
pub type Read = (Vec<(u64, Vec<(u32, u64)>)>, u64, Vec<String>);

pub fn read(path: &Path, options: &TraceOptions) -> Result<Read, String> {
    let mut trace = trace::open(path, &services(), options).map_err(|error| error.to_string())?;
    let (mut rows, mut row) = (Vec::new(), RateRow::default());
    while trace.next_row(&mut row).map_err(|error| error.to_string())? {
        rows.push((row.at.0 / S, row.rates.iter().map(|(service, rate)| (service.0, rate.0)).collect()));
    }
    Ok((rows, trace.end().0 / S, trace.notes()))
}

pub fn error(path: &Path, options: &TraceOptions) -> String {
    let dir = format!("{}/", path.parent().expect("a file has a directory").display());
    read(path, options).expect_err("something is wrong with it").replace(&dir, "")
}

pub fn line(time: &str, target: &str) -> String {
    format!("192.0.2.7 - - [{time}] \"GET {target} HTTP/1.1\" 200 17 \"-\" \"curl/8\"\n")
}

const ANSWER: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
 {"metric":{"service":"frontend","cluster":"a"},"values":[[1709208000,"12.5"],[1709208060,"NaN"],[1709208120.000,"0"]]},
 {"metric":{"service":"cart","pod":"1"},"values":[[1709208000,"1"],[1709208060,"2"],[1709208120,"3"]]},
 {"metric":{"service":"cart","pod":"2"},"values":[[1709208060,"0.5"]]}]}}
"#;

#[test]
fn an_answer_of_prometheus_gives_rates_with_gaps_told_from_zeros() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.json", ANSWER);
    let (rows, end, notes) = read(&path, &TraceOptions::default()).expect("it is sound");
    let one = 1_000_000;
    let expected =
        [(0, vec![(0, 12_500_000), (1, one)]), (60, vec![(1, 2_500_000)]), (120, vec![(0, 0), (1, 3 * one)])];
    assert_eq!(rows, expected);
    assert_eq!(end, 180);
    for note in [
        "1 of 7 values are not numbers (NaN): unknown",
        "`cart` is the sum of 2 series, each of them zero where it has no value",
        "`frontend` has no rate in 1 of 3 rows",
    ] {
        assert!(notes.iter().any(|found| found.starts_with(note)), "{note}: {notes:?}");
    }
    let total = read(&path, &only("cart", from("all"))).expect("it is sound").0;
    assert_eq!(total.iter().map(|row| row.1[0].1).collect::<Vec<_>>(), [13_500_000, 2_500_000, 3 * one]);
    let scaled = TraceOptions { scale: Ratio(2 * one), ..TraceOptions::default() };
    assert_eq!(read(&path, &scaled).expect("it is sound").0[1], (60, vec![(1, 5 * one)]));
}

/// 60 requests in the first minute; restarted, and 30 in the second: the counter says 30.
#[test]
fn counters_give_their_increase() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let answer = |values: &str| {
        format!(r#"{{"data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{values}]}}]}}}}"#)
    };
    // Two answers for parts of the time, which share a point.
    let text = answer(r#"[1709208000,"1000"],[1709208060,"1060"]"#)
        + "\n"
        + &answer(r#"[1709208060,"1060"],[1709208120,"30"]"#);
    let path = file(&dir, "a.jsonl", text);
    let import = Import { counter: true, ..Import::default() };
    let (rows, end, notes) = read(&path, &only("cart", import)).expect("it is sound");
    assert_eq!(rows, [(0, vec![(1, 1_000_000)]), (60, vec![(1, 500_000)])]);
    assert_eq!(end, 120);
    assert!(notes.iter().any(|note| note.starts_with("1 times a counter is smaller than before")), "{notes:?}");
}

#[test]
fn answers_that_are_no_matrix_are_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let matrix = |result: &str| format!(r#"{{"data":{{"resultType":"matrix","result":[{result}]}}}}"#);
    let series = |value: &str| matrix(&format!(r#"{{"metric":{{"service":"cart"}},"values":[{value}]}}"#));
    for (text, what) in [
        (r#"{"status":"error","error":"bad_data"}"#.to_owned(), "the answer is an error: bad_data"),
        (r#"{"data":{"resultType":"vector","result":[]}}"#.to_owned(), "the answer holds a vector"),
        (r#"{"a":1}"#.to_owned(), "the answer holds no `resultType`"),
        (matrix(""), "there is a header, but not one row"),
        (matrix(r#"{"metric":{"job":"x"},"values":[[1,"1"]]}"#), "a series has no label `service`, only `job`"),
        (matrix(r#"{"metric":{"service":"carts"},"values":[[1,"1"]]}"#), "nobody defines the service `carts`"),
        (series(r#"[1,"-1"]"#), "not an answer of a range query: `-1` is not a number of requests: it is negative"),
        (series(r#"[1,"+Inf"]"#), "not an answer of a range query: `+Inf` is not a number of requests: it is infinite"),
        (series("[1]"), "not an answer of a range query: a sample has a time and a value"),
        (series(r#"[-1,"1"]"#), "not an answer of a range query: a time is seconds since 1970"),
        (series(r#"[2,"1"],[1,"1"]"#), "1 s follows 2 s"),
        (matrix("{"), "not an answer of a range query: key must be a string"),
        (series(r#"[1,"1"]"#) + &series(r#"[1,"2"]"#), "`cart` has two values at 1 s, 1 and 2"),
        (format!("{{\"data\":\"{}\"}}", "x".repeat(2 << 20)), "a text or number is longer than 1 MiB"),
    ] {
        let found = error(&file(&dir, "a.json", &text), &TraceOptions::default());
        assert!(found.contains(what), "expected {what}\n   found {found}");
        assert!(found.contains("\n  ") && found.len() < 600, "{found}");
    }
}

#[test]
fn any_file_of_requests_is_read_by_its_column_of_times() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let csv =
        "id,when,svc\n1,2024-02-29T12:00:00.9Z,cart\n2,2024-02-29T12:00:01Z,frontend\n3,2024-02-29T12:00:00.1Z,cart\n";
    let import = Import { time_from: Some("when".into()), ..from("svc") };
    let options = TraceOptions { import, ..TraceOptions::default() };
    let path = file(&dir, "a.csv", csv);
    let (rows, end, _) = read(&path, &options).expect("it is sound");
    assert_eq!(rows, [(0, vec![(1, 2_000_000)]), (1, vec![(0, 1_000_000), (1, 0)])]);
    assert_eq!(end, 2);

    let import = Import { time_from: Some("at_ms".into()), ..Import::default() };
    let (rows, ..) =
        read(&file(&dir, "b.csv", "at_ms\n1500\n2500\n2999\n"), &only("cart", import)).expect("it is sound");
    assert_eq!(rows, [(0, vec![(1, 1_000_000)]), (1, vec![(1, 2_000_000)])]);
    let import = Import { time_from: Some("whenever".into()), ..Import::default() };
    assert!(error(&path, &only("cart", import)).contains("there is no column `whenever`, only `id`, `when`, `svc`"));
    let import = Import { time_from: Some("id".into()), ..Import::default() };
    let found = error(&path, &only("cart", import));
    assert!(
        found.starts_with("a.csv: line 2: field `id`: `1` may be seconds, milliseconds or anything else"),
        "{found}"
    );
}

#[test]
fn a_local_time_needs_a_zone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.csv", "when\n2024-02-29 23:59:59\n2024-03-01 00:00:00\n");
    let mut import = Import { time_from: Some("when".into()), ..Import::default() };
    assert!(error(&path, &only("cart", import.clone())).contains("states no time zone\n  say which it is"));
    import.timezone = Some(Zone(7_200));
    let (rows, _, notes) = read(&path, &only("cart", import)).expect("the zone is said");
    assert_eq!(rows, [(0, vec![(1, 1_000_000)]), (1, vec![(1, 1_000_000)])]);
    assert!(notes.contains(&"its times state no zone and are read as +02:00".to_owned()), "{notes:?}");
}

/// Two days of two minutes each: `f1` in both, `f2` on the first day only.
#[test]
fn days_of_azure_functions_are_joined() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let header = "HashOwner,HashApp,HashFunction,Trigger,1,2\n";
    let first = file(&dir, "invocations.d01.csv", format!("{header}o,a,f1,http,60,0\no,a,f2,queue,0,120\n"));
    let second = file(&dir, "invocations.d02.csv", format!("{header}o,a,f1,http,180,60\n"));
    let chosen = [("f1", "frontend"), ("f2", "cart")].map(|(series, service)| (series.to_owned(), service.to_owned()));
    let import = Import { then: vec![second.clone()], ..Import::default() };
    let options = TraceOptions { selection: Selection::Chosen(chosen.into()), import, ..TraceOptions::default() };
    let (rows, end, _) = read(&first, &options).expect("they are sound");
    let one = 1_000_000;
    let day = 86_400;
    let expected = [
        (0, vec![(0, one)]),
        (60, vec![(1, 2 * one), (0, 0)]),
        (120, vec![(1, 0)]),
        (day, vec![(0, 3 * one)]),
        (day + 60, vec![(0, one)]),
    ];
    assert_eq!((rows, end), (expected.to_vec(), day + 120));
    let by_app = Import { then: vec![second.clone()], ..from("app") };
    let (rows, ..) = read(&first, &only("cart", by_app)).expect("they are sound");
    assert_eq!(rows.iter().map(|row| row.1[0].1 / one).collect::<Vec<_>>(), [1, 2, 0, 3, 1]);
    let absent = [("f3", "frontend"), ("f2", "cart")].map(|(series, service)| (series.to_owned(), service.to_owned()));
    let import = Import { then: vec![second.clone()], ..Import::default() };
    let options = TraceOptions { selection: Selection::Chosen(absent.into()), import, ..TraceOptions::default() };
    assert!(error(&first, &options).contains("there is no series `f3` in the trace\n  its series are `f2`"));
    let swapped = Import { then: vec![first], ..Import::default() };
    let options =
        TraceOptions { import: Import { service_from: Some("all".into()), ..swapped }, ..only("cart", nothing()) };
    assert!(
        error(&second, &options)
            .starts_with("invocations.d01.csv: begins at 0 s, but the file before it goes on until")
    );
}

pub fn nothing() -> Import {
    Import::default()
}

#[test]
fn tables_of_requests_that_share_a_step_are_added_up() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let first = file(&dir, "a.csv", "at_s,svc\n0,cart\n9,cart\n10,frontend\n");
    let second = file(&dir, "b.csv", "at_s,svc\n19,frontend\n15,cart\n31,cart\n");
    let import = Import { time_from: Some("at_s".into()), step: Some(Span(10 * S)), then: vec![second], ..from("svc") };
    let (rows, end, _) = read(&first, &TraceOptions { import, ..TraceOptions::default() }).expect("they are sound");
    let tenth = 100_000;
    let expected = [
        (0, vec![(1, 2 * tenth)]),
        (10, vec![(0, 2 * tenth), (1, tenth)]),
        (20, vec![(0, 0), (1, 0)]),
        (30, vec![(1, tenth)]),
    ];
    let sorted = |rows: Vec<(u64, Vec<(u32, u64)>)>| -> Vec<_> {
        rows.into_iter()
            .map(|(at, mut rates)| {
                rates.sort_unstable();
                (at, rates)
            })
            .collect()
    };
    assert_eq!((sorted(rows), end), (expected.to_vec(), 40));
}

#[test]
fn options_without_effect_are_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.csv", "timestamp_s,cart\n0,1\n10,1\n");
    let found = error(&path, &TraceOptions { import: step(60), ..TraceOptions::default() });
    assert!(
        found.contains("`step` means nothing for the format `wide-csv`\n  it takes none of these options"),
        "{found}"
    );
    let unknown = Import { format: Some("excel".into()), ..Import::default() };
    let found = error(&path, &TraceOptions { import: unknown, ..TraceOptions::default() });
    assert!(found.contains("no trace format is called `excel`\n  formats are `azure-functions-2019`"), "{found}");
    let other = Import { format: Some("access-log".into()), ..Import::default() };
    let found = error(&path, &TraceOptions { import: other, ..TraceOptions::default() });
    assert!(found.contains("a file of format `access-log` does not end like this\n  it ends in `.log`"), "{found}");
    let found = error(&file(&dir, "a.log", "what is this\n"), &TraceOptions::default());
    assert!(
        found.contains("begins like no format that we know: `what is this`\n  `format:` says which it is"),
        "{found}"
    );
}

#[test]
fn plain_values_hold_a_step_each() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.txt", "1 2.5\nNaN 0\n");
    let (rows, end, notes) = read(&path, &only("cart", step(5))).expect("it is sound");
    assert_eq!(rows, [(0, vec![(1, 1_000_000)]), (5, vec![(1, 2_500_000)]), (15, vec![(1, 0)])]);
    assert_eq!(end, 20);
    assert!(notes.iter().any(|note| note.contains("has no rate in 1 of 4 rows")), "{notes:?}");
    let found =
        error(&file(&dir, "a.txt", "1 2 x"), &only("cart", Import { format: Some("values".into()), ..nothing() }));
    assert!(found.starts_with("a.txt: row 3: `x` is not a rate"), "{found}");
    let found = error(&file(&dir, "b.txt", "0.5,306.0;\n"), &only("cart", nothing()));
    assert!(
        found.contains("the format `limbo` does not say how long an interval is\n  say it by `step: 1 h`"),
        "{found}"
    );
}

/// The first row may lie after the trace's zero, but not before it.
#[test]
fn an_epoch_is_the_zero_of_several_files() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.log", line("29/Feb/2024:12:01:00 +0000", "/"));
    let epoch = |text: &str| Import { epoch: trace::instant(text).ok(), ..step(60) };
    let (rows, end, _) = read(&path, &only("cart", epoch("2024-02-29T12:00:00Z"))).expect("it is sound");
    assert_eq!((rows[0].0, end), (60, 120));
    let found = error(&path, &only("cart", epoch("2024-02-29T12:02:00Z")));
    assert!(found.contains("begins at 1709208060 s, before its `epoch` 1709208120 s\n"), "{found}");
}

/// Goal: a fork of a trace of several files or series goes on where it was made.
#[test]
fn a_fork_of_an_imported_trace_reads_on() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let header = "HashOwner,HashApp,HashFunction,Trigger,1,2\n";
    let first = file(&dir, "a.d01.csv", format!("{header}o,a,f1,http,60,0\n"));
    let second = file(&dir, "a.d02.csv", format!("{header}o,a,f1,http,180,60\n"));
    let joined = only("cart", Import { then: vec![second], ..nothing() });
    let log: String = (0..9).map(|second| line(&format!("29/Feb/2024:12:01:0{second} +0000"), "/")).collect();
    let forms = [
        (first, joined),
        (file(&dir, "a.json", ANSWER), TraceOptions::default()),
        (file(&dir, "a.log", log), only("cart", step(2))),
        (file(&dir, "a.txt", "1 2 3 4"), only("cart", nothing())),
    ];
    for (path, options) in forms {
        let all = read(&path, &options).expect("it is sound").0;
        for taken in 0..=all.len() {
            let mut trace = trace::open(&path, &services(), &options).expect("it is sound");
            let mut row = RateRow::default();
            (0..taken).for_each(|_| assert!(trace.next_row(&mut row).expect("it is sound")));
            let mut fork = trace.fork().expect("it can be opened again");
            let mut rest = 0;
            while fork.next_row(&mut row).expect("it is sound") {
                assert_eq!(row.at.0 / S, all[taken + rest].0, "{}", path.display());
                rest += 1;
            }
            assert_eq!(taken + rest, all.len(), "{}", path.display());
        }
    }
}
