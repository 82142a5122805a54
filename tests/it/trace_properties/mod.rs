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

mod loads;
mod scripts;

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
    let begin = if dice.below(2) == 0 || !end.0.is_multiple_of(1_000) {
        0
    } else {
        1_627_776_000 * S + 1_000_000 * dice.below(1_000)
    };
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
