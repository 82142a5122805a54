//! Bad traces: each mistake is one clear error with the file, the place, what is wrong and what would be right.

use smo::input::trace::write::{Compress, long_csv, wide_parquet};
use smo::input::trace::{self, Selection, ServiceNames, TraceOptions};
use smo::model::ServiceId;
use smo::model::workload::{RateRow, RateSource, RowsInMemory};
use smo::seed::Seed;
use smo::units::{Bytes, Rate, Span, Time};
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

fn text(name: &'static str, contents: &str, wrong: &'static str, right: &'static str) -> Case {
    (name, contents.as_bytes().to_vec(), wrong, right)
}

const COLUMNS: &str =
    "a trace has the columns `timestamp_s,service,requests_per_s`, or `timestamp_s` and one column for each service";
const RATES: &str = "rates are requests per second, finite and not negative, like `12.5`";
const TIMES: &str = "times are seconds from 0 to 18446744073, like `86400` or `0.25`";

fn long_cases() -> Vec<Case> {
    let long = |rows: &str, wrong, right| text("a.csv", &format!("timestamp_s,service,requests_per_s\n{rows}"), wrong, right);
    vec![
        long("0,cart,1\n60,cart,1\n59.5,cart,1\n", "a.csv: line 4: field `timestamp_s`: 59.5 s follows 60 s", "sort the trace by `timestamp_s`"),
        long("0,cart,1\n0,frontend,1\n0,cart,2\n", "a.csv: line 4: a second rate of `cart` at 0 s", "a service has one rate at a time: remove one of the rows, or add them up"),
        long("0,cart,NaN\n", "a.csv: line 2: field `requests_per_s`: `NaN` is not a rate: it is not a number", RATES),
        long("0,cart,-0.5\n", "a.csv: line 2: field `requests_per_s`: `-0.5` is not a rate: it is negative", RATES),
        long("0,cart,inf\n", "a.csv: line 2: field `requests_per_s`: `inf` is not a rate: it is infinite", RATES),
        long("0,cart,1e400\n", "a.csv: line 2: field `requests_per_s`: `1e400` is not a rate: it is too large", RATES),
        long("0,cart,lots\n", "a.csv: line 2: field `requests_per_s`: `lots` is not a rate: it is not a decimal number", RATES),
        long("2023-11-16 18:15:00,cart,1\n", "a.csv: line 2: field `timestamp_s`: `2023-11-16 18:15:00` is not a time: it is not a decimal number", TIMES),
        long("1700000000000,cart,1\n", "a.csv: line 2: field `timestamp_s`: `1700000000000` is not a time: it is too large", TIMES),
        long("-1,cart,1\n", "a.csv: line 2: field `timestamp_s`: `-1` is not a time: it is negative", TIMES),
        long(",cart,1\n", "a.csv: line 2: field `timestamp_s`: the field is empty", "every row has a time and every rate a service; only the rate may be unknown"),
        long("0,,1\n", "a.csv: line 2: field `service`: the field is empty", "every row has a time and every rate a service; only the rate may be unknown"),
        long("0,fronted,1\n", "a.csv: line 2: field `service`: nobody defines the service `fronted`, did you mean `frontend`?", "services are `frontend`, `cart`; a series of another name can be mapped to one of them"),
        long("0,payment,1\n", "a.csv: line 2: field `service`: nobody defines the service `payment`", "services are `frontend`, `cart`; a series of another name can be mapped to one of them"),
        long("0,cart,1\n10,cart\n", "a.csv: line 3: 2 fields, where the header has 3", "each row has a field for each column; an unknown rate is an empty field"),
        text("a.csv", "timestamp_s,service,requests_per_s\r\n0,cart,1\r\n10,cart,x\r\n", "a.csv: line 3: field `requests_per_s`: `x`", RATES),
        text("a.csv", "timestamp_s,service,requests_per_s\n\n\n0,cart,1\n10,cart,x", "a.csv: line 5: field `requests_per_s`: `x`", RATES),
        long("0,cart,1\n\n10,cart,1,5\n", "a.csv: line 4: 4 fields, where the header has 3", "each row has a field for each column; an unknown rate is an empty field"),
        long("0,cart,1\n", "a.csv: line 2: there is one row only, so how long it holds is unknown", "say how long the last row holds, or add a second row"),
        long("", "a.csv: there is a header, but not one row", "a trace has at least one row of rates"),
        text("a.csv", "", "a.csv: the file is empty", COLUMNS),
        text("a.csv", "timestamp_s,service,rps\n0,cart,1\n", "a.csv: line 1: there is no column `requests_per_s`, only `timestamp_s`, `service`, `rps`", COLUMNS),
        text("a.csv", "time,service,requests_per_s\n0,cart,1\n", "a.csv: line 1: there is no column `timestamp_s`, only `time`, `service`, `requests_per_s`", COLUMNS),
        text("a.csv", "timestamp_s,service,requests_per_s,region\n0,cart,1,x\n", "a.csv: line 1: field `region`: a long trace has no such column", COLUMNS),
    ]
}

fn wide_cases() -> Vec<Case> {
    let wide = |rows: &str, wrong, right| text("a.csv", &format!("timestamp_s,frontend,cart\n{rows}"), wrong, right);
    vec![
        wide("0,1,1\n10,1,1\n10,1,1\n", "a.csv: line 4: field `timestamp_s`: a second row at 10 s", "a wide trace has one row for each time"),
        wide("10,1,1\n0,1,1\n", "a.csv: line 3: field `timestamp_s`: 0 s follows 10 s", "sort the trace by `timestamp_s`"),
        wide("0,1,-3\n", "a.csv: line 2: field `cart`: `-3` is not a rate: it is negative", RATES),
        wide("0,1,null\n", "a.csv: line 2: field `cart`: `null` is not a rate: an unknown rate is an empty field", RATES),
        wide("0,1\n", "a.csv: line 2: 2 fields, where the header has 3", "each row has a field for each column; an unknown rate is an empty field"),
        text("a.csv", "timestamp_s,cart,cart\n0,1,1\n", "a.csv: line 1: field `cart`: the column stands twice in the header", "each service has one column"),
        text("a.csv", "timestamp_s,cat\n0,1\n", "a.csv: line 1: field `cat`: nobody defines the service `cat`, did you mean `cart`?", "services are `frontend`, `cart`; a series of another name can be mapped to one of them"),
        text("a.csv", "timestamp_s\n0\n", "a.csv: line 1: there is no column `<service>`, only `timestamp_s`", COLUMNS),
        text("a.csv", "time;frontend\n0;1\n", "a.csv: line 1: there is no column `timestamp_s`, only `time;frontend`", COLUMNS),
    ]
}

fn byte_cases() -> Vec<Case> {
    let sound = b"timestamp_s,service,requests_per_s\n0,cart,1\n10,cart,2\n".as_slice();
    let again = "copy or download it again";
    let utf8 = "save the trace as UTF-8, without compression or with the extension that says which";
    let endless = "fields end at a comma, rows at a line break; is a quotation mark open, or the file not CSV?";
    let mut flipped = gzip(sound);
    let middle = flipped.len() - 6;
    flipped[middle] ^= 0x55;
    vec![
        ("a.csv", [sound, b"20,c\xffrt,1\n"].concat(), "a.csv: line 4: field `service`: `c\\xffrt` is not UTF-8 text", utf8),
        ("a.csv", [sound, b"20,cart,\xff1\n"].concat(), "a.csv: line 4: field `requests_per_s`: `\\xff1` is not a rate: it is not even UTF-8 text", RATES),
        ("a.csv", gzip(sound), "a.csv: line 1: `\\u{1f}\\x8b", utf8),
        ("a.csv.gz", gzip(sound)[..40].to_vec(), "a.csv.gz: line 1: the gzip data ends early: the file is truncated", again),
        ("a.csv.gz", flipped, "a.csv.gz: line 4: the gzip data is broken: ", "copy or download it again, or correct the extension"),
        ("a.csv.gz", sound.to_vec(), "a.csv.gz: line 1: the gzip data is broken: invalid gzip header", "copy or download it again, or correct the extension"),
        ("a.csv.zst", zstd::encode_all(sound, 3).expect("memory takes it")[..30].to_vec(), "a.csv.zst: line 1: the zstd data ends early: the file is truncated", again),
        ("a.csv.zst", sound.to_vec(), "a.csv.zst: line 1: the zstd data is broken: ", "copy or download it again, or correct the extension"),
        ("a.xlsx", sound.to_vec(), "a.xlsx: no trace format has this extension", "formats are `.csv`, `.csv.gz`, `.csv.zst`, `.parquet`"),
        ("a.csv", [sound, &vec![b'7'; 2 << 20]].concat(), "a.csv: line 4: no field ends within 1 MiB", endless),
        ("a.csv", [sound, b"20,\"cart,1\n", &b"30,cart,1\n".repeat(4 << 20)].concat(), "a.csv: line 4: no row ends within 32 MiB", endless),
        ("a.csv.gz", gzip(&[sound, &vec![b'\n'; 100 << 20]].concat()), "a.csv.gz: line 4: no row ends within 32 MiB", endless),
        ("a.csv.gz", gzip(&vec![0; 100 << 20]), "a.csv.gz: line 1: no field ends within 1 MiB", endless),
    ]
}

#[test]
fn each_mistake_is_told_with_its_place_and_its_remedy() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, contents, wrong, right) in [long_cases(), wide_cases(), byte_cases()].concat() {
        let path = file(&dir, name, contents);
        let found = error(&path, &TraceOptions::default()).unwrap_or_else(|| panic!("nothing was found wrong: {wrong}"));
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
    let rows: String = (0..100_000).map(|at| format!("{at},{}\n", at % 977)).collect();
    let path = file(&dir, "a.csv.gz", gzip(format!("timestamp_s,cart\n{rows}").as_bytes()));
    assert_eq!(error(&path, &TraceOptions::default()), None);
    let found = error(&path, &TraceOptions { size_max: Bytes(1 << 19), ..TraceOptions::default() }).expect("it is larger");
    assert!(found.contains("expands to more than the limit of 512 KiB\n  cut the trace, or raise the limit"), "{found}");
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
    assert_eq!(found.as_deref(), Some("a.csv: the window begins at 20 s, but the trace ends at 20 s\n  begin it earlier"));
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
        (vec![times(), Column::new("cart".into(), [1.0, f64::NAN, 1.0])], "a.parquet: row 2: field `cart`: `NaN` is not a rate"),
        (vec![times(), Column::new("cart".into(), [1_i64, 1, -4])], "a.parquet: row 3: field `cart`: `-4` is not a rate: it is negative"),
        (vec![times(), Column::new("cart".into(), ["1", "2", "3"])], "a.parquet: field `cart`: the column holds Utf8View\n  it must hold requests per second"),
        (vec![Column::new("timestamp_s".into(), [0_i64, 20, 10]), Column::new("cart".into(), [1.0; 3])], "a.parquet: row 3: field `timestamp_s`: 10 s follows 20 s"),
        (vec![Column::new("timestamp_s".into(), [Some(0_i64), None, Some(10)]), Column::new("cart".into(), [1.0; 3])], "a.parquet: row 2: field `timestamp_s`: the field is empty"),
        (vec![Column::new("time".into(), [0_i64]), Column::new("cart".into(), [1.0])], "a.parquet: there is no column `timestamp_s`"),
        (vec![times(), Column::new("service".into(), ["cart", "cat", "cart"]), Column::new("requests_per_s".into(), [1.0; 3])], "a.parquet: row 2: field `service`: nobody defines the service `cat`"),
        (vec![times().slice(0, 0), Column::new("cart".into(), [1.0; 0])], "a.parquet: there is a header, but not one row"),
    ];
    for (columns, wrong) in cases {
        let found = error(&write(columns), &TraceOptions::default()).unwrap_or_else(|| panic!("nothing was found wrong: {wrong}"));
        assert!(found.starts_with(wrong), "expected {wrong}\n   found {found}");
    }
    assert_eq!(error(&file(&dir, "b.parquet", ""), &TraceOptions::default()).map(|found| found.starts_with("b.parquet: the file is empty")), Some(true));
    let found = error(&file(&dir, "b.parquet", "timestamp_s,cart\n0,1\n"), &TraceOptions::default()).expect("it is CSV");
    assert!(found.starts_with("b.parquet: not a Parquet file that can be read: "), "{found}");
}

/// Goal: no file, however broken, makes the reader panic or run on for ever.
/// Method: sound traces in every format, a few bytes of them changed, removed or doubled, for many seeds.
#[test]
fn damaged_files_are_read_or_refused_but_never_panic() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let row = |at: u64| RateRow {
        at: Time(at * 60_000_000_000),
        rates: (0..2).map(|id| (ServiceId(id), Rate(1_234_567 * (at + 1) + u64::from(id)))).collect(),
    };
    let source = || RowsInMemory::new((0..40).map(row).collect(), Span(60_000_000_000));
    let csv = |compress| {
        let mut out = Vec::new();
        long_csv(&mut source(), &services(), &mut out, compress).expect("memory takes it");
        out
    };
    let mut parquet = Vec::new();
    wide_parquet(&mut source(), &services(), &mut parquet).expect("memory takes it");
    let wide: String = (0..40).map(|at| format!("{at},{}.5,\n", at * 7)).collect();
    let sound = [
        ("a.csv", csv(Compress::No), 2_000),
        ("b.csv", format!("timestamp_s,frontend,cart\n{wide}").into_bytes(), 2_000),
        ("a.csv.gz", csv(Compress::Gzip), 1_000),
        ("a.csv.zst", csv(Compress::Zstd), 1_000),
        ("a.parquet", parquet, 400),
    ];
    for (name, bytes, seeds) in sound {
        let mut refused = 0;
        for seed in 0..seeds {
            // A new name each time: to overwrite a file makes some file systems wait for the disk.
            let path = file(&dir, &format!("{seed}-{name}"), damaged(&bytes, seed));
            println!("{name}: seed {seed}");
            refused += u32::from(error(&path, &TraceOptions::default()).is_some());
            fs::remove_file(path).expect("it was written above");
        }
        println!("{name}: {refused} of {seeds} damaged files were refused");
        assert!(refused > 0, "{name}");
    }
}

fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    use rand::Rng as _;
    const TOKENS: &[&[u8]] = &[b"-", b"e9", b"\"", b",", b"\n", b"NaN", b"\xff", b"99999999999999999999", b".", b"\r", b"\0"];
    let mut stream = Seed(seed).stream("damage", 0);
    let mut pick = |count: usize| usize::try_from(stream.next_u64() % count.max(1) as u64).expect("below a count");
    let mut bytes = bytes.to_vec();
    for _ in 0..=pick(4) {
        let at = pick(bytes.len());
        match pick(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, TOKENS[pick(TOKENS.len())].iter().copied())),
            2 => drop(bytes.drain(at..(at + pick(9)).min(bytes.len()))),
            _ if at < bytes.len() => bytes[at] ^= 1 << pick(8),
            _ => {}
        }
    }
    bytes
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
