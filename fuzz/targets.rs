//! The bodies of the fuzz targets, a function a parser: bytes in, no panic.
//!
//! Shared by the fuzzers (`fuzz_targets/`) and by the tests, which run them over the corpus.

use smo::input::trace::edit::{Script, prepare};
use smo::input::trace::{self, ServiceNames, TraceOptions};
use smo::input::{self, Request};
use smo::model::workload::{RateRow, RateSource};
use smo::units::Bytes;
use std::fs;
use std::path::PathBuf;

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[("scenario", scenario), ("rates", rates), ("edits", edits)];

/// A file of this process with these bytes; in memory where the system has such a place.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let home = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = home.join(format!("smo-fuzz-{}-{:?}", std::process::id(), std::thread::current().id()));
    fs::create_dir_all(&folder).expect("a temporary folder can be made");
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a temporary file can be written");
    path
}

/// A whole scenario in one file: application, inventory and all.
pub fn scenario(bytes: &[u8]) {
    let path = file("scenario.yaml", bytes);
    let _ = input::load(&path, &Request::default());
}

/// A rate trace; the first byte chooses the ending.
pub fn rates(bytes: &[u8]) {
    const ENDINGS: &[&str] = &["csv", "csv.gz", "csv.zst", "parquet"];
    let Some((first, rest)) = bytes.split_first() else { return };
    let ending = ENDINGS[usize::from(*first) % ENDINGS.len()];
    let path = file(&format!("trace.{ending}"), rest);
    let options = TraceOptions { size_max: Bytes(4 << 20), ..TraceOptions::default() };
    let services = ServiceNames::new(["frontend", "cart"]);
    if let Ok(mut trace) = trace::open(&path, &services, &options) {
        let _ = trace::survey(&mut trace);
    }
}

/// Edits of a trace, made to a small one.
pub fn edits(bytes: &[u8]) {
    /// `repeat` and `resample` may make more than anybody waits for.
    const ROWS: usize = 2_000;
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(script) = Script::parse(text, "script") else { return };
    let path = file("trace.csv", b"timestamp_s,web,api\n1627776000,1,2\n1627776060,,3\n1627776180,4,\n");
    let folder = path.parent().expect("it lies in a folder");
    let Ok(prepared) = prepare(&path, &script, folder, &TraceOptions::default()) else { return };
    let Ok(mut rows) = prepared.open() else { return };
    let mut row = RateRow::default();
    let _ = (0..ROWS).try_for_each(|_| rows.next_row(&mut row).ok().filter(|more| *more).map(|_| ()));
}
