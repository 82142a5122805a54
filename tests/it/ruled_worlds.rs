//! Random worlds with rules: any of them, hard and priced, over random worlds in which distances differ and lie in regions.

use crate::worlds;
use rand::RngExt;
use smo::model::network::Origin;
use smo::model::rules::{Demand, Domain, Rule};
use smo::model::scenario::Known;
use smo::model::{ClusterId, ServiceId, Snapshot, Table};
use smo::seed::{Seed, Stream};
use smo::units::{Money, Ratio, Span};
use std::sync::Arc;

/// The random world of that seed with one to four rules. Services have no more incumbents than they may have, because a
/// surplus has to go whatever the rules say.
pub fn random(seed: u64) -> Snapshot {
    let stream = &mut Seed(seed).stream("rules", 0);
    let mut snapshot = worlds::random(seed);
    let mut known = Known::clone(&snapshot.known);
    for (_, cluster) in known.clusters.iter_mut() {
        if stream.random_bool(0.5) { "north" } else { "south" }.clone_into(&mut cluster.region);
    }
    let width = known.clusters.len();
    known.network.rtt = Table::build(width, |_: ClusterId| Table::build(width, |_| milliseconds(stream)));
    known.network.origins = vec![Origin {
        name: "users".to_owned(),
        share: Ratio::ONE,
        rtt: Table::build(width, |_| milliseconds(stream)),
        local: None,
    }];
    let services = known.application.services.len();
    known.rules.demands = (0..stream.random_range(1..=4)).map(|_| demand(stream, services)).collect();
    let bounds: Vec<(ServiceId, u32)> =
        known.application.services.iter().map(|(service, declared)| (service, declared.replicas_max)).collect();
    for (service, most) in bounds {
        for target in snapshot.targets.of(service).to_vec() {
            let surplus = snapshot.targets.total(service).saturating_sub(most).min(target.replicas);
            snapshot.targets.set(service, target.cluster, target.replicas - surplus);
        }
    }
    snapshot.known = Arc::new(known);
    snapshot
}

fn milliseconds(stream: &mut Stream) -> Span {
    Span(stream.random_range(0..=40) * 1_000_000)
}

fn demand(stream: &mut Stream, services: usize) -> Demand {
    let price = stream.random_bool(0.2).then_some(Money(0.1));
    Demand { rule: rule(stream, services), price }
}

fn rule(stream: &mut Stream, services: usize) -> Rule {
    let count = u32::try_from(services).expect("there are few services");
    let service = ServiceId(stream.random_range(0..count));
    let other = ServiceId((service.0 + 1 + stream.random_range(0..count)) % count);
    let over = if stream.random_bool(0.7) { Domain::Cluster } else { Domain::Region };
    let pair = if other == service { vec![service] } else { vec![service, other] };
    match stream.random_range(0..9) {
        0 => Rule::Together(pair),
        1 => Rule::Apart(pair),
        2 => Rule::Spread { service, over, at_least: stream.random_range(1..=3) },
        3 => Rule::Share { service, over, at_most: Ratio(stream.random_range(2..=10) * 100_000) },
        4 => Rule::Survive { service, over, at_least: stream.random_range(1..=3) },
        5 => Rule::NearUsers { service, rtt_max: milliseconds(stream) },
        6 if other != service => Rule::Near { from: service, to: other, rtt_max: milliseconds(stream) },
        7 => Rule::Budget(Money(f64::from(stream.random_range(0..=20)) * 0.1)),
        _ => Rule::Frozen(service),
    }
}
