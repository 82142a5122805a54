//! Bad traces: each mistake is one clear error with the file, the place, what is wrong and what would be right.

use smo::input::trace::{self, Selection, ServiceNames, TraceOptions};
use smo::model::workload::{RateRow, RateSource};
use smo::units::{Bytes, Time};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn services() -> ServiceNames {
    ServiceNames::new(["frontend", "cart"])
}

fn file(dir: &tempfile::TempDir, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, contents).expect("the directory takes files");
    path
}

/// Reads a trace to its end; the error without the directory, and nothing where there is none.
fn error(path: &Path, options: &TraceOptions) -> Option<String> {
    let read = || -> Result<(), String> {
        let mut trace = trace::open(path, &services(), options).map_err(|error| error.to_string())?;
        trace::survey(&mut trace).map_err(|error| error.to_string()).map(drop)
    };
    let dir = format!("{}/", path.parent().expect("a file has a directory").display());
    read().err().map(|error| error.replace(&dir, ""))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).expect("memory takes it");
    out.finish().expect("memory takes it")
}

/// Name of the file, its contents, and what the error must say: on the first line, then on the second.
type Case = (&'static str, Vec<u8>, &'static str, &'static str);

/// The cases that can be read as text: files after `>`, what is said after `=`.
fn text_cases() -> Vec<(String, String)> {
    let blocks = include_str!("bad_traces.txt").split("\n>\n").skip(1);
    let case = |block: &str| {
        let (contents, said) = format!("\n{block}")
            .split_once("\n= ")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("a case has both");
        let lines = contents.trim_start_matches('\n').replace("\\r", "\r");
        (if lines.is_empty() { lines } else { lines + "\n" }, said.trim_end().to_owned())
    };
    blocks.map(case).collect()
}

#[test]
fn each_mistake_of_the_table_is_told_with_its_place_and_its_remedy() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let cases = text_cases();
    assert!(cases.len() > 30, "the table is read");
    for (contents, said) in cases {
        let path = file(&dir, "a.csv", &contents);
        assert_eq!(error(&path, &TraceOptions::default()).unwrap_or_default(), said, "{contents}");
    }
}

const SOUND: &[u8] = b"timestamp_s,service,requests_per_s\n0,cart,1\n10,cart,2\n";
const ENDLESS: &str = "fields end at a comma, rows at a line break; is a quotation mark open, or the file not CSV?";
const AGAIN: &str = "copy or download it again";
const AGAIN_OR_RENAME: &str = "copy or download it again, or correct the extension";

fn unpacked_cases() -> Vec<Case> {
    let utf8 = "save the trace as UTF-8, without compression or with the extension that says which";
    let rates = "rates are requests per second, finite and not negative, like `12.5`";
    let quoted = [SOUND, b"20,\"cart,1\n", &b"30,cart,1\n".repeat(4 << 20)].concat();
    let odd = "a.csv: line 4: field `requests_per_s`: `\\xff1` is not a rate: it is not even UTF-8 text";
    let unended = b"timestamp_s,service,requests_per_s\n\n\n0,cart,1\n10,cart,x".to_vec();
    vec![
        (
            "a.csv",
            [SOUND, b"20,c\xffrt,1\n"].concat(),
            "a.csv: line 4: field `service`: `c\\xffrt` is not UTF-8 text",
            utf8,
        ),
        ("a.csv", [SOUND, b"20,cart,\xff1\n"].concat(), odd, rates),
        ("a.csv", unended, "a.csv: line 5: field `requests_per_s`: `x` is not a rate", rates),
        ("a.csv", gzip(SOUND), "a.csv: line 1: `\\u{1f}\\x8b", utf8),
        ("a.csv", [SOUND, &vec![b'7'; 2 << 20]].concat(), "a.csv: line 4: no field ends within 1 MiB", ENDLESS),
        ("a.csv", quoted, "a.csv: line 4: no row ends within 4 MiB", ENDLESS),
        (
            "a.xlsx",
            SOUND.to_vec(),
            "a.xlsx: no trace format has this extension",
            "formats are `.csv`, `.csv.gz`, `.csv.zst`, `.parquet`, `.log`, `.log.gz`, `.log.zst`, `.json`, `.json.gz`, \
             `.json.zst`, `.jsonl`, `.jsonl.gz`, `.jsonl.zst`, `.txt`, `.txt.gz`, `.txt.zst`",
        ),
    ]
}

fn packed_cases() -> Vec<Case> {
    let zstd = zstd::encode_all(SOUND, 3).expect("memory takes it");
    let mut flipped = gzip(SOUND);
    let checksum = flipped.len() - 6;
    flipped[checksum] ^= 0x55;
    let blank = [SOUND, &vec![b'\n'; 100 << 20]].concat();
    let early = "a.csv.gz: line 1: the gzip data ends early: the file is truncated";
    let early_zstd = "a.csv.zst: line 1: the zstd data ends early: the file is truncated";
    vec![
        ("a.csv.gz", gzip(SOUND)[..40].to_vec(), early, AGAIN),
        ("a.csv.gz", flipped, "a.csv.gz: line 4: the gzip data is broken: ", AGAIN_OR_RENAME),
        ("a.csv.gz", SOUND.to_vec(), "a.csv.gz: line 1: the gzip data is broken: invalid gzip header", AGAIN_OR_RENAME),
        ("a.csv.zst", zstd[..30].to_vec(), early_zstd, AGAIN),
        ("a.csv.zst", SOUND.to_vec(), "a.csv.zst: line 1: the zstd data is broken: ", AGAIN_OR_RENAME),
        ("a.csv.gz", gzip(&blank), "a.csv.gz: line 4: no row ends within 4 MiB", ENDLESS),
        ("a.csv.gz", gzip(&vec![0; 100 << 20]), "a.csv.gz: line 1: no field ends within 1 MiB", ENDLESS),
    ]
}

#[test]
fn each_mistake_in_bytes_is_told_with_its_place_and_its_remedy() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, contents, wrong, right) in unpacked_cases().into_iter().chain(packed_cases()) {
        let path = file(&dir, name, contents);
        let found =
            error(&path, &TraceOptions::default()).unwrap_or_else(|| panic!("nothing was found wrong: {wrong}"));
        let (first, second) = found.split_once("\n  ").unwrap_or((&found, ""));
        assert!(first.starts_with(wrong), "expected {wrong}\n   found {first}");
        assert_eq!(second, right, "the remedy of: {wrong}");
        assert!(found.len() < 600 && !found.contains('\u{0}'), "{found}");
    }
}

#[test]
fn a_file_that_is_not_there_or_a_directory_is_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let found = error(&dir.path().join("absent.csv"), &TraceOptions::default()).expect("it is not there");
    assert!(found.starts_with("absent.csv: cannot be read: No such file"), "{found}");
    fs::create_dir(dir.path().join("dir.csv")).expect("the directory takes directories");
    let found = error(&dir.path().join("dir.csv"), &TraceOptions::default()).expect("it is a directory");
    assert!(found.contains("cannot be read: Is a directory"), "{found}");
    fs::create_dir(dir.path().join("dir.parquet")).expect("the directory takes directories");
    let found = error(&dir.path().join("dir.parquet"), &TraceOptions::default()).expect("it is a directory");
    assert!(found.contains("dir.parquet: "), "{found}");
}

#[test]
fn the_size_limit_is_the_users() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let rows: Vec<String> = (0..100_000).map(|at| format!("{at},{}\n", at % 977)).collect();
    let path = file(&dir, "a.csv.gz", gzip(format!("timestamp_s,cart\n{}", rows.concat()).as_bytes()));
    assert_eq!(error(&path, &TraceOptions::default()), None);
    let found =
        error(&path, &TraceOptions { size_max: Bytes(1 << 19), ..TraceOptions::default() }).expect("it is larger");
    assert!(
        found.contains("expands to more than the limit of 512 KiB\n  cut the trace, or raise the limit by `size_max`"),
        "{found}"
    );
}

/// Goal: no expansion without end, even where each row is sound.
/// Method: rows of 20,000 zeros, which Zstandard shrinks to a few bytes each: far beyond what a trace of services does.
#[test]
fn a_bomb_of_sound_rows_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let names: Vec<String> = (0..20_000).map(|column| format!("c{column}")).collect();
    let mut out = zstd::Encoder::new(Vec::new(), 1).expect("memory takes it");
    writeln!(out, "timestamp_s,{}", names.join(",")).expect("memory takes it");
    let zeros = ",0".repeat(names.len());
    (0..12_000).for_each(|at| writeln!(out, "{at}{zeros}").expect("memory takes it"));
    let path = file(&dir, "a.csv.zst", out.finish().expect("memory takes it"));
    let selection = Selection::Chosen([("c7".to_owned(), "cart".to_owned())].into());
    let found = error(&path, &TraceOptions { selection, ..TraceOptions::default() }).expect("it expands too far");
    assert!(found.contains("expands to more than 1000 times its size and beyond 64 MiB"), "{found}");
}

#[test]
fn selections_that_do_not_fit_the_trace_are_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let long = file(&dir, "long.csv", "timestamp_s,service,requests_per_s\n0,a,1\n0,b,1\n10,a,1\n");
    let wide = file(&dir, "wide.csv", "timestamp_s,a,b\n0,1,1\n10,1,1\n");
    let chosen = |pairs: &[(&str, &str)]| {
        Selection::Chosen(pairs.iter().map(|(series, service)| ((*series).to_owned(), (*service).to_owned())).collect())
    };
    let cases = [
        (Selection::Only("cart".into()), "the trace has several series (`a`, `b`), but one service is to take them"),
        (Selection::Only("carts".into()), "nobody defines the service `carts`, did you mean `cart`?"),
        (chosen(&[("a", "cart"), ("c", "frontend")]), "there is no series `c` in the trace\n  its series are `a`, `b`"),
        (chosen(&[("a", "cart"), ("b", "cart")]), "`b` and `a` are both the service `cart`"),
    ];
    for (selection, wrong) in cases {
        for path in [&long, &wide] {
            let options = TraceOptions { selection: selection.clone(), ..TraceOptions::default() };
            let found = error(path, &options).unwrap_or_else(|| panic!("nothing was found wrong: {wrong}"));
            assert!(found.contains(wrong), "expected {wrong}\n   found {found}");
        }
    }
}

#[test]
fn a_window_after_the_end_is_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.csv", "timestamp_s,cart\n0,1\n10,1\n");
    let found = error(&path, &TraceOptions { from: Time(20_000_000_000), ..TraceOptions::default() });
    assert_eq!(
        found.as_deref(),
        Some("a.csv: the window begins at 20 s, but the trace ends at 20 s\n  `from` must be earlier")
    );
}

#[test]
fn parquet_mistakes_are_told_by_row_and_column() {
    use polars::prelude::{Column, DataFrame, ParquetWriter};
    let dir = tempfile::tempdir().expect("a temporary directory");
    let write = |columns: Vec<Column>| {
        let mut out = Vec::new();
        let mut frame = DataFrame::new_infer_height(columns).expect("columns are of one length");
        ParquetWriter::new(&mut out).finish(&mut frame).expect("memory takes it");
        file(&dir, "a.parquet", out)
    };
    let times = || Column::new("timestamp_s".into(), [0_i64, 10, 20]);
    let cases = [
        (
            vec![times(), Column::new("cart".into(), [1.0, f64::NAN, 1.0])],
            "a.parquet: row 2: field `cart`: `NaN` is not a rate",
        ),
        (
            vec![times(), Column::new("cart".into(), [1_i64, 1, -4])],
            "a.parquet: row 3: field `cart`: `-4` is not a rate: it is negative",
        ),
        (
            vec![times(), Column::new("cart".into(), ["1", "2", "3"])],
            "a.parquet: field `cart`: the column holds Utf8View\n  it must hold requests per second",
        ),
        (
            vec![Column::new("timestamp_s".into(), [0_i64, 20, 10]), Column::new("cart".into(), [1.0; 3])],
            "a.parquet: row 3: field `timestamp_s`: 10 s follows 20 s",
        ),
        (
            vec![
                Column::new("timestamp_s".into(), [Some(0_i64), None, Some(10)]),
                Column::new("cart".into(), [1.0; 3]),
            ],
            "a.parquet: row 2: field `timestamp_s`: the field is empty",
        ),
        (
            vec![Column::new("time".into(), [0_i64]), Column::new("cart".into(), [1.0])],
            "a.parquet: there is no column `timestamp_s`",
        ),
        (
            vec![
                times(),
                Column::new("service".into(), ["cart", "cat", "cart"]),
                Column::new("requests_per_s".into(), [1.0; 3]),
            ],
            "a.parquet: row 2: field `service`: nobody defines the service `cat`",
        ),
        (
            vec![times().slice(0, 0), Column::new("cart".into(), [1.0; 0])],
            "a.parquet: there is a header, but not one row",
        ),
    ];
    for (columns, wrong) in cases {
        let found = error(&write(columns), &TraceOptions::default())
            .unwrap_or_else(|| panic!("nothing was found wrong: {wrong}"));
        assert!(found.starts_with(wrong), "expected {wrong}\n   found {found}");
    }
    assert_eq!(
        error(&file(&dir, "b.parquet", ""), &TraceOptions::default())
            .map(|found| found.starts_with("b.parquet: the file is empty")),
        Some(true)
    );
    let found =
        error(&file(&dir, "b.parquet", "timestamp_s,cart\n0,1\n"), &TraceOptions::default()).expect("it is CSV");
    assert!(found.starts_with("b.parquet: not a Parquet file that can be read: "), "{found}");
}

#[test]
fn a_broken_row_does_not_hide_those_before_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = file(&dir, "a.csv", "timestamp_s,cart\n0,1\n10,2\n20,x\n");
    let mut trace = trace::open(&path, &services(), &TraceOptions::default()).expect("its begin is sound");
    let mut row = RateRow::default();
    assert!(trace.next_row(&mut row).expect("sound") && trace.next_row(&mut row).expect("sound"));
    assert!(trace.next_row(&mut row).is_err());
}

/// Lines are counted by reading the file again, which must not end at the limits of a row.
#[test]
fn the_line_of_a_late_mistake_is_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let rows = (0..600_000).map(|second| format!("{second},cart,1\n")).collect::<Vec<_>>().concat();
    let text = format!("timestamp_s,service,requests_per_s\n{rows}600000,cart,x\n");
    assert!(text.len() > 4 << 20, "it is longer than a row may be");
    let found = error(&file(&dir, "a.csv", text), &TraceOptions::default()).unwrap_or_default();
    assert!(found.starts_with("a.csv: line 600002: field `requests_per_s`"), "{found}");
}
