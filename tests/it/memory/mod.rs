//! No parser needs more memory than four times the text that it reads, beyond a fixed base.
//!
//! Method: for each kind of input a large file is made and read in a process of its own, which says its peak (`VmHWM`,
//! which Linux keeps); the peak of a process that reads a small file of the same kind is taken off, since the program's own
//! code counts too, as far as it was needed. The text is what a compressed file expands to; of Parquet it is its numbers, 8
//! bytes each.

mod kinds;
mod texts;

use kinds::{KINDS, Kind};
use smo::input::trace::write::{Head, WRITERS};
use smo::input::trace::{self, TraceOptions};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// What a parser may need whatever the input: its own tables, buffers, stacks of threads.
const BASE: u64 = 16 << 20;
/// The same of YAML, which is held as a tree, where every value is as short as can be: a value costs more than the few
/// letters that it may be written with, so their number is limited, and that many need so much.
const BASE_OF_DENSE: u64 = 40 << 20;
/// How long a small text is.
const SHORT: usize = 32 << 10;
/// How long the texts are.
const LENGTH: usize = 12 << 20;
/// Set for the process whose memory is measured: the name of the kind, and the folder of its file.
const CHILD: &str = "SMO_TEST_MEMORY_CHILD";

/// Does nothing, unless it is the process that is measured.
#[test]
fn a_process_reads_one_file_and_says_its_peak() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (name, folder) = told.split_once('=').unwrap();
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == name) {
        (kind.read)(&Path::new(folder).join(kind.file)).unwrap();
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    println!("VmHWM is {} KiB", kibibytes.map_or_else(|| "unknown".to_owned(), |kibibytes| kibibytes.to_string()));
}

/// The peak of a process that reads such a file; `None` where the system does not tell.
fn peak(name: &str, folder: &Path) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["memory::a_process_reads_one_file_and_says_its_peak", "--exact", "--nocapture", "--test-threads=1"]);
    let done = child.env(CHILD, format!("{name}={}", folder.display())).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&done.stderr));
    let peak = said.split("VmHWM is ").nth(1).and_then(|rest| rest.split(" KiB").next());
    peak.and_then(|peak| peak.parse::<u64>().ok()).map(|kibibytes| kibibytes << 10)
}

/// Writes the file; how long its text is.
fn write(kind: &Kind, length: usize, folder: &Path) -> u64 {
    let text = (kind.make)(length);
    let mut file = fs::File::create(folder.join(kind.file)).unwrap();
    match kind.file.rsplit('.').next() {
        Some("gz") => {
            let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            out.write_all(text.as_bytes()).unwrap();
            out.finish().unwrap();
        }
        Some("zst") => zstd::stream::copy_encode(text.as_bytes(), file, 1).unwrap(),
        Some("parquet") => {
            let csv = folder.join("before.csv");
            fs::write(&csv, &text).unwrap();
            let (services, mut rows) = trace::open_whole(&csv, &TraceOptions::default()).unwrap();
            let writer = WRITERS.iter().find(|writer| writer.name == "wide-parquet").unwrap();
            (writer.write)(&mut rows, Head::from(&services), &mut file, kind.file).unwrap();
            let rows = text.lines().count() as u64 / services.count() as u64;
            return rows * (1 + services.count() as u64) * 8;
        }
        _ => file.write_all(text.as_bytes()).unwrap(),
    }
    text.len() as u64
}

#[test]
fn no_parser_needs_more_than_four_times_its_input() {
    let scratch = tempfile::tempdir().unwrap();
    if peak("", scratch.path()).is_none() {
        return println!("skipped: the system tells no peak memory");
    }
    let mut over = Vec::new();
    for kind in KINDS {
        write(kind, SHORT, scratch.path());
        let small = peak(kind.name, scratch.path()).unwrap();
        let bytes = write(kind, LENGTH, scratch.path());
        let grown = peak(kind.name, scratch.path()).unwrap().saturating_sub(small);
        fs::remove_file(scratch.path().join(kind.file)).unwrap();
        let figures = format!(
            "{}: {} kB read, {} kB needed, {:.1} times",
            kind.name,
            bytes >> 10,
            grown >> 10,
            grown as f64 / bytes as f64
        );
        println!("{figures}");
        let base = if kind.is_dense { BASE_OF_DENSE } else { BASE };
        if grown > base + 4 * bytes {
            over.push(figures);
        }
    }
    assert!(over.is_empty(), "more than four times beyond the base:\n{}", over.join("\n"));
}
