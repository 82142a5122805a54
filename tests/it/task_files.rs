//! Files of tasks and lists of machines: what is read of each, to the last task; on real data where that is there.

use smo::input::tasks::{Collected, TaskOptions, format, opendc};
use smo::input::{Request, load};
use smo::units::{Bytes, MilliCores, Ratio, Span, Time};
use std::path::{Path, PathBuf};

fn read(path: &Path) -> Collected {
    format::read(path, None, &TaskOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn written(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn real(file: &str) -> Option<PathBuf> {
    let data = crate::data_dir();
    if data.is_none() {
        println!("skipped: no SMO_DATA_DIR and no ../shared/data for {file}");
    }
    data.map(|data| data.join(file))
}

/// What a file holds: tasks, classes, and when the last one arrives, in whole seconds.
fn census(file: &str) -> Option<(u64, usize, u64)> {
    let found = read(&real(file)?);
    assert_eq!(found.read, found.rows.len() as u64, "{file}: without a window all tasks are kept");
    let last = found.rows.last().unwrap().at.0 / 1_000_000_000;
    Some((found.read, found.shapes.len(), last))
}

#[test]
fn openb_pods_are_all_read() {
    for (variant, pods, classes, last) in [
        ("default", 8_152, 151, 12_901_761),
        ("cpu100", 7_853, 151, 12_901_761),
        ("gpushare40", 8_152, 145, 12_901_761),
        ("gpuspec33", 8_152, 447, 12_901_761),
        ("multigpu50", 9_061, 151, 0),
    ] {
        let file = format!("alibaba_gpu_v2023/openb_pod_list_{variant}.csv.gz");
        let Some(found) = census(&file) else { return };
        assert_eq!(found, (pods, classes, last), "{variant}");
    }
}

#[test]
fn a_year_of_jobs_is_read_to_the_last_one() {
    for (file, jobs, classes) in
        [("azure-100k", 99_988, 5), ("pai-100k", 99_998, 54), ("mustang-trace-2015-100k", 100_000, 172)]
    {
        let Some((read, shapes, last)) = census(&format!("gaia_job_traces/{file}.csv.gz")) else { return };
        assert_eq!((read, shapes), (jobs, classes), "{file}");
        assert!((8_755..8_760).contains(&(last / 3_600)), "{file} ends in hour {}", last / 3_600);
    }
}

#[test]
fn machines_of_opendc_are_read_with_what_they_used() {
    for (file, tasks, classes) in [("bitbrains_small", 50, 42), ("surf_week", 6_295, 1), ("surf_month", 68_648, 1)] {
        let Some((read, shapes, _)) = census(&format!("opendc_traces/{file}_tasks.parquet")) else { return };
        assert_eq!((read, shapes), (tasks, classes), "{file}");
    }
    let fragments = |file: &str| opendc::usage(&real(file).unwrap()).unwrap().fragments;
    assert_eq!(fragments("opendc_traces/bitbrains_small_fragments.parquet"), 276_979);
    assert_eq!(fragments("opendc_traces/surf_week_fragments.parquet"), 2_323_475);
    let found = read(&real("opendc_traces/bitbrains_small_tasks.parquet").unwrap());
    let used = found.rows.iter().filter(|row| row.cpu_used < found.shapes[row.shape as usize].cpu).count();
    assert_eq!(used, 50, "machines use less than they were given");
}

#[test]
fn simkube_traces_become_replicas() {
    let Some(path) = real("simkube_trace/large_trace.json.gz") else { return };
    let found = read(&path);
    let counts = "89 events, 250 objects applied, 0 deleted";
    assert!(found.notes.iter().any(|note| note.starts_with(counts)), "{:?}", found.notes);
    // 27 Deployments, of which the largest asks for six replicas; nobody is deleted, so as many stay as are asked for last.
    assert_eq!(found.rows.iter().filter(|row| row.at == Time::ZERO).count(), 27);
    assert!(found.rows.iter().filter(|row| row.duration.is_none()).count() >= 27);
}

/// Submitted at 0 and 10 s, scheduled at 2 s and 12 s; one finishes at 5 s, one is evicted at 20 s and submitted again at
/// 20 s, to run on; a third is killed before it was scheduled. Of 4 cores and 8 GiB: 0.5 and 0.25.
#[test]
fn google_events_become_tasks() {
    let text = "0,,7,0,,0,u,0,0,0.5,0.25,0,0\n2000000,,7,0,1,1,u,0,0,0.5,0.25,0,0\n5000000,,7,0,1,4,u,0,0,0.5,0.25,0,0\n\
                10000000,,7,1,,0,u,0,0,0.25,,0,0\n11000000,,8,0,,0,u,0,0,0.25,,0,0\n12000000,,7,1,1,1,u,0,0,0.25,,0,0\n\
                13000000,,8,0,,5,u,0,0,0.25,,0,0\n20000000,,7,1,1,2,u,0,0,0.25,,0,0\n20000000,,7,1,,0,u,0,0,0.25,,0,0\n";
    let (_folder, path) = written("part-00000-of-00500.csv", text);
    let options = TaskOptions { whole: Some((MilliCores(4_000), Bytes(8 << 30))), ..TaskOptions::default() };
    let found = format::read(&path, None, &options).unwrap();
    let seconds =
        |row: &smo::input::tasks::Row| (row.at.0 / 1_000_000_000, row.duration.map(|span| span.0 / 1_000_000_000));
    let tasks: Vec<_> = found.rows.iter().map(seconds).collect();
    assert_eq!(tasks, [(0, Some(3)), (10, Some(8)), (11, Some(2)), (20, None)]);
    assert_eq!(found.shapes[0].name(), "2c-2048Mi");
    assert_eq!(found.shapes[1].name(), "1c");
    let error = format::read(&path, None, &TaskOptions::default()).unwrap_err().to_string();
    assert!(error.contains("say what the whole is"), "{error}");
}

#[test]
fn windows_scales_and_roundings_are_the_same_for_all_formats() {
    let (_folder, path) = written("jobs.csv", "arrival_time,length,cpus\n1,1,1\n2,1,2\n3,1,3\n4,1,4\n");
    let hours = |hours: u64| Time(hours * 3_600_000_000_000);
    let options = TaskOptions {
        window: (hours(1), hours(3)),
        shift: Span::seconds(60),
        scale: Ratio(1_500_000),
        round: (MilliCores(2_000), Bytes(1)),
        cpu_used: Ratio(500_000),
        duration: Some(Span::seconds(9)),
        ..TaskOptions::default()
    };
    let found = format::read(&path, None, &options).unwrap();
    // The jobs of hours 2 and 3 stay, one once and one twice; both are rounded up to 2 and 4 cores.
    let at: Vec<u64> = found.rows.iter().map(|row| row.at.0 / 1_000_000_000).collect();
    assert_eq!(at, [60, 3_660, 3_660]);
    let used: Vec<u64> = found.rows.iter().map(|row| row.cpu_used.0).collect();
    assert_eq!(used, [1_000, 2_000, 2_000]);
    assert!(found.rows.iter().all(|row| row.duration == Some(Span::seconds(9))));
}

#[test]
fn mistakes_in_files_of_tasks_name_line_and_field() {
    const POD: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";
    for (name, content, expected) in [
        ("a.csv", "", "no known format"),
        ("a.csv", "x,y\n1,2\n", "no known format"),
        ("a.txt", "name,cpu_milli\n", "no known format"),
        ("a.csv", "arrival_time,length,cpus\n", "there are no tasks in it"),
        (
            "a.csv",
            "arrival_time,length,cpus\n1,-1,2\n",
            "line 2: field `length`: `-1` is no number from 0 up: it is negative",
        ),
        ("a.csv", "arrival_time,length,cpus\n1,1\n", "line 2"),
        ("a.csv", "arrival_time,length,cpus\n1,1,\n", "line 2: field `cpus`"),
        ("a.csv", &format!("{POD}p,1,1,2,500,,,,0,1,0\n"), "field `gpu_milli`: 500 of each of 2 devices"),
        ("a.csv", &format!("{POD}p,1,1,1,1500,,,,0,1,0\n"), "1500 is more than a device"),
        ("a.csv", &format!("{POD}p,1,1,1,500,,,,5,1,5\n"), "field `deletion_time`: it lies before `scheduled_time`"),
        ("a.json", "{\"events\": 3}", "field `events`: invalid type: integer `3`, expected a list of events"),
        ("a.json", "{\"events\": [", "not JSON"),
        (
            "a.json",
            "{\"events\": [{\"ts\": 2, \"applied_objs\": [{\"kind\": \"Pod\", \"spec\": {\"containers\": [{\"resources\": {\"requests\": {\"cpu\": \"x\"}}}]}}]}]}",
            "`x` is no quantity",
        ),
        ("a.parquet", "PAR1", "not a Parquet file"),
    ] {
        let (_folder, path) = written(name, content);
        let error = format::read(&path, None, &TaskOptions::default()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("\n  "), "{content:?}: {error}");
    }
    let (_folder, path) = written("a.csv", "x\n");
    let error = format::read(&path, Some("openbpods"), &TaskOptions::default()).unwrap_err().to_string();
    assert!(error.contains("did you mean `openb-pods`?"), "{error}");
}

#[test]
fn failures_of_opendc_strike_a_share_of_the_nodes() {
    for (file, events) in [("Facebook", 4_069), ("Instagram", 3_926), ("Netflix", 3_388)] {
        let Some(path) = real(&format!("opendc_traces/{file}_user_reported_failures.parquet")) else { return };
        let failures = opendc::failures(&path).unwrap();
        assert_eq!(failures.len(), events, "{file}");
        assert!(failures.is_sorted_by_key(|failure| failure.at));
    }
}

fn scenario(inventory: &str) -> (tempfile::TempDir, PathBuf) {
    let text =
        format!("question: Is it read?\ninventory: {inventory}\ntasks: [{{file: jobs.csv}}]\npolicies: [greedy]\n");
    let (folder, path) = written("scenario.yaml", &text);
    std::fs::write(folder.path().join("jobs.csv"), "arrival_time,length,cpus\n0,1,1\n").unwrap();
    (folder, path)
}

#[test]
fn openb_nodes_are_an_inventory_whole_or_split() {
    let Some(nodes) = real("alibaba_gpu_v2023/openb_node_list_all_node.csv") else { return };
    let clusters = |split: &str| {
        let (_folder, path) = scenario(&format!("{{openb: {}{split}}}", nodes.display()));
        let known = load(&path, &Request::default()).unwrap().scenario.known.clone();
        let clusters = known.clusters.values();
        clusters
            .map(|cluster| {
                let count: u32 = cluster.pools.values().map(|pool| pool.nodes).sum();
                (cluster.name.clone(), count, cluster.capacity_max().gpu / 1_000)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(clusters(""), [("openb".to_owned(), 1_523, 6_212)]);
    let split = clusters(", split: model");
    let names: Vec<&str> = split.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["A10", "G2", "G3", "P100", "T4", "V100M16", "V100M32", "cpu"]);
    assert_eq!(split.iter().map(|(_, nodes, _)| nodes).sum::<u32>(), 1_523);
    assert_eq!(split.iter().map(|(.., devices)| devices).sum::<u64>(), 6_212);
}

#[test]
fn opendc_topologies_are_inventories() {
    for (file, hosts, pools, cores) in [
        ("borg", 1_534, 1, 48),
        ("marconi", 972, 1, 48),
        ("surf", 277, 1, 16),
        ("topology_100", 100, 1, 1),
        ("solvinity", 76, 25, 64),
    ] {
        let Some(path) = real(&format!("opendc_traces/topologies/{file}.json")) else { return };
        let (_folder, path) = scenario(&format!("{{opendc: {}}}", path.display()));
        let known =
            load(&path, &Request::default()).unwrap_or_else(|error| panic!("{file}: {error}")).scenario.known.clone();
        let all = || known.clusters.values().flat_map(|cluster| cluster.pools.values());
        let nodes: u32 = all().map(|pool| pool.nodes).sum();
        assert_eq!((nodes, all().count()), (hosts, pools), "{file}");
        let first = all().next().unwrap().shape;
        assert_eq!(first.cpu, MilliCores(cores * 1_000), "{file}");
    }
}
