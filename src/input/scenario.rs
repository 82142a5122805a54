//! The scenario file: what people write, and how its parts are checked and joined to one world.

use super::application::{ApplicationFile, application};
use super::at::At;
use super::capacities::CapacitiesFile;
use super::condition::conditions;
use super::defaults;
use super::environment::{EnvironmentFile, environment};
use super::error::InputError;
use super::fault::{Breakable, FaultFile, fault};
use super::file::Files;
use super::inventory::{InventoryFile, clusters};
use super::network::{ClusterNames, NetworkFile, network};
use super::operation::{ControlFile, LearnFile, LoadNoiseFile, PlatformFile, TelemetryFile};
use super::placed::{PlacedFile, placed};
use super::rules::{ObjectiveFile, RuleFile, rules};
use super::tables::grid::Grid;
use super::tasks::{self, TaskFile, Tasks};
use super::truth::{TruthFile, truth};
use super::written::{Positive, Written};
use crate::model::scenario::Known;
use crate::model::{Application, Cluster, ClusterId, Rules, Scenario, Service, Table};
use crate::units::{Bytes, Money, Ratio, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A scenario: one world, the policies to run in it, and the question that the runs answer.
///
/// Quantities are written with their units: `500m` or `2` cores, `4 GiB`, `30 s`, `12.5 /s`, `60 %`, `350 W`, `0.31 $`.
/// Paths start from the folder of the scenario, and `${NAME}` in them is a variable of the environment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// The question that the runs answer, in one sentence.
    pub question: String,
    /// What is expected of the answer: `policy[@variant].metric < 0.5 %`, or `policy.metric < 0.9 * policy.metric`. A policy
    /// is named as in `policies`, or by a part of that (`hpa`) where only one has it; a metric is a mean over the seeds.
    /// Numbers are in the metric's unit: ms, $, kWh, kg, or shares as `0.5 %` or `0.005`.
    #[serde(default)]
    pub expect: Vec<String>,
    /// The services and their calls: a path to an application file, or its content. Left out where there are tasks only.
    #[serde(default = "defaults::no_application")]
    pub application: Written<String, ApplicationFile>,
    /// The clusters: a path to an inventory file, or its content; or machines as others list them, `{openb: FILE}` (with
    /// `split: model` a cluster of each kind of accelerators) or `{opendc: FILE}`.
    pub inventory: Written<String, InventoryFile>,
    /// The load: files with request rates. Services that they name are the entries of the application; each has one file.
    #[serde(default)]
    pub traces: Vec<TraceFile>,
    /// A noise on the load that every seed draws anew, so that policies are compared over many days and not over one; none
    /// where nothing is said.
    #[serde(default)]
    pub load_noise: Option<LoadNoiseFile>,
    /// Pods, jobs or machines that arrive, run for a time and go, besides the load or instead of it.
    #[serde(default)]
    pub tasks: Vec<TaskFile>,
    /// Round-trip times, prices of traffic, places of users, routing.
    #[serde(default)]
    pub network: NetworkFile,
    /// Carbon intensity and prices by region, over time.
    #[serde(default)]
    pub environment: EnvironmentFile,
    /// What breaks.
    #[serde(default)]
    pub faults: Vec<FaultFile>,
    /// Replicas that run when a run begins, by service and cluster: `{web: {edge-1: 3}}`; services that are not named have none.
    /// The first decision changes them as any later one does. Where nothing is said, what is decided first runs from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<PlacedFile>,
    /// The control loop around a policy.
    #[serde(default)]
    pub control: ControlFile,
    /// How policies see the world.
    #[serde(default)]
    pub telemetry: TelemetryFile,
    /// The platform that hosts the replicas.
    #[serde(default)]
    pub platform: PlatformFile,
    /// What plans have to keep, besides the rules of the application.
    #[serde(default)]
    pub rules: Vec<RuleFile>,
    /// What plans are weighed by; goes before the objective of the application.
    #[serde(default)]
    pub objective: ObjectiveFile,
    /// What is true of the services where it differs from what they declare: by service, or `all`.
    #[serde(default)]
    pub truth: BTreeMap<String, TruthFile>,
    /// Capacities that `smo fit` found, which policies believe instead of what services declare: a path, or `{file, quantile}`.
    /// What is declared stays true; a service that declares none is as it was fitted.
    #[serde(default)]
    pub capacities: Option<Written<String, CapacitiesFile>>,
    /// Learns capacities while the run goes on, from what telemetry shows, and has policies believe them; off where nothing is
    /// said.
    #[serde(default)]
    pub learn: Option<LearnFile>,
    /// Policies to compare, like `naive`, `spread+hpa:target=60%` or `greedy+rate`; `smo policies` lists them. `all`,
    /// `placements`, `scalings` and `joints` stand for all of a kind.
    pub policies: Vec<String>,
    /// Runs a policy and variant, with the seeds 1 to this.
    #[serde(default = "defaults::seeds")]
    pub seeds: Positive<u32>,
    /// What is left out of the figures at the start of a run: requests, latencies, cost, energy, moves, decisions and all other
    /// sums count from here on. The series and the decision log show the whole run.
    #[serde(default)]
    pub warm_up: Span,
    /// From the start of a run to its end; where nothing is said, until the traces end.
    #[serde(default)]
    pub until: Option<Positive<Span>>,
    /// From one sample of the series to the next; where nothing is said, so that a run has at most 1,440 of them.
    #[serde(default)]
    pub sample_every: Option<Positive<Span>>,
    /// Named changes: paths to values, like `inventory.clusters.edge-1.enabled: false` or `traces.0.scale: 2`. A step into
    /// a list is the `name` of an item, or its number from 0; the number behind the last one adds an item. Every policy runs in
    /// the scenario as it is and in each variant.
    #[serde(default)]
    pub variants: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
}

/// Request rates from a file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceFile {
    /// The file: CSV (`.csv`, `.csv.gz`, `.csv.zst`) or Parquet (`.parquet`), long (`timestamp_s,service,requests_per_s`) or
    /// wide (`timestamp_s` and a column a service), by rising time; or what another tool wrote: an access log, an answer of
    /// Prometheus, a row for each request; `smo formats` lists them. Its first row is the start of the run.
    pub file: String,
    /// Files that continue this one on the same clock, in order: one for each day, or rotated logs.
    #[serde(default)]
    pub then: Vec<String>,
    /// The format, as `smo formats` calls it; where nothing is said, the ending and the begin of the file tell.
    #[serde(default)]
    pub format: Option<String>,
    /// What single requests are counted by; of other formats, how long a value holds where the file does not say.
    #[serde(default)]
    pub step: Option<Positive<Span>>,
    /// Where the name of the series stands: a column, a label of Prometheus, or a part of a request (`vhost`, `path`); `all`
    /// makes one series, `all`, of the whole file.
    #[serde(default)]
    pub service_from: Option<String>,
    /// The column of times in a file with a row for each request.
    #[serde(default)]
    pub time_from: Option<String>,
    /// The zone of dates that state none: `UTC`, or what it is ahead of UTC, like `+02:00`.
    #[serde(default)]
    pub timezone: Option<String>,
    /// How far behind the latest request before it a request may stand; 10 min where nothing is said.
    #[serde(default)]
    pub out_of_order: Option<Span>,
    /// What a compressed file may expand to; 64 GiB where nothing is said.
    #[serde(default)]
    pub size_max: Option<Positive<Bytes>>,
    /// Whether the values are counters, which only rise, and not rates.
    #[serde(default)]
    pub counter: bool,
    /// The time of the file's own clock that is its begin, like `2024-02-29T12:00:00Z` or a number of seconds; where nothing
    /// is said, that of its first row. Two files with the same one are on one clock.
    #[serde(default)]
    pub epoch: Option<String>,
    /// The service that all rates of the file belong to, whatever they are called there; only for a file with one series.
    /// Without this and `series`, every series must be called like a service.
    #[serde(default)]
    pub service: Option<String>,
    /// The series to read, by their names in the file, each with its service; other series are left out.
    #[serde(default)]
    pub series: BTreeMap<String, String>,
    /// Edits that are made first, in the language of `smo trace edit`: `["select service web during 2h..4h | scale 1.5"]`.
    #[serde(default)]
    pub edit: Vec<String>,
    /// All rates are multiplied by this.
    #[serde(default = "defaults::scale")]
    pub scale: Positive<Ratio>,
    /// So long after the start of the run the trace begins; before, there is no load.
    #[serde(default)]
    pub shift: Span,
    /// Only from here on is the trace replayed, in its own time: this becomes its begin.
    #[serde(default)]
    pub from: Time,
    /// Only until here is the trace replayed, in its own time.
    #[serde(default)]
    pub until: Option<Time>,
    /// How long a rate holds at most; where nothing is said, until the next row that names the service.
    #[serde(default)]
    pub hold: Option<Positive<Span>>,
    /// How long the last row holds; where nothing is said, as long as the one before it.
    #[serde(default)]
    pub last: Option<Positive<Span>>,
}

impl ScenarioFile {
    /// Fills in what depends on other fields, so that everything is echoed.
    pub fn complete(&mut self) {
        self.telemetry.complete();
        if let Written::Long(inventory) = &mut self.inventory {
            inventory.complete();
        }
    }
}

/// Checks all parts and joins them.
///
/// # Errors
/// The first thing that is wrong; `at` is the root of the tree that `file` was read from, other files spliced in.
pub fn scenario(file: &ScenarioFile, tasks: &Tasks, files: &mut Files, at: &At<'_>) -> Result<Scenario, InputError> {
    let (Written::Long(application_file), Written::Long(inventory_file)) = (&file.application, &file.inventory) else {
        return Err(at.error("a file was not read; give its content here"));
    };
    if application_file.services.is_empty() && file.tasks.is_empty() {
        let services = at.key("application").key("services");
        return Err(services.error("an application without services does nothing; write at least one"));
    }
    let mut application = application(application_file, &at.key("application"))?;
    let all_clusters = clusters(inventory_file, &at.key("inventory"))?;
    let enabled: Vec<usize> = (0..all_clusters.len()).filter(|index| inventory_file.clusters[*index].enabled).collect();
    let names = ClusterNames::new(&inventory_file.clusters, enabled);
    let network = network(&file.network, &names, files, &at.key("network"))?;
    let clusters: Table<ClusterId, Cluster> = names.enabled.iter().map(|index| all_clusters[*index].clone()).collect();
    let grid = Grid {
        clusters: names.enabled.iter().map(|index| &inventory_file.clusters[*index]).collect(),
        start: file.environment.start,
        until: file.until.map(|until| until.0),
    };
    let environment = environment(&file.environment, &grid, files, &at.key("environment"))?;
    let nodes = clusters.values().map(|cluster| cluster.pools.values().map(|pool| pool.nodes).sum()).collect();
    let breakable = Breakable { application: &application, clusters: &names, nodes };
    let mut faults = Vec::with_capacity(file.faults.len());
    for (index, one) in file.faults.iter().enumerate() {
        faults.extend(fault(one, &breakable, files, &at.key("faults").index(index))?);
    }
    let mut truth = truth(&application_file.services, &file.truth, &at.key("truth"))?;
    if let Some(believed) = files.believed.take() {
        believed.apply(&mut application, &mut files.notes, &at.key("capacities"))?;
    }
    note_assumptions(file, &application, &clusters, files);
    note_tasks(tasks, &clusters, files);
    for class in &tasks.classes {
        if application.service(&class.name).is_some() {
            let message = format!("a service is called `{}` like a class of tasks; rename the service", class.name);
            return Err(at.key("application").error(message));
        }
        truth.push(tasks::truth(class));
        application.add_task_class(class.clone());
    }
    note_strangers(&application, &names, files);
    let mut known = Known { application, clusters, network, rules: Rules::default() };
    let waiting = conditions(application_file, (&known.application, &known.clusters), files, &at.key("application"))?;
    known.application.conditions = waiting;
    known.rules = rules(application_file, (&file.rules, &file.objective), &known, at)?;
    let placed = file.placed.as_ref().map(|file| placed(file, &known.application, &names, &at.key("placed")));
    Ok(Scenario {
        known: Arc::new(known),
        placed: placed.transpose()?,
        truth,
        platform: file.platform.checked(),
        environment,
        faults,
        control: file.control.checked(&at.key("control"))?,
        telemetry: file.telemetry.checked(&at.key("telemetry"))?,
        load_noise: file.load_noise.map(|noise| noise.checked(&at.key("load_noise"))).transpose()?,
        learn: file.learn.as_ref().map(|learn| learn.checked(&at.key("learn"))).transpose()?,
        warm_up: warm_up(file, at)?,
        until: file.until.map(|until| until.0),
        sample_every: file.sample_every.map(|every| every.0),
    })
}

/// The warm-up, which has to leave something of the run. Where the end is that of the traces, it is judged when they are opened.
fn warm_up(file: &ScenarioFile, at: &At<'_>) -> Result<Span, InputError> {
    match file.until {
        Some(until) if file.warm_up >= until.0 => {
            let message = format!("nothing is left of a run that ends at {}; a warm-up has to end before", until.0);
            Err(at.key("warm_up").error(message))
        }
        _ => Ok(file.warm_up),
    }
}

/// Tasks that no cluster can hold.
fn note_tasks(tasks: &Tasks, clusters: &Table<ClusterId, Cluster>, files: &mut Files) {
    let refused = |class: &Service| {
        let mut reasons = clusters.values().map(|cluster| class.terms.room_max(cluster, class.request).err());
        reasons.try_fold(None, |_, reason| reason.map(Some)).flatten()
    };
    let mut unfit =
        tasks.classes.iter().zip(&tasks.counts).filter_map(|(class, count)| Some((class, refused(class)?, count)));
    let Some((first, why, count)) = unfit.next() else { return };
    let (classes, count) = unfit.fold((1, *count), |(classes, sum), (_, _, count)| (classes + 1, sum + count));
    let all = tasks.classes.len();
    files.note(format!(
        "{count} tasks of {classes} classes out of {all} fit no cluster and are refused when they arrive; the first is {} ({why}).",
        first.name
    ));
}

/// Clusters that a service is kept to or from, and that the inventory does not have.
fn note_strangers(application: &Application, names: &ClusterNames<'_>, files: &mut Files) {
    for service in application.services.values() {
        let named = service.terms.clusters.only.iter().chain(&service.terms.clusters.never);
        for name in named.filter(|name| !names.all.contains(&name.as_str())) {
            files.note(format!("Service {} names the cluster {name}, which is not in the inventory.", service.name));
        }
    }
}

/// What is right in form and may still surprise.
fn note_assumptions(
    file: &ScenarioFile,
    application: &Application,
    clusters: &Table<ClusterId, Cluster>,
    files: &mut Files,
) {
    if !application.services.is_empty() && application.services.values().all(|service| service.slo.is_none()) {
        files.note("No service has an SLO: nothing is ever violated.".to_owned());
    }
    for service in application.services.values() {
        let refused = |cluster: &Cluster| service.terms.room_max(cluster, service.request).err();
        let reasons: Vec<_> = clusters.values().map_while(|cluster| Some((cluster, refused(cluster)?))).collect();
        if reasons.len() == clusters.len() {
            let reasons: Vec<String> =
                reasons.iter().map(|(cluster, why)| format!("{}: {why}", cluster.name)).collect();
            files.note(format!("Service {} fits no cluster ({}).", service.name, reasons.join("; ")));
        }
        for class in service.capacity.by_class.keys() {
            if !clusters.values().any(|cluster| cluster.class == *class) {
                files.note(format!(
                    "Service {} has a capacity for class {class}, which no cluster is of.",
                    service.name
                ));
            }
        }
    }
    for cluster in clusters.values() {
        let free: Vec<_> = cluster.pools.values().filter(|pool| pool.price_per_hour == Money::ZERO).collect();
        if free.len() > 1 && free.len() == cluster.pools.len() {
            files.note(format!("Nodes of {} have no price: their time is free.", cluster.name));
            continue;
        }
        for pool in free {
            files.note(format!("Nodes of {}/{} have no price: their time is free.", cluster.name, pool.name));
        }
    }
    if file.network.origins.is_empty() && file.network.users.is_none() {
        files.note("No origins are given: users are equally near to all clusters.".to_owned());
    }
    if let Some(until) = file.until.map(|until| until.0) {
        for late in file.faults.iter().filter(|fault| fault.at.is_some_and(|at| at.0 >= until.0)) {
            files.note(format!("The fault `lose: {}` lies after the end of the run.", late.lose));
        }
    }
    let differs = |name: &&String| file.truth[*name].capacity.is_some() || file.truth[*name].capacity_factor.is_some();
    for name in file.truth.keys().filter(differs) {
        files.note(format!("The true capacity of {name} differs from what policies believe."));
    }
}
