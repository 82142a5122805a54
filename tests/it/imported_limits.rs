//! Limits of every form that another tool writes, and the example of its page.

use crate::imported_traces::{S, error, file, from, line, nothing, only, step};
use smo::input::trace::{self, Import, ServiceNames, TraceOptions, Zone};
use smo::units::{Bytes, Span};
use std::io::Write as _;

/// What a sound file of each format that is text looks like, its options, and what one more piece of it is.
fn text_forms() -> Vec<(&'static str, TraceOptions, String, String)> {
    let stamp = line("29/Feb/2024:12:01:00 +0000", "/");
    let column = Import { time_from: Some("at_ms".into()), ..nothing() };
    let by_app = TraceOptions { import: from("app"), ..only("cart", nothing()) };
    let series =
        r#"{"data":{"resultType":"matrix","result":[{"metric":{"service":"cart"},"values":[[1,"1"],[2,"1"]]}]}}"#;
    vec![
        ("log", only("cart", nothing()), stamp.clone(), stamp),
        ("json", TraceOptions::default(), series.to_owned() + "\n", series.to_owned() + "\n"),
        ("txt", only("cart", nothing()), "1\n".to_owned(), "1\n".to_owned()),
        ("txt", only("cart", step(60)), "0.5,1;\n".to_owned(), " \n".to_owned()),
        ("csv", only("cart", column), "at_ms\n0\n".to_owned(), "0\n".to_owned()),
        ("csv", by_app, "HashOwner,HashApp,HashFunction,Trigger,1\n".to_owned(), "o,a,f,http,0\n".to_owned()),
        ("csv", TraceOptions::default(), "app,minute,containers\n".to_owned(), "cart,0,1\n".to_owned()),
    ]
}

/// Goal: whatever the format, a file that expands beyond its limit is refused, and the limit is named.
#[test]
fn the_size_of_every_compressed_form_is_limited() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (ending, mut options, head, more) in text_forms() {
        options.size_max = Bytes(1 << 20);
        let text = head + &more.repeat((2 << 20) / more.len());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).expect("memory takes it");
        let packed =
            [("gz", gzip.finish().expect("memory takes it")), ("zst", zstd::encode_all(text.as_bytes(), 1).unwrap())];
        for (packing, bytes) in packed {
            let found = error(&file(&dir, &format!("a.{ending}.{packing}"), bytes), &options);
            let limit = "expands to more than the limit of 1 MiB\n  cut the trace, or raise the limit by `size_max`";
            assert!(found.contains(limit), "{ending}.{packing}: {found}");
        }
    }
}

/// Goal: no form expands without end below its size limit either.
/// Method: a sound piece again and again, which Zstandard shrinks to nearly nothing: 66 MiB of it, for each kind of reader.
#[test]
fn a_bomb_in_any_form_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let kinds = ["log", "json", "csv"].map(|kind| text_forms().into_iter().find(|form| form.0 == kind).unwrap());
    for (ending, options, head, more) in kinds {
        let mut out = zstd::Encoder::new(Vec::new(), 1).expect("memory takes it");
        out.write_all(head.as_bytes()).expect("memory takes it");
        let piece = more.repeat((1 << 20) / more.len());
        (0..66).for_each(|_| out.write_all(piece.as_bytes()).expect("memory takes it"));
        let path = file(&dir, &format!("a.{ending}.zst"), out.finish().expect("memory takes it"));
        let found = error(&path, &options);
        assert!(found.contains("expands to more than 1000 times its size and beyond 64 MiB"), "{ending}: {found}");
    }
}

#[test]
fn a_line_or_word_without_end_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let long = "7".repeat(3 << 20);
    for (name, format) in [("a.log", "access-log"), ("a.txt", "values"), ("b.txt", "limbo")] {
        let import = Import { format: Some(format.into()), ..nothing() };
        let import = if format == "limbo" { Import { step: Some(Span(S)), ..import } } else { import };
        let found = error(&file(&dir, name, &long), &only("cart", import));
        assert!(found.starts_with(&format!("{name}: line 1: no line ends within 1 MiB")), "{found}");
    }
    let found = error(&file(&dir, "a.json", format!("{{\"data\": {long}")), &TraceOptions::default());
    assert!(found.contains("a text or number is longer than 1 MiB"), "{found}");
}

/// Every page shows a file that is read as the page says.
#[test]
fn the_example_of_every_page_is_read() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for format in trace::format::FORMATS.iter().filter(|format| !format.name().contains("parquet")) {
        let name = format!("example{}", format.page.extensions[0]);
        let mut import = Import { format: Some(format.name().into()), ..nothing() };
        import.step = format.takes.contains(&"step").then_some(Span(60 * S));
        import.timezone = format.takes.contains(&"timezone").then_some(Zone::UTC);
        let names = ["ef56", "app000", "app001", "frontend", "cart", "all"];
        let chosen = names.iter().filter(|name| format.page.example.contains(*name) || **name == "all");
        let series: Vec<String> = chosen.map(|name| (*name).to_owned()).collect();
        let services = ServiceNames::new(series.clone());
        let options = TraceOptions { import, last: Some(Span(60 * S)), ..TraceOptions::default() };
        let path = file(&dir, &name, format.page.example);
        let read = trace::open(&path, &services, &options).map_err(|error| error.to_string());
        let read = read.and_then(|mut trace| trace::survey(&mut trace).map_err(|error| error.to_string()));
        assert!(read.as_ref().is_ok_and(|survey| survey.total().0 > 0), "{}: {read:?}", format.name());
    }
}
