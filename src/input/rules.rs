//! What is demanded of plans and what they are weighed by, as people write it: `rules` and `objective`.
//!
//! ```yaml
//! rules:
//!   - together: [frontend, cache]
//!   - {spread: {service: api, over: region, at_least: 2}, price: 0.10 $}    # with a price: may be broken, and costs that
//! objective: {carbon: 0.2}
//! ```
//! Without a price a rule must not be broken: a plan that breaks it by more than it was broken before is not applied. Rules
//! of an application and of the scenario that uses it both hold; of an objective the scenario's weights go before.

use super::application::ApplicationFile;
use super::at::At;
use super::error::{InputError, known_names};
use super::intents::Intents;
use super::written::{NonNegative, Positive, Share};
use crate::model::rules::{Demand, Domain, Rule, Rules, Weights};
use crate::model::scenario::Known;
use crate::model::{Application, ServiceId};
use crate::units::{Money, Ratio, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One rule, by the field that is there, and what it costs to break it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RuleFile {
    /// These services run in the same clusters: every cluster that has replicas of one has replicas of all that run.
    pub together: Option<Vec<String>>,
    /// No cluster has replicas of two of these services.
    pub apart: Option<Vec<String>>,
    /// The replicas of a service lie in at least so many clusters or regions, or in as many as it has replicas.
    pub spread: Option<SpreadFile>,
    /// No cluster or region has more than a share of the replicas of a service, rounded up.
    pub share: Option<ShareFile>,
    /// Whichever one cluster or region is lost, so many replicas of a service are left.
    pub survive: Option<SpreadFile>,
    /// Every cluster with replicas of a service is near the users: the mean round trip over all of them.
    pub near_users: Option<NearUsersFile>,
    /// From every cluster with replicas of one service there is one with replicas of another nearby.
    pub near: Option<NearFile>,
    /// The replicas of this service stay where they are, as long as they may.
    pub frozen: Option<String>,
    /// All that runs costs no more in an hour, by the prices of cores.
    pub budget: Option<Money>,
    /// Price of breaking the rule by one unit for an hour; where nothing is said, it must not be broken. Units: a service
    /// missing in a cluster (`together`), one too many there (`apart`), a missing cluster or region (`spread`), a replica
    /// (all others), a thousandth of a dollar (`budget`).
    pub price: Option<Money>,
}

/// A service, what it is spread over or survives the loss of, and a number.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpreadFile {
    /// Whose replicas.
    pub service: String,
    /// Over what.
    #[serde(default = "cluster")]
    pub over: Domain,
    /// Clusters or regions (`spread`), or replicas that are left (`survive`).
    pub at_least: Positive<u32>,
}

/// A service, what it is shared among, and the largest share.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareFile {
    /// Whose replicas.
    pub service: String,
    /// Among what.
    #[serde(default = "cluster")]
    pub over: Domain,
    /// Of all its replicas.
    pub at_most: Share,
}

/// A service and how far it may be from the users.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NearUsersFile {
    /// Whose replicas.
    pub service: String,
    /// Mean round trip, weighted by the shares of the users.
    pub rtt_max: Span,
}

/// A caller, the one called, and how far they may be apart.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NearFile {
    /// The caller.
    pub from: String,
    /// The one called.
    pub to: String,
    /// Round trip between them.
    pub rtt_max: Span,
}

/// What a unit of each term weighs, in dollars an hour. Policies that weigh take these; a weight of zero leaves a term out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectiveFile {
    /// Dollars that cores cost by the hour; 1 where nothing is said.
    pub cost: Option<NonNegative>,
    /// Dollars that traffic between clusters costs by the hour; 1 where nothing is said.
    pub egress: Option<NonNegative>,
    /// For one request per second that waits one second for the network; 0 where nothing is said.
    pub latency: Option<NonNegative>,
    /// For a kilogram of CO₂e; 0 where nothing is said.
    pub carbon: Option<NonNegative>,
    /// For each replica that starts in another cluster than it was, and for each GiB of its state; 0.02 where nothing is
    /// said.
    pub moves: Option<NonNegative>,
    /// For using a cluster at all; 0 where nothing is said.
    pub activation: Option<NonNegative>,
    /// For the share of its CPU by which the fullest cluster exceeds the mean; 0 where nothing is said.
    pub balance: Option<NonNegative>,
    /// For each replica that is wanted and not placed; 1000 where nothing is said.
    pub shortage: Option<NonNegative>,
}

const fn cluster() -> Domain {
    Domain::Cluster
}

impl ObjectiveFile {
    /// Sets the weights that are given.
    pub fn lay_over(&self, weights: &mut Weights) {
        let set = |weight: &mut f64, given: Option<NonNegative>| *weight = given.map_or(*weight, |given| given.0);
        set(&mut weights.cost, self.cost);
        set(&mut weights.egress, self.egress);
        set(&mut weights.latency, self.latency);
        set(&mut weights.carbon, self.carbon);
        set(&mut weights.moves, self.moves);
        set(&mut weights.activation, self.activation);
        set(&mut weights.balance, self.balance);
        set(&mut weights.shortage, self.shortage);
    }
}

/// Everything that is demanded and weighed: by intents, by the application, and by the scenario, whose root is `at`.
///
/// # Errors
/// What is wrong with one of them, or two that contradict each other.
pub fn rules(
    application: &ApplicationFile,
    (files, objective): (&[RuleFile], &ObjectiveFile),
    known: &Known,
    at: &At<'_>,
) -> Result<Rules, InputError> {
    let of_application = at.key("application");
    let services: Vec<_> = application.services.iter().map(|service| service.intents.as_ref()).collect();
    let intents = Intents { all: &application.intents, services: &services };
    let mut demands = intents.demands(known, &of_application)?;
    let mut places = vec![of_application.key("intents"); demands.len()];
    for (list, files) in [(of_application.key("rules"), application.rules.as_slice()), (at.key("rules"), files)] {
        for (index, file) in files.iter().enumerate() {
            demands.push(demand(file, known, &list.index(index))?);
            places.push(list.index(index));
        }
    }
    let mut weights = Weights::default();
    application.intents.weigh(&mut weights);
    application.objective.lay_over(&mut weights);
    objective.lay_over(&mut weights);
    let rules = Rules { demands, weights };
    contradictions(&rules, known, &places)?;
    Ok(rules)
}

fn demand(file: &RuleFile, known: &Known, at: &At<'_>) -> Result<Demand, InputError> {
    let reader = Reader { application: &known.application };
    let mut found = Vec::new();
    if let Some(names) = &file.together {
        found.push(Rule::Together(reader.services(names, &at.key("together"))?));
    }
    if let Some(names) = &file.apart {
        found.push(Rule::Apart(reader.services(names, &at.key("apart"))?));
    }
    if let Some(SpreadFile { service, over, at_least }) = &file.spread {
        let service = reader.service(service, &at.key("spread").key("service"))?;
        found.push(Rule::Spread { service, over: *over, at_least: at_least.0 });
    }
    if let Some(ShareFile { service, over, at_most }) = &file.share {
        let service = reader.service(service, &at.key("share").key("service"))?;
        found.push(Rule::Share { service, over: *over, at_most: at_most.0 });
    }
    if let Some(SpreadFile { service, over, at_least }) = &file.survive {
        let service = reader.service(service, &at.key("survive").key("service"))?;
        found.push(Rule::Survive { service, over: *over, at_least: at_least.0 });
    }
    if let Some(NearUsersFile { service, rtt_max }) = &file.near_users {
        let service = reader.service(service, &at.key("near_users").key("service"))?;
        found.push(Rule::NearUsers { service, rtt_max: *rtt_max });
    }
    if let Some(NearFile { from, to, rtt_max }) = &file.near {
        let at = at.key("near");
        let (from, to) = (reader.service(from, &at.key("from"))?, reader.service(to, &at.key("to"))?);
        if from == to {
            return Err(at.error("a service is always near itself; name two services"));
        }
        found.push(Rule::Near { from, to, rtt_max: *rtt_max });
    }
    if let Some(service) = &file.frozen {
        found.push(Rule::Frozen(reader.service(service, &at.key("frozen"))?));
    }
    found.extend(file.budget.map(Rule::Budget));
    let mut found = found.into_iter();
    let (Some(rule), None) = (found.next(), found.next()) else {
        let all = "`together`, `apart`, `spread`, `share`, `survive`, `near_users`, `near`, `frozen` or `budget`";
        return Err(at.error(format!("a rule says one thing; write one of {all}, each in an item of its own")));
    };
    if file.price.is_none() {
        possible(&rule, known, at)?;
    }
    Ok(Demand { rule, price: file.price })
}

struct Reader<'a> {
    application: &'a Application,
}

impl Reader<'_> {
    fn service(&self, name: &str, at: &At<'_>) -> Result<ServiceId, InputError> {
        let application = self.application;
        let names: Vec<&str> =
            application.requests().map(|service| application.services[service].name.as_str()).collect();
        let found = application.requests().find(|service| application.services[*service].name == name);
        let unknown = || at.error(format!("no service is called `{name}`; {}", known_names(name, "services", &names)));
        found.ok_or_else(unknown)
    }

    fn services(&self, names: &[String], at: &At<'_>) -> Result<Vec<ServiceId>, InputError> {
        let mut services = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let service = self.service(name, &at.index(index))?;
            if services.contains(&service) {
                return Err(at.index(index).error(format!("`{name}` stands here twice; name each service once")));
            }
            services.push(service);
        }
        if services.len() < 2 {
            return Err(at.error("one service alone has nobody to be with; name two or more"));
        }
        Ok(services)
    }
}

/// Refuses a rule that no plan can keep.
fn possible(rule: &Rule, known: &Known, at: &At<'_>) -> Result<(), InputError> {
    let name = |service: ServiceId| &known.application.services[service].name;
    match rule {
        Rule::Spread { service, over, at_least } => {
            let (count, word) = (domains(known, *service, *over), over.word());
            if *at_least as usize > count {
                let message = format!(
                    "{at_least} {word}s are more than the {count} that `{}` may run in; write at most {count}",
                    name(*service)
                );
                return Err(at.key("spread").key("at_least").error(message));
            }
        }
        Rule::Share { service, over, at_most } => {
            let count = domains(known, *service, *over) as u64;
            if at_most.0.saturating_mul(count) < Ratio::ONE.0 {
                let message = format!(
                    "{count} {}s with {at_most} each do not add up to all replicas of `{}`; write at least {}",
                    over.word(),
                    name(*service),
                    Ratio(Ratio::ONE.0.div_ceil(count.max(1)))
                );
                return Err(at.key("share").key("at_most").error(message));
            }
        }
        Rule::Survive { service, over, at_least } => {
            let count = u32::try_from(domains(known, *service, *over)).unwrap_or(u32::MAX);
            let declared = &known.application.services[*service];
            let left = |replicas: u32| replicas - replicas.div_ceil(count.max(1));
            if left(declared.replicas_min) < *at_least {
                let enough = (declared.replicas_min..=declared.replicas_max).find(|all| left(*all) >= *at_least);
                let remedy = enough.map_or_else(
                    || "write fewer, or more places for it to run in".to_owned(),
                    |enough| format!("write `replicas: {{min: {enough}}}`"),
                );
                let message = format!(
                    "with its {} replicas at least, in {count} {}s, `{}` does not have {at_least} left after a loss; {remedy}",
                    declared.replicas_min,
                    over.word(),
                    name(*service)
                );
                return Err(at.key("survive").key("at_least").error(message));
            }
        }
        Rule::NearUsers { service, rtt_max } => {
            let nearest = known.clusters.ids().map(|cluster| known.network.rtt_from_users(cluster)).min();
            if let Some(nearest) = nearest.filter(|nearest| nearest > rtt_max) {
                let message = format!(
                    "no cluster is within {rtt_max} of the users of `{}`; the nearest one is {nearest} away, write at least that",
                    name(*service)
                );
                return Err(at.key("near_users").key("rtt_max").error(message));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Clusters or regions in which `service` may run, by labels, taints and sizes; all of them where it may run nowhere, which
/// is told elsewhere.
fn domains(known: &Known, service: ServiceId, over: Domain) -> usize {
    let declared = &known.application.services[service];
    let open = known.clusters.values().filter(|cluster| declared.terms.room_max(cluster, declared.request).is_ok());
    let all: BTreeSet<&str> = match over {
        Domain::Cluster => open.map(|cluster| cluster.name.as_str()).collect(),
        Domain::Region => open.map(|cluster| cluster.region.as_str()).collect(),
    };
    if all.is_empty() { known.clusters.len() } else { all.len() }
}

/// Refuses hard rules that contradict each other: services that are to be together and apart, a pinned service that is to
/// be in several places.
///
/// # Errors
/// The first contradiction; `places` has the place of each demand.
fn contradictions(rules: &Rules, known: &Known, places: &[At<'_>]) -> Result<(), InputError> {
    let name = |service: &ServiceId| known.application.services[*service].name.as_str();
    let hard = || rules.demands.iter().enumerate().filter(|(_, demand)| demand.price.is_none());
    let groups = || {
        hard().filter_map(|(_, demand)| match &demand.rule {
            Rule::Together(services) => Some(services),
            _ => None,
        })
    };
    for (index, demand) in hard() {
        match &demand.rule {
            Rule::Apart(apart) => {
                for group in groups() {
                    let both: Vec<&str> = apart.iter().filter(|service| group.contains(service)).map(name).collect();
                    if let [one, other, ..] = both[..] {
                        let message =
                            format!("`{one}` and `{other}` are to be together by another rule; remove one of the two");
                        return Err(places[index].error(message));
                    }
                }
            }
            Rule::Spread { service, at_least: 2.., .. } | Rule::Survive { service, .. }
                if known.application.services[*service].pinned =>
            {
                let message = format!("`{}` is pinned to one cluster; unpin it, or leave the rule out", name(service));
                return Err(places[index].error(message));
            }
            _ => {}
        }
    }
    Ok(())
}
