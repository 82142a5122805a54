//! Published measurements: the tables of the Universal Scalability Law, and Terminus, where the same services were watched
//! minute by minute and, separately, driven to their limit.
#![expect(clippy::print_stdout, reason = "what was skipped")]

use crate::data_dir;
use flate2::read::GzDecoder;
use smo::capacity::predict::throughput;
use smo::capacity::shape::{Shape, distinct};
use smo::capacity::{FittedGroup, Observations, Options, Regime, Series, fit, fit_series, regression, usl};
use smo::units::Time;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

type Row = BTreeMap<String, String>;

fn data() -> Option<std::path::PathBuf> {
    let data = data_dir();
    if data.is_none() {
        println!("skipped: no SMO_DATA_DIR and no ../shared/data");
    }
    data
}

fn rows(path: &Path) -> Vec<Row> {
    let mut text = String::new();
    let file = File::open(path).expect("the data is there");
    let read = if path.extension().is_some_and(|extension| extension == "gz") {
        GzDecoder::new(file).read_to_string(&mut text)
    } else {
        { file }.read_to_string(&mut text)
    };
    read.expect("text");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let row =
        |line: &str| names.iter().map(|name| (*name).to_owned()).zip(line.split(',').map(str::to_owned)).collect();
    lines.map(row).collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or(f64::NAN)
}

fn points(rows: &[Row], x: &str, y: &str) -> Vec<(f64, f64)> {
    rows.iter().map(|row| (number(row, x), number(row, y))).collect()
}

fn load_test(name: &str, points: &[(f64, f64)]) -> FittedGroup {
    let series = Series {
        service: name.to_owned(),
        regime: Regime::Saturated,
        at: (0..points.len() as u64).map(|minute| Time(minute * 60_000_000_000)).collect(),
        replicas: points.iter().map(|point| point.0).collect(),
        completed: points.iter().map(|point| point.1).collect(),
        ..Series::default()
    };
    fit_series(&series, &Options { resamples: 50, ..Options::default() }, None)
}

/// The reference fit of the table, to a hundred-thousandth.
#[test]
fn the_cisco_table_has_its_published_law() {
    let Some(data) = data() else { return };
    let points = points(&rows(&data.join("usl_tables/cisco_psa.csv")), "concurrency", "throughput_rps");
    let law = usl::fit(&points).expect("32 levels");
    for (found, wanted) in [(law.sigma, 0.026_715_91), (law.kappa, 7.690_945e-4), (law.gamma, 995.648_6)] {
        assert!((found / wanted - 1.0).abs() < 1e-5, "{found} instead of {wanted}");
    }
    let chosen = load_test("cisco", &points);
    let peak = chosen.fitted().and_then(|fitted| fitted.shape.as_ref()?.peak).expect("the law is chosen and peaks");
    assert!(peak.covers(35.0), "{peak:?}");
}

/// Throughput falls beyond 72 users: a straight line explains 40 %, which is said.
#[test]
fn a_table_that_falls_is_no_straight_line() {
    let Some(data) = data() else { return };
    let points = points(&rows(&data.join("usl_tables/specsdm91.csv")), "load", "throughput");
    let group = load_test("specsdm91", &points);
    let shape = group.fitted().and_then(|fitted| fitted.shape.clone()).expect("seven levels");
    assert!(shape.r_squared_linear < 0.5 && group.has_note("low_r_squared"), "{shape:?}");
}

/// In four of nine rows, up to nine in ten requests failed: what was answered meanwhile is no capacity. Of the other five,
/// replicas serve less where there are more of them: a line with a positive intercept.
#[test]
fn rows_of_a_load_test_that_fail_are_left_out() {
    let Some(data) = data() else { return };
    let rows = rows(&data.join("usl_tables/locust_replica_scaling.csv"));
    let column = |name: &str, factor: f64| -> Vec<f64> { rows.iter().map(|row| factor * number(row, name)).collect() };
    let series = Series {
        service: "locust".to_owned(),
        regime: Regime::Saturated,
        at: (0..rows.len() as u64).map(Time).collect(),
        replicas: column("replicas", 1.0),
        completed: column("requests_per_s", 1.0),
        errors: column("failure_pct", 0.01),
        ..Series::default()
    };
    let group = fit_series(&series, &Options::default(), None);
    let failing = group.points.left_out.iter().find(|left| left.reason == "failing").map(|left| left.count);
    assert_eq!((failing, group.points.used), (Some(4), 5));
    let shape = group.fitted().and_then(|fitted| fitted.shape.clone()).expect("fitted");
    assert_eq!(shape.chosen, Shape::Linear);
}

const GROUP: [&str; 5] = ["host_instance_type", "service", "main_service", "pod_cpu_cores", "pod_mem_gb"];

fn key(row: &Row) -> String {
    GROUP.map(|column| row[column].clone()).join("/")
}

fn terminus(data: &Path) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut groups: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for row in rows(&data.join("terminus_capacity/msc_measured.csv")) {
        let point = (number(&row, "replicas"), number(&row, "msc_experimental_req_per_min") / 60.0);
        groups.entry(key(&row)).or_default().push(point);
    }
    groups
}

#[test]
fn the_reference_fits_of_terminus_are_reproduced_and_poor_ones_flagged() {
    let Some(data) = data() else { return };
    let groups = terminus(&data);
    let reference = rows(&data.join("terminus_capacity/fit_reference.csv"));
    assert_eq!(reference.len(), 45);
    for row in &reference {
        let points = &groups[&key(row)];
        let line = regression::ordinary(points).expect("two counts or more");
        assert!((line.alpha - number(row, "alpha_req_per_s_per_replica")).abs() < 1e-6, "{row:?}");
        assert!((line.beta - number(row, "beta_req_per_s")).abs() < 1e-6, "{row:?}");
        assert!((line.r_squared - number(row, "r2")).abs() < 1e-5, "{row:?}");
        let flagged = load_test(&key(row), points).has_note("low_r_squared");
        assert!(flagged || number(row, "r2") >= 0.8, "{row:?} is not flagged");
    }
}

/// The authors' regression errs by 31 % in the median, a straight line through the other levels by 7 %.
#[test]
fn held_out_levels_of_terminus_are_predicted() {
    let Some(data) = data() else { return };
    let (mut errors, mut of_line) = (Vec::new(), Vec::new());
    for (name, points) in &terminus(&data) {
        for out in distinct(points) {
            let is_out = |point: &&(f64, f64)| (point.0 - out).abs() < 1e-9;
            let rest: Vec<(f64, f64)> = points.iter().filter(|point| !is_out(point)).copied().collect();
            let group = load_test(name, &rest);
            let Some(fitted) = group.fitted().filter(|_| distinct(&rest).len() > 1) else { continue };
            let line = regression::ordinary(&rest).expect("two levels");
            for point in points.iter().filter(is_out) {
                errors.push((throughput(&fitted.capacity, point.0) / point.1 - 1.0).abs());
                of_line.push(((line.alpha * point.0 + line.beta) / point.1 - 1.0).abs());
            }
        }
    }
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(errors.len() >= 100 && mean(&errors) < mean(&of_line), "{} {}", mean(&errors), mean(&of_line));
    errors.sort_by(f64::total_cmp);
    of_line.sort_by(f64::total_cmp);
    let middle = errors.len() / 2;
    assert!(errors[middle] < 0.065 && errors[middle] < of_line[middle], "{} {}", errors[middle], of_line[middle]);
}

/// Goal: minute-by-minute observation of a service gives the capacity that separate load tests measured.
/// Method: primeapp, watched on nodes of four cores with limits of 0.5 to 2 cores (it has one thread, so at 2 cores CPU alone
/// would promise three times too much), against the tests of one replica on t2.xlarge; within 15 %.
#[test]
fn watching_terminus_gives_what_its_load_tests_measured() {
    let Some(data) = data() else { return };
    let observed = rows(&data.join("terminus_capacity/primeapp.csv.gz"));
    let tests = terminus(&data);
    for (limit, node) in [("0.5", "2.0"), ("1.0", "4.0"), ("2.0", "4.0")] {
        let rows: Vec<&Row> =
            observed.iter().filter(|row| row["pod_cpu_limit_cores"] == limit && row["node_cores"] == node).collect();
        let column =
            |name: &str, factor: f64| -> Vec<f64> { rows.iter().map(|row| factor * number(row, name)).collect() };
        let series = Series {
            service: format!("primeapp-{limit}"),
            at: (0..rows.len() as u64).map(|minute| Time(minute * 60_000_000_000)).collect(),
            replicas: column("num_pods", 1.0),
            completed: column("requests_per_min", 1.0 / 60.0),
            cpu: column("total_cpu_util", 1.0),
            cpu_limit: column("pod_cpu_limit_cores", 1.0),
            latency_mean: column("requests_duration_mean_ms", 0.001),
            ..Series::default()
        };
        let groups = fit(&Observations { series: vec![series] }, &Options::default()).expect("well-formed");
        let found = groups[0].fitted().expect("the knee of latency is seen").per_replica.value;
        let measured = tests.iter().filter(|(name, _)| name.contains(&format!("t2.xlarge/primeapp/primeapp/{limit}/")));
        let single: Vec<f64> =
            measured.flat_map(|(_, points)| points.iter().filter(|point| point.0 < 1.5).map(|point| point.1)).collect();
        assert!(!single.is_empty());
        for wanted in single {
            assert!((found / wanted - 1.0).abs() < 0.15, "limit {limit}: {found} instead of {wanted}");
        }
    }
}
