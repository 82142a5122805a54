//! Deployments and their like as services: what a replica requests, where it may run, how many there are.
//!
//! What is not in them (how much load a replica takes, who calls whom, what users were promised) the scenario says beside.

use super::super::at::At;
use super::super::error::InputError;
use super::super::node::Node;
use super::affinity::{node_affinity, tolerations};
use super::documents::Object;
use super::field::Field;
use super::notes::Notes;
use super::peers::neighbours;
use super::pool::gpu;
use super::resource::{pod_request, resources};
use super::tree::Map;
use crate::model::Resources;
use crate::model::binding::exact::COUNTED_MIN;
use std::collections::BTreeMap;

/// Group and kind of what is read as a service.
pub const KINDS: [(&str, &str); 3] = [("apps", "Deployment"), ("apps", "StatefulSet"), ("argoproj.io", "Rollout")];

/// A service under construction.
#[derive(Debug, Clone)]
pub struct Workload<'a> {
    /// The object.
    pub object: &'a Object,
    /// Name of the service.
    pub name: String,
    /// Labels of its pods.
    pub pod_labels: BTreeMap<String, String>,
    /// Replicas that it asks for.
    pub replicas: u32,
    /// Fewest and most replicas, where an autoscaler says so.
    pub bounds: Option<(u32, u32)>,
    /// Clusters that it may run in.
    pub clusters: Clusters,
    /// Tolerations that policies add.
    pub tolerations: Vec<String>,
    /// Whether it runs in one cluster at a time.
    pub pinned: bool,
}

/// Clusters that a service may run in, as native files write it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clusters {
    /// Names of the only ones.
    pub only: Vec<String>,
    /// Names of those that are out of the question.
    pub never: Vec<String>,
    /// Label selectors.
    pub matching: Vec<String>,
}

impl<'a> Workload<'a> {
    /// Reads what concerns more than the object itself.
    ///
    /// # Errors
    /// Values of a wrong type.
    pub fn new(object: &'a Object) -> Result<Self, InputError> {
        let at = object.at();
        Ok(Self {
            object,
            name: object.name().to_owned(),
            pod_labels: at.path("spec.template.metadata.labels").texts()?,
            replicas: at.path("spec.replicas").whole()?.unwrap_or(1),
            bounds: None,
            clusters: Clusters::default(),
            tolerations: Vec::new(),
            pinned: false,
        })
    }

    /// As a native application has it.
    ///
    /// # Errors
    /// Values of a wrong type.
    pub fn node(&self, notes: &mut Notes) -> Result<Node, InputError> {
        let spec = self.object.at().path("spec.template.spec");
        let mut map = Map::new(self.object.node.place.clone());
        map.put_text("name", &self.name);
        self.put_request(&mut map, &spec, notes)?;
        map.put_labels("node_selector", &spec.key("nodeSelector").texts()?);
        map.put_texts("node_affinity", node_affinity(&spec, notes)?);
        map.put("neighbours", neighbours(self, &spec)?);
        let mut tolerated = tolerations(&spec.key("tolerations"))?;
        tolerated.extend(self.tolerations.iter().cloned());
        tolerated.dedup();
        map.put_texts("tolerations", tolerated);
        if self.clusters != Clusters::default() {
            map.put("clusters", self.clusters_node());
        }
        map.put("replicas", self.replicas_node());
        if let Some(seconds) = spec.key("terminationGracePeriodSeconds").whole()? {
            map.put_text("drain", format!("{seconds} s"));
        }
        if self.pinned {
            map.put_flag("pinned", true);
        }
        Ok(map.node())
    }

    fn put_request(&self, map: &mut Map, spec: &At<'_>, notes: &mut Notes) -> Result<(), InputError> {
        let (mut needs, accelerator) = resources(&pod_request(spec)?, spec, notes);
        let place = spec.key("containers").place();
        let assumed = COUNTED_MIN;
        for (amount, least, what) in [
            (&mut needs.cpu.0, assumed.0.0, format!("CPU: {}", assumed.0)),
            (&mut needs.memory.0, assumed.1.0, format!("memory: {}", assumed.1)),
        ] {
            if *amount == 0 {
                *amount = least;
                notes.say(&place, format!("{} requests no {what} is assumed, which kube-scheduler counts", self.name));
            }
        }
        let Resources { cpu, memory, gpu: devices, .. } = needs;
        map.put_text("cpu", cpu.to_string());
        map.put_text("memory", memory.to_string());
        if devices > 0 {
            // Which product it is to be, its node selector says.
            let kind = accelerator.filter(|name| name.starts_with("nvidia.com/mig-"));
            map.put("gpu", gpu(&place, devices, kind.as_deref()));
        }
        Ok(())
    }

    fn replicas_node(&self) -> Node {
        let place = self.object.at().path("spec.replicas").place();
        let Some((min, max)) = self.bounds else { return super::tree::number(&place, self.replicas.into()) };
        let mut map = Map::new(place);
        map.put_number("initial", self.replicas.clamp(min, max.max(min)).into());
        map.put_number("min", min.into());
        map.put_number("max", max.into());
        map.node()
    }

    fn clusters_node(&self) -> Node {
        let mut map = Map::new(self.object.node.place.clone());
        let Clusters { only, never, matching } = &self.clusters;
        map.put_texts("only", only.iter().cloned());
        map.put_texts("never", never.iter().cloned());
        map.put_texts("matching", matching.iter().cloned());
        map.node()
    }
}

/// Makes names unique: those that stand in several namespaces become `name.namespace`, and, if need be, `name.namespace-2`.
pub fn name_apart(workloads: &mut [Workload<'_>]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for workload in workloads.iter() {
        *counts.entry(workload.name.clone()).or_default() += 1;
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for workload in workloads.iter_mut().filter(|workload| counts[&workload.name] > 1) {
        workload.name = format!("{}.{}", workload.name, workload.object.namespace());
        let count = taken.entry(workload.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            workload.name = format!("{}-{count}", workload.name);
        }
    }
}
