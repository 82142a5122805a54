//! Access logs: counted by hand, out of order, broken, rotated.

use crate::imported_traces::{S, error, file, from, line, only, read, step};
use smo::input::trace::{Import, Selection, TraceOptions};
use smo::units::Span;

/// 13:55:36 and :59 +01:00, then 12:56:30 UTC, which is 13:56:30 +01:00; two in the first minute, one in the second, none
/// in the third, one in the fourth.
#[test]
fn a_log_is_counted_by_minute_and_its_zones_are_honoured() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = [
        line("29/Feb/2024:13:55:36 +0100", "/"),
        line("29/Feb/2024:13:55:59 +0100", "/"),
        line("29/Feb/2024:12:56:30 +0000", "/"),
        line("29/Feb/2024:05:58:00 -0700", "/"),
    ];
    for name in ["access.log", "access.log.1", "access_log", "a.txt"] {
        let (rows, end, notes) = read(&file(&dir, name, log.concat()), &only("cart", step(60))).expect("it is sound");
        let millionths = 1_000_000;
        // 2/60, 1/60 and 1/60 per second, rounded down with the rest carried on.
        let expected = [(0, 2 * millionths / 60), (60, millionths / 60 + 1), (120, 0), (180, millionths / 60)];
        assert_eq!(rows, expected.map(|(at, rate)| (at, vec![(1, rate)])));
        assert_eq!(end, 240);
        assert!(notes[0].starts_with("begins at 1709211300 s of its own clock"), "{notes:?}");
    }
}

#[test]
fn the_service_of_a_request_is_its_path_or_its_host() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log: String = ["/cart/7", "/cart?x=1", "/frontend", "http://shop.example/cart/", "/other/cart", "/", "*"]
        .iter()
        .map(|target| line("29/Feb/2024:13:55:36 +0100", target))
        .collect();
    let chosen = ["cart", "frontend"].map(|name| (name.to_owned(), name.to_owned()));
    let selection = Selection::Chosen(chosen.into());
    let import = Import { step: Some(Span(S)), ..from("path") };
    let options = TraceOptions { selection, import, ..TraceOptions::default() };
    let (rows, _, notes) = read(&file(&dir, "a.log", &log), &options).expect("it is sound");
    assert_eq!(rows, [(0, vec![(0, 1_000_000), (1, 3_000_000)])]);
    assert!(notes.contains(&"3 of 7 requests are of series that are not read".to_owned()), "{notes:?}");

    let hosts =
        ["cart:443", "cart", "frontend:80"].map(|host| format!("{host} {}", line("29/Feb/2024:13:55:36 +0100", "/")));
    let import = Import { step: Some(Span(S)), ..from("vhost") };
    let options = TraceOptions { import, ..TraceOptions::default() };
    let (rows, ..) = read(&file(&dir, "b.log", hosts.concat()), &options).expect("it is sound");
    assert_eq!(rows, [(0, vec![(0, 1_000_000), (1, 2_000_000)])]);
}

#[test]
fn a_log_may_be_out_of_order_within_its_window_only() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = ["13:55:00", "13:56:30", "13:55:10", "13:57:00"].map(|at| line(&format!("29/Feb/2024:{at} +0000"), "/"));
    let path = file(&dir, "a.log", log.concat());
    let mut import = step(60);
    import.out_of_order = Some(Span(80 * S));
    let (rows, ..) = read(&path, &only("cart", import.clone())).expect("80 s late is allowed");
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [0, 60, 120]);
    import.out_of_order = Some(Span(79 * S));
    assert_eq!(
        error(&path, &only("cart", import)),
        "a.log: line 3: 1709214910 s stands 80 s behind the latest time before it\n  \
         sort the file, or allow more than 79 s by `out_of_order`"
    );
}

#[test]
fn broken_lines_are_counted_up_to_one_in_a_hundred() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sound = line("29/Feb/2024:13:55:36 +0000", "/");
    let cut = &sound[..30];
    let path = file(&dir, "a.log", format!("{}\n{cut}\n\n{}", sound.repeat(50), sound.repeat(49)));
    let (rows, _, notes) = read(&path, &only("cart", step(1))).expect("1 of 100 is allowed");
    assert_eq!(rows, [(0, vec![(1, 99_000_000)])]);
    assert!(
        notes.iter().any(|note| note.starts_with("1 of 100 lines are no requests and do not count, first line 52:"))
    );
    let path = file(&dir, "a.log", format!("{}{cut}\n{}", sound.repeat(50), sound.repeat(48)));
    assert_eq!(
        error(&path, &only("cart", step(1))),
        "a.log: line 51: there is no time in brackets like `[10/Oct/2000:13:55:36 -0700]`; so are 1 of 99 lines, more \
         than 1 %\n  remove what is not of the log, or name the right `format`"
    );
}

#[test]
fn what_is_no_request_is_told_by_what_it_lacks() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let import = || Import { format: Some("access-log".into()), ..Import::default() };
    for (line, what) in [
        ("192.0.2.7 - - [30/Feb/2024:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1", "there is no such day"),
        ("192.0.2.7 - - [29/Feb/2024:25:55:36 +0000] \"GET / HTTP/1.1\" 200 1", "there is no such time of day"),
        ("192.0.2.7 - - [29/Feb/2024:13:55:36 CEST.] \"GET / HTTP/1.1\" 200 1", "the time has no zone like `-0700`"),
        ("192.0.2.7 - - [29/Feb/2024:13:55:36 +0000] \"GET / HTTP/1.1 200 1", "the request has no closing quotation"),
        ("192.0.2.7 - - [29/Feb/2024:13:55:36 +0000] \"GET /\\\" 200 1", "the request has no closing quotation"),
        ("192.0.2.7 - - [29/Feb/2024:13:55:36 +0000] \"GET / HTTP/1.1\" 2x0 1", "there is no status of three digits"),
        (
            "192.0.2.7 - - [28/Feb/9999:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1",
            "its time is before 1970 or after 2553",
        ),
        ("192.0.2.7 - - [29/Feb/2024:13:55:36 +0000] 200 1", "there is no request in quotation marks"),
    ] {
        let found = error(&file(&dir, "a.log", line), &only("cart", import()));
        assert!(found.starts_with(&format!("a.log: line 1: {what}")), "{found}");
    }
}

/// The last minute of one file goes on in the next one: what stands in both is one step.
#[test]
fn rotated_logs_are_one_trace() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let time = |at: &str| line(&format!("29/Feb/2024:{at} +0000"), "/");
    let first = file(&dir, "access.log.1", [time("13:55:00"), time("13:56:30")].concat());
    let second = file(&dir, "access.log", [time("13:56:29"), time("13:57:00"), "broken".to_owned()].concat());
    let mut import = step(60);
    import.then = vec![second];
    let found = error(&first, &only("cart", import.clone()));
    assert!(found.starts_with("access.log: line 3: there is no time in brackets"), "{found}");
    import.then = vec![file(&dir, "access.log", [time("13:56:29"), time("13:57:00")].concat())];
    let (rows, ..) = read(&first, &only("cart", import)).expect("they are sound");
    assert_eq!(rows.iter().map(|row| (row.0, row.1[0].1 / 16_666)).collect::<Vec<_>>(), [(0, 1), (60, 2), (120, 1)]);
}
