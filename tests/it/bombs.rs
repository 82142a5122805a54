//! Small files that unfold into large ones: whatever reads them, the refusal names the limit. (Of rate traces:
//! `imported_limits` and `bad_trace`.)

use smo::input::tables::carbon::{self, Wanted};
use smo::input::tables::sheet::Sheet;
use smo::input::tasks::{TaskOptions, format};
use smo::input::trace::edit::{Script, prepare};
use smo::input::trace::{self, TraceOptions};
use smo::input::{self, Request, hdag};
use smo::units::Bytes;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const RATIO: &str = "expands to more than 1000 times its size and beyond 64 MiB";

/// A head and 66 MiB of one piece, again and again, packed as the file's name says.
fn bomb(folder: &Path, name: &str, head: &str, piece: &str) -> PathBuf {
    let path = folder.join(name);
    let file = fs::File::create(&path).unwrap();
    let block = piece.repeat((1 << 20) / piece.len());
    let fill = |out: &mut dyn std::io::Write| {
        out.write_all(head.as_bytes()).unwrap();
        (0..66).for_each(|_| out.write_all(block.as_bytes()).unwrap());
    };
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        fill(&mut out);
        out.finish().unwrap();
    } else {
        let mut out = zstd::Encoder::new(file, 1).unwrap();
        fill(&mut out);
        out.finish().unwrap();
    }
    path
}

fn refused<T, E: ToString>(result: Result<T, E>, what: &str, limit: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{what} is read")).to_string();
    assert!(error.contains(limit), "{what}: {error}");
}

#[test]
fn a_bomb_among_tasks_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let gaia = ("arrival_time,length,cpus\n", "1.0000000,1.0000000,1\n");
    let openb = (
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n",
        "p,1000,1,0,0,,LS,Running,0,9,0\n",
    );
    let simkube = ("{\"version\": 2, \"events\": [", "{\"ts\": 1, \"applied_objs\": []},");
    for (format, ending, (head, piece)) in
        [("gaia-jobs", "csv", gaia), ("openb-pods", "csv", openb), ("simkube", "json", simkube)]
    {
        let known = format::TASK_FORMATS.iter().any(|one| one.page.name == format);
        assert!(known, "{format}");
        let path = bomb(folder.path(), &format!("a.{ending}.zst"), head, piece);
        refused(format::read(&path, Some(format), &TaskOptions::default()), format, RATIO);
    }
}

#[test]
fn a_bomb_among_tables_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| Sheet::of(path).and_then(|mut sheet| carbon::read(&mut sheet, &Wanted::default()));
    let head = "Region,CO2e (metric ton/kWh)\n";
    refused(read(&bomb(folder.path(), "a.csv.zst", head, "us,0.1\n")), "zst", RATIO);
    refused(read(&bomb(folder.path(), "a.csv.gz", head, "u,0\n")), "gz", RATIO);
}

#[test]
fn a_bomb_that_is_merged_into_a_trace_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "timestamp_s,web\n0,1\n60,2\n").unwrap();
    bomb(folder.path(), "b.csv.zst", "timestamp_s,service,requests_per_s\n", "0,x,\n");
    let script = Script::parse("merge \"b.csv.zst\"", "script").unwrap();
    let made = prepare(&path, &script, folder.path(), &TraceOptions::default()).map_err(|error| error.to_string());
    let made = made.and_then(|made| made.open().map_err(|error| error.to_string()));
    let read = made.and_then(|mut rows| trace::survey(&mut rows).map_err(|error| error.to_string()));
    refused(read, "merge", "b.csv.zst");
}

/// Files of text that are read whole have a size that is refused before anything is read.
#[test]
fn texts_that_are_held_have_a_largest_size() {
    let folder = tempfile::tempdir().unwrap();
    let long = "# a comment that goes on and on\n".repeat((16 << 20) / 32 + 1);
    let path = folder.path().join("s.yaml");
    fs::write(&path, &long).unwrap();
    refused(input::load(&path, &Request::default()), "scenario", "larger than the limit of 16 MiB");
    let objects = folder.path().join("nodes.yaml");
    fs::File::create(&objects).unwrap().set_len((64 << 20) + 1).unwrap();
    let groups = std::collections::BTreeMap::from([(None, vec![objects.clone()])]);
    refused(input::kubernetes::clusters_of(&groups), "clusters", "larger than the limit of 64 MiB");
    refused(input::kubernetes::workloads_of(&objects), "workloads", "larger than the limit of 64 MiB");
    let model = folder.path().join("model.txt");
    fs::File::create(&model).unwrap().set_len((256 << 20) + 1).unwrap();
    refused(input::tables::reassignment::problem(&model), "reassignment", "larger than the limit of 256 MiB");
}

/// YAML that is short and unfolds: aliases of aliases, in every file that is YAML.
#[test]
fn yaml_that_unfolds_is_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        bomb = format!("{bomb}a{level}: &a{level} [{before}]\n");
    }
    let unfolded = "too large once it is unfolded";
    refused(hdag::parse(format!("{bomb}hdaGraph: {{id: a}}\n"), "a.yaml"), "hdag", unfolded);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    fs::write(&path, format!("apiVersion: v1\nkind: Node\n{bomb}")).unwrap();
    let groups = std::collections::BTreeMap::from([(None, vec![path.clone()])]);
    refused(input::kubernetes::clusters_of(&groups), "kubernetes", unfolded);
    fs::write(&path, bomb).unwrap();
    refused(input::load(&path, &Request::default()), "scenario", unfolded);
}

/// A header or a row of nothing but commas has as many cells as letters, and each cell costs more than its letter.
#[test]
fn a_table_of_commas_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, ",".repeat(200_000) + "\n").unwrap();
    refused(Sheet::of(&path), "header", "more than 100000 columns");
    refused(trace::open_whole(&path, &TraceOptions::default()), "header of a trace", "more than 100000 columns");
    fs::write(&path, "a,b\n".to_owned() + &",".repeat(5 << 20)).unwrap();
    refused(Sheet::of(&path).and_then(|mut sheet| sheet.read()), "row", "no row ends within 4 MiB");
}

/// Replicas are written in six letters and are a task each.
#[test]
fn objects_that_ask_for_millions_of_replicas_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let object = |name: usize| {
        format!(
            "{{\"kind\": \"Deployment\", \"metadata\": {{\"name\": \"{name}\"}}, \"spec\": {{\"replicas\": 100000, \
             \"template\": {{\"spec\": {{\"containers\": []}}}}}}}}"
        )
    };
    let objects: Vec<String> = (0..101).map(object).collect();
    let event = format!("{{\"ts\": 1, \"applied_objs\": [{}]}}", objects.join(","));
    fs::write(&path, format!("{{\"events\": [{event}]}}")).unwrap();
    refused(format::read(&path, None, &TaskOptions::default()), "replicas", "more than 10000000 replicas");
}

/// The size that a trace may expand to is the user's to set.
#[test]
fn a_limit_that_is_set_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv.gz");
    let mut out = flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::fast());
    out.write_all(b"timestamp_s,a\n").unwrap();
    (0..200_000).for_each(|second| writeln!(out, "{second},1").unwrap());
    out.finish().unwrap();
    let options = TraceOptions { size_max: Bytes(1 << 20), ..TraceOptions::default() };
    let read = trace::open_whole(&path, &options).map_err(|error| error.to_string());
    let read = read.and_then(|(_, mut rows)| trace::survey(&mut rows).map_err(|error| error.to_string()));
    refused(read, "trace", "expands to more than the limit of 1 MiB");
}

/// Two lists of alike hosts, of 2⁶⁴ - 1 and of one: their sum has no number of 64 bits.
#[test]
fn hosts_that_are_more_than_can_be_counted_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let host = |count: u64| {
        format!(
            "{{\"name\": \"H\", \"cpu\": {{\"coreCount\": 1}}, \"memory\": {{\"memorySize\": 100}}, \"count\": {count}}}"
        )
    };
    let hosts = [host(u64::MAX), host(1)].join(", ");
    fs::write(folder.path().join("t.json"), format!("{{\"clusters\": [{{\"name\": \"C\", \"hosts\": [{hosts}]}}]}}"))
        .unwrap();
    let path = folder.path().join("s.yaml");
    let text = "question: q?\napplication: {services: [{name: s, cpu: 1, memory: 1 GiB, capacity: {alpha: 40, beta: 0}}]}\ninventory: {opendc: t.json}\n\
                policies: [naive]\nuntil: 1 h\n";
    fs::write(&path, text).unwrap();
    refused(input::load(&path, &Request::default()), "hosts", "nodes");
}
