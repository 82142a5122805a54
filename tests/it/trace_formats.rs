//! Every format says the same: one trace, written in each of them, is read as the same rows; and what options do to it.

use smo::input::trace::format::FORMATS;
use smo::input::trace::write::{Compress, long_csv, wide_parquet};
use smo::input::trace::{self, Part, Selection, ServiceNames, TraceOptions};
use smo::model::ServiceId;
use smo::model::workload::{RateRow, RateSource, RowsInMemory};
use smo::units::{Bytes, Rate, Ratio, Span, Time};
use std::fs;
use std::path::{Path, PathBuf};

const S: u64 = 1_000_000_000;

fn services() -> ServiceNames {
    ServiceNames::new(["frontend", "cart"])
}

/// Rows of (seconds, rates of `frontend` and `cart` in requests per second).
fn rows(rows: &[(f64, Option<f64>, Option<f64>)]) -> Vec<RateRow> {
    let rate = |id: u32, rate: &Option<f64>| rate.map(|rate| (ServiceId(id), Rate::from_per_second(rate)));
    let row = |(at, frontend, cart): &(f64, Option<f64>, Option<f64>)| RateRow {
        at: Time::ZERO + Span::from_seconds_f64(*at),
        rates: rate(0, frontend).into_iter().chain(rate(1, cart)).collect(),
    };
    rows.iter().map(row).collect()
}

fn all(source: &mut dyn RateSource) -> Vec<RateRow> {
    let (mut found, mut row) = (Vec::new(), RateRow::default());
    while source.next_row(&mut row).expect("the trace is sound") {
        found.push(row.clone());
    }
    found
}

fn file(dir: &tempfile::TempDir, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, contents).expect("the directory takes files");
    path
}

fn read(path: &Path, options: &TraceOptions) -> (Vec<RateRow>, Time, Vec<String>) {
    let mut trace = trace::open(path, &services(), options).expect("the trace is sound");
    (all(&mut trace), trace.end(), trace.notes())
}

fn sample() -> Vec<RateRow> {
    rows(&[
        (0.0, Some(1.5), Some(0.0)),
        (0.25, Some(2.0), None),
        (60.0, Some(0.016_667), Some(493.86)),
        (120.0, None, Some(1.0)),
    ])
}

/// The sample in every format, by what writes it.
fn samples(dir: &tempfile::TempDir) -> Vec<PathBuf> {
    let source = || RowsInMemory::new(sample(), Span(60 * S));
    let long = |name: &str| {
        let mut out = Vec::new();
        long_csv(&mut source(), &services(), &mut out, Compress::by_name(name)).expect("memory takes it");
        file(dir, name, out)
    };
    let mut paths = vec![long("long.csv"), long("long.csv.gz"), long("long.csv.zst")];
    let wide = "timestamp_s,frontend,cart\n0,1.5,0\n0.25,2,\n60,0.016667,493.86\n120,,1.0\n";
    paths.push(file(dir, "wide.csv", wide));
    paths.push(file(dir, "wide.csv.zst", zstd::encode_all(wide.as_bytes(), 3).expect("memory takes it")));
    let mut out = Vec::new();
    wide_parquet(&mut source(), &services(), &mut out).expect("memory takes it");
    paths.push(file(dir, "wide.parquet", out));
    paths.push(file(dir, "long.parquet", long_parquet()));
    paths
}

fn long_parquet() -> Vec<u8> {
    use polars::prelude::{Column, DataFrame, ParquetWriter};
    let columns = vec![
        Column::new(
            "requests_per_s".into(),
            [Some(1.5), Some(0.0), Some(2.0), None, Some(0.016_667), Some(493.86), Some(1.0)],
        ),
        Column::new("service".into(), ["frontend", "cart", "frontend", "cart", "frontend", "cart", "cart"]),
        Column::new("timestamp_s".into(), [0.0, 0.0, 0.25, 0.25, 60.0, 60.0, 120.0]),
    ];
    let mut out = Vec::new();
    let mut frame = DataFrame::new_infer_height(columns).expect("columns are of one length");
    ParquetWriter::new(&mut out).finish(&mut frame).expect("memory takes it");
    out
}

/// The formats that state rates and nothing else; those of other tools are tried in `imported_traces`.
const NATIVE: &[&str] = &["long-csv", "wide-csv", "long-parquet", "wide-parquet"];

#[test]
fn every_format_reads_the_same_rows() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let paths = samples(&dir);
    for format in FORMATS.iter().map(|format| format.page).filter(|page| NATIVE.contains(&page.name)) {
        let kind = format.name.split('-').next().expect("a name has words");
        let covered = paths.iter().any(|path| {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            name.starts_with(kind) && format.extensions.iter().any(|extension| name.ends_with(extension))
        });
        assert!(covered, "no sample of {}", format.name);
    }
    for path in paths {
        let (found, end, _) = read(&path, &TraceOptions::default());
        assert_eq!(found, sample(), "{}", path.display());
        assert_eq!(end, Time(180 * S), "{}", path.display());
    }
}

#[test]
fn a_fork_reads_on_from_where_it_was_made() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for path in samples(&dir) {
        for hold in [None, Some(Span(30 * S))] {
            let options = TraceOptions { hold, from: Time(S / 10), ..TraceOptions::default() };
            let expected = read(&path, &options).0;
            for taken in 0..=expected.len() {
                let mut trace = trace::open(&path, &services(), &options).expect("the trace is sound");
                let mut row = RateRow::default();
                (0..taken).for_each(|_| assert!(trace.next_row(&mut row).expect("the trace is sound")));
                let mut fork = trace.fork().expect("the file is still there");
                assert_eq!(all(&mut trace), expected[taken..], "{} after {taken}", path.display());
                assert_eq!(all(&mut fork), expected[taken..], "fork of {} after {taken}", path.display());
                assert_eq!(fork.end(), trace.end(), "{}", path.display());
            }
        }
    }
}

#[test]
fn the_first_row_is_the_begin_and_epoch_times_are_noted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "epoch.csv", "timestamp_s,frontend\n1700000000.5,1\n1700000001.75,2\n");
    let (found, end, notes) = read(&path, &TraceOptions::default());
    assert_eq!(found, rows(&[(0.0, Some(1.0), None), (1.25, Some(2.0), None)]));
    assert_eq!(end, Time(2_500_000_000));
    assert_eq!(notes, ["begins at 1700000000.5 s of its own clock, which is 0 s here"]);
}

#[test]
fn one_row_needs_to_be_told_how_long_it_holds() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "one.csv", "timestamp_s,frontend\n0,1\n");
    let (found, end, _) = read(&path, &TraceOptions { last: Some(Span(3_600 * S)), ..TraceOptions::default() });
    assert_eq!((found.len(), end), (1, Time(3_600 * S)));
}

#[test]
fn a_window_keeps_what_holds_when_it_opens() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.csv", "timestamp_s,frontend,cart\n0,1,7\n10,2,\n20,3,\n30,4,8\n");
    let options =
        TraceOptions { from: Time(15 * S), until: Time(30 * S), shift: Span(100 * S), ..TraceOptions::default() };
    let (found, end, _) = read(&path, &options);
    assert_eq!(found, rows(&[(100.0, Some(2.0), Some(7.0)), (105.0, Some(3.0), None)]));
    assert_eq!(end, Time(115 * S));
    let (found, end, _) = read(&path, &TraceOptions { from: Time(35 * S), ..TraceOptions::default() });
    assert_eq!(found, rows(&[(0.0, Some(4.0), Some(8.0))]));
    assert_eq!(end, Time(5 * S));
}

#[test]
fn a_rate_that_is_told_to_hold_ends_by_itself() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(
        &dir,
        "a.csv",
        "timestamp_s,service,requests_per_s\n0,frontend,1\n0,cart,5\n10,frontend,2\n40,frontend,3\n50,cart,4\n",
    );
    let (mut found, end, _) = read(&path, &TraceOptions { hold: Some(Span(10 * S)), ..TraceOptions::default() });
    let expected = rows(&[
        (0.0, Some(1.0), Some(5.0)),
        (10.0, Some(2.0), Some(0.0)),
        (20.0, Some(0.0), None),
        (40.0, Some(3.0), None),
        (50.0, Some(0.0), Some(4.0)),
    ]);
    for row in &mut found {
        row.rates.sort();
    }
    assert_eq!(found, expected);
    assert_eq!(end, Time(60 * S));
}

#[test]
fn gaps_keep_the_rate_and_are_noted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.csv", "timestamp_s,frontend,cart\n0,1,\n10,2,5\n20,,5\n30,,5\n60,3,5\n70,,5\n");
    let (_, end, notes) = read(&path, &TraceOptions::default());
    assert_eq!(end, Time(80 * S));
    assert_eq!(
        notes,
        [
            "1 of 5 steps are longer than the first one of 10 s, the longest after 30 s: rates hold meanwhile",
            "`frontend` has no rate in 3 of 6 rows, up to 2 one after the other (after 10 s): its rate holds meanwhile",
            "`cart` has no rate before 10 s: zero until then",
        ]
    );
}

#[test]
fn a_scale_is_exact() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    // 1 request a minute, three times: 3 requests a minute, 0.05 /s.
    let path = file(&dir, "a.csv", "timestamp_s,frontend\n0,0.016666666666666666\n60,1\n");
    let (found, _, _) = read(&path, &TraceOptions { scale: Ratio(3_000_000), ..TraceOptions::default() });
    assert_eq!(found[0].rates, [(ServiceId(0), Rate(50_000))]);
}

#[test]
fn quoted_names_windows_line_ends_a_byte_order_mark_and_several_gzip_members_are_read() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let text =
        "\u{feff}\"timestamp_s\",\"service\",\"requests_per_s\"\r\n0,\"frontend\",1\r\n\r\n10, frontend ,\"2\"\r\n";
    let expected = rows(&[(0.0, Some(1.0), None), (10.0, Some(2.0), None)]);
    assert_eq!(read(&file(&dir, "a.csv", text), &TraceOptions::default()).0, expected);
    let member = |text: &str| {
        use std::io::Write as _;
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).expect("memory takes it");
        out.finish().expect("memory takes it")
    };
    let (first, second) = text.split_at(50);
    let path = file(&dir, "a.csv.gz", [member(first), member(second)].concat());
    assert_eq!(read(&path, &TraceOptions::default()).0, expected);
}

fn part(path: &Path, options: &TraceOptions) -> Part {
    let trace = trace::open(path, &services(), options).expect("the trace is sound");
    Part { path: path.to_owned(), source: Box::new(trace) }
}

#[test]
fn traces_are_merged_by_time_and_one_that_ends_takes_its_load_with_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let frontend = file(&dir, "frontend.csv", "timestamp_s,frontend\n0,1\n10,2\n20,3\n");
    let cart = file(&dir, "cart.csv", "timestamp_s,cart\n0,7\n5,8\n");
    let late = TraceOptions { shift: Span(5 * S), ..TraceOptions::default() };
    let parts = || vec![part(&frontend, &TraceOptions::default()), part(&cart, &late)];
    let mut merged = trace::merge(parts(), &services()).expect("the traces are sound");
    let expected = rows(&[
        (0.0, Some(1.0), None),
        (5.0, None, Some(7.0)),
        (10.0, Some(2.0), Some(8.0)),
        (15.0, None, Some(0.0)),
        (20.0, Some(3.0), None),
    ]);
    assert_eq!(all(&mut merged), expected);
    assert_eq!(merged.end(), Time(30 * S));
    // 1, 2 and 3 /s for 10 s each, 7 and 8 /s for 5 s each.
    let mut merged = trace::merge(parts(), &services()).expect("the traces are sound");
    assert_eq!(trace::survey(&mut merged).expect("the traces are sound").total().nearest(), 60 + 75);
    for taken in 0..=expected.len() {
        let mut merged = trace::merge(parts(), &services()).expect("the traces are sound");
        let mut row = RateRow::default();
        (0..taken).for_each(|_| assert!(merged.next_row(&mut row).expect("the traces are sound")));
        assert_eq!(
            all(&mut merged.fork().expect("the files are still there")),
            expected[taken..],
            "fork after {taken}"
        );
    }
}

#[test]
fn two_traces_of_one_service_are_refused_by_name() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let first = file(&dir, "first.csv", "timestamp_s,frontend\n0,1\n10,2\n");
    let second = file(&dir, "second.csv", "timestamp_s,service,requests_per_s\n0,cart,7\n15,frontend,8\n");
    let parts = vec![part(&first, &TraceOptions::default()), part(&second, &TraceOptions::default())];
    let mut merged = trace::merge(parts, &services()).expect("the second claims later");
    let mut row = RateRow::default();
    let error = loop {
        match merged.next_row(&mut row) {
            Ok(more) => assert!(more, "the mistake was passed over"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("second.csv: `frontend` has rates here and in ") && error.contains("first.csv"), "{error}");
}

#[test]
fn some_series_of_a_file_can_be_chosen_and_renamed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.csv", "timestamp_s,llm-code,llm-conv\n0,1,2\n10,3,4\n");
    let chosen = [("llm-conv".to_owned(), "cart".to_owned())].into();
    let options = TraceOptions { selection: Selection::Chosen(chosen), ..TraceOptions::default() };
    assert_eq!(read(&path, &options).0, rows(&[(0.0, None, Some(2.0)), (10.0, None, Some(4.0))]));
}

#[test]
fn a_digest_is_of_the_bytes_as_they_lie() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let digest = trace::digest(&file(&dir, "a.csv", "abc")).expect("the file is there");
    assert_eq!(digest.bytes, Bytes(3));
    // FIPS 180-2, appendix B.1.
    assert_eq!(digest.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
