//! First decisions of the real HPA controller (Kubernetes 1.35.3), recorded: ours must be the same.
//!
//! The file shipped with the tests is joined by those named in `SMO_HPA_VECTORS` (paths, separated by colons). A vector is
//! one JSON object a line: the target, its pods one by one, the autoscaler, and what the controller made of it.

use serde::Deserialize;
use smo::policy::scaling::hpa::{
    Behavior, Change, Decision, Flags, Metric, Milli, Observed, Phase, PodGroup, RatePolicy, Readiness, Reading,
    Request, Resource, Rules, Sample, Select, Source, Spec, State, reconcile,
};
use smo::units::{Bytes, MilliCores, Ratio, Span, Time};
use std::path::Path;

/// The instant of all vectors; ages are counted back from here.
const NOW: Time = Time(1_000_000_000_000_000);

#[derive(Deserialize)]
struct Vector {
    id: String,
    replicas: u32,
    min: u32,
    max: u32,
    request: Amounts,
    pods: Vec<Pod>,
    metrics: Vec<MetricIn>,
    behavior: Option<BehaviorIn>,
    result: Outcome,
}

#[derive(Deserialize, Clone, Copy)]
struct Amounts {
    cpu_m: u64,
    mem: u64,
}

#[derive(Deserialize)]
struct Pod {
    state: String,
    #[serde(default)]
    cpu_m: u64,
    #[serde(default)]
    mem: u64,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum MetricIn {
    CpuUtilization { target: u32 },
    MemoryUtilization { target: u32 },
    CpuAverage { target_m: u64 },
    MemoryAverage { target: u64 },
    ExternalValue { target: i64, values_m: Vec<i64>, fail: bool },
    ExternalAverage { target: i64, values_m: Vec<i64>, fail: bool },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BehaviorIn {
    scale_up: Option<RulesIn>,
    scale_down: Option<RulesIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RulesIn {
    policies: Option<Vec<PolicyIn>>,
    select_policy: Option<String>,
    stabilization_window_seconds: Option<u64>,
    tolerance: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyIn {
    r#type: String,
    value: u32,
    period_seconds: u64,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Outcome {
    current: u32,
    desired: u32,
    conditions: Vec<ConditionOut>,
}

#[derive(Deserialize, Debug, PartialEq)]
struct ConditionOut {
    r#type: String,
    status: String,
    reason: String,
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        let status = |holds: bool| if holds { "True" } else { "False" }.to_owned();
        let conditions = decision.conditions.iter().map(|condition| ConditionOut {
            r#type: condition.kind.to_owned(),
            status: status(condition.status),
            reason: condition.reason.to_owned(),
        });
        Self { current: decision.current, desired: decision.desired, conditions: conditions.collect() }
    }
}

impl Vector {
    fn decision(&self) -> Decision {
        let pods: Vec<_> = self.pods.iter().map(|pod| pod.group(self.request)).collect();
        let (metrics, readings): (Vec<_>, Vec<_>) = self.metrics.iter().map(MetricIn::metric_and_reading).unzip();
        let behavior = self.behavior.as_ref().map(|it| Behavior {
            up: rules(it.scale_up.as_ref(), Rules::up()),
            down: rules(it.scale_down.as_ref(), Rules::down()),
        });
        let spec = Spec { min: self.min, max: self.max, metrics, behavior, flags: Flags::default() };
        let observed = Observed {
            at: NOW,
            spec_replicas: self.replicas,
            status_replicas: self.replicas,
            pods: &pods,
            readings: &readings,
        };
        reconcile(&spec, &observed, &mut State::default())
    }
}

impl Pod {
    /// The table of states that the vectors were recorded with.
    fn group(&self, request: Amounts) -> PodGroup {
        let (phase, started_s, ready) = match self.state.as_str() {
            "ready" | "deleting" | "nometrics" => (Phase::Running, Some(4_000), Some((true, 3_900))),
            "ready-young" => (Phase::Running, Some(200), Some((true, 170))),
            "ready-just-now" => (Phase::Running, Some(60), Some((true, 10))),
            "notready-old" => (Phase::Running, Some(4_000), Some((false, 2_000))),
            "notready-never" => (Phase::Running, Some(4_000), Some((false, 3_990))),
            "young-notready" => (Phase::Running, Some(120), Some((false, 100))),
            "pending" => (Phase::Pending, None, None),
            "failed" => (Phase::Failed, Some(4_000), Some((false, 100))),
            other => panic!("unknown pod state `{other}`"),
        };
        let sample =
            Sample { at: ago(5), window: Span::seconds(30), cpu: MilliCores(self.cpu_m), memory: Bytes(self.mem) };
        PodGroup {
            count: 1,
            phase,
            deleting: self.state == "deleting",
            started: started_s.map(ago),
            ready: ready.map(|(is_ready, since_s)| Readiness { is_ready, since: ago(since_s) }),
            request: Request { cpu: Some(MilliCores(request.cpu_m)), memory: Some(Bytes(request.mem)) },
            sample: (!matches!(self.state.as_str(), "pending" | "nometrics")).then_some(sample),
        }
    }
}

fn ago(seconds: u64) -> Time {
    Time(NOW.0 - Span::seconds(seconds).0)
}

impl MetricIn {
    fn metric_and_reading(&self) -> (Metric, Reading<'static>) {
        let source = Source::External;
        match self {
            Self::CpuUtilization { target } => utilization(Resource::Cpu, *target),
            Self::MemoryUtilization { target } => utilization(Resource::Memory, *target),
            Self::CpuAverage { target_m } => average(Resource::Cpu, MilliCores(*target_m).into()),
            Self::MemoryAverage { target } => average(Resource::Memory, Bytes(*target).into()),
            Self::ExternalValue { target, values_m, fail } => {
                (Metric::Value { source, target: Milli(target * 1_000) }, external(values_m, *fail))
            }
            Self::ExternalAverage { target, values_m, fail } => {
                (Metric::ValuePerReplica { source, target: Milli(target * 1_000) }, external(values_m, *fail))
            }
        }
    }
}

fn utilization(resource: Resource, target_percent: u32) -> (Metric, Reading<'static>) {
    (Metric::Utilization { resource, target_percent }, Reading::Samples)
}

fn average(resource: Resource, target: Milli) -> (Metric, Reading<'static>) {
    (Metric::ResourceAverage { resource, target }, Reading::Samples)
}

fn external(values_m: &[i64], fail: bool) -> Reading<'static> {
    if fail || values_m.is_empty() { Reading::Failed } else { Reading::Value(Milli(values_m.iter().sum())) }
}

/// Fills in the defaults as the API server does.
fn rules(given: Option<&RulesIn>, defaults: Rules) -> Rules {
    let Some(given) = given else { return defaults };
    Rules {
        window: given.stabilization_window_seconds.map(Span::seconds).or(defaults.window),
        policies: given
            .policies
            .as_ref()
            .map_or(defaults.policies, |policies| policies.iter().map(PolicyIn::policy).collect()),
        select: match given.select_policy.as_deref() {
            None | Some("Max") => Select::Max,
            Some("Min") => Select::Min,
            Some("Disabled") => Select::Disabled,
            Some(other) => panic!("unknown selectPolicy `{other}`"),
        },
        tolerance: given.tolerance.as_deref().map(tolerance),
    }
}

/// A quantity as people write it (`0.05`) or as the API server does (`50m`).
fn tolerance(quantity: &str) -> Ratio {
    match quantity.strip_suffix('m') {
        Some(thousandths) => Ratio(thousandths.parse::<u64>().expect("whole thousandths") * 1_000),
        None => quantity.parse().expect("a decimal number"),
    }
}

impl PolicyIn {
    fn policy(&self) -> RatePolicy {
        let change = match self.r#type.as_str() {
            "Pods" => Change::Pods(self.value),
            "Percent" => Change::Percent(self.value),
            other => panic!("unknown policy type `{other}`"),
        };
        RatePolicy { change, period: Span::seconds(self.period_seconds) }
    }
}

/// What differs, one line a vector; prints how many do not.
#[expect(clippy::print_stdout, reason = "whoever brings vectors wants to know how many of them pass")]
fn differences(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let vectors: Vec<Vector> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), index + 1))
        })
        .collect();
    assert!(!vectors.is_empty(), "{}: no vectors in it", path.display());
    let differing: Vec<String> = vectors
        .iter()
        .filter_map(|vector| {
            let ours = Outcome::from(vector.decision());
            (ours != vector.result).then(|| format!("{}: recorded {:?}, ours {ours:?}", vector.id, vector.result))
        })
        .collect();
    println!("{}: {} of {} passed", path.display(), vectors.len() - differing.len(), vectors.len());
    differing
}

#[test]
fn vectors_of_the_real_hpa_controller_are_reproduced() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/hpa-vectors.jsonl").to_owned();
    let named = std::env::var("SMO_HPA_VECTORS").unwrap_or_default();
    let paths = named.split(':').filter(|path| !path.is_empty()).map(str::to_owned);
    let differing: Vec<_> =
        std::iter::once(shipped).chain(paths).flat_map(|path| differences(Path::new(&path))).collect();
    assert!(differing.is_empty(), "{} vectors differ:\n{}", differing.len(), differing.join("\n"));
}

#[test]
#[should_panic(expected = "/nowhere/hpa.jsonl")]
fn vectors_that_are_missing_are_named() {
    differences(Path::new("/nowhere/hpa.jsonl"));
}
