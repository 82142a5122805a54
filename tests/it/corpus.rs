//! The fuzzers' corpus as ordinary tests: what was interesting or broken once is read or refused, and never panics.

#[path = "../../fuzz/targets.rs"]
mod targets;

use smo::input::trace::write::{Head, WRITERS};
use smo::input::trace::{self, TraceOptions};
use smo::model::workload::{RateRow, RateSource};
use std::fs;
use std::path::Path;

#[test]
fn no_input_that_fuzzers_found_makes_a_parser_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, body) in targets::TARGETS {
        let mut inputs: Vec<_> = fs::read_dir(corpus.join(name))
            .unwrap_or_else(|_| panic!("{name} has no corpus"))
            .map(|entry| entry.unwrap().path())
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{name} has an empty corpus");
        for input in inputs {
            println!("{}", input.display());
            body(&fs::read(input).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_fuzzer_and_every_fuzzer_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in targets::TARGETS {
        assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name} is not in fuzz/Cargo.toml");
    }
    assert_eq!(fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count(), targets::TARGETS.len());
}

/// Goal: whatever a file of another tool holds, the trace that it is converted to has the same requests.
/// Method: each input of the corpus that is a trace is written in every format that can be written, and read again.
#[test]
fn what_is_imported_keeps_its_total_in_every_format() {
    const ROWS_MAX: usize = 20_000;
    let scratch = tempfile::tempdir().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/imports");
    let mut converted = 0;
    for input in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = fs::read(&input).unwrap();
        let Some((_, mut rows)) = targets::imported(&bytes) else { continue };
        let mut row = RateRow::default();
        let length = (0..ROWS_MAX).take_while(|_| rows.next_row(&mut row).unwrap_or(false)).count();
        if length == ROWS_MAX || !matches!(rows.next_row(&mut row), Ok(false)) {
            continue;
        }
        for writer in WRITERS {
            let (services, mut rows) = targets::imported(&bytes).unwrap();
            let name = format!("a{}", writer.extensions[0]);
            let path = scratch.path().join(&name);
            let mut file = fs::File::create(&path).unwrap();
            let head = Head { services: &services, begin: rows.begin() };
            if (writer.write)(&mut rows, head, &mut file, &name).is_err() {
                continue;
            }
            let (_, mut rows) = targets::imported(&bytes).unwrap();
            let before = trace::survey(&mut rows).unwrap();
            if before.total().0 == 0 {
                continue;
            }
            let (_, mut again) = trace::open_whole(&path, &TraceOptions::default()).unwrap();
            let after = trace::survey(&mut again).unwrap();
            assert_eq!(
                (before.total(), before.end),
                (after.total(), after.end),
                "{}: {}",
                input.display(),
                writer.name
            );
            converted += 1;
        }
    }
    assert!(converted >= 4 * 12, "{converted} conversions");
}
