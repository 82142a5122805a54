//! The index of the public data, row by row: which importer reads it, and which test holds what it reads against exact figures.
//!
//! A row that the index gains, a file that a folder gains, an importer or a test that is renamed: each fails here.
#![expect(clippy::print_stdout, reason = "what was skipped")]

use crate::data_dir;
use smo::input::formats;
use smo::input::{Loaded, Request, load};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Kinds of the index that are read; the others are for fitting capacities and for clients of an API.
const KINDS: [&str; 5] = ["rate", "placement", "carbon", "cost", "inventory"];

/// A folder of the data, the importers that read it, and where its figures are checked: file and function below `tests/it`.
struct Read {
    folder: &'static str,
    importers: &'static [&'static str],
    tests: &'static [(&'static str, &'static str)],
}

const fn read(
    folder: &'static str,
    importers: &'static [&'static str],
    tests: &'static [(&'static str, &'static str)],
) -> Read {
    Read { folder, importers, tests }
}

const DERIVED: (&str, &str) = ("real_traces", "real_traces_add_up_to_the_request");
const RAW: (&str, &str) = ("imported_real_traces", "published_traces_keep_every_request");

const READ: &[Read] = &[
    read(
        "carbon_zones_hourly",
        &["carbon-hourly-wide", "electricity-maps"],
        &[
            ("data_tables", "the_hours_of_all_grid_zones_are_read_and_empty_cells_stay_unknown"),
            ("data_tables", "the_long_hours_of_electricity_maps_are_read"),
        ],
    ),
    read(
        "cloud_carbon_coefficients",
        &["ccf-instances", "ccf-power", "ccf-grid-factors", "specpower"],
        &[("data_tables", "machines_have_their_shape_and_power"), ("data_tables", "yearly_means_of_regions_are_read")],
    ),
    read(
        "region_carbon",
        &["gcp-region-carbon", "gsf-region-metadata"],
        &[("data_tables", "yearly_means_of_regions_are_read"), ("data_tables", "tables_of_regions_have_all_regions")],
    ),
    read(
        "cloud_prices",
        &["machine-prices", "gcp-machine-types", "gcp-accelerators"],
        &[("data_tables", "prices_have_all_rows_and_add_up"), ("data_tables", "machines_have_their_shape_and_power")],
    ),
    read(
        "region_latency",
        &["latency-pairs", "latency-matrix", "egress-prices"],
        &[("data_tables", "latencies_have_all_pairs")],
    ),
    read(
        "inventories",
        &["regions", "latency-matrix", "machine-types", "machine-prices"],
        &[
            ("data_tables", "tables_of_regions_have_all_regions"),
            ("data_tables", "latencies_have_all_pairs"),
            ("data_tables", "sites_users_and_machine_types_are_all_there"),
        ],
    ),
    read(
        "multicluster_samples",
        &["kubectl", "kubernetes", "hdag"],
        &[
            ("init", "the_karmada_sample_gives_a_report_in_three_commands"),
            ("data_index", "the_descriptor_of_the_brussels_demonstration_is_read_whole"),
            ("data_index", "sample_policies_of_karmada_restrict_the_workload_that_they_select"),
        ],
    ),
    read(
        "alibaba_gpu_v2023",
        &["openb-pods", "openb-nodes"],
        &[("task_files", "openb_pods_are_all_read"), ("task_files", "openb_nodes_are_an_inventory_whole_or_split")],
    ),
    read("eua_edge_sites", &["edge-sites", "users"], &[("data_tables", "sites_users_and_machine_types_are_all_there")]),
    read("gaia_job_traces", &["gaia-jobs"], &[("task_files", "a_year_of_jobs_is_read_to_the_last_one")]),
    read(
        "opendc_traces",
        &["opendc-tasks", "opendc-topology"],
        &[
            ("task_files", "machines_of_opendc_are_read_with_what_they_used"),
            ("task_files", "failures_of_opendc_strike_a_share_of_the_nodes"),
            ("task_files", "opendc_topologies_are_inventories"),
        ],
    ),
    read(
        "roadef2012_A",
        &["roadef-2012"],
        &[("reassignment", "given_assignments_cost_what_the_challenge_states_and_break_no_rule")],
    ),
    read(
        "simkube_trace",
        &["simkube", "kubernetes"],
        &[("task_files", "simkube_traces_become_replicas"), ("kubernetes", "real_deployments_are_read")],
    ),
    read("autothrottle_rps", &["long-csv", "values"], &[DERIVED, RAW]),
    read(
        "azure_functions_samples",
        &["long-csv", "arrivals", "concurrency"],
        &[DERIVED, RAW, ("imported_real_traces", "containers_by_minute_are_units_of_load")],
    ),
    read("azure_llm_2023", &["long-csv", "arrivals"], &[DERIVED, RAW]),
    read("limbo_wikipedia_ibm", &["long-csv", "limbo"], &[DERIVED, RAW]),
    read("mooncake_llm", &["long-csv", "arrivals"], &[DERIVED, RAW]),
    read("nab_cloudwatch", &["long-csv", "cloudwatch"], &[DERIVED, RAW]),
    read(
        "nasa_http_1995",
        &["long-csv", "values"],
        &[DERIVED, ("imported_real_traces", "raw_seconds_add_up_once_they_are_unpacked")],
    ),
    read(
        "twitter_stream_2021_08",
        &["long-csv", "values"],
        &[DERIVED, ("imported_real_traces", "raw_seconds_add_up_once_they_are_unpacked")],
    ),
];

/// Files of the folders above that nothing reads, by a part of their name, with the reason. Those of the rate folders are
/// judged in `imported_real_traces`.
const UNREAD: &[(&str, &str)] = &[
    ("README.md", "a description"),
    ("LICENSE", "a licence"),
    (".py", "a program"),
    ("embodied", "emissions of making machines: only those of running them are modelled"),
    ("data_amd-epyc", "names of processors behind the coefficients"),
    ("instances-cpus.csv", "names of processors behind the coefficients"),
    ("openb_node_list_gpu_node.csv", "a part of openb_node_list_all_node.csv"),
    ("nephele_", "results and settings of another simulator"),
    ("lb_a", "lower bounds of the challenge, not an input"),
];

/// Names that tests put together: a part of the name, and how it stands in the code.
const PUT_TOGETHER: &[(&str, &str)] = &[
    ("_tasks.parquet", "{file}_tasks.parquet"),
    ("_fragments.parquet", "_fragments.parquet"),
    ("_user_reported_failures.parquet", "{file}_user_reported_failures.parquet"),
    ("topologies/", "topologies/{file}.json"),
    ("openb_pod_list_", "openb_pod_list_{variant}.csv.gz"),
    ("gcp_20", "gcp_{year}.csv"),
    ("data_grid-emissions-factors-", "data_grid-emissions-factors-{provider}.csv"),
    ("-use.csv", "output_coefficients-{file}-use.csv"),
    ("model_a", "model_{name}.txt"),
    ("assignment_a", "assignment_{name}.txt"),
    ("original_cost_a", "original_cost_{name}.txt"),
];

fn data() -> Option<PathBuf> {
    let data = data_dir();
    if data.is_none() {
        println!("skipped: no SMO_DATA_DIR and no ../shared/data");
    }
    data
}

fn source(module: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/{module}.rs"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_importer_and_test_of_the_table_is_there() {
    let known: BTreeSet<&str> = formats::FORMATS.iter().map(|format| format.name).collect();
    for Read { folder, importers, tests } in READ {
        for importer in *importers {
            assert!(known.contains(importer), "{folder}: no format is called {importer}");
        }
        assert!(!tests.is_empty(), "{folder} has no test");
        for (module, test) in *tests {
            assert!(source(module).contains(&format!("#[test]\nfn {test}()")), "{folder}: no test {module}::{test}");
        }
    }
}

#[test]
fn every_row_of_the_index_that_is_of_use_here_is_read_by_a_named_importer() {
    let Some(data) = data() else { return };
    let index = fs::read_to_string(data.join("README.md")).unwrap();
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    let rows: Vec<Vec<&str>> = String::leak(index).lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let wanted: BTreeSet<&str> = rows.iter().filter(|row| KINDS.contains(&row[2])).map(|row| row[1]).collect();
    let read: BTreeSet<&str> = READ.iter().map(|one| one.folder).collect();
    assert_eq!(wanted, read);
    assert!(wanted.len() >= 21, "{wanted:?}");
}

/// Goal: no file of these folders is passed over in silence.
/// Method: the tests that check a folder name each of its files, or a part of the name that is put together.
#[test]
fn every_file_of_the_placement_carbon_cost_and_inventory_folders_is_read_or_known_not_to_be() {
    let Some(data) = data() else { return };
    let rates = ["autothrottle", "azure_", "limbo", "mooncake", "nab_", "nasa", "twitter"];
    for Read { folder, tests, .. } in READ.iter().filter(|one| !rates.iter().any(|rate| one.folder.starts_with(rate))) {
        let text: String = tests.iter().map(|(module, _)| source(module)).collect();
        for file in files(&data.join(folder)) {
            let name = file.strip_prefix(data.join(folder)).unwrap().display().to_string();
            let stem = name.split('.').next().unwrap();
            let put_together = PUT_TOGETHER.iter().any(|(part, code)| name.contains(part) && text.contains(code));
            let named = text.contains(name.as_str()) || (*folder == "gaia_job_traces" && text.contains(stem));
            let unread = UNREAD.iter().any(|(part, _)| name.contains(part));
            assert!(named || put_together || unread, "{folder}/{name} is neither read nor known not to be");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Goal: `scenarios/real` has something of every kind of data. What it expects is asserted in `expectations`.
#[test]
fn scenarios_on_real_data_use_every_kind_of_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/real");
    let text: String = files(&folder).into_iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let kinds: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("rate", &["nasa_http_1995/", "limbo_wikipedia_ibm/", "azure_llm_2023/", "azure_functions_samples/"][..]),
        ("placement", &["alibaba_gpu_v2023/", "opendc_traces/", "eua_edge_sites/", "gaia_job_traces/"]),
        ("carbon", &["carbon_zones_hourly/", "region_carbon/", "cloud_carbon_coefficients/"]),
        ("cost", &["cloud_prices/", "region_latency/"]),
        ("inventory", &["inventories/"]),
    ]);
    assert_eq!(kinds.len(), KINDS.len());
    for folder in kinds.values().copied().flatten() {
        assert!(text.contains(&format!("${{SMO_DATA_DIR}}/{folder}")), "no scenario uses {folder}");
    }
}

/// Loads a scenario around an application of the samples.
fn with_application(application: &str, service: &str) -> Loaded {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.yaml");
    let text = format!(
        "question: Is it read?\napplication: {application}\ninventory: {0}/scenarios/inventories/edge-cloud.yaml\n\
         traces: [{{file: {0}/traces/day.csv.gz, service: {service}}}]\npolicies: [naive]\n",
        shipped.display()
    );
    fs::write(&path, text).unwrap();
    load(&path, &Request::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_descriptor_of_the_brussels_demonstration_is_read_whole() {
    let Some(data) = data() else { return };
    let capacities = "services: {image-compression-vo: {capacity: 40 /s}, noise-reduction: {capacity: 40 /s}, image-detection: {capacity: 40 /s}}";
    let descriptor = data.join("multicluster_samples/smo_hdag_brussels.yaml");
    let loaded =
        with_application(&format!("{{descriptor: {}, {capacities}}}", descriptor.display()), "image-compression-vo");
    let application = &loaded.scenario.known.application;
    let names: Vec<&str> = application.services.values().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["image-compression-vo", "noise-reduction", "image-detection"]);
    let calls: Vec<(u32, u32)> = application.calls.iter().map(|call| (call.from.0, call.to.0)).collect();
    assert_eq!(calls, [(0, 1), (1, 2)]);
    // `light` and `small` of the information model: half a core, and one.
    let cores: Vec<u64> = application.services.values().map(|service| service.request.cpu.0).collect();
    assert_eq!(cores, [500, 1_000, 1_000]);
    assert!(loaded.notes.iter().any(|note| note.contains("line 25") && note.contains("`vo`")), "{:?}", loaded.notes);
}

#[test]
fn sample_policies_of_karmada_restrict_the_workload_that_they_select() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "karmada_propagationpolicy.yaml",
        "karmada_propagationpolicy_simple.yaml",
        "karmada_overridepolicy_simple.yaml",
    ] {
        fs::copy(data.join("multicluster_samples").join(name), folder.path().join(name)).unwrap();
    }
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: nginx}\nspec: {replicas: 2, template: {spec: \
                      {containers: [{name: nginx, resources: {requests: {cpu: 500m, memory: 256Mi}}}]}}}\n";
    fs::write(folder.path().join("nginx.yaml"), deployment).unwrap();
    let application = format!("{{descriptor: {}, services: {{nginx: {{capacity: 40 /s}}}}}}", folder.path().display());
    let loaded = with_application(&application, "nginx");
    let said = loaded.notes.join("\n");
    for wanted in [
        "member1, which is not in the inventory",
        "example-policy selects no workload",
        "line 19: weights are not simulated",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
}
