//! What holds for traces whatever is in them: a file reads back as what was written, a conversion loses no request, and
//! edits obey their algebra. Each property is tried on many random traces; the seed stands in the message.

use rand::Rng as _;
use smo::input::trace::edit::{Script, prepare};
use smo::input::trace::write::{Head, WRITERS};
use smo::input::trace::{self, ServiceNames, Survey, TraceOptions};
use smo::model::ServiceId;
use smo::model::workload::{RateRow, RateSource, RowsInMemory};
use smo::seed::{Seed, Stream};
use smo::units::{Rate, Span, Time};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const S: u64 = 1_000_000_000;
const SEEDS: u64 = 40;

struct Dice(Stream);

impl Dice {
    fn new(purpose: &str, seed: u64) -> Self {
        Self(Seed(seed).stream(purpose, 0))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0.next_u64() % limit
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

/// A trace: its services, its own clock at the begin, its rows and its end.
#[derive(Debug, Clone, PartialEq)]
struct Table {
    services: ServiceNames,
    begin: u64,
    rows: Vec<RateRow>,
    end: Time,
}

/// A random trace with gaps, empty rows, zeros, odd steps and an odd end.
fn random(dice: &mut Dice) -> Table {
    let names = ["web-1", "web-2", "api", "a b", "x,\"y\"", "größe"];
    let count = 1 + dice.below(names.len() as u64);
    let services = ServiceNames::new(names[..usize::try_from(count).expect("small")].iter().copied());
    let steps = [S, 30 * S, S / 4, 60 * S, 1_000];
    let step = steps[usize::try_from(dice.below(steps.len() as u64)).expect("small")];
    let (mut rows, mut at) = (Vec::new(), 0);
    for _ in 0..2 + dice.below(30) {
        let rates = (0..count).filter_map(|service| {
            let rate = match dice.below(8) {
                0 | 1 => return None,
                2 => 0,
                3 => dice.below(10),
                4 => 1_000_000 * dice.below(1_000_000),
                _ => dice.below(500_000_000),
            };
            Some((ServiceId(u32::try_from(service).expect("small")), Rate(rate)))
        });
        rows.push(RateRow { at: Time(at), rates: rates.collect() });
        at += step * (1 + if dice.below(5) == 0 { dice.below(4) } else { 0 });
    }
    let last = rows.last().expect("there are two").at;
    // Mostly the usual end, sometimes one that has to be written down; never one nanosecond, which has no half.
    let end = Time(last.0 + if dice.below(3) == 0 { step / 2 + 2 + dice.below(step) } else { step });
    // A float of seconds since 1970 holds microseconds, and no nanoseconds.
    let begin =
        if dice.below(2) == 0 || end.0 % 1_000 > 0 { 0 } else { 1_627_776_000 * S + 1_000_000 * dice.below(1_000) };
    Table { services, begin, rows, end }
}

impl Table {
    fn source(&self) -> RowsInMemory {
        let last = self.rows.last().expect("there are rows").at;
        RowsInMemory::new(self.rows.clone(), self.end.since(last))
    }

    fn write(&self, path: &Path, format: &str) {
        let writer = WRITERS.iter().find(|writer| writer.name == format).expect("it is one");
        let head = Head { services: &self.services, begin: self.begin };
        let mut file = File::create(path).expect("the directory takes files");
        let name = path.file_name().expect("a file").to_string_lossy();
        (writer.write)(&mut self.source(), head, &mut file, &name).expect("the trace can be written");
    }

    /// The rate of a service at a time, in millionths per second; zero before it is stated.
    fn rate(&self, service: u32, at: u64) -> u64 {
        if at >= self.end.0 {
            return 0;
        }
        let stated = self.rows.iter().take_while(|row| row.at.0 <= at);
        let stated = stated.flat_map(|row| &row.rates).filter(|(id, _)| *id == ServiceId(service));
        stated.last().map_or(0, |(_, rate)| rate.0)
    }

    fn id(&self, name: &str) -> u32 {
        self.services.id(name).expect("there is such a service").0
    }

    fn survey(&self) -> Survey {
        trace::survey(&mut self.source()).expect("memory is sound")
    }
}

fn all(source: &mut dyn RateSource) -> Vec<RateRow> {
    let (mut rows, mut row) = (Vec::new(), RateRow::default());
    while source.next_row(&mut row).expect("the trace is sound") {
        row.rates.sort_unstable_by_key(|(service, _)| *service);
        rows.push(row.clone());
    }
    rows
}

fn read(path: &Path) -> Table {
    let (services, mut trace) = trace::open_whole(path, &TraceOptions::default()).expect("the trace is sound");
    let rows = all(&mut trace);
    Table { services, begin: trace.begin(), rows, end: trace.end() }
}

/// What a script makes of a trace, or what is wrong.
fn edited(path: &Path, script: &str) -> Result<Table, String> {
    let script = Script::parse(script, "script").map_err(|mistake| mistake.to_string())?;
    let folder = path.parent().expect("a folder");
    let prepared = prepare(path, &script, folder, &TraceOptions::default()).map_err(|error| error.to_string())?;
    let mut source = prepared.open().map_err(|error| error.to_string())?;
    let (mut rows, mut row) = (Vec::new(), RateRow::default());
    while source.next_row(&mut row).map_err(|error| error.to_string())? {
        rows.push(row.clone());
    }
    Ok(Table { services: prepared.services, begin: prepared.begin, rows, end: source.end() })
}

#[track_caller]
fn must(path: &Path, script: &str) -> Table {
    edited(path, script).unwrap_or_else(|error| panic!("{script}: {error}"))
}

/// Whether two traces have the same rates at all times, whatever their rows.
#[track_caller]
fn same_load(a: &Table, b: &Table, message: &str) {
    assert_eq!((a.end, a.begin), (b.end, b.begin), "{message}");
    let times: Vec<u64> = a.rows.iter().chain(&b.rows).map(|row| row.at.0).collect();
    for (index, name) in a.services.iter().enumerate() {
        let (here, there) = (u32::try_from(index).expect("small"), b.id(name));
        for at in &times {
            assert_eq!(a.rate(here, *at), b.rate(there, *at), "{message}: {name} at {at}");
        }
    }
}

fn in_scratch(purpose: &str, mut check: impl FnMut(&mut Dice, &Path, &str)) {
    for seed in 0..SEEDS {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        check(&mut Dice::new(purpose, seed), scratch.path(), &format!("seed {seed}"));
    }
}

fn sample(dice: &mut Dice, folder: &Path) -> (PathBuf, Table) {
    let (path, table) = (folder.join("trace.csv"), random(dice));
    table.write(&path, "long-csv");
    // As it reads back, with the row that says its end.
    let table = read(&path);
    (path, table)
}

/// Goal: a file reads back as what was written: services, rows, gaps, its clock and its end.
/// Method: random traces in every format that can be written, in each of its packings.
#[test]
fn every_writable_format_reads_back_as_it_was_written() {
    in_scratch("formats", |dice, folder, seed| {
        let table = random(dice);
        for writer in WRITERS {
            for extension in writer.extensions {
                let path = folder.join(format!("{}{extension}", writer.name));
                table.write(&path, writer.name);
                let found = read(&path);
                let message = format!("{seed}, {}{extension}", writer.name);
                assert_eq!((found.begin, found.end), (table.begin, table.end), "{message}");
                assert_eq!(found.services, table.services, "{message}");
                assert_eq!(found.rows[..table.rows.len()], table.rows, "{message}");
                // At most two rows more, which say where the end is.
                assert!(found.rows.len() <= table.rows.len() + 2, "{message}");
                assert_eq!(found.survey().requests, table.survey().requests, "{message}");
            }
        }
    });
}

/// Goal: through any chain of formats not a unit of 10⁻¹⁵ requests is lost.
#[test]
fn conversions_conserve_every_request() {
    in_scratch("conversions", |dice, folder, seed| {
        let (mut path, table) = sample(dice, folder);
        for turn in 0..6 {
            let formats: Vec<&str> = WRITERS.iter().map(|writer| writer.name).collect();
            let format = dice.pick(&formats);
            let writer = WRITERS.iter().find(|writer| writer.name == format).expect("it is one");
            let next = folder.join(format!("{turn}{}", dice.pick(writer.extensions)));
            read(&path).write(&next, format);
            path = next;
            assert_eq!(read(&path), table, "{seed}, turn {turn}: {format}");
        }
    });
}

/// Goal: the totals of real traces, in every format that can be read, come through every format that can be written.
#[test]
fn conversions_of_real_traces_conserve_their_totals() {
    let Some(data) = crate::data_dir() else { return println!("skipped: there is no data folder") };
    let recorded = [
        ("nasa_http_1995/rps_60s.csv.gz", 3_461_610),
        ("azure_llm_2023/rps_1s.csv.gz", 8_819 + 19_366),
        ("azure_llm_2023/raw/AzureLLMInferenceTrace_conv.csv.gz", 19_366),
        ("limbo_wikipedia_ibm/rps_wikipedia_1h.csv", 2_112_744_963),
        ("mooncake_llm/conversation_arrivals.csv.gz", 12_031),
        ("azure_functions_samples/femux_containers_per_min.csv.gz", 2_186_820),
    ];
    let scratch = tempfile::tempdir().expect("a temporary directory");
    for (file, total) in recorded {
        let table = read(&data.join(file));
        assert_eq!(table.survey().total().nearest(), total, "{file}");
        for (name, format) in [
            ("a.csv", "long-csv"),
            ("b.csv.zst", "wide-csv"),
            ("c.parquet", "long-parquet"),
            ("d.parquet", "wide-parquet"),
        ] {
            let path = scratch.path().join(name);
            table.write(&path, format);
            let found = read(&path);
            assert_eq!(found.survey().requests, table.survey().requests, "{file} as {format}");
            assert_eq!((found.begin, found.end), (table.begin, table.end), "{file} as {format}");
        }
        let hourly = must(&scratch.path().join("a.csv"), "resample 1h");
        assert_eq!(hourly.survey().total().nearest(), total, "{file} by the hour");
    }
}

#[test]
fn edits_of_levels_times_and_names_commute() {
    in_scratch("commute", |dice, folder, seed| {
        let (path, _) = sample(dice, folder);
        let pairs = [
            ("scale 3/2", "shift 90s"),
            ("scale 3/2", "rename \"web-*\" to \"shop-*\""),
            ("shift 90s", "rename \"web-*\" to \"shop-*\""),
            ("scale 3/2", "scale 7"),
            ("shift 10s", "shift 1h"),
            ("select service web-1 | shift 7s", "scale 0.3"),
            ("scale 0", "cut ..1us"),
            ("repeat 3", "scale 5"),
            ("repeat 2", "rename web-1 to one"),
        ];
        for (first, second) in pairs {
            let (a, b) = (must(&path, &format!("{first}\n{second}")), must(&path, &format!("{second}\n{first}")));
            same_load(&a, &b, &format!("{seed}: {first} and {second}"));
        }
    });
}

#[test]
fn edits_that_do_not_commute_are_kept_in_order() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let path = scratch.path().join("a.csv");
    fs::write(&path, "timestamp_s,a\n0,1\n10,2\n20,3\n30,4\n").expect("the directory takes files");
    let pairs =
        [("shift 10s", "cut 10s..30s"), ("scale 2", "clip ..3/s"), ("scale 2", "add 1/s"), ("repeat 2", "cut 5s..25s")];
    for (first, second) in pairs {
        let (a, b) = (must(&path, &format!("{first}; {second}")), must(&path, &format!("{second}; {first}")));
        assert!(a != b, "{first} and {second}");
    }
    // 1, 2, 3, 4 for 10 s each; doubled and clipped at 3: 2, 3, 3, 3. Clipped and doubled: 2, 4, 6, 6.
    let rates =
        |script: &str| must(&path, script).rows.iter().map(|row| row.rates[0].1.0 / 1_000_000).collect::<Vec<_>>();
    assert_eq!(rates("scale 2; clip ..3/s"), [2, 3, 3, 3]);
    assert_eq!(rates("clip ..3/s; scale 2"), [2, 4, 6, 6]);
}

#[test]
fn scaling_back_is_the_identity() {
    in_scratch("scale", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        for (there, back) in
            [("2", "0.5"), ("0.5", "2"), ("1/3", "3"), ("7/13", "13/7"), ("10%", "10"), ("0.001", "1000")]
        {
            assert_eq!(must(&path, &format!("scale {there} | scale {back}")), table, "{seed}: {there} and {back}");
        }
        same_load(&must(&path, "shift 5s | shift -5s"), &table, seed);
    });
}

/// Goal: `cut A..B | cut C..D` is `cut A+C..A+D`, a trace that is repeated begins with itself, and so on.
#[test]
fn cut_and_repeat_obey_their_algebra() {
    in_scratch("cut", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let span = table.end.0;
        let (a, c) = (dice.below(span / 2), dice.below(span / 4));
        let (b, d) = (a + span / 2, c + 1 + dice.below(span / 4));
        let inner = must(&path, &format!("cut {a}ns..{b}ns | cut {c}ns..{d}ns"));
        same_load(&inner, &must(&path, &format!("cut {}ns..{}ns", a + c, a + d)), seed);
        same_load(&must(&path, &format!("cut ..{span}ns")), &table, seed);
        same_load(&must(&path, &format!("repeat 3 | cut ..{span}ns")), &table, seed);
        same_load(&must(&path, "repeat 2 | repeat 3"), &must(&path, "repeat 6"), seed);
        same_load(&must(&path, "repeat 1"), &table, seed);
        let four = must(&path, "repeat 4");
        assert_eq!(four.end.0, 4 * span, "{seed}");
        for (once, fourfold) in table.survey().requests.iter().zip(&four.survey().requests) {
            assert_eq!(once.0 * 4, fourfold.0, "{seed}");
        }
        let parts = [format!("cut ..{a}ns"), format!("cut {a}ns..")].map(|script| edited(&path, &script));
        if let [Ok(first), Ok(second)] = parts {
            for index in 0..table.services.count() {
                let id = ServiceId(u32::try_from(index).expect("small"));
                let sum = first.survey().of(id).0 + second.survey().of(id).0;
                assert_eq!(sum, table.survey().of(id).0, "{seed}");
            }
        }
    });
}

/// Goal: at every time, a level edit, a shift, a merge, a sum do what they say.
/// Method: the rate at random times against a formula on the rate before.
#[test]
fn edits_do_at_every_time_what_they_say() {
    in_scratch("rates", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let span = table.end.0;
        let (from, until) = (dice.below(span / 2), span / 2 + 1 + dice.below(span / 2));
        let during = format!("select service web-1 during {from}ns..{until}ns");
        let tripled = must(&path, &format!("{during} | scale 3"));
        let set = must(&path, &format!("{during} | set 7/s"));
        let more = must(&path, &format!("{during} | add 7/s"));
        let late = must(&path, &format!("select service web-1 | shift {from}ns"));
        let early = must(&path, &format!("select service web-1 | shift -{from}ns"));
        let twice = must(&path, "merge \"trace.csv\" adding");
        let sum = must(&path, "sum into all");
        for _ in 0..50 {
            let at = dice.below(span);
            let (before, inside) = (table.rate(0, at), (from..until).contains(&at));
            let is = |found: (&Table, &str), expected: u64| {
                assert_eq!(found.0.rate(0, at), expected, "{seed}, {}, at {at} of {from}..{until}, {span}", found.1);
            };
            is((&tripled, "tripled"), if inside { 3 * before } else { before });
            is((&set, "set"), if inside { 7_000_000 } else { before });
            is((&more, "more"), if inside { 7_000_000 + before } else { before });
            is((&late, "late"), if at < from { 0 } else { table.rate(0, at - from) });
            is((&early, "early"), table.rate(0, at + from));
            is((&twice, "twice"), 2 * before);
            let all: u64 =
                (0..table.services.count()).map(|id| table.rate(u32::try_from(id).expect("small"), at)).sum();
            is((&sum, "sum"), all);
            for other in 1..table.services.count() {
                let other = u32::try_from(other).expect("small");
                for found in [&tripled, &set, &late, &early] {
                    assert_eq!(found.rate(other, at), table.rate(other, at), "{seed}: others stay");
                }
            }
        }
    });
}

/// Goal: a resampled trace has every request: half a millionth a second of one step may be left over.
#[test]
fn resampling_conserves_requests() {
    in_scratch("resample", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let span = table.end.0;
        for step in [span, span / 3 + 1, span / 50 + 1, 7 * span] {
            let found = must(&path, &format!("resample {step}ns"));
            assert!(found.end.0 >= span && found.end.0 < span + step, "{seed}, {step}");
            assert!(found.rows.iter().all(|row| row.at.0.is_multiple_of(step)), "{seed}, {step}");
            for (was, is) in table.survey().requests.iter().zip(&found.survey().requests) {
                assert!(was.0.abs_diff(is.0) <= u128::from(step / 2 + 1), "{seed}, {step}: {was:?} {is:?}");
            }
            let again = must(&path, &format!("resample {step}ns | resample {step}ns"));
            assert_eq!(again, found, "{seed}, {step}");
        }
    });
}

#[test]
fn filling_leaves_no_rate_unknown_and_changes_none_that_is_known() {
    in_scratch("fill", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        same_load(&must(&path, "fill previous"), &table, seed);
        for how in ["previous", "zero", "linear"] {
            let found = must(&path, &format!("fill {how}"));
            let mut known = vec![false; table.services.count()];
            for row in &found.rows {
                row.rates.iter().for_each(|(service, _)| known[service.0 as usize] = true);
                assert_eq!(row.rates.len(), known.iter().filter(|known| **known).count(), "{seed}, {how}");
            }
            for row in &table.rows {
                let stated = row.rates.iter();
                stated.for_each(|(service, rate)| assert_eq!(found.rate(service.0, row.at.0), rate.0, "{seed}, {how}"));
            }
        }
    });
}

/// Goal: smoothing keeps a constant rate, and the highest and lowest rates are bounds.
#[test]
fn smoothing_stays_within_the_rates_there_are() {
    in_scratch("smooth", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let window = 1 + dice.below(2 * table.end.0);
        let found = must(&path, &format!("smooth {window}ns"));
        assert_eq!(found.rows.len(), table.rows.len(), "{seed}");
        for id in 0..u32::try_from(table.services.count()).expect("small") {
            let rates = || table.rows.iter().flat_map(|row| &row.rates).filter(|(service, _)| service.0 == id);
            let (low, high) = (rates().map(|(_, rate)| *rate).min(), rates().map(|(_, rate)| *rate).max());
            let smooth = found.rows.iter().flat_map(|row| &row.rates).filter(|(service, _)| service.0 == id);
            smooth.for_each(|(_, rate)| {
                assert!(low <= Some(*rate) && Some(*rate) <= high, "{seed}: {low:?} {rate:?} {high:?}")
            });
        }
        let flat = must(&path, &format!("set 5/s | smooth {window}ns"));
        assert!(flat.rows.iter().flat_map(|row| &row.rates).all(|(_, rate)| *rate == Rate(5_000_000)), "{seed}");
    });
}

/// Goal: lines in any order become the trace that they are.
#[test]
fn a_shuffled_file_sorts_to_the_trace_that_it_was() {
    in_scratch("sort", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        for format in ["long-csv", "wide-csv", "long-parquet"] {
            let written = folder.join(if format == "long-parquet" { "x.parquet" } else { "x.csv" });
            table.write(&written, format);
            if format == "long-parquet" {
                assert_eq!(must(&written, "sort"), table, "{seed}");
                continue;
            }
            let text = fs::read_to_string(&written).expect("it was written");
            let mut records = csv::Reader::from_reader(text.as_bytes());
            let mut lines: Vec<csv::StringRecord> = records.records().map(|record| record.expect("CSV")).collect();
            for index in (1..lines.len()).rev() {
                lines.swap(index, usize::try_from(dice.below(index as u64 + 1)).expect("small"));
            }
            let mut out = csv::Writer::from_path(&path).expect("the directory takes files");
            out.write_record(records.headers().expect("there are some")).expect("it takes it");
            lines.iter().for_each(|line| out.write_record(line).expect("it takes it"));
            out.flush().expect("it takes it");
            let sorted = must(&path, "sort");
            same_load(&sorted, &table, &format!("{seed}, {format}"));
            assert_eq!(sorted.rows.len(), table.rows.len(), "{seed}, {format}");
        }
    });
}

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
    (0..1 + dice.below(9)).map(|_| dice.pick(words)).collect::<Vec<_>>().join(if dice.below(4) == 0 { "" } else { " " })
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
