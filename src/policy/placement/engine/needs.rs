//! How many replicas would do in each cluster, where a scaling says what they are to serve.
//!
//! A replica is dear in one cluster and slow in another, and every cluster that a service is in costs its own β, so how many
//! are needed cannot be said before it is known where. Of a service that is to serve `x`, `n(s,e)` replicas would do in
//! cluster e alone, by the capacity that is believed of its class; a replica there then does one part of `n(s,e)` of the work:
//! exact where the service is in one cluster. Services stay in one cluster unless none could hold all of one; then calls
//! between them are counted exactly, in the bound too. One that has to be split pays its β several times, which shares of work
//! do not show: what is missing then is added where it is ([`top_up`]).

use super::pose::Posed;
use crate::model::plan::Target;
use crate::model::{ClusterId, ServiceId, Snapshot, Table, Targets, Wanted, Why, id::Id};
use crate::policy::placement::draft::Draft;
use crate::policy::placement::greedy::cheapness;
use crate::policy::placement::rooms::Rooms;
use crate::solver::anytime::limits::{Limit, Quota};
use crate::solver::anytime::problem::index;
use crate::units::Rate;

/// Replicas that would serve a whole service in each cluster; nothing for a service of which a number is wanted, wherever.
pub type Needs = Table<ServiceId, Option<Table<ClusterId, u32>>>;

/// The needs that a wish comes to; nothing where it names numbers only.
pub fn of(snapshot: &Snapshot, wanted: &Wanted) -> Option<Needs> {
    let row = |service: ServiceId| {
        let rate = wanted.serve(service)?;
        Some(snapshot.clusters.ids().map(|cluster| need(snapshot, (service, cluster), rate)).collect())
    };
    wanted.serve.values().any(Option::is_some).then(|| snapshot.services.ids().map(row).collect())
}

fn need(snapshot: &Snapshot, (service, cluster): (ServiceId, ClusterId), rate: Rate) -> u32 {
    let (declared, site) = (snapshot.service(service), snapshot.cluster(cluster));
    let needed = declared.capacity.of(&site.class).replicas_for(rate, site.speed, declared.replicas_max);
    // Where even the most replicas do not serve all, all of them are wanted.
    needed.unwrap_or(declared.replicas_max).clamp(declared.replicas_min, declared.replicas_max)
}

/// The most replicas of each service that any division could have: what its slowest cluster needs, or what is wanted.
pub fn most(needs: Option<&Needs>, wanted: &Table<ServiceId, u32>) -> Wanted {
    let of = |(service, wanted): (ServiceId, &u32)| {
        let row = needs.and_then(|needs| needs[service].as_ref());
        row.and_then(|row| row.values().copied().max()).unwrap_or(*wanted)
    };
    Wanted::counts(wanted.iter().map(of).collect(), Table::new())
}

/// A service that is split has no more replicas than it may.
pub fn limit_totals(posed: &mut Posed, snapshot: &Snapshot) {
    let dearest = |rows: &[crate::solver::anytime::problem::Service]| {
        rows.iter().map(|row| row.shortage * f64::from(row.demand)).fold(1.0, f64::max)
    };
    let price = dearest(&posed.problem.services);
    for service in snapshot.known.application.requests().filter(|service| posed.by_work[*service]) {
        if !posed.problem.services[service.index()].is_single {
            let places = index(posed.problem.places_of(service.index()).len());
            let quota = Quota::Most(snapshot.service(service).replicas_max);
            let domains = vec![(0..places).collect()];
            posed.problem.rules.limits.push(Limit { service: service.0, domains, quota, price });
        }
    }
}

/// What an answer amounts to: what is placed, and what would serve the rest where a replica does most. Of a service that has
/// nowhere to go, or of which a number is wanted, it is the wish. `most` is what the posed problem could use at most.
pub fn wanted(
    snapshot: &Snapshot,
    (posed, counts): (&Posed, &[u32]),
    (targets, wish, most): (&Targets, &Wanted, &Wanted),
) -> Wanted {
    let of = |service: ServiceId| {
        let (declared, placed) = (snapshot.service(service), targets.total(service));
        let row = &posed.problem.services[service.index()];
        if !posed.by_work[service] || (row.demand == 0 && placed == 0) {
            return wish.replicas[service];
        }
        if row.demand == 0 {
            // It cannot leave where it is.
            return placed.max(most.replicas[service]);
        }
        let places = &posed.problem.places[posed.problem.places_of(service.index())];
        let yields = places.iter().map(|place| place.yields).max().unwrap_or(1);
        let short = posed.problem.short(service.index(), counts).div_ceil(u64::from(yields.max(1)));
        let short = u32::try_from(short).unwrap_or(u32::MAX);
        placed.saturating_add(short).clamp(declared.replicas_min, declared.replicas_max.max(placed))
    };
    Wanted { replicas: snapshot.services.ids().map(of).collect(), why: Table::new(), serve: wish.serve.clone() }
}

/// Why there are as many replicas as there are: the scaling's reason, with the number that does where they are now.
pub fn reasons(wish: &Wanted, chosen: &Wanted) -> Table<ServiceId, Why> {
    let reason = |(service, why): (ServiceId, &Why)| {
        let mut why = *why;
        let is_number = |name: &str| ["replicas", "held"].contains(&name);
        if wish.serve(service).is_some() {
            why.figures.iter_mut().filter(|figure| is_number(figure.0)).for_each(|figure| {
                figure.1 = chosen.replicas[service].into();
            });
        }
        why
    };
    wish.why.iter().map(reason).collect()
}

/// Adds to services that are split what their shares of work promised and the believed capacity does not keep: one replica
/// after the other, where a core is cheapest. What finds no room stays missing.
pub fn top_up(snapshot: &Snapshot, rooms: &Rooms, (mut targets, mut wanted): (Targets, Wanted)) -> (Targets, Wanted) {
    loop {
        let lacks = |service: &ServiceId| {
            let (placed, is_split) = (targets.total(*service), targets.of(*service).len() > 1);
            let need = wanted.serve(*service).filter(|_| is_split && placed == wanted.replicas[*service]);
            placed < snapshot.service(*service).replicas_max
                && need.is_some_and(|need| served(snapshot, *service, &targets) < need)
        };
        let lacking: Vec<ServiceId> = snapshot.services.ids().filter(lacks).collect();
        if lacking.is_empty() {
            return (targets, wanted);
        }
        wanted.replicas.iter_mut().filter(|(service, _)| lacking.contains(service)).for_each(|(_, count)| *count += 1);
        let mut draft = Draft::new(snapshot, &wanted, rooms).with_targets(targets);
        draft.fill(&lacking, cheapness);
        targets = draft.targets().clone();
    }
}

/// What the replicas of `service` are believed to serve together.
pub fn served(snapshot: &Snapshot, service: ServiceId, targets: &Targets) -> Rate {
    let here = |target: &Target| {
        let site = snapshot.cluster(target.cluster);
        snapshot.service(service).capacity.of(&site.class).at(target.replicas, site.speed)
    };
    targets.of(service).iter().map(here).sum()
}
