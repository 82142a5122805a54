//! Intents: what people want of a platform in words, and the rules, terms and weights that each of them becomes.
//!
//! | intent | becomes |
//! |---|---|
//! | `security: true` | a hard rule: all services of the application together, in the same clusters |
//! | `security: SELECTOR` | a term of every service: only clusters whose labels match |
//! | `high_availability` | hard rules: every service is frozen, and one with a minimum of 2 replicas or more that may run in 2 clusters has a replica left whichever cluster is lost |
//! | `high_performance` | for every call a rule with a price ([`PRICE`] for each replica that is not within [`ULTRALOW`] of what it calls), and a weight of latency of [`LATENCY_WEIGHT`]; goes before the `latency` of single services |
//! | `energy_efficiency` | a weight of carbon of [`CARBON_WEIGHT`] |
//! | `latency: {NAME: ultralow}` | a hard rule: less than 10 ms there and back from every replica to the called service |
//! | `latency: {NAME: low}` | a hard rule: in the same cluster or one hop away, a hop being the shortest round trip with which every cluster reaches another one |
//! | `with: [NAME]` | a hard rule: together with that service |
//! | `near_users: prefer` | a rule with a price: as near to the users as the nearest cluster that may run the service |
//! | `near_users: 20 ms` | a hard rule: at most so far from them |
//!
//! What is written in `objective` goes before the weights of intents.

use super::at::At;
use super::error::{InputError, known_names};
use super::terms::selector;
use crate::model::intent::Qos;
use crate::model::rules::{Demand, Domain, Rule, Weights};
use crate::model::scenario::Known;
use crate::model::{Application, Selector, ServiceId};
use crate::units::{Money, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Ten milliseconds less the smallest step of time: what `ultralow` allows.
pub const ULTRALOW: Span = Span(9_999_999);

/// Price of a replica that is farther away than it would like to be, in dollars an hour.
pub const PRICE: Money = Money(0.1);

/// Dollars for a request per second that waits one second for the network: a millisecond of a hundred requests a second
/// weighs 10 cents an hour.
pub const LATENCY_WEIGHT: f64 = 1.0;

/// Dollars for a kilogram of CO₂e: 200 $ a tonne, the order of the social cost of carbon (US EPA, 2023: 190 $ at a discount
/// rate of 2 %).
pub const CARBON_WEIGHT: f64 = 0.2;

/// What an application as a whole wants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IntentsFile {
    /// All services in the same clusters; or a label selector of the clusters that are trusted.
    pub security: Option<Flag>,
    /// No voluntary moves; services with a minimum of two replicas or more in at least two clusters, so that one is left
    /// when a cluster is lost.
    pub high_availability: bool,
    /// Short ways between all services that call each other.
    pub high_performance: bool,
    /// Carbon counts.
    pub energy_efficiency: bool,
}

/// What a service wants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceIntentsFile {
    /// How near services are that it calls, by name: `ultralow` (less than 10 ms), `low` (one hop), `best-effort`.
    pub latency: BTreeMap<String, Qos>,
    /// Services that it runs together with.
    pub with: Vec<String>,
    /// Near the users: `prefer`, or the longest mean round trip.
    pub near_users: Option<NearUsers>,
}

/// A flag, or text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Flag {
    /// Yes or no.
    Switch(bool),
    /// A label selector.
    Selector(String),
}

/// How near the users a service has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum NearUsers {
    /// As near as may be.
    Prefer,
    /// At most so far.
    Within(Span),
}

impl TryFrom<String> for NearUsers {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "prefer" {
            return Ok(Self::Prefer);
        }
        let wrong = |_| format!("`{text}` is no distance; write `prefer`, or a round trip like `20 ms`");
        text.parse().map(Self::Within).map_err(wrong)
    }
}

impl From<NearUsers> for String {
    fn from(near: NearUsers) -> Self {
        match near {
            NearUsers::Prefer => "prefer".to_owned(),
            NearUsers::Within(span) => span.to_string(),
        }
    }
}

/// Intents of the application and of its services, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Intents<'a> {
    /// Of the application.
    pub all: &'a IntentsFile,
    /// Of each service.
    pub services: &'a [Option<&'a ServiceIntentsFile>],
}

impl IntentsFile {
    /// The clusters that are trusted, where they are named.
    ///
    /// # Errors
    /// A selector that is none, at `at`, which is the intents.
    pub fn trusted(&self, at: &At<'_>) -> Result<Option<Selector>, InputError> {
        let Some(Flag::Selector(text)) = &self.security else { return Ok(None) };
        let wrong = || {
            let wanted = "write `true`, or a selector like `trusted=yes`";
            at.key("security").error(format!("`{text}` is not a label selector; {wanted}"))
        };
        selector(text).map(Some).ok_or_else(wrong)
    }

    /// The weights that follow from the intents.
    pub fn weigh(&self, weights: &mut Weights) {
        if self.high_performance {
            weights.latency = LATENCY_WEIGHT;
        }
        if self.energy_efficiency {
            weights.carbon = CARBON_WEIGHT;
        }
    }

    fn is_secure(&self) -> bool {
        self.security == Some(Flag::Switch(true))
    }
}

impl Intents<'_> {
    /// The rules that follow from the intents; `at` is the application.
    ///
    /// # Errors
    /// A name that nothing has, or a service that a named one does not call.
    pub fn demands(&self, known: &Known, at: &At<'_>) -> Result<Vec<Demand>, InputError> {
        let application = &known.application;
        let mut demands = Vec::new();
        let everybody: Vec<ServiceId> = application.requests().collect();
        if self.all.is_secure() && everybody.len() > 1 {
            demands.push(hard(Rule::Together(everybody.clone())));
        }
        if self.all.high_availability {
            demands.extend(everybody.iter().flat_map(|service| available(known, *service)));
        }
        if self.all.high_performance {
            let near = |call: &crate::model::Call| Rule::Near { from: call.from, to: call.to, rtt_max: ULTRALOW };
            demands.extend(application.calls.iter().map(|call| Demand { rule: near(call), price: Some(PRICE) }));
        }
        for ((index, intents), service) in self.services.iter().enumerate().zip(everybody) {
            let at = at.key("services").index(index).key("intents");
            if let Some(intents) = intents {
                demands.extend(self.of_service(intents, (service, known), &at)?);
            }
        }
        Ok(demands)
    }

    fn of_service(
        &self,
        intents: &ServiceIntentsFile,
        (service, known): (ServiceId, &Known),
        at: &At<'_>,
    ) -> Result<Vec<Demand>, InputError> {
        let application = &known.application;
        let mut demands = Vec::new();
        for (name, qos) in &intents.latency {
            let to = find(application, name, &at.key("latency").key(name))?;
            let rtt_max = match qos {
                Qos::Ultralow => ULTRALOW,
                Qos::Low => known.network.hop(),
                Qos::BestEffort => continue,
            };
            if to != service && !self.all.high_performance {
                demands.push(hard(Rule::Near { from: service, to, rtt_max }));
            }
        }
        for (index, name) in intents.with.iter().enumerate() {
            let other = find(application, name, &at.key("with").index(index))?;
            if other == service {
                return Err(at.key("with").index(index).error("a service is always with itself; name another one"));
            }
            demands.push(hard(Rule::Together(vec![service, other])));
        }
        match intents.near_users {
            None => {}
            Some(NearUsers::Within(rtt_max)) => demands.push(hard(Rule::NearUsers { service, rtt_max })),
            Some(NearUsers::Prefer) => {
                let declared = &application.services[service];
                let open = known
                    .clusters
                    .iter()
                    .filter(|(_, cluster)| declared.terms.room_max(cluster, declared.request).is_ok());
                let nearest = open.map(|(cluster, _)| known.network.rtt_from_users(cluster)).min();
                let rule = nearest.map(|rtt_max| Rule::NearUsers { service, rtt_max });
                demands.extend(rule.map(|rule| Demand { rule, price: Some(PRICE) }));
            }
        }
        Ok(demands)
    }
}

/// What high availability demands for one service: it stays, and is in two places where it has two replicas.
fn available(known: &Known, service: ServiceId) -> Vec<Demand> {
    let declared = &known.application.services[service];
    let open = known.clusters.values().filter(|cluster| declared.terms.room_max(cluster, declared.request).is_ok());
    let mut demands = vec![hard(Rule::Frozen(service))];
    if declared.replicas_min >= 2 && !declared.pinned && open.count() >= 2 {
        demands.push(hard(Rule::Survive { service, over: Domain::Cluster, at_least: 1 }));
    }
    demands
}

const fn hard(rule: Rule) -> Demand {
    Demand { rule, price: None }
}

fn find(application: &Application, name: &str, at: &At<'_>) -> Result<ServiceId, InputError> {
    let names: Vec<&str> = application.requests().map(|service| application.services[service].name.as_str()).collect();
    let unknown = || at.error(format!("no service is called `{name}`; {}", known_names(name, "services", &names)));
    let found = application.requests().find(|service| application.services[*service].name == name);
    found.ok_or_else(unknown)
}
