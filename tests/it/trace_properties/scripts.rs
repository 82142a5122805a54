//! The edit language: what is printed reads back, nothing panics, mistakes are told.

use super::*;

const SCRIPTS: [&str; 16] = [
    "select service \"web-*\" during 2s..4s | scale 1.5",
    "add burst at 3s for 20s times 6 ramp 2s to web-1",
    "add crowd at 1s times 8 rise 2s decay 5s",
    "merge \"trace.csv\" at 2s adding",
    "resample 5s # a comment",
    "select except api, \"a b\" | drop",
    "select service web-? | keep",
    "clip 1/s..100 /s; clip ..50/s",
    "rename \"web-*\" to \"shop-*\"",
    "repeat for 1min30s",
    "fill linear every 30 s | smooth 1min",
    "select label zone=eu-* during ..2h | set 5rps",
    "sum into \"all of it\" | scale 1/3",
    "shift -1s | shift 2s",
    "begin at 2024-02-29T12:00+02:00 | cut 2024-02-29T10:00:01Z..",
    "sort; select service * during 00:00..00:01 | add 3/min",
];

#[test]
fn a_script_that_is_printed_reads_back_as_itself() {
    for text in SCRIPTS {
        let script = Script::parse(text, "script").unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
        let printed = script.to_string();
        assert_eq!(Script::parse(&printed, "printed").as_ref(), Ok(&script), "{text} → {printed}");
    }
}

/// Goal: no text makes the parser or the edits panic.
/// Method: valid scripts with letters changed, words exchanged, cut off and joined; and random words. What parses is
/// printed and read again, and run on a small trace.
#[test]
#[expect(clippy::too_many_lines, reason = "most of them are words to try")]
fn no_script_makes_anything_panic() {
    let words = [
        "select",
        "service",
        "except",
        "label",
        "during",
        "|",
        ",",
        ";",
        "\n",
        "..",
        "\"",
        "\"a b\"",
        "web-*",
        "*",
        "?",
        "scale",
        "1.5",
        "3/0",
        "9999999999/7",
        "150%",
        "-1",
        "set",
        "5/s",
        "add",
        "burst",
        "crowd",
        "at",
        "for",
        "times",
        "ramp",
        "rise",
        "decay",
        "to",
        "2s",
        "1h30min",
        "99999d",
        "12:00",
        "24:61",
        "2021-02-29",
        "2021-08-01",
        "@1e9",
        "@1627776000",
        "cut",
        "shift",
        "-3s",
        "repeat",
        "3",
        "1000000",
        "resample",
        "1ns",
        "smooth",
        "fill",
        "zero",
        "linear",
        "every",
        "drop",
        "keep",
        "rename",
        "sum",
        "into",
        "merge",
        "trace.csv",
        "by",
        "clock",
        "adding",
        "sort",
        "begin",
        "#",
        "\\",
        "\u{0}",
        "ü",
    ];
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let (path, _) = sample(&mut Dice::new("soup", 0), scratch.path());
    let mut dice = Dice::new("soup", 1);
    let mut run = 0;
    for turn in 0..6_000 {
        let text = if turn % 2 == 0 { mutated(&mut dice, &words) } else { soup(&mut dice, &words) };
        let Ok(script) = Script::parse(&text, "script") else { continue };
        assert_eq!(Script::parse(&script.to_string(), "printed").as_ref(), Ok(&script), "{text:?}");
        // Long ones are for machines with more time.
        if !text.contains("99999d") && !text.contains("repeat") && !text.contains("ns") {
            run += 1;
            let _ = edited(&path, &text);
        }
    }
    assert!(run > 500, "only {run} of the scripts were sound");
}

fn soup(dice: &mut Dice, words: &[&str]) -> String {
    (0..=dice.below(9)).map(|_| dice.pick(words)).collect::<Vec<_>>().join(if dice.below(4) == 0 { "" } else { " " })
}

fn mutated(dice: &mut Dice, words: &[&str]) -> String {
    let mut text = dice.pick(&SCRIPTS).to_owned();
    for _ in 0..dice.below(4) {
        let letters: Vec<char> = text.chars().collect();
        let at = usize::try_from(dice.below(letters.len() as u64 + 1)).expect("small");
        let (before, after): (String, String) = (letters[..at].iter().collect(), letters[at..].iter().collect());
        text = match dice.below(5) {
            0 => before,
            1 => format!("{before}{}{after}", dice.pick(words)),
            2 => format!("{before}{}", after.chars().skip(1).collect::<String>()),
            3 => format!("{before} | {}", dice.pick(&SCRIPTS)),
            _ => after + " " + &before,
        };
    }
    text
}

#[test]
fn an_edited_trace_can_be_forked_anywhere() {
    in_scratch("fork", |dice, folder, seed| {
        let (path, _) = sample(dice, folder);
        let text = format!("{}\n{}", dice.pick(&SCRIPTS[..3]), dice.pick(&SCRIPTS[3..5]));
        let text =
            text + "\n" + dice.pick(&["repeat 3", "smooth 10s", "fill linear", "select service web-1 | shift 3s"]);
        let script = Script::parse(&text, "script").expect("it is one");
        let Ok(prepared) = prepare(&path, &script, folder, &TraceOptions::default()) else { return };
        let expected = all(&mut prepared.open().expect("it is sound"));
        let taken = usize::try_from(dice.below(expected.len() as u64)).expect("small");
        let (mut source, mut row) = (prepared.open().expect("it is sound"), RateRow::default());
        (0..taken).for_each(|_| assert!(source.next_row(&mut row).expect("it is sound")));
        let mut fork = source.fork().expect("the files are still there");
        assert_eq!(all(&mut fork), expected[taken..], "{seed}: {text}");
        assert_eq!(all(&mut source), expected[taken..], "{seed}: {text}");
        assert_eq!(fork.end(), source.end(), "{seed}: {text}");
    });
}

#[test]
fn a_burst_and_a_crowd_have_the_shape_that_they_say() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let path = scratch.path().join("a.csv");
    fs::write(&path, "timestamp_s,a,b\n0,10,1\n3600,10,1\n").expect("the directory takes files");
    let burst = must(&path, "add burst at 10min for 20min times 6 to a");
    assert_eq!([599, 600, 1_799, 1_800].map(|s| burst.rate(0, s * S) / 1_000_000), [10, 60, 60, 10]);
    assert_eq!(burst.rate(1, 700 * S), 1_000_000);
    // Ramps of 100 s are 20 stairs of 5 s: the first one is at 1/40 of 5 × 10, the tenth at 19/40.
    let ramped = must(&path, "add burst at 10min for 20min times 6 ramp 100s to a");
    assert_eq!([600, 645, 700, 1_795].map(|s| ramped.rate(0, s * S)), [11_250_000, 33_750_000, 60_000_000, 11_250_000]);
    // The mean of the staircase is the ramp's: 20 min at 6 times, less half of two ramps of 100 s.
    let more = ramped.survey().requests[0].0 - read(&path).survey().requests[0].0;
    assert_eq!(more / 1_000_000_000_000_000, 50 * (1_200 - 100));
    // e^(−0.025) of 70 more at the top, e^(−4.975) in the last stair, nothing after.
    let crowd = must(&path, "add crowd at 10min times 8 rise 0s decay 5min to a");
    let share = |s: u64| (crowd.rate(0, s * S) as f64 / 1e6 - 10.0) / 70.0;
    assert!((share(601) - (-0.025_f64).exp()).abs() < 1e-4 && (share(2_099) - (-4.975_f64).exp()).abs() < 1e-4);
    assert_eq!(crowd.rate(0, 2_100 * S), 10_000_000);
}

#[test]
fn mistakes_in_scripts_are_told_with_their_place_and_the_way_out() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let path = scratch.path().join("a.csv");
    fs::write(&path, "timestamp_s,web,api\n0,1,2\n60,1,2\n").expect("the directory takes files");
    let cases = [
        ("scael 2", "script: line 1, column 1: `scael` is not an edit\n  did you mean `scale`? there are"),
        ("scale 2\nscale x", "script: line 2, column 7: `x` stands where a factor is wanted\n  write it like `1.5`"),
        ("select servce web | scale 2", "column 8: `servce` is not a selection\n  did you mean `service`?"),
        ("scale 2 3", "column 9: `3` follows a whole edit\n  write `|`"),
        ("rename \"web", "column 8: the quotation mark is not closed"),
        ("cut 2h", "column 7: the end of the statement stands where `..` is wanted"),
        ("add burst at 1s times 3", "stands where the rest of a burst is wanted\n  write it like `add burst at 12:00"),
        (
            "select service wbe | scale 2",
            "a.csv: edit: line 1, column 16: no series is called `wbe`\n  did you mean `web`?",
        ),
        ("select service \"w*x\" | scale 2", "no series fits `w*x`"),
        ("select during 2h..1h | scale 2", "the range ends at 1 h and begins at 2 h"),
        ("select during 1s..2s | shift 1s", "`shift` is of whole series"),
        ("select service web | resample 1s", "`resample` is of the whole trace"),
        ("cut 2021-08-01..", "the trace has no dates: its clock begins at 0 s"),
        ("cut 2021-02-30..", "there is no such day"),
        ("cut 2h..", "`cut` begins at 7200 s, but the trace ends at 120 s"),
        ("scale 2; sort", "column 10: `sort` is how a file is read\n  make it the first edit"),
        ("drop", "no series is left"),
        ("rename web to api", "two series would be called `api`"),
        ("merge \"a.csv\"", "`web` is in both traces"),
        ("merge \"b.csv\"", "b.csv: cannot be read"),
        ("merge \"a.csv\" by clock adding", "only traces with dates can be merged by clock"),
        ("scale 9999999999 | scale 9999999999", "too large"),
        ("rename a to \"*\"", "has more stars than `a`"),
    ];
    for (script, wanted) in cases {
        let error = edited(&path, script).expect_err(script);
        assert!(error.contains(wanted), "{script}\n wanted {wanted}\n  found {error}");
    }
}

/// Goal: what `smo formats` says can be written is what can be written.
#[test]
fn the_pages_say_what_can_be_written() {
    use smo::input::formats::FORMATS;
    let mut pages: Vec<&str> = FORMATS.iter().filter(|page| page.writable).map(|page| page.name).collect();
    let mut writers: Vec<&str> = WRITERS.iter().map(|writer| writer.name).collect();
    pages.sort_unstable();
    writers.sort_unstable();
    assert_eq!(pages, writers);
}

/// Goal: the catalogue names no format that is not there, no archive twice, and nothing without a source.
#[test]
fn the_catalogue_names_formats_that_are_there() {
    use smo::input::formats::{FORMATS, Kind};
    use smo::input::trace::catalogue::ARCHIVES;
    let has_tasks = FORMATS.iter().any(|page| page.kind == Kind::Tasks);
    let mut names = Vec::new();
    for archive in ARCHIVES {
        assert!(!names.contains(&archive.name), "{} stands twice", archive.name);
        names.push(archive.name);
        assert!(archive.place.starts_with("http") && !archive.licence.is_empty(), "{}", archive.name);
        if let Some(format) = archive.format.filter(|_| archive.kind == Kind::Rates || has_tasks) {
            assert!(FORMATS.iter().any(|page| page.name == format), "{}: no format `{format}`", archive.name);
        }
    }
}

#[test]
fn the_end_of_a_trace_may_be_any() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let path = scratch.path().join("a.csv");
    let services = ServiceNames::new(["a"]);
    for last in [1_u64, 2, 3, 59, 60, 61, 600] {
        let rows = [0, 60].map(|at| RateRow { at: Time(at * S), rates: vec![(ServiceId(0), Rate(5))] });
        let table =
            Table { services: services.clone(), begin: 0, rows: rows.into(), end: Time(60 * S) + Span(last * S + 1) };
        table.write(&path, "long-csv");
        let found = read(&path);
        assert_eq!((found.end, found.survey().requests), (table.end, table.survey().requests), "{last}");
    }
}
