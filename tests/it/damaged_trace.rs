//! Damaged traces: whatever a disk or a network does to a file, it is read or refused.
#![expect(clippy::print_stdout, reason = "the seed of a panic, and how many files were refused")]

use smo::input::trace::write::{Compress, long_csv, wide_parquet};
use smo::input::trace::{self, Selection, ServiceNames, TraceOptions};
use smo::model::ServiceId;
use smo::model::workload::{RateRow, RowsInMemory};
use smo::seed::Seed;
use smo::units::{Rate, Span, Time};
use std::fs;

fn services() -> ServiceNames {
    ServiceNames::new(["frontend", "cart"])
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
    let wide: Vec<String> = (0..40).map(|at| format!("{at},{}.5,\n", at * 7)).collect();
    let sound = [
        ("a.csv", csv(Compress::No), 2_000),
        ("b.csv", format!("timestamp_s,frontend,cart\n{}", wide.concat()).into_bytes(), 2_000),
        ("a.csv.gz", csv(Compress::Gzip), 1_000),
        ("a.csv.zst", csv(Compress::Zstd), 1_000),
        ("a.parquet", parquet, 400),
    ];
    refuse_damaged(&dir, sound.to_vec(), &TraceOptions::default());
    let log: Vec<String> = (0..40)
        .map(|at| format!("192.0.2.7 - - [29/Feb/2024:12:{at}:00 +0100] \"GET /cart/{at} HTTP/1.1\" 200 7\n"))
        .collect();
    let values = |at: u64| format!("[{},\"{}.5\"]", 1_709_208_000 + at * 60, at % 7);
    let values: Vec<String> = (0..40).map(values).collect();
    let answer = format!(
        "{{\"data\":{{\"resultType\":\"matrix\",\"result\":[{{\"metric\":{{\"service\":\"cart\"}},\"values\":[{}]}}]}}}}",
        values.join(",")
    );
    let arrivals: Vec<String> = (0..40).map(|at| format!("2024-02-29 12:00:{at}.5,1,2")).collect();
    let minutes: Vec<String> = (1..=40).map(|minute| minute.to_string()).collect();
    let functions = format!("HashOwner,HashApp,HashFunction,Trigger,{0}\no,a,f,http,{0}\n", minutes.join(","));
    let sound = vec![
        ("a.log", log.concat().into_bytes(), 1_000),
        ("a.json", answer.into_bytes(), 1_000),
        ("b.csv", format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{}\n", arrivals.join("\n")).into_bytes(), 1_000),
        ("a.txt", minutes.join("\n").into_bytes(), 500),
        ("a.d01.csv", functions.into_bytes(), 1_000),
    ];
    let options = TraceOptions { selection: Selection::Only("cart".into()), ..TraceOptions::default() };
    refuse_damaged(&dir, sound, &options);
}

/// Damages each of these files again and again: it is read or refused, and some are refused.
fn refuse_damaged(dir: &tempfile::TempDir, sound: Vec<(&str, Vec<u8>, u64)>, options: &TraceOptions) {
    for (name, bytes, seeds) in sound {
        let mut refused = 0;
        for seed in 0..seeds {
            // A new name each time: to overwrite a file makes some file systems wait for the disk.
            let path = dir.path().join(format!("{seed}-{name}"));
            fs::write(&path, damaged(&bytes, seed)).expect("the directory takes files");
            println!("{name}: seed {seed}");
            let read = trace::open(&path, &services(), options).map_err(|error| error.to_string());
            let read = read.and_then(|mut trace| trace::survey(&mut trace).map_err(|error| error.to_string()));
            refused += u32::from(read.is_err());
            fs::remove_file(path).expect("it was written above");
        }
        println!("{name}: {refused} of {seeds} damaged files were refused");
        assert!(refused > 0, "{name}");
    }
}

fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    use rand::Rng as _;
    const TOKENS: &[&[u8]] =
        &[b"-", b"e9", b"\"", b",", b"\n", b"NaN", b"\xff", b"99999999999999999999", b".", b"\r", b"\0"];
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
