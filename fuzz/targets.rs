//! The bodies of the fuzz targets, a function a parser: bytes in, no panic.
//!
//! Shared by the fuzzers (`fuzz_targets/`) and by the tests, which run them over the corpus.

use smo::input::hdag;
use smo::input::kubernetes::{clusters_of, workloads_of};
use smo::input::tables::calendar::Calendar;
use smo::input::tables::sheet::Sheet;
use smo::input::tables::{carbon, latency, machine_types, machines, power, prices, reassignment, regions, sites};
use smo::input::tasks::TaskOptions;
use smo::input::tasks::format::{self, TASK_FORMATS};
use smo::input::trace::edit::{Script, prepare};
use smo::input::trace::{self, Import, ServiceNames, Trace, TraceOptions, Zone};
use smo::input::{self, InputError, Request};
use smo::model::workload::{RateRow, RateSource};
use smo::units::{Bytes, Span};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("scenario", scenario),
    ("hdag", hdag),
    ("kubernetes", kubernetes),
    ("tables", tables),
    ("machines", machine_lists),
    ("reassignment", reassignment),
    ("tasks", tasks),
    ("rates", rates),
    ("imports", imports),
    ("edits", edits),
];

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

/// A rate trace in the format of another tool.
pub fn imports(bytes: &[u8]) {
    let Some((_, mut rows)) = imported(bytes) else { return };
    let mut row = RateRow::default();
    let _ = (0..ROWS).try_for_each(|_| rows.next_row(&mut row).ok().filter(|more| *more).map(|_| ()));
    let _ = rows.notes();
}

/// Opens a rate trace: the first byte chooses the ending, the second what is said about it.
pub fn imported(bytes: &[u8]) -> Option<(ServiceNames, Trace)> {
    const ENDINGS: &[&str] = &["csv", "log", "json", "txt", "parquet"];
    const PACKED: &[&str] = &["", ".gz", ".zst"];
    let [first, second, rest @ ..] = bytes else { return None };
    let (first, says) = (usize::from(*first), |bit: u8| second >> bit & 1 == 1);
    let (ending, packed) = (ENDINGS[first % ENDINGS.len()], PACKED[first / ENDINGS.len() % PACKED.len()]);
    let path = file(&format!("trace.{ending}{packed}"), rest);
    let import = Import {
        step: says(0).then_some(Span::seconds(60)),
        service_from: says(1).then(|| if says(2) { "path/1".to_owned() } else { "all".to_owned() }),
        time_from: says(3).then(|| "time".to_owned()),
        timezone: says(4).then_some(Zone(3_600)),
        out_of_order: says(5).then_some(Span::seconds(5)),
        counter: says(6),
        ..Import::default()
    };
    let options = TraceOptions { size_max: Bytes(4 << 20), import, ..TraceOptions::default() };
    if says(7) {
        let services = ServiceNames::new(["frontend", "cart"]);
        let trace = trace::open(&path, &services, &options).ok()?;
        return Some((services, trace));
    }
    trace::open_whole(&path, &options).ok()
}

/// A descriptor, alone and as the application of a scenario.
pub fn hdag(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if hdag::parse(text, "app.yaml").is_err() {
        return;
    }
    let path = file("app.yaml", bytes);
    within(
        &path,
        "application: app.yaml\ninventory: {clusters: [{name: a, pools: [{name: p, cpu: 8, memory: 32 GiB, nodes: 2}]}]}",
    );
}

/// Loads a scenario of these lines in the folder of `path`.
fn within(path: &Path, lines: &str) {
    let text = format!("question: q?\n{lines}\npolicies: [naive]\nuntil: 1 h\n");
    let scenario = path.with_file_name("around.yaml");
    fs::write(&scenario, text).expect("a temporary file can be written");
    let _ = input::load(&scenario, &Request::default());
}

/// Kubernetes objects; the first byte chooses what is wanted of them, and the ending.
pub fn kubernetes(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let path = file(if first & 1 == 0 { "objects.yaml" } else { "objects.json" }, rest);
    let name = (first & 2 == 2).then(|| "milan".to_owned());
    if first & 4 == 0 {
        let _ = clusters_of(&BTreeMap::from([(name, vec![path])]));
    } else {
        let _ = workloads_of(&path);
    }
}

/// How a table is read.
type Table = fn(&mut Sheet) -> Result<(), InputError>;

const TABLES: &[Table] = &[
    |sheet| carbon::read(sheet, &carbon::Wanted::default()).map(drop),
    |sheet| {
        let begins = Some(Calendar(1_640_995_200));
        carbon::read(sheet, &carbon::Wanted { begins, ..carbon::Wanted::default() }).map(drop)
    },
    |sheet| latency::read(sheet, None).map(drop),
    |sheet| latency::read(sheet, Some("2024")).map(drop),
    |sheet| latency::egress(sheet).map(drop),
    |sheet| machine_types::read(sheet).map(drop),
    |sheet| machines::read(sheet).map(drop),
    |sheet| power::read(sheet).map(drop),
    |sheet| prices::each(sheet, &mut |_, _| Ok(())),
    |sheet| prices::accelerators(sheet).map(drop),
    |sheet| regions::read(sheet, None).map(drop),
    |sheet| regions::read(sheet, Some("amazon")).map(drop),
    |sheet| sites::read(sheet).map(drop),
    |sheet| sites::users(sheet).map(drop),
];

/// A table of facts: the first byte chooses the reader, the second the ending.
pub fn tables(bytes: &[u8]) {
    const ENDINGS: &[&str] = &["csv", "csv.gz", "csv.zst"];
    let [first, second, rest @ ..] = bytes else { return };
    let path = file(&format!("table.{}", ENDINGS[usize::from(*second) % ENDINGS.len()]), rest);
    let Ok(mut sheet) = Sheet::of(&path) else { return };
    let _ = TABLES[usize::from(*first) % TABLES.len()](&mut sheet);
}

/// Lists of machines and tables that become an inventory; the first byte chooses which.
pub fn machine_lists(bytes: &[u8]) {
    const KINDS: &[(&str, &str)] = &[
        ("nodes.csv", "{openb: nodes.csv, split: model}"),
        ("topology.json", "{opendc: topology.json}"),
        (
            "regions.csv",
            "{regions: {file: regions.csv}, clusters: [{pools: [{name: p, cpu: 8, memory: 32 GiB, nodes: 2}]}]}",
        ),
        ("types.csv", "{clusters: [{name: a, pools: {file: types.csv, largest: {cpu: 64, memory: 256 GiB}}}]}"),
        ("inventory.yaml", "inventory.yaml"),
    ];
    let Some((first, rest)) = bytes.split_first() else { return };
    let (name, section) = KINDS[usize::from(*first) % KINDS.len()];
    let path = file(name, rest);
    within(
        &path,
        &format!(
            "application: {{services: [{{name: s, cpu: 1, memory: 1 GiB, capacity: {{alpha: 40, beta: 0}}}}]}}\ninventory: {section}"
        ),
    );
}

/// A model of machine reassignment and, behind a line of `=`, an assignment.
pub fn reassignment(bytes: &[u8]) {
    let end = bytes.windows(3).position(|part| part == b"\n=\n");
    let (model, assignment) = end.map_or((bytes, &b""[..]), |end| (&bytes[..end], &bytes[end + 3..]));
    let Ok(problem) = reassignment::problem(&file("model.txt", model)) else { return };
    let _ = reassignment::assignment(&file("assignment.txt", assignment), &problem);
}

/// Tasks: the first byte chooses the format and whether the file is packed.
pub fn tasks(bytes: &[u8]) {
    const PACKED: &[&str] = &["", ".gz", ".zst"];
    let Some((first, rest)) = bytes.split_first() else { return };
    let first = usize::from(*first);
    let page = TASK_FORMATS[first % TASK_FORMATS.len()].page;
    let packed = PACKED[first / TASK_FORMATS.len() % PACKED.len()];
    let path = file(&format!("tasks{}{packed}", page.extensions[0]), rest);
    let _ = format::read(&path, Some(page.name), &TaskOptions::default());
    let _ = format::read(&path, None, &TaskOptions::default());
}

/// `repeat` and `resample` may make more than anybody waits for, and so may a small step over years.
const ROWS: usize = 2_000;

/// Edits of a trace, made to a small one.
pub fn edits(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(script) = Script::parse(text, "script") else { return };
    let path = file("trace.csv", b"timestamp_s,web,api\n1627776000,1,2\n1627776060,,3\n1627776180,4,\n");
    let folder = path.parent().expect("it lies in a folder");
    let Ok(prepared) = prepare(&path, &script, folder, &TraceOptions::default()) else { return };
    let Ok(mut rows) = prepared.open() else { return };
    let mut row = RateRow::default();
    let _ = (0..ROWS).try_for_each(|_| rows.next_row(&mut row).ok().filter(|more| *more).map(|_| ()));
}
