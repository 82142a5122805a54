//! The HDAG descriptor as types: every field of the information model, whether simulation needs it or not.
//!
//! The shapes follow the document, so that what is written out is a descriptor again; [`Descriptor::document`] and
//! [`parse`](super::parse) are inverse to each other. What the original derives from a descriptor alone (imports, alert
//! rules) is derived here.

use super::words::{Level, ram_level, storage_level, write_duration};
use crate::units::{Bytes, MilliCores, Span};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A graph of services with what each wants of its platform.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Version of the information model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub im_version: Option<String>,
    /// Name of the graph.
    pub id: String,
    /// Version of the descriptor, by semantic versioning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub designer: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the graph as a whole wants.
    #[serde(rename = "hdaGraphIntent")]
    pub intent: GraphIntent,
    /// Its services.
    pub services: Vec<DescribedService>,
}

/// What a graph as a whole wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphIntent {
    /// The services belong together and to nobody else.
    pub security: Switch,
    /// The placement is final.
    pub high_availability: Switch,
    /// Short ways from end to end.
    pub high_performance: Switch,
    /// Little energy.
    pub energy_efficiency: Switch,
    /// The charts say themselves where they go, and nothing is placed or injected.
    pub use_static_placement: bool,
}

/// `{enabled: true}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// Whether it is on.
    pub enabled: bool,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DescribedService {
    /// Its name, and that of its Helm release and Deployment.
    pub id: String,
    /// When and how it runs.
    pub deployment: Deployment,
    /// What is deployed; simulation can do without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
}

/// When a service runs, and what it wants.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deployment {
    /// When.
    pub trigger: Trigger,
    /// What it wants.
    pub intent: Intent,
}

/// When a service is deployed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// With the graph, after the services that it depends on.
    Auto {
        /// Services that should run before.
        dependencies: Vec<String>,
    },
    /// When something has happened.
    Event {
        /// How many of the events it takes.
        condition: Combination,
        /// The events.
        events: Vec<Event>,
    },
}

/// How events are combined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Combination {
    /// One is enough.
    #[default]
    Any,
    /// All at the same time; `AND` is read as this.
    All,
}

/// A condition on metrics that has held for a while.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Name, and that of the alert.
    pub id: String,
    /// The metrics that it looks at.
    pub source: Vec<EventSource>,
    /// What has to hold.
    pub condition: EventCondition,
}

/// A metric of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventSource {
    /// The service.
    pub service_id: String,
    /// One of its metrics, by id.
    pub metric_id: String,
}

/// What has to hold, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventCondition {
    /// PromQL: holds where it gives something.
    pub prom_query: String,
    /// For so long without a break.
    #[serde(serialize_with = "as_duration")]
    pub grace_period: Span,
    /// In words.
    pub description: String,
}

/// What a service wants.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// Of its neighbourhood.
    pub network: NetworkIntent,
    /// Of its node.
    pub compute: Compute,
    /// Services of deployed graphs that it wants to be with.
    pub co_location: Vec<CoLocation>,
    /// Services that it calls.
    pub connection_points: Vec<String>,
    /// What it can be measured by.
    pub metrics: Vec<Metric>,
}

/// What a service wants of its neighbourhood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkIntent {
    /// Near the device that it stands for.
    pub device_proximity: Switch,
    /// How near the services are that it calls.
    pub latencies: Vec<LatencyIntent>,
}

/// How near a called service has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyIntent {
    /// The called service.
    pub connection_point: String,
    /// How near.
    pub qos: crate::model::intent::Qos,
}

/// What one replica needs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compute {
    /// CPU.
    pub cpu: Size<MilliCores>,
    /// Memory.
    pub ram: Size<Bytes>,
    /// Storage.
    pub storage: Size<Bytes>,
    /// One accelerator.
    pub gpu: Switch,
}

/// A level of the information model, or an amount as Kubernetes writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Size<Q> {
    /// `light` to `large`.
    Level(Level),
    /// `750m`, `3Gi`.
    Amount(Q),
}

impl Size<MilliCores> {
    /// The amount.
    pub const fn cpu(self) -> MilliCores {
        match self {
            Self::Level(level) => level.cpu(),
            Self::Amount(amount) => amount,
        }
    }
}

impl Compute {
    /// Bytes of memory.
    pub fn memory(&self) -> Bytes {
        match self.ram {
            Size::Level(level) => ram_level(level).1,
            Size::Amount(amount) => amount,
        }
    }

    /// Bytes of storage; none for `light`, which storage does not have and [`parse`](super::parse) refuses.
    pub fn storage_bytes(&self) -> Bytes {
        match self.storage {
            Size::Level(level) => storage_level(level).map_or(Bytes::ZERO, |(_, bytes)| bytes),
            Size::Amount(amount) => amount,
        }
    }
}

/// A service of a deployed graph to be with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoLocation {
    /// The service there.
    pub id: String,
    /// The graph; none for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounded_graph_id: Option<String>,
}

/// A metric that is scraped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// What events call it.
    pub id: String,
    /// What Prometheus calls it.
    pub metric_name: String,
    /// Labels of the objects that have it.
    pub selector: BTreeMap<String, String>,
    /// Where it is scraped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

/// Where and how often a metric is scraped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Name or number of the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// From one scrape to the next.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_duration")]
    pub interval: Option<Span>,
}

/// What is deployed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Reference of the chart, as Helm takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oci_image: Option<String>,
    /// What kind of thing it is.
    pub oci_config: OciConfig,
    /// What runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oci_run: Option<OciRun>,
    /// Helm values to begin with.
    pub values_overwrite: serde_json::Map<String, serde_json::Value>,
}

/// Kind of an artifact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OciConfig {
    /// What it stands for.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ArtifactKind>,
    /// How it is made, which decides where values are injected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementer: Option<Implementer>,
}

/// What an artifact stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ArtifactKind {
    /// A virtual object: the counterpart of a device.
    #[serde(rename = "VO")]
    VirtualObject,
    /// Several virtual objects as one.
    #[serde(rename = "cVO")]
    CompositeVirtualObject,
    /// An application's service.
    #[serde(rename = "App")]
    App,
}

/// How an artifact is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Implementer {
    /// A Web of Things object: values go below `voChartOverwrite`.
    #[serde(rename = "WOT")]
    Wot,
    /// A Helm chart: values go to the top.
    #[serde(rename = "HELM")]
    Helm,
}

/// What runs an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OciRun {
    /// `HELM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `v3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Descriptor {
    /// The whole document, under its key.
    #[expect(clippy::missing_panics_doc, reason = "keys are text, and numbers come from a document")]
    pub fn document(&self) -> serde_json::Value {
        let graph = serde_json::to_value(self).expect("a descriptor is plain data");
        serde_json::json!({ "hdaGraph": graph })
    }

    /// The service of that id.
    pub fn service(&self, id: &str) -> Option<&DescribedService> {
        self.services.iter().find(|service| service.id == id)
    }

    /// The clusters that import each service, where `cluster_of` places them: one for each service that calls it, by the
    /// order of the callers, repeated as often as they repeat; callers without a place are left out.
    pub fn imports(&self, cluster_of: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
        let callers = |called: &str| {
            let calls = |service: &&DescribedService| {
                service.deployment.intent.connection_points.iter().any(|point| point == called)
            };
            let callers = self.services.iter().filter(calls);
            callers.filter_map(|caller| cluster_of.get(&caller.id).cloned()).collect::<Vec<_>>()
        };
        self.services.iter().map(|service| (service.id.clone(), callers(&service.id))).collect()
    }
}

impl Event {
    /// The Prometheus rule that fires this event, as the original writes it.
    pub fn alert_rule(&self, service: &str) -> serde_json::Value {
        let EventCondition { prom_query, grace_period, description } = &self.condition;
        serde_json::json!({
            "alert": self.id,
            "annotations": {"description": description, "summary": description},
            "expr": prom_query,
            "for": write_duration(*grace_period),
            "labels": {"severity": "critical", "service": service},
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference to the field")]
fn as_duration<S: Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&write_duration(*span))
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn as_optional_duration<S: Serializer>(span: &Option<Span>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&span.map(write_duration).unwrap_or_default())
}
