//! A scenario that is put into another folder: the files that it names are named so that they are found from there.
//!
//! Paths in a scenario start from its folder. Which of its fields are paths stands in one table, for what it says itself as for
//! what its variants put in the place of that. The new names are absolute: a relative one leads elsewhere where a folder on its
//! way is a link.
//!
//! Deliberately absent: files that an edit of a variant merges into a trace. They stand within a text, and loading tells where
//! they are not found.

use crate::input::{self, Request};
use anyhow::Context;
use serde_json::Value;
use std::path::Path;

/// The fields that are paths, after the types that read them. `#` is a number in a list, `*` one step or several.
const PATHS: &[&str] = &[
    "application",
    "application.#",
    "application.descriptor",
    "application.descriptor.#",
    "application.values",
    "application.values.#",
    "capacities",
    "capacities.file",
    "environment.carbon.file",
    "environment.price_factor.file",
    "faults.#.trace",
    "inventory",
    "inventory.#",
    "inventory.clusters.*.pools.file",
    "inventory.kubectl",
    "inventory.kubectl.*",
    "inventory.machines.accelerators",
    "inventory.machines.power",
    "inventory.machines.prices",
    "inventory.machines.shapes",
    "inventory.openb",
    "inventory.opendc",
    "inventory.regions.file",
    "inventory.sites.file",
    "network.egress.file",
    "network.latency.file",
    "network.users.file",
    "tasks.#.file",
    "traces.#.file",
    "traces.#.then.#",
];

/// Names the files of a scenario, whose paths start from `folder`, so that they are found from anywhere.
pub fn found_from_anywhere(scenario: &mut Value, folder: &Path) {
    let Some(fields) = scenario.as_object_mut() else { return };
    for (key, field) in fields {
        if key == "variants" {
            found_by_variants(field, folder);
        } else {
            descend(&mut vec![key.clone()], field, folder);
        }
    }
}

/// A variant is a map of paths, joined by dots, to values.
fn found_by_variants(variants: &mut Value, folder: &Path) {
    let Some(variants) = variants.as_object_mut() else { return };
    for variant in variants.values_mut() {
        let Some(patches) = variant.as_object_mut() else { continue };
        for (path, value) in patches {
            descend(&mut path.split('.').map(str::to_owned).collect(), value, folder);
        }
    }
}

fn descend(steps: &mut Vec<String>, value: &mut Value, folder: &Path) {
    match value {
        Value::String(written) if is_path(steps) => *written = absolute(written, folder),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                steps.push(index.to_string());
                descend(steps, item, folder);
                steps.pop();
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                steps.push(key.clone());
                descend(steps, field, folder);
                steps.pop();
            }
        }
        _ => {}
    }
}

fn is_path(steps: &[String]) -> bool {
    PATHS.iter().any(|path| fits(steps, &path.split('.').collect::<Vec<_>>()))
}

fn fits(steps: &[String], path: &[&str]) -> bool {
    match (steps, path) {
        ([], []) => true,
        ([step, rest @ ..], [wanted, after @ ..]) => match *wanted {
            "*" => fits(rest, after) || fits(rest, path),
            "#" => step.parse::<usize>().is_ok() && fits(rest, after),
            name => step == name && fits(rest, after),
        },
        _ => false,
    }
}

/// A path that starts from `folder`, as one that starts nowhere. One that begins with a variable starts from what that holds.
fn absolute(written: &str, folder: &Path) -> String {
    let variable = written.strip_prefix("${").and_then(|rest| rest.split_once('}'));
    let is_relative = match variable {
        Some((name, _)) => std::env::var(name).is_ok_and(|value| Path::new(&value).is_relative()),
        None => Path::new(written).is_relative(),
    };
    if is_relative { folder.join(written).display().to_string() } else { written.to_owned() }
}

/// Loads a scenario as `smo simulate` is going to: as it is, and in each variant.
///
/// # Errors
/// The first mistake in it, and of which variant.
pub fn loads(path: &Path) -> Result<(), anyhow::Error> {
    let loaded = input::load(path, &Request::default())?;
    for variant in &loaded.variants {
        let request = Request { variant: Some(variant.clone()), ..Request::default() };
        input::load(path, &request).with_context(|| format!("variant `{variant}`"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{absolute, found_from_anywhere, loads};
    use crate::input::{Loaded, Request, load};
    use serde_json::{Value, json};
    use std::fs;
    use std::path::{Path, PathBuf};

    const SHOP: &str = "
question: Does the shop keep up?
application: {name: shop, services: [{name: web, cpu: 1, memory: 1 GiB, replicas: {initial: 1, min: 1, max: 3}, capacity: 20 /s}]}
inventory: {clusters: [{name: a, region: here, pools: [{name: main, cpu: 4, memory: 8 GiB, nodes: 1}]}]}
traces: [{file: day.csv}]
environment: {carbon: {file: carbon.csv}}
faults: [{lose: cluster a, trace: losses.csv}]
policies: [naive]
variants:
  dirty: {environment.carbon.file: coal.csv}
  calm: {faults: [{lose: telemetry, trace: losses.csv}]}
";

    /// A folder with files, each with its name and text.
    fn folder(parent: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    fn loaded(path: &Path, variant: Option<&str>) -> Loaded {
        let request = Request { variant: variant.map(str::to_owned), ..Request::default() };
        load(path, &request).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What a scenario read, besides itself.
    fn read(path: &Path, variant: Option<&str>) -> Vec<String> {
        loaded(path, variant).inputs.into_iter().skip(1).map(|file| file.sha256).collect()
    }

    /// Puts a scenario into `folder` as a recording does.
    fn put(scenario: &Path, folder: &Path) -> PathBuf {
        let mut resolved = loaded(scenario, None).resolved();
        found_from_anywhere(&mut resolved, scenario.parent().unwrap());
        let path = folder.join("scenario.yaml");
        fs::write(&path, crate::cli::yaml::document(&resolved).unwrap()).unwrap();
        path
    }

    /// Goal: a scenario that moved reads the files that it read, and not what is called like them where it is now.
    #[test]
    fn a_scenario_in_another_folder_reads_the_same_files() {
        let home = tempfile::tempdir().unwrap();
        let files = [
            ("shop.yaml", SHOP),
            ("day.csv", "timestamp_s,web\n0,5\n3600,6\n"),
            ("carbon.csv", "time_s,region,value\n0,here,300\n"),
            ("coal.csv", "time_s,region,value\n0,here,900\n"),
            ("losses.csv", "start_s,duration_s\n600,60\n"),
        ];
        let scenario = folder(home.path(), "original", &files).join("shop.yaml");
        let there = folder(home.path(), "elsewhere", &[("carbon.csv", "time_s,region,value\n0,here,1\n")]);
        let moved = put(&scenario, &there);
        loads(&moved).unwrap();
        for variant in [None, Some("dirty"), Some("calm")] {
            assert_eq!(read(&moved, variant), read(&scenario, variant), "{variant:?}");
        }
        assert_ne!(read(&moved, Some("dirty")), read(&moved, None));
    }

    #[test]
    fn a_scenario_that_does_not_load_is_told_with_its_variant() {
        let home = tempfile::tempdir().unwrap();
        let files = [
            ("shop.yaml", SHOP),
            ("day.csv", "timestamp_s,web\n0,5\n3600,6\n"),
            ("carbon.csv", "time_s,region,value\n0,here,300\n"),
            ("losses.csv", "start_s,duration_s\n600,60\n"),
        ];
        let scenario = folder(home.path(), "original", &files).join("shop.yaml");
        let error = format!("{:#}", loads(&scenario).unwrap_err());
        assert!(error.starts_with("variant `dirty`: ") && error.contains("coal.csv"), "{error}");
    }

    /// Goal: a field that is a path and not in the table is noticed.
    /// Method: all scenarios that are shipped beside each other, with their variants, from another folder.
    #[test]
    fn shipped_scenarios_load_from_another_folder() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut tried = 0;
        for entry in fs::read_dir(&shipped).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let there = tempfile::tempdir().unwrap();
                loads(&put(&path, there.path())).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
                tried += 1;
            }
        }
        assert!(tried >= 5, "only {tried} scenarios were found");
    }

    /// Goal: every path is found and nothing else is touched.
    #[test]
    fn paths_are_those_of_the_table_and_of_what_variants_put_there() {
        let mut scenario = json!({
            "question": "file",
            "application": {"name": "capacity.yaml", "services": [{"name": "web", "image": "60 MB"}]},
            "inventory": {"machines": {"shapes": "a.csv", "power": "b.csv"}, "clusters": [
                {"name": "edge", "labels": {"file": "x"}, "pools": [{"name": "file", "machine": "m1", "power": "30 W"}]}]},
            "capacities": {"file": "c.yaml", "quantile": "10 %"},
            "environment": {"carbon": {"file": "/data/d.csv", "regions": {"file": "300"}}},
            "network": {"users": {"file": "../e.csv"}},
            "traces": [{"file": "f.csv", "then": ["g.csv"], "series": {"file": "web"}}],
            "tasks": [{"file": "h.csv", "format": "openb"}],
            "faults": [{"lose": "telemetry", "trace": "i.csv"}],
            "variants": {"other": {
                "capacities": "j.yaml",
                "inventory.kubectl": {"near": ["k.yaml", "l.yaml"]},
                "inventory.clusters.edge.1.pools": {"file": "m.csv"},
                "faults.0.trace": "n.csv",
                "application.name": "o.csv",
                "policies": ["p.csv"],
            }},
        });
        let before = scenario.clone();
        found_from_anywhere(&mut scenario, Path::new("/home/one"));
        let changed = [
            ("/inventory/machines/shapes", "/home/one/a.csv"),
            ("/inventory/machines/power", "/home/one/b.csv"),
            ("/capacities/file", "/home/one/c.yaml"),
            ("/network/users/file", "/home/one/../e.csv"),
            ("/traces/0/file", "/home/one/f.csv"),
            ("/traces/0/then/0", "/home/one/g.csv"),
            ("/tasks/0/file", "/home/one/h.csv"),
            ("/faults/0/trace", "/home/one/i.csv"),
            ("/variants/other/capacities", "/home/one/j.yaml"),
            ("/variants/other/inventory.kubectl/near/0", "/home/one/k.yaml"),
            ("/variants/other/inventory.kubectl/near/1", "/home/one/l.yaml"),
            ("/variants/other/inventory.clusters.edge.1.pools/file", "/home/one/m.csv"),
            ("/variants/other/faults.0.trace", "/home/one/n.csv"),
        ];
        let mut expected = before;
        for (pointer, path) in changed {
            *expected.pointer_mut(pointer).unwrap() = Value::from(path);
        }
        assert_eq!(scenario, expected);
    }

    #[test]
    fn a_path_that_begins_with_a_variable_starts_from_what_that_holds() {
        let folder = Path::new("/home/one");
        assert_eq!(absolute("${SMO_SURELY_NOT_SET}/a.csv", folder), "${SMO_SURELY_NOT_SET}/a.csv");
        assert_eq!(absolute("${PATH}/a.csv", folder), "${PATH}/a.csv");
        // Cargo says the name of the package to what it runs.
        if std::env::var_os("CARGO_PKG_NAME").is_some() {
            assert_eq!(absolute("${CARGO_PKG_NAME}/a.csv", folder), "/home/one/${CARGO_PKG_NAME}/a.csv");
        }
    }
}
