//! The bodies of the fuzz targets, a function a parser: bytes in, no panic.
//!
//! Shared by the fuzzers (`fuzz_targets/`) and by the tests, which run them over the corpus.

use smo::input::trace::{self, ServiceNames, TraceOptions};
use smo::input::{self, Request};
use smo::units::Bytes;
use std::fs;
use std::path::PathBuf;

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[("scenario", scenario), ("rates", rates)];

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
