//! What charts are told of a descriptor besides the placement: the resources of a replica, and that it stands for a device nearby.
//!
//! The original tells them neither, so that a chart's own figures and the planned ones may differ; and a chart with a strict schema
//! refuses values that it does not know. So this is done where the operator wants it, and never over what the descriptor's own values
//! say.

use crate::backend::manifest::helm::VO_CHART_OVERWRITE;
use crate::input::hdag::{DescribedService, Implementer};
use crate::units::{Bytes, MilliCores};
use serde_json::{Map, Value, json};

/// The value that says that a device is nearby, to which time-sensitive networking may lead.
const DEVICE_PROXIMITY: &str = "deviceProximity";
/// The value with requests and limits, as charts commonly have it.
const RESOURCES: &str = "resources";

/// The values of the descriptor with what is said of the service there: at the root, or for a virtual object below `voChartOverwrite`.
pub fn injected(service: &DescribedService, base: &Map<String, Value>) -> Map<String, Value> {
    let mut values = base.clone();
    let implementer = service.artifact.as_ref().and_then(|artifact| artifact.oci_config.implementer);
    if implementer != Some(Implementer::Wot) {
        say(service, &mut values);
        return values;
    }
    let slot = values.entry(VO_CHART_OVERWRITE).or_insert_with(|| Map::new().into());
    if !slot.is_object() {
        *slot = Map::new().into();
    }
    if let Value::Object(below) = slot {
        say(service, below);
    }
    values
}

fn say(service: &DescribedService, target: &mut Map<String, Value>) {
    let intent = &service.deployment.intent;
    if intent.network.device_proximity.enabled {
        target.entry(DEVICE_PROXIMITY).or_insert(true.into());
    }
    // Half of them from here and half from there could be a limit below its request.
    if !target.contains_key(RESOURCES) {
        let amounts = json!({"cpu": cpu(intent.compute.cpu.cpu()), "memory": memory(intent.compute.memory())});
        target.insert(RESOURCES.to_owned(), json!({"requests": amounts, "limits": amounts}));
    }
}

/// As Kubernetes writes it: `500m`, `4`.
fn cpu(cpu: MilliCores) -> String {
    cpu.to_string()
}

/// As Kubernetes writes it: `500Mi`, `8Gi`, or bytes.
fn memory(memory: Bytes) -> String {
    let units = [(30, "Gi"), (20, "Mi"), (10, "Ki")];
    let whole = units.into_iter().find(|(power, _)| memory.0 > 0 && memory.0.trailing_zeros() >= *power);
    whole.map_or_else(|| memory.0.to_string(), |(power, unit)| format!("{}{unit}", memory.0 >> power))
}

#[cfg(test)]
mod tests {
    use super::{injected, memory};
    use crate::input::hdag::{DescribedService, parse};
    use crate::units::Bytes;
    use crate::units::kubernetes::Quantity;
    use serde_json::{Map, Value, json};

    fn service(implementer: &str, near: bool) -> DescribedService {
        let text = format!(
            "hdaGraph: {{id: g, services: [{{id: s, deployment: {{trigger: {{}}, intent: {{\
             compute: {{cpu: light, ram: medium}}, network: {{deviceProximity: {{enabled: {near}}}}}}}}}, \
             artifact: {{ociImage: 'oci://r/s', ociConfig: {{type: App, implementer: {implementer}}}, valuesOverwrite: {{}}}}}}]}}"
        );
        parse(text, "graph").expect("it is one").0.services[0].clone()
    }

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().expect("a map").clone()
    }

    /// Light is half a core, medium 2 GiB.
    #[test]
    fn a_chart_is_told_at_its_root_and_a_virtual_object_below() {
        let amounts = json!({"cpu": "500m", "memory": "2Gi"});
        let told = json!({"deviceProximity": true, "resources": {"requests": amounts, "limits": amounts}});
        assert_eq!(Value::from(injected(&service("HELM", true), &Map::new())), told);
        let base = json!({"voDescriptorOverwrite": {"catalogue": 9191}});
        let below = json!({"voDescriptorOverwrite": {"catalogue": 9191}, "voChartOverwrite": told});
        assert_eq!(Value::from(injected(&service("WOT", true), &map(&base))), below);
        assert_eq!(injected(&service("HELM", false), &Map::new()).get("deviceProximity"), None);
    }

    #[test]
    fn what_the_descriptor_says_itself_stays() {
        let base = json!({"deviceProximity": false, "resources": {"limits": {"cpu": "2"}}, "image": "a:1"});
        assert_eq!(Value::from(injected(&service("HELM", true), &map(&base))), base);
        let base = json!({"voChartOverwrite": {"resources": {}}});
        let values = injected(&service("WOT", true), &map(&base));
        assert_eq!(Value::from(values), json!({"voChartOverwrite": {"resources": {}, "deviceProximity": true}}));
        // What stands in the way and is no map is replaced, as it is by the placement.
        let values = injected(&service("WOT", true), &map(&json!({"voChartOverwrite": null})));
        assert_eq!(values["voChartOverwrite"]["deviceProximity"], true);
    }

    #[test]
    fn amounts_are_read_back_as_they_were() {
        for bytes in [0, 1, 1_000, 1 << 10, 3 << 29, 500 << 20, 8 << 30, (8 << 30) + 1] {
            let text = memory(Bytes(bytes));
            assert_eq!(Quantity::parse(&text).expect("a quantity").count(), Ok(bytes), "{text}");
        }
        assert_eq!([memory(Bytes(3 << 29)), memory(Bytes(8 << 30))], ["1536Mi", "8Gi"]);
    }
}
