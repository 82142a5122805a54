//! Observations as people and tools write them: what is read, what is worked out, what is refused with its place.

use smo::input::observations::{self, Observed, ObservedSeries, Quantity, ReadOptions};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

fn files(directory: &tempfile::TempDir, named: &[(&str, &str)]) -> Vec<PathBuf> {
    let path = |(name, text): &(&str, &str)| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    named.iter().map(path).collect()
}

fn read_with(named: &[(&str, &str)], options: &ReadOptions) -> Result<Observed, String> {
    let directory = tempfile::tempdir().unwrap();
    let read = observations::read(&files(&directory, named), options);
    read.map_err(|error| error.to_string().replace(&format!("{}/", directory.path().display()), ""))
}

fn read(named: &[(&str, &str)]) -> Result<Observed, String> {
    read_with(named, &ReadOptions::default())
}

fn only(observed: &Observed) -> &ObservedSeries {
    assert_eq!(observed.series.len(), 1, "{:?}", observed.series);
    &observed.series[0]
}

fn mapped(pairs: &[(&str, &str)]) -> ReadOptions {
    let columns: BTreeMap<String, String> =
        pairs.iter().map(|(name, to)| ((*name).to_owned(), (*to).to_owned())).collect();
    ReadOptions { columns, ..ReadOptions::default() }
}

#[test]
fn a_table_becomes_series_in_the_units_of_the_quantities() {
    let text = "timestamp_ms,app,cluster,ready replicas,requests_per_min,cpu_millicores,p95_ms,error_percent,comment\n\
                1709208000000,cart,a,2,120,500,38,1,x\n1709208000000,web,a,1,60,NaN,,0,y\n1709208060000,cart,a,3,180,750,40,0.5,z\n";
    let observed = read(&[("a.csv", text)]).unwrap();
    assert_eq!(observed.series.len(), 2);
    let cart = &observed.series[0];
    assert_eq!((cart.service.as_str(), cart.cluster.as_str(), cart.at.len()), ("cart", "a", 2));
    assert_eq!(cart.at[0].0, 1_709_208_000_000_000_000);
    assert_eq!(cart.columns[&Quantity::Completed], [2.0, 3.0]);
    assert_eq!(cart.columns[&Quantity::Cpu], [0.5, 0.75]);
    assert_eq!(cart.columns[&Quantity::LatencyP95], [0.038, 0.04]);
    assert_eq!(cart.columns[&Quantity::Errors], [0.01, 0.005]);
    assert!(!observed.series[1].columns.contains_key(&Quantity::Cpu), "a value that is NaN is unknown, not zero");
    assert!(observed.notes.iter().any(|note| note.contains("comment")), "{:?}", observed.notes);
}

/// Per replica 0.25 cores at 2 replicas: 0.5. Of a limit of 2 cores, 30 % at 4 replicas: 2.4. Errors 2/s of 40/s: 5 %.
#[test]
fn relative_columns_are_multiplied_out() {
    let text = "time_s,replicas,rps,cpu_per_replica_cores,errors_per_s\n0,2,40,0.25,2\n60,4,0,0.25,0\n";
    let observed = read(&[("a.csv", text)]).unwrap();
    assert_eq!(only(&observed).columns[&Quantity::Cpu], [0.5, 1.0]);
    assert_eq!(only(&observed).columns[&Quantity::Errors], [0.05, 0.0]);
    let text = "time_s,replicas,rps,cpu_percent_of_limit,cpu_limit_cores\n0,4,40,30,2\n";
    let cpu = &only(&read(&[("a.csv", text)]).unwrap()).columns[&Quantity::Cpu].clone();
    assert!((cpu[0] - 2.4).abs() < 1e-12, "{cpu:?}");
    let error = read(&[("a.csv", "time_s,replicas,rps,cpu_percent_of_limit\n0,4,40,30\n")]).unwrap_err();
    assert!(error.contains("CPU in use is given relative to the CPU limit"), "{error}");
}

/// 600 requests in 60 s are 10/s; the counter falls, so the next rate is unknown; then 300 in 60 s are 5/s.
#[test]
fn counters_become_rates_and_resets_are_unknown_and_told() {
    let text = "time_s,replicas,requests_total\n0,1,1000\n60,1,1600\n120,1,40\n180,1,340\n";
    let observed = read(&[("a.csv", text)]).unwrap();
    let rates = &only(&observed).columns[&Quantity::Completed];
    assert!(rates[0].is_nan() && rates[2].is_nan());
    assert_eq!((rates[1], rates[3]), (10.0, 5.0));
    assert!(observed.notes.iter().any(|note| note.contains("reset 1 times")), "{:?}", observed.notes);
}

/// What is wrong in a table, where, and what would be right.
#[test]
fn what_is_wrong_is_told_with_file_line_and_column() {
    for (text, said) in [
        ("time_s,replicas,rps\n0,1,-3\n", "a.csv: line 2: field `rps`: -3 is negative"),
        ("time_s,replicas,rps\n0,1,3\n60,x,3\n", "a.csv: line 3: field `replicas`: `x` is not a number"),
        ("time_s,replicas,rps\n0,1,inf\n", "a.csv: line 2: field `rps`: `inf` is not a number"),
        ("time_s,replicas,rps,error_ratio\n0,1,3,2\n", "a.csv: line 2: field `error_ratio`: 2 is more than all"),
        ("time_s,replicas,rps,cpu\n0,1,3,2\n", "a.csv: field `cpu`: the name does not say the unit"),
        ("time_s,replicas,rps,latency_p95\n0,1,3,2\n", "a.csv: field `latency_p95`: the name does not say the unit"),
        ("time_s,replicas,rps,throughput_rps\n0,1,3,2\n", "field `throughput_rps`: `rps` is the rate of requests too"),
        (
            "time,replicas,rps\n12,1,3\n",
            "a.csv: line 2: field `time`: `12` may be seconds, milliseconds or anything else",
        ),
        ("time,replicas,rps\n1709208000,1,3\n1709208060000,1,3\n", "the times before are a number of seconds"),
        ("time,replicas,rps\n2024-02-29 12:00:00,1,3\n", "states no time zone"),
        ("replicas,cpu_cores\n1,3\n", "--load-test"),
        ("time_s,replicas,rps\n", "there is a header, but not one row"),
        ("", "the file is empty"),
        ("time_s,service,replicas,rps\n0,a,1,3\n0,a,2,3\n", "at 0 s, ready replicas of `a` is 1 and 2"),
        ("time_s,replicas,rps\n0,1\n", "a.csv: line 2: 2 fields, where the header has 3"),
    ] {
        let error = read(&[("a.csv", text)]).unwrap_err();
        assert!(error.contains(said), "wanted {said}\nfound {error}");
        assert!(error.starts_with("a.csv: ") && error.contains("\n  "), "{error}");
    }
}

#[test]
fn disorder_is_repaired_and_told_and_the_same_row_counts_once() {
    let text = "time_s,replicas,rps\n60,2,20\n0,1,10\n120,3,30\n60,2,20\n";
    let observed = read(&[("a.csv", text)]).unwrap();
    assert_eq!(only(&observed).columns[&Quantity::Replicas], [1.0, 2.0, 3.0]);
    let notes = observed.notes.join("\n");
    assert!(notes.contains("2 stand behind a later one, first where 0 s follows 60 s"), "{notes}");
    assert!(notes.contains("1 rows stand there twice"), "{notes}");
}

#[test]
fn services_of_one_name_are_told_apart_by_namespace_and_files_are_joined_by_time() {
    let text = "time_s,namespace,service,replicas,rps\n0,shop,api,1,3\n0,bank,api,2,4\n0,shop,web,1,5\n";
    let names: Vec<String> = read(&[("a.csv", text)]).unwrap().series.into_iter().map(|one| one.service).collect();
    assert_eq!(names, ["bank/api", "shop/api", "web"]);
    let observed = read(&[
        ("a.csv", "time_s,service,replicas\n0,api,1\n60,api,2\n"),
        ("b.csv", "time_s,service,rps\n0,api,10\n60,api,20\n"),
    ]);
    let observed = observed.unwrap();
    assert_eq!(only(&observed).columns[&Quantity::Replicas], [1.0, 2.0]);
    assert_eq!(only(&observed).columns[&Quantity::Completed], [10.0, 20.0]);
}

#[test]
fn a_column_may_be_named_and_left_out() {
    let text = "time_s,concurrency,tput,cpu\n0,1,955,3\n60,2,1878,5\n";
    let options = mapped(&[("concurrency", "replicas"), ("tput", "throughput_rps"), ("cpu", "")]);
    let observed = read_with(&[("a.csv", text)], &options).unwrap();
    assert_eq!(only(&observed).columns.keys().copied().collect::<Vec<_>>(), [Quantity::Replicas, Quantity::Completed]);
    let error = read_with(&[("a.csv", text)], &mapped(&[("tput", "speed")])).unwrap_err();
    assert!(error.contains("`speed` is no quantity"), "{error}");
}

fn matrix(series: &str) -> String {
    format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{series}]}}}}\n")
}

/// Two pods of `cart` at 6 and 4 core-seconds a minute: 10/60 cores. The second pod restarts: its rate is unknown then.
#[test]
fn answers_of_prometheus_are_put_together_by_service() {
    let answers = [
        matrix(
            "{\"metric\":{\"__name__\":\"container_cpu_usage_seconds_total\",\"service\":\"cart\",\"pod\":\"a\"},\
             \"values\":[[1709208000,\"10\"],[1709208060,\"16\"],[1709208120,\"22\"]]},\
             {\"metric\":{\"__name__\":\"container_cpu_usage_seconds_total\",\"service\":\"cart\",\"pod\":\"b\"},\
             \"values\":[[1709208000,\"10\"],[1709208060,\"14\"],[1709208120,\"1\"]]},\
             {\"metric\":{\"__name__\":\"go_goroutines\",\"service\":\"cart\"},\"values\":[[1709208000,\"7\"]]}",
        ),
        matrix("{\"metric\":{\"service\":\"cart\"},\"values\":[[1709208060,\"2\"],[1709208120,\"NaN\"]]}"),
    ];
    let observed = read(&[("all.json", &answers[0]), ("replicas_ready.json", &answers[1])]).unwrap();
    let cart = only(&observed);
    let cpu = &cart.columns[&Quantity::Cpu];
    assert!((cpu[0] - 10.0 / 60.0).abs() < 1e-12 && (cpu[1] - 0.1).abs() < 1e-12, "{cpu:?}");
    assert_eq!(cart.columns[&Quantity::Replicas][..1], [2.0]);
    let notes = observed.notes.join("\n");
    for said in ["`go_goroutines`", "1 values are NaN", "Counters were reset 1 times"] {
        assert!(notes.contains(said), "{notes}");
    }
}

#[test]
fn answers_that_do_not_say_what_they_are_or_cannot_be_added_up_are_refused() {
    let nameless = matrix("{\"metric\":{\"service\":\"cart\"},\"values\":[[1709208060,\"2\"]]}");
    let quantiles = matrix(
        "{\"metric\":{\"__name__\":\"latency_p95_seconds\",\"service\":\"cart\",\"pod\":\"a\"},\"values\":[[1709208060,\"2\"]]},\
         {\"metric\":{\"__name__\":\"latency_p95_seconds\",\"service\":\"cart\",\"pod\":\"b\"},\"values\":[[1709208060,\"1\"]]}",
    );
    let open = matrix("{\"metric\":{\"__name__\":\"cpu\",\"service\":\"cart\"},\"values\":[[1709208060,\"2\"]]}");
    let negative =
        matrix("{\"metric\":{\"__name__\":\"cpu_cores\",\"service\":\"a\"},\"values\":[[1709208060,\"-2\"]]}");
    for (name, text, said) in [
        ("dump.json", &nameless, "the series has no name, and that of the file, `dump`, is no quantity"),
        ("dump.json", &quantiles, "cannot be added up"),
        ("dump.json", &open, "--column cpu=cpu_cores"),
        ("dump.json", &negative, "-2 is negative"),
        ("dump.json", &"{\"status\":\"error\",\"error\":\"too many samples\"}".to_owned(), "too many samples"),
        ("dump.txt", &nameless, "observations do not end like this"),
    ] {
        let error = read(&[(name, text)]).unwrap_err();
        assert!(error.contains(said), "wanted {said}\nfound {error}");
    }
}
