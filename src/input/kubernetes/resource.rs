//! Maps of resource amounts (`allocatable`, `requests`, ...) and what a pod needs of its node.
//!
//! A pod's request is kube-scheduler's: the sum over its containers and sidecars, or what one of its init containers needs
//! with the sidecars before it, whichever is more, and the overhead of its runtime class. A limit without a request is the
//! request. Amounts that the pod states as a whole win over those of its containers.

use super::super::at::At;
use super::super::error::InputError;
use super::field::Field;
use super::notes::Notes;
use crate::model::Resources;
use crate::units::kubernetes::Quantity;
use std::collections::BTreeMap;

/// Extended resources that are accelerators: names, and beginnings of names.
const ACCELERATORS: &[&str] = &[
    "nvidia.com/gpu",
    "nvidia.com/mig-",
    "amd.com/gpu",
    "gpu.intel.com/",
    "habana.ai/",
    "google.com/tpu",
    "aws.amazon.com/neuron",
    "huawei.com/Ascend",
];

/// Resources that are real and have no part in the model.
const LEFT_OUT: &[&str] = &["ephemeral-storage", "storage", "hugepages-", "attachable-volumes-"];

/// Amounts by resource, in the unit in which they are counted: thousandths of a core, bytes, devices.
pub type Amounts = BTreeMap<String, u64>;

/// Reads a map of amounts.
///
/// # Errors
/// What is no quantity.
pub fn amounts(at: &At<'_>) -> Result<Amounts, InputError> {
    let mut amounts = Amounts::new();
    for entry in at.entries()? {
        let at = at.key(&entry.key);
        let amount = match entry.key.as_str() {
            "cpu" => at.quantity(Quantity::millicores)?.map(|cpu| cpu.0),
            _ => at.quantity(Quantity::count)?,
        };
        amounts.insert(entry.key.to_string(), amount.unwrap_or(0));
    }
    Ok(amounts)
}

/// The amounts as the model counts them, and the name of the accelerator among them. What has no part in the model is
/// counted in `notes`, where it is unusual.
pub fn resources(amounts: &Amounts, at: &At<'_>, notes: &mut Notes) -> (Resources, Option<String>) {
    let amount = |name: &str| amounts.get(name).copied().unwrap_or(0);
    let mut resources = Resources { pods: amount("pods"), ..Resources::ZERO };
    (resources.cpu.0, resources.memory.0) = (amount("cpu"), amount("memory"));
    let mut accelerator = None;
    for (name, count) in amounts.iter().filter(|(_, count)| **count > 0) {
        if is_any_of(name, ACCELERATORS) && accelerator.is_none() {
            resources.gpu = *count;
            accelerator = Some(name.clone());
        } else if !["cpu", "memory", "pods"].contains(&name.as_str()) && !is_any_of(name, LEFT_OUT) {
            notes.count(&at.place(), format!("the resource {name} has no part in the model and is left out"));
        }
    }
    (resources, accelerator)
}

/// What one pod needs of its node; `at` is the pod's `spec`.
///
/// # Errors
/// What is no quantity.
pub fn pod_request(at: &At<'_>) -> Result<Amounts, InputError> {
    let mut running = Amounts::new();
    for container in at.key("containers").items()? {
        add(&mut running, &request(&container)?);
    }
    let (mut sidecars, mut starting) = (Amounts::new(), Amounts::new());
    for container in at.key("initContainers").items()? {
        let needs = request(&container)?;
        if container.key("restartPolicy").text()? == Some("Always") {
            add(&mut sidecars, &needs);
            raise(&mut starting, &sidecars);
        } else {
            let mut with_sidecars = sidecars.clone();
            add(&mut with_sidecars, &needs);
            raise(&mut starting, &with_sidecars);
        }
    }
    add(&mut running, &sidecars);
    raise(&mut running, &starting);
    running.extend(request(at)?);
    add(&mut running, &amounts(&at.key("overhead"))?);
    running.insert("pods".to_owned(), 1);
    Ok(running)
}

/// The requests of a container; limits where there is no request.
fn request(container: &At<'_>) -> Result<Amounts, InputError> {
    let mut needs = amounts(&container.path("resources.limits"))?;
    needs.extend(amounts(&container.path("resources.requests"))?);
    Ok(needs)
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = sum.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*amount);
    }
}

fn raise(highest: &mut Amounts, others: &Amounts) {
    for (name, amount) in others {
        let highest = highest.entry(name.clone()).or_default();
        *highest = (*highest).max(*amount);
    }
}

fn is_any_of(name: &str, all: &[&str]) -> bool {
    all.iter().any(|one| {
        name == *one || (one.ends_with(['-', '/']) && name.starts_with(one)) || {
            // `aws.amazon.com/neuroncore`, `huawei.com/Ascend910`: the vendor's word, then the model.
            matches!(*one, "aws.amazon.com/neuron" | "huawei.com/Ascend") && name.starts_with(one)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::documents::objects;
    use super::super::notes::Notes;
    use super::{pod_request, resources};

    /// Two containers of 100m and 200m, a sidecar of 50m, an init container of 400m after it: max(350, 50 + 400) = 450m, and
    /// 10m of overhead. Memory: only a limit of 64Mi on one container; its request is the limit.
    #[test]
    fn a_pod_needs_what_the_scheduler_says() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {resources: {requests: {cpu: 100m, nvidia.com/gpu: 1}}}\n  \
                    - {resources: {requests: {cpu: 200m}, limits: {cpu: 2, memory: 64Mi}}}\n  initContainers:\n  \
                    - {restartPolicy: Always, resources: {requests: {cpu: 50m}}}\n  - {resources: {requests: {cpu: 400m, x.org/y: 2}}}\n  \
                    overhead: {cpu: 10m}\n";
        let objects = objects(text, "x.yaml").expect("good YAML");
        let at = objects[0].at().key("spec");
        let amounts = pod_request(&at).expect("good quantities");
        let mut notes = Notes::default();
        let (needs, accelerator) = resources(&amounts, &at, &mut notes);
        assert_eq!((needs.cpu.0, needs.memory.0, needs.gpu, needs.pods), (460, 64 << 20, 1, 1));
        assert_eq!(accelerator.as_deref(), Some("nvidia.com/gpu"));
        let wanted = "x.yaml: line 4: the resource x.org/y has no part in the model and is left out";
        assert_eq!(notes.finish(), [wanted]);
    }

    #[test]
    fn amounts_of_the_pod_as_a_whole_win() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  resources: {requests: {cpu: 1}}\n  containers:\n  - {resources: {requests: {cpu: 100m, memory: 1Gi}}}\n";
        let objects = objects(text, "x.yaml").expect("good YAML");
        let amounts = pod_request(&objects[0].at().key("spec")).expect("good quantities");
        assert_eq!((amounts["cpu"], amounts["memory"]), (1_000, 1 << 30));
    }
}
