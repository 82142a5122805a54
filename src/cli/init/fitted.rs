//! A scenario that fits real clusters, and where they are given, real workloads and a real load.

use super::super::Failure;
use super::series::{Peak, peaks};
use super::size::{PER_CORE, USE_AT_PEAK, capacity_for, fit};
use super::text::{Scenario, application, promise, quoted, rounded};
use super::{Arguments, Draft, day};
use crate::input::kubernetes::{Groups, WorkloadOutline, Workloads, clusters_of, workloads_of};
use crate::input::trace::generate::ServiceLoad;
use crate::model::Cluster;
use crate::units::Rate;
use anyhow::{Context, anyhow};
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf, absolute};

/// The files of the scenario.
///
/// # Errors
/// Input that cannot be read or does not go together.
pub fn drafts(arguments: &Arguments) -> Result<Vec<Draft>, Failure> {
    let clusters = clusters_of(&groups(arguments)).map_err(Failure::input)?;
    let load = arguments.trace.as_ref().map(|path| peaks(path)).transpose()?;
    match &arguments.workloads {
        None => of_clusters(arguments, &clusters, load.as_deref()),
        Some(path) => {
            let workloads = workloads_of(path).map_err(Failure::input)?;
            of_workloads(arguments, &clusters, &workloads, load.as_deref())
        }
    }
}

/// The files by cluster: where one is named, all are, after their files.
fn groups(arguments: &Arguments) -> Groups {
    let named = |text: &String| match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !name.contains('/') => (Some(name.to_owned()), PathBuf::from(path)),
        _ => (None, PathBuf::from(text)),
    };
    let files: Vec<(Option<String>, PathBuf)> = arguments.from_kubectl.iter().map(named).collect();
    let all_named = files.iter().any(|(name, _)| name.is_some());
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let mut groups = Groups::new();
    for (name, path) in files {
        let name = name.or_else(|| stem(&path).filter(|_| all_named));
        groups.entry(name).or_default().push(path);
    }
    groups
}

/// With an application that is sized to the clusters.
fn of_clusters(arguments: &Arguments, clusters: &[Cluster], load: Option<&[Peak]>) -> Result<Vec<Draft>, Failure> {
    let fit = fit(clusters)?;
    let mut extra = Vec::new();
    let (services, is_chain, traces) = match load {
        None => {
            let services = fit.chain(&["web", "store"], None);
            let first = &services[0];
            let peak = USE_AT_PEAK * first.capacity * first.replicas as f64;
            extra.push(Draft::new("load.csv", day(vec![load_of(&first.name, peak)])?));
            (services, true, made_up().to_owned())
        }
        Some([only]) => {
            let traces = traces_text(arguments, &[("", "web")])?;
            (fit.chain(&["web", "store"], Some(only.rate)), true, traces)
        }
        Some(several) => {
            let names = names(several);
            let pairs: Vec<(&str, &str)> =
                several.iter().zip(&names).map(|(peak, name)| (peak.series.as_str(), name.as_str())).collect();
            (fit.each(several, &names)?, false, traces_text(arguments, &pairs)?)
        }
    };
    let text = application(&fit, &services, is_chain);
    let scenario = scenario(arguments, clusters, "application: application.yaml\n".to_owned(), traces)?;
    let mut drafts = vec![Draft::new("scenario.yaml", scenario.text()), Draft::new("application.yaml", text)];
    drafts.extend(extra);
    Ok(drafts)
}

/// With workloads, to which capacities are assumed.
fn of_workloads(
    arguments: &Arguments,
    clusters: &[Cluster],
    workloads: &Workloads,
    load: Option<&[Peak]>,
) -> Result<Vec<Draft>, Failure> {
    let entries = entries(workloads);
    let mut extra = Vec::new();
    let mut peaks: Vec<(String, f64)> = Vec::new();
    let traces = match load {
        None => {
            let of = |entry: &&WorkloadOutline| load_of(&entry.name, USE_AT_PEAK * carried(entry));
            extra.push(Draft::new("load.csv", day(entries.iter().map(of).collect())?));
            made_up().to_owned()
        }
        Some([only]) => {
            peaks.push((entries[0].name.clone(), only.rate));
            traces_text(arguments, &[("", &entries[0].name)])?
        }
        Some(several) => {
            let known = |peak: &&Peak| workloads.services.iter().any(|service| service.name == peak.series);
            let matched: Vec<&Peak> = several.iter().filter(known).collect();
            if matched.is_empty() {
                return Err(strangers(several, workloads));
            }
            peaks.extend(matched.iter().map(|peak| (peak.series.clone(), peak.rate)));
            let pairs: Vec<(&str, &str)> =
                matched.iter().map(|peak| (peak.series.as_str(), peak.series.as_str())).collect();
            traces_text(arguments, &pairs)?
        }
    };
    let descriptor = arguments.workloads.as_ref().map(|path| relative(&arguments.directory, path)).transpose()?;
    let application = workloads_text(&descriptor.unwrap_or_default(), workloads, &entries, &peaks);
    let mut scenario = scenario(arguments, clusters, application, traces)?;
    scenario.own_namespaces.clone_from(&workloads.namespaces);
    let mut drafts = vec![Draft::new("scenario.yaml", scenario.text())];
    drafts.extend(extra);
    Ok(drafts)
}

/// The services that users call: those that are exposed, or else all.
fn entries(workloads: &Workloads) -> Vec<&WorkloadOutline> {
    let runs = |service: &&WorkloadOutline| service.replicas > 0;
    let exposed: Vec<&WorkloadOutline> =
        workloads.services.iter().filter(|service| service.exposed).filter(runs).collect();
    let all = || workloads.services.iter().filter(runs).collect::<Vec<_>>();
    let entries = if exposed.is_empty() { all() } else { exposed };
    if entries.is_empty() { workloads.services.iter().collect() } else { entries }
}

/// Requests per second that the replicas of a workload are assumed to carry.
fn carried(workload: &WorkloadOutline) -> f64 {
    PER_CORE * workload.cpu.cores() * f64::from(workload.replicas.max(1))
}

fn workloads_text(path: &str, workloads: &Workloads, entries: &[&WorkloadOutline], peaks: &[(String, f64)]) -> String {
    let mut text = format!(
        "application:\n  descriptor: {}\n  \
         # Kubernetes does not know what a replica serves. ASSUMED: {PER_CORE} requests/s a core, or what a given load needs.\n  \
         # Replace it by what a load test found.\n  services:\n",
        quoted(path)
    );
    for service in &workloads.services {
        let assumed = PER_CORE * service.cpu.cores();
        let peak = peaks.iter().find(|(name, _)| *name == service.name);
        let capacity = peak.map_or(assumed, |(_, peak)| capacity_for(*peak, service.replicas.into(), assumed));
        let is_entry = entries.iter().any(|entry| entry.name == service.name) || peak.is_some();
        let slo =
            if is_entry { format!(", slo: {{latency: {}, share: 95 %}}", promise(capacity)) } else { String::new() };
        let (name, capacity) = (quoted(&service.name), rounded(capacity));
        writeln!(text, "    {name}: {{capacity: {capacity} /s{slo}}}").expect("a string takes all");
    }
    text + "  # Nor who calls whom:\n  # calls: [{from: FRONT, to: BACK, per_request: 50 %}]\n"
}

fn scenario(
    arguments: &Arguments,
    clusters: &[Cluster],
    application: String,
    traces: String,
) -> Result<Scenario, Failure> {
    let mut kubectl = Vec::new();
    for (name, paths) in groups(arguments) {
        let paths: Vec<String> = paths
            .iter()
            .map(|path| Ok(quoted(&relative(&arguments.directory, path)?)))
            .collect::<Result<_, Failure>>()?;
        kubectl.push((name, paths));
    }
    let first = clusters.first();
    let pool = first.and_then(|cluster| cluster.pools.values().next()).map(|pool| pool.name.clone());
    let example = (first.map(|cluster| cluster.name.clone()).unwrap_or_default(), pool.unwrap_or_default());
    Ok(Scenario { kubectl, own_namespaces: Vec::new(), application, traces, example })
}

const fn made_up() -> &'static str {
    "traces:\n  - file: load.csv                        # a made-up day: its peak, at 15:00, is twice its mean\n"
}

/// The section of a given trace; a pair is a series and its service, the series is empty where the file has only one.
fn traces_text(arguments: &Arguments, pairs: &[(&str, &str)]) -> Result<String, Failure> {
    let Some(path) = &arguments.trace else { return Ok(String::new()) };
    let mut text = format!("traces:\n  - file: {}\n", quoted(&relative(&arguments.directory, path)?));
    match pairs {
        [("", service)] => {
            let service = quoted(service);
            writeln!(text, "    service: {service}                       # its only series")
                .expect("a string takes all");
        }
        many => {
            text += "    series:\n";
            for (series, service) in many {
                writeln!(text, "      {}: {}", quoted(series), quoted(service)).expect("a string takes all");
            }
        }
    }
    Ok(text)
}

/// Names of services after series: without what no name may have, and each its own.
fn names(peaks: &[Peak]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(peaks.len());
    for peak in peaks {
        let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
        let name: String = peak.series.chars().map(plain).take(60).collect();
        let taken = names.contains(&name) || name.is_empty();
        names.push(if taken { format!("{name}-{}", names.len() + 1) } else { name });
    }
    names
}

fn strangers(peaks: &[Peak], workloads: &Workloads) -> Failure {
    let listed = |names: Vec<&str>| names.into_iter().take(8).collect::<Vec<_>>().join(", ");
    let series = listed(peaks.iter().map(|peak| peak.series.as_str()).collect());
    let services = listed(workloads.services.iter().map(|service| service.name.as_str()).collect());
    Failure::input(anyhow!(
        "no series of the trace is called like a workload: there are {series}\n  rename some of them to {services}, or leave \
         --trace out and write `series:` into the scenario"
    ))
}

fn load_of(name: &str, peak: f64) -> ServiceLoad {
    // `day` has a peak of twice the mean.
    let millionths = (peak / 2.0 * 1e6).clamp(1.0, 1e15).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
    let mean = Rate(millionths as u64);
    ServiceLoad { name: name.to_owned(), mean }
}

/// A path as it is seen from `directory`.
///
/// # Errors
/// Where the working directory is gone.
fn relative(directory: &Path, path: &Path) -> Result<String, Failure> {
    let whole = |path: &Path| absolute(path).with_context(|| path.display().to_string()).map_err(Failure::input);
    let (from, to) = (tidy(&whole(directory)?), tidy(&whole(path)?));
    let common = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    // Two trees that share nothing but the root are better named from there.
    if common <= 1 {
        return Ok(to.display().to_string());
    }
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(to.components().skip(common)).collect();
    Ok(relative.display().to_string())
}

/// Without `a/..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::{Peak, names, relative};
    use std::path::Path;

    #[test]
    fn paths_are_seen_from_the_directory_of_the_scenario() {
        let cases = [
            ("demo", "clusters.yaml", "../clusters.yaml"),
            ("a/b", "a/c/../x.yaml", "../x.yaml"),
            (".", "x.yaml", "x.yaml"),
        ];
        for (directory, path, wanted) in cases {
            assert_eq!(
                relative(Path::new(directory), Path::new(path)).ok().as_deref(),
                Some(wanted),
                "{directory} {path}"
            );
        }
        let far = relative(Path::new("/one/demo"), Path::new("/other/x.yaml"));
        assert_eq!(far.ok().as_deref(), Some("/other/x.yaml"));
    }

    #[test]
    fn series_become_names_of_their_own() {
        let peak = |name: &str| Peak { series: name.to_owned(), rate: 1.0 };
        assert_eq!(names(&[peak("a b"), peak("a,b"), peak("c")]), ["a-b", "a-b-2", "c"]);
    }
}
