//! Deploys the services of a graph that are due: room is found, wishes are stored, workloads are claimed, charts are installed, and
//! what a run needs is put together. Every step may be repeated.
//!
//! Places are decided before anything is installed, and only for services that have none: what runs keeps its place until the policy
//! moves it. A graph with static placement is only installed: its charts say where they go.

use super::context::{Context, KeepError};
use super::settings::Releases;
use super::told::Shares;
use super::wishes::wishes;
use super::world::{self, World, world};
use super::{capacities, clusters, owners, plan, remove};
use crate::backend::live::connect::requested;
use crate::backend::live::deploy::Installer;
use crate::backend::live::karmada::Karmada;
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::together::together;
use crate::input::hdag::Descriptor;
use crate::model::connection::Connection;
use crate::model::plan::Target;
use crate::model::{Plan, Scenario, Targets};
use crate::policy::PolicySpec;
use crate::serve::store::rows::{CapacityOrigin, Graph, Job, Phase, Status};
use crate::units::{Bytes, MilliCores};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use super::refresh::Refresher;

/// What is to be deployed.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What is shared.
    pub context: &'a Arc<Context>,
    /// The graph.
    pub graph: &'a Graph,
    /// Its descriptor.
    pub descriptor: &'a Descriptor,
    /// The services that are due.
    pub services: &'a BTreeSet<String>,
}

/// What was deployed.
pub enum Deployed {
    /// Charts that place themselves.
    Fixed(Karmada),
    /// Services that a policy places.
    Placed(Box<Placed>),
}

/// What a run needs.
pub struct Placed {
    /// The world.
    pub scenario: Scenario,
    /// Where it is.
    pub connection: Connection,
    /// Who decides.
    pub policy: PolicySpec,
    /// Who says what replicas can serve, by service.
    pub origins: BTreeMap<String, CapacityOrigin>,
    /// Tells charts of a new placement.
    pub refresher: super::refresh::Parts,
}

/// Deploys, and notes in `status` what is deployed from what.
///
/// # Errors
/// See [`KeepError`]: no room, no chart, no control plane.
pub async fn deploy(asked: Asked<'_>, status: &mut Status, job: Option<&Job>) -> Result<Deployed, KeepError> {
    let Asked { context, graph, descriptor, services } = asked;
    let karmada = context.karmada(&graph.project).await?;
    clear(asked, &karmada).await?;
    let (policy, charts) = (policy(context, graph).await?, charts(asked, status).await?);
    for service in status.services.iter_mut().filter(|one| services.contains(&one.name)) {
        if matches!(service.phase, Phase::Pending | Phase::Stopped | Phase::Failed) {
            service.phase = Phase::Deploying;
        }
        service.chart = charts.get(&service.name).cloned();
    }
    // What is installed from now on is known to be ours, also after a crash.
    context.store.set_status(&graph.id, status).await?;
    if descriptor.intent.use_static_placement {
        let values = fixed_values(descriptor, services);
        let releases = Releases { charts, values: values.clone() };
        install(asked, (&karmada, &releases), async { Ok(()) }, job).await?;
        set_values(status, &values);
        return Ok(Deployed::Fixed(karmada));
    }
    let world = world_of(asked, &karmada, status).await?;
    let wishes = wishes(asked, &karmada, (&policy, &world), job).await?;
    let releases = Releases { charts, values: plan::values(&world, &planned(&world, &wishes)) };
    install(asked, (&karmada, &releases), claim(&karmada, &world, &wishes), job).await?;
    let Releases { charts, values } = releases;
    set_values(status, &values);
    let world = world_of(asked, &karmada, status).await?;
    let names: Vec<String> = world.scenario.known.application.services.values().map(|one| one.name.clone()).collect();
    capacities::note(status, &world);
    let scaled = world.scaled();
    let connection = context.settings.connection(graph, (cluster_names(&world), &names), (&scaled, None))?;
    let full = |values: BTreeMap<String, Value>| {
        let releases = Releases { charts: charts.clone(), values };
        context.settings.connection(graph, (cluster_names(&world), &names), (&scaled, Some(&releases)))
    };
    let (scenario, complete, origins) = (world.scenario.clone(), full(values.clone())?, world.origins.clone());
    let refresher = super::refresh::Parts {
        context: context.clone(),
        graph: graph.clone(),
        descriptor: descriptor.clone(),
        karmada,
        world,
        connection: complete,
        given: values,
        places: wishes,
    };
    Ok(Deployed::Placed(Box::new(Placed { scenario, connection, policy, origins, refresher })))
}

/// Sees that nothing is in the way: the kill switch, another graph's service of the same name, what was there before.
async fn clear(asked: Asked<'_>, karmada: &Karmada) -> Result<(), KeepError> {
    let Asked { context, graph, services, .. } = asked;
    karmada.make_namespace().await?;
    // As it is now: somebody may have turned it on since the graph was read, which is not to be undone.
    let paused = context.store.graph_by_id(&graph.id).await?.map_or_else(|| graph.paused.clone(), |now| now.paused);
    let on = super::pause::turn_on(karmada, graph, paused.as_deref()).await?;
    if let Some(reason) = paused.or(on) {
        let reason = format!("the kill switch is on: {reason}");
        return Err(CallError::new("karmada", "check of the kill switch", Class::Retryable, reason).into());
    }
    owners::check(context, graph, services).await?;
    remove::leftover(context, karmada, graph, services).await
}

fn set_values(status: &mut Status, values: &BTreeMap<String, Value>) {
    for service in &mut status.services {
        if let Some(values) = values.get(&service.name) {
            service.values = values.clone();
        }
    }
}

/// Who decides: as the graph says, or its project, or the server.
///
/// # Errors
/// A name that no policy has.
pub async fn policy(context: &Context, graph: &Graph) -> Result<PolicySpec, KeepError> {
    let said = match &graph.options.policy {
        Some(policy) => Some(policy.clone()),
        None => context.store.project(&graph.project).await?.and_then(|project| project.policy),
    };
    match said {
        None => Ok(context.settings.policy.clone()),
        Some(said) => said.parse().map_err(|error| KeepError::Impossible(format!("policy `{said}`: {error}"))),
    }
}

/// The values of charts that place themselves: the descriptor's.
fn fixed_values(descriptor: &Descriptor, services: &BTreeSet<String>) -> BTreeMap<String, Value> {
    let ours = descriptor.services.iter().filter(|service| services.contains(&service.id));
    let values = |service: &crate::input::hdag::DescribedService| {
        service.artifact.as_ref().map(|artifact| artifact.values_overwrite.clone()).unwrap_or_default()
    };
    ours.map(|service| (service.id.clone(), values(service).into())).collect()
}

/// The charts by digest: those that were resolved for this generation stay as they are, whatever their tags mean by now.
async fn charts(asked: Asked<'_>, status: &Status) -> Result<BTreeMap<String, String>, KeepError> {
    let Asked { context, graph, descriptor, services } = asked;
    let is_same = graph.status.generation == graph.generation;
    let (mut charts, mut open) = (BTreeMap::new(), Vec::new());
    for name in services {
        let kept = status.services.iter().find(|one| one.name == *name).and_then(|one| one.chart.clone());
        let reference = descriptor.service(name).and_then(|service| service.artifact.as_ref()?.oci_image.clone());
        let Some(reference) = reference else {
            return Err(KeepError::Impossible(format!(
                "{name}: it has no chart; write `artifact.ociImage: oci://...`"
            )));
        };
        match kept.filter(|_| is_same) {
            Some(kept) => drop(charts.insert(name.clone(), kept)),
            None => open.push((name, reference)),
        }
    }
    let at = context.settings.charts_at(open.iter().map(|(_, reference)| reference.as_str()));
    let registry = context.settings.registry(&at);
    let resolved = together(open.iter().map(|(_, reference)| registry.resolve(reference))).await?;
    charts.extend(open.iter().map(|(name, _)| (*name).clone()).zip(resolved));
    Ok(charts)
}

/// The world with what Deployments really ask for.
async fn world_of(asked: Asked<'_>, karmada: &Karmada, status: &Status) -> Result<World, KeepError> {
    let Asked { context, graph, descriptor, services } = asked;
    let rows = clusters::rows(context).await?;
    let requests = together(services.iter().map(|name| requested(karmada, name))).await?;
    let requests = services.iter().cloned().zip(requests).filter_map(|(name, request)| Some((name, request?)));
    let requests: BTreeMap<String, (MilliCores, Bytes)> = requests.collect();
    let held = clusters::held(descriptor, status, &requests);
    let capacities = context.settings.capacities.as_deref();
    let asked = world::Asked {
        descriptor,
        options: &graph.options,
        services,
        requests: &requests,
        fitted: context.settings.learn.map(|_| status),
        clusters: &rows,
        held: &held,
        capacities,
        inject_resources: context.settings.inject_resources,
    };
    world(asked).map_err(|error| match error {
        world::WorldError::NoCluster | world::WorldError::Capacities(_) | world::WorldError::Folder(_) => {
            KeepError::Call(CallError::new("smo", format!("place {}", graph.name), Class::Retryable, error))
        }
        world::WorldError::Input(reason) => KeepError::Impossible(reason),
    })
}

/// Wishes as a plan of the world.
pub fn planned(world: &World, wishes: &BTreeMap<String, Shares>) -> Plan {
    let known = &world.scenario.known;
    let target = |name: &String, (cluster, replicas): (&String, &u32)| {
        let service = known.application.service(name)?;
        let cluster = known.clusters.find(|one| one.name == *cluster)?;
        Some(Target { service, cluster, replicas: *replicas })
    };
    let targets = wishes.iter().flat_map(|(name, shares)| shares.iter().filter_map(move |share| target(name, share)));
    Plan { targets: targets.collect::<Targets>(), ..Plan::default() }
}

/// The clusters of a world, as Karmada calls them.
pub fn cluster_names(world: &World) -> Vec<String> {
    world.scenario.known.clusters.values().map(|cluster| cluster.name.clone()).collect()
}

/// Makes the workloads ours before their charts are installed: so that no policy of a chart takes them first.
async fn claim(karmada: &Karmada, world: &World, wishes: &BTreeMap<String, Shares>) -> Result<(), CallError> {
    let claims = world.scenario.known.application.services.values().map(|service| async {
        let binding = karmada.binding_to_claim(&service.name).await?;
        let wanted = wishes.get(&service.name).cloned().unwrap_or_default();
        karmada.claim(&service.name, binding.as_ref(), (&wanted, &service.terms.tolerations)).await
    });
    together(claims).await?;
    Ok(())
}

/// Installs or upgrades the charts, which are fetched while the workloads are claimed.
async fn install(
    asked: Asked<'_>,
    (karmada, releases): (&Karmada, &Releases),
    claim: impl Future<Output = Result<(), CallError>>,
    job: Option<&Job>,
) -> Result<(), KeepError> {
    let Asked { context, graph, services, .. } = asked;
    let names: Vec<String> = services.iter().cloned().collect();
    let connection = context.settings.connection(graph, (Vec::new(), &names), (&BTreeSet::new(), Some(releases)))?;
    let registry = context.settings.registry(&connection.charts);
    let ((), installer) = tokio::try_join!(claim, Installer::new(karmada, &connection, &registry))?;
    installer.install(&connection, &|| context.is_left(&graph.id)).await?;
    if let Some(job) = job {
        context.store.job_step(&job.id, &format!("charts installed: {}", names.join(", "))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{PolicySpec, policy};
    use crate::serve::engine::stand_in;
    use crate::serve::store::asked::NewGraph;
    use crate::serve::store::rows::Options;
    use serde_json::json;

    #[tokio::test]
    async fn who_decides_is_said_by_the_graph_or_its_project_or_the_server() {
        let context = stand_in::context(stand_in::settings(&[("policy", "naive")])).await;
        let store = &context.store;
        let (project, name, options) = ("lab".to_owned(), "shop".to_owned(), Options::default());
        let new = NewGraph { project, name, descriptor: json!({}), source: None, options };
        let (mut graph, _) = store.insert_graph(&new, "tester").await.unwrap();
        let label = |text: &str| text.parse::<PolicySpec>().unwrap().label;
        assert_eq!(policy(&context, &graph).await.unwrap().label, label("naive"));
        store.put_project("lab", Some("greedy+rate".to_owned())).await.unwrap();
        assert_eq!(policy(&context, &graph).await.unwrap().label, label("greedy+rate"));
        graph.options.policy = Some("carbon-aware".to_owned());
        assert_eq!(policy(&context, &graph).await.unwrap().label, label("carbon-aware"));
    }
}
