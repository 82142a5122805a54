//! `capacity.yaml`: what `smo fit` found, as scenarios and back tests read it.
//!
//! A scenario names the file by `capacities:`; what stands there is what policies believe. What a service declares itself
//! stays true, so that a wrong fit shows what it costs; a service that declares no capacity is taken as it was fitted.
//! Policies that plan for the worse use a lower quantile: the file holds the model at one, and the coefficients at another
//! are `m + (l − m)·z(q)/z(q_l)`, as if estimates were normal (`m` median, `l` low, `z` quantiles of the standard normal).

use super::at::At;
use super::capacity::{CapacityLaw, ClassCapacity};
use super::error::{InputError, known_names};
use super::file::Files;
use super::node::{Entry, Node, Scalar, Value};
use super::read::read;
use super::written::Written;
use crate::model::{Application, Capacity, CapacityByClass};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};
use std::collections::BTreeMap;
use std::path::Path;

/// The class that stands for all of them.
pub const ALL: &str = "all";

/// Fitted capacities, and how sure policies want to be of them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacitiesFile {
    /// The file that `smo fit --out` wrote.
    pub file: String,
    /// Which quantile of the estimate policies believe: `50 %` is the median, `10 %` is more careful.
    #[serde(default = "median")]
    pub quantile: Ratio,
}

const fn median() -> Ratio {
    Ratio(500_000)
}

/// The whole of `capacity.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedFile {
    /// The command that made it.
    #[serde(default)]
    pub made_by: String,
    /// The quantile at which `capacity_low` stands.
    pub capacity_quantile: f64,
    /// By service, then by cluster class; `all` is every class that is not named.
    pub services: BTreeMap<String, BTreeMap<String, FittedClass>>,
}

/// A service on one class of clusters: fitted or refused.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are those of `smo fit`, and its page in the documentation defines them")]
pub struct FittedClass {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identified_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityLaw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_low: Option<CapacityLaw>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<String, [f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_replica: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<FittedCpu>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<FittedLatency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_at_s: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<FittedRefusal>,
}

/// Why a service has no capacity there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct FittedRefusal {
    pub code: String,
    pub reason: String,
    #[serde(default)]
    pub would_help: Vec<String>,
}

/// CPU as a function of load, for predictions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above; estimates are value, low, high")]
pub struct FittedCpu {
    pub seconds_per_request: [f64; 3],
    pub cores_per_idle_replica: [f64; 3],
    pub scale_cores: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_cores: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling_share: Option<[f64; 3]>,
}

/// Latency as a function of load, for predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct FittedLatency {
    pub column: String,
    pub fixed_s: f64,
    pub per_worker_per_s: f64,
    pub workers: u32,
    pub variability: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_replica: Option<[f64; 3]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_replica_within_slo: Option<[f64; 3]>,
    pub load_max: f64,
    pub error: f64,
}

/// A file that was read for a scenario, and the quantile that policies believe.
#[derive(Debug, Clone)]
pub struct Believed {
    file: FittedFile,
    label: String,
    quantile: f64,
}

/// Reads a `capacity.yaml` by itself.
///
/// # Errors
/// What is wrong with it.
pub fn read_fitted(path: &Path) -> Result<FittedFile, InputError> {
    let mut files = Files::default();
    let root = files.read_scenario(path)?;
    checked(read(&root)?, &At::root(&root))
}

fn checked(file: FittedFile, at: &At<'_>) -> Result<FittedFile, InputError> {
    if !(file.capacity_quantile > 0.0 && file.capacity_quantile < 0.5) {
        let message = format!("{} is no lower quantile; write more than 0 and less than 0.5", file.capacity_quantile);
        return Err(at.key("capacity_quantile").error(message));
    }
    for (service, classes) in &file.services {
        for (class, fitted) in classes {
            let at = at.key("services").key(service).key(class);
            if fitted.capacity.is_some() == fitted.refused.is_some() {
                return Err(at.error("neither or both of a capacity and a refusal; write one of `capacity`, `refused`"));
            }
            for (key, law) in [("capacity", fitted.capacity), ("capacity_low", fitted.capacity_low)] {
                if let Some(law) = law {
                    Capacity::try_from(law).map_err(|message| at.key(key).error(message))?;
                }
            }
        }
    }
    Ok(file)
}

/// Reads the file that a scenario names, and gives its capacities to services that declare none.
///
/// # Errors
/// What is wrong with the file, or with its name.
pub fn fill(root: &mut Node, files: &mut Files) -> Result<(), InputError> {
    let at = At::root(root).key("capacities");
    let Some(node) = at.node().filter(|node| !matches!(node.value, Value::Scalar(Scalar::Null))) else { return Ok(()) };
    let (written, quantile, file_at): (Written<String, CapacitiesFile>, _, _) =
        (read(node)?, at.key("quantile"), at.key("file"));
    let (name, wanted, at) = match written {
        Written::Short(name) => (name, median(), at.clone()),
        Written::Long(long) => (long.file, long.quantile, file_at),
    };
    if wanted == Ratio::ZERO || wanted > median() {
        let message =
            format!("{wanted} is not a quantile to plan by; write more than 0 % and at most 50 %, the median");
        return Err(quantile.error(message));
    }
    let tree = files.read_yaml(&name, &at)?;
    let file = checked(read(&tree)?, &At::root(&tree))?;
    let label = tree.place.file.to_string();
    files.believed = Some(Believed { file, label, quantile: wanted.as_f64() });
    let Some(believed) = &files.believed else { return Ok(()) };
    let services = match &mut root.value {
        Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == "application"),
        _ => None,
    };
    let services = services.and_then(|application| match &mut application.node.value {
        Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == "services"),
        _ => None,
    });
    let Some(Entry { node: Node { value: Value::List(services), .. }, .. }) = services else { return Ok(()) };
    services.iter_mut().try_for_each(|service| believed.give(service))
}

impl FittedFile {
    /// The median of a service, as a scenario writes a capacity; `None` where the file has no fit of it.
    pub fn median_of(&self, service: &str) -> Option<serde_json::Value> {
        self.capacity_of(service, None, 0.5).map(|capacity| written(&capacity))
    }

    /// What policies believe of a service; `None` where the file has no fit of it.
    fn capacity_of(&self, service: &str, declared: Option<&CapacityByClass>, quantile: f64) -> Option<CapacityByClass> {
        let classes = self.services.get(service)?;
        let known = classes.iter().filter_map(|(class, fitted)| Some((class, self.at_quantile(fitted, quantile)?)));
        let mut by_class: BTreeMap<String, Capacity> =
            known.map(|(class, capacity)| (class.clone(), capacity)).collect();
        let least = || by_class.values().copied().min_by(|a, b| one_replica(a).total_cmp(&one_replica(b)));
        let default = match (by_class.get(ALL), declared) {
            (Some(all), _) => *all,
            (None, Some(declared)) => declared.default,
            (None, None) => least()?,
        };
        let is_all = by_class.remove(ALL).is_some();
        if let Some(declared) = declared.filter(|_| !is_all) {
            for (class, capacity) in &declared.by_class {
                by_class.entry(class.clone()).or_insert(*capacity);
            }
        }
        Some(CapacityByClass { default, by_class })
    }

    fn at_quantile(&self, fitted: &FittedClass, quantile: f64) -> Option<Capacity> {
        let median = Capacity::try_from(fitted.capacity?).ok()?;
        let low = fitted.capacity_low.and_then(|law| Capacity::try_from(law).ok()).unwrap_or(median);
        let normal = Normal::standard();
        let share = normal.inverse_cdf(quantile) / normal.inverse_cdf(self.capacity_quantile);
        let between = |median: f64, low: f64| median + (low - median) * share;
        // Far out, a straight line in the quantile would turn a wide interval into nothing or less.
        let above = |median: f64, low: f64| between(median, low).max(0.05 * median);
        Some(match (median, low) {
            (Capacity::Linear { alpha, beta }, Capacity::Linear { alpha: alpha_low, beta: beta_low }) => {
                Capacity::Linear { alpha: above(alpha, alpha_low), beta: between(beta, beta_low) }
            }
            (
                Capacity::Usl { gamma, sigma, kappa },
                Capacity::Usl { gamma: gamma_low, sigma: sigma_low, kappa: kappa_low },
            ) => Capacity::Usl {
                gamma: above(gamma, gamma_low),
                sigma: between(sigma, sigma_low).max(0.0),
                kappa: between(kappa, kappa_low).max(0.0),
            },
            (_, low) if share >= 0.5 => low,
            (median, _) => median,
        })
    }
}

/// A capacity as a scenario writes it.
///
/// # Panics
/// Never: a capacity has only text as keys and finite numbers.
pub fn written(capacity: &CapacityByClass) -> serde_json::Value {
    let law = super::capacity::CapacityFile(capacity.clone());
    serde_json::to_value(law).expect("a capacity has only text as keys and finite numbers")
}

impl Believed {
    /// Gives the median to a service of a tree that declares no capacity.
    fn give(&self, service: &mut Node) -> Result<(), InputError> {
        let (Some(name), None) = (service.name(), service.get("capacity")) else { return Ok(()) };
        let Some(capacity) = self.file.capacity_of(name, None, 0.5) else { return Ok(()) };
        let node = Node::parse(written(&capacity).to_string().as_str(), &self.label)?;
        let place = node.place.clone();
        if let Value::Map(entries) = &mut service.value {
            entries.push(Entry { key: "capacity".to_owned().into(), key_place: place, node });
        }
        Ok(())
    }

    /// Makes what policies believe of an application what the file says, and notes what it does not say.
    ///
    /// # Errors
    /// A service of the file that the application does not have, where it has none of them.
    pub fn apply(&self, application: &mut Application, notes: &mut Vec<String>, at: &At<'_>) -> Result<(), InputError> {
        let names: Vec<String> = application.services.values().map(|service| service.name.clone()).collect();
        if let Some(stranger) = self.file.services.keys().find(|name| !names.contains(name))
            && !self.file.services.keys().any(|name| names.contains(name))
        {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let known = known_names(stranger, "services", &names);
            return Err(at.error(format!(
                "`{}` has no service of the application, only others like `{stranger}`; {known}",
                self.label
            )));
        }
        for (_, service) in application.services.iter_mut() {
            let Some(capacity) = self.file.capacity_of(&service.name, Some(&service.capacity), self.quantile) else {
                notes
                    .push(format!("{} has no fit of {}: policies believe what it declares.", self.label, service.name));
                continue;
            };
            let refused = self.file.services.get(&service.name).into_iter().flatten();
            for (class, refusal) in refused.filter_map(|(class, one)| Some((class, one.refused.as_ref()?))) {
                notes.push(format!("{} refuses {} on class {class}: {}.", self.label, service.name, refusal.reason));
            }
            service.capacity = capacity;
        }
        let percent = (self.quantile * 1e4).round() / 100.0;
        notes.push(format!("Policies believe the capacities in {} at quantile {percent} %.", self.label));
        Ok(())
    }
}

fn one_replica(capacity: &Capacity) -> f64 {
    capacity.at(1, Ratio::ONE).per_second()
}

impl From<Capacity> for CapacityLaw {
    fn from(capacity: Capacity) -> Self {
        ClassCapacity(capacity).into()
    }
}
