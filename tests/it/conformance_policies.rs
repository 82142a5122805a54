//! What every policy owes to those who run it, asked of all that are registered: a new one is covered from its first day.
//!
//! Goal: no plan makes a cluster worse than the checker allows, forgets a replica, moves without need, or differs when it
//! is made again. Method: 256 random worlds for each placement with `static` and with its partner, each scaling with its
//! partner, and each joint policy, judged by the checker that guards every backend. The seed of the world stands in the
//! message.

use crate::policies::CHOOSE_NUMBERS;
use crate::{ruled_worlds, worlds};
use smo::model::plan::Target;
use smo::model::rails::moved;
use smo::model::{ClusterId, Phase, Plan, Resources, ServiceId, Snapshot, Targets, Wanted, breach, check};
use smo::policy::joint::JOINTS;
use smo::policy::parameter::{Parameter, Parameters};
use smo::policy::placement::PLACEMENTS;
use smo::policy::scaling::SCALINGS;
use smo::policy::{Budget, Policy, PolicySpec, Scaling, registry};
use smo::seed::{Seed, Stream};
use smo::units::Rate;
use std::collections::BTreeSet;

const WORLDS: u64 = 256;

/// A policy in one random world.
struct Trial {
    name: String,
    snapshot: Snapshot,
    policy: Box<dyn Policy>,
    /// What its scaling wants; `None` for a joint policy, which wants what it plans and refuses.
    wanted: Option<Wanted>,
}

/// What is put to the test: each placement with `static` and with its partner, each scaling with its partner, each joint
/// policy. The second is the scaling's name.
fn contenders() -> Vec<(String, Option<&'static str>)> {
    let pair = |placement: &str, scaling: &'static str| (format!("{placement}+{scaling}"), Some(scaling));
    let mut all: Vec<(String, Option<&'static str>)> =
        PLACEMENTS.iter().flat_map(|entry| [pair(entry.name, "static"), pair(entry.name, entry.partner)]).collect();
    all.extend(SCALINGS.iter().map(|entry| pair(entry.partner, entry.name)));
    all.extend(JOINTS.iter().map(|entry| (entry.name.to_owned(), None)));
    all.sort();
    all.dedup();
    all
}

/// A scaling with its defaults.
fn scaling(name: &str) -> Box<dyn Scaling> {
    let entry = SCALINGS.iter().find(|entry| entry.name == name).expect("partners are registered");
    let defaults = Parameters::new(entry.name, entry.parameters, &[]).expect("defaults are declared");
    (entry.build)(&defaults).expect("defaults are in range")
}

impl Trial {
    fn new(contender: &(String, Option<&'static str>), seed: u64) -> Self {
        Self::in_world(contender, seed, worlds::random(seed))
    }

    fn in_world((name, of_scaling): &(String, Option<&'static str>), seed: u64, snapshot: Snapshot) -> Self {
        let policy = name.parse::<PolicySpec>().expect("it is registered").build().expect("defaults are in range");
        let wanted =
            of_scaling.map(|name| scaling(name).scale(&snapshot, &mut stream()).expect("the world is not broken"));
        Self { name: format!("{name} in world {seed}"), snapshot, policy, wanted }
    }

    fn decide(&mut self) -> Plan {
        decide(&mut *self.policy, &self.snapshot, &self.name)
    }

    /// Whether some cluster holds nothing of this application and has room for all of it.
    fn has_sufficient_cluster(&self) -> bool {
        let Some(wanted) = &self.wanted else { return false };
        let services = || self.snapshot.services.ids();
        let all: Resources = services()
            .map(|service| self.snapshot.service(service).request.repeated(wanted.replicas[service].into()))
            .sum();
        let takes = |service: ServiceId, cluster: ClusterId| {
            let declared = self.snapshot.service(service);
            let room = declared.terms.room_max(self.snapshot.cluster(cluster), declared.request).unwrap_or(0);
            room >= wanted.replicas[service].into()
        };
        let is_sufficient = |cluster: &ClusterId| {
            let view = &self.snapshot.clusters[*cluster];
            view.reachable
                && view.allocatable_max.fits(all)
                && self.snapshot.targets.iter().all(|target| target.cluster != *cluster)
                && services().all(|service| takes(service, *cluster))
        };
        self.snapshot.clusters.ids().any(|cluster| is_sufficient(&cluster))
    }
}

impl Trial {
    /// Whether the placement is one that chooses numbers where the scaling says what is to be served, and all that is placed of
    /// the service serves it, or all that may be placed is, or some is refused.
    fn is_served(&self, plan: &Plan, service: ServiceId) -> bool {
        if !CHOOSE_NUMBERS.iter().any(|name| self.name.starts_with(&format!("{name}+"))) {
            return false;
        }
        let Some(need) = self.wanted.as_ref().and_then(|wanted| wanted.serve(service)) else { return false };
        let declared = self.snapshot.service(service);
        let serves = |target: &Target| {
            let site = self.snapshot.cluster(target.cluster);
            declared.capacity.of(&site.class).at(target.replicas, site.speed)
        };
        let served: Rate = plan.targets.of(service).iter().map(serves).sum();
        served >= need
            || plan.targets.total(service) == declared.replicas_max
            || plan.refusals.iter().any(|refusal| refusal.service == service)
    }
}

/// The replicas of a service that `plan` accounts for, placed or refused.
fn accounted(plan: &Plan, service: ServiceId) -> u32 {
    let refused = plan.refusals.iter().filter(|refusal| refusal.service == service);
    plan.targets.total(service) + refused.map(|refusal| refusal.replicas).sum::<u32>()
}

fn stream() -> Stream {
    Seed(1).stream("policy", 0)
}

fn decide(policy: &mut dyn Policy, snapshot: &Snapshot, name: &str) -> Plan {
    policy.decide(snapshot, &Budget::default(), &mut stream()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every policy in every world, and its first plan.
fn for_each_trial(judge: impl Fn(&mut Trial, &Plan)) {
    for contender in contenders() {
        for seed in 0..WORLDS {
            let mut trial = Trial::new(&contender, seed);
            let plan = trial.decide();
            judge(&mut trial, &plan);
        }
    }
}

/// A placement that is asked for the replicas that are declared.
fn with_static(placement: &str) -> (String, Option<&'static str>) {
    (format!("{placement}+static"), Some("static"))
}

#[test]
fn plans_are_sound_and_complete() {
    for_each_trial(|trial, plan| {
        let found = check::violations(&trial.snapshot, plan);
        assert!(found.is_empty(), "{}: {found:?}", trial.name);
        for service in trial.snapshot.services.ids() {
            let declared = trial.snapshot.service(service);
            let wanted =
                trial.wanted.as_ref().map_or_else(|| accounted(plan, service), |wanted| wanted.replicas[service]);
            let bounds = declared.replicas_min..=declared.replicas_max;
            assert!(bounds.contains(&wanted), "{}: {wanted} of {service:?}", trial.name);
            let accounted = accounted(plan, service);
            assert!(
                accounted == wanted || (bounds.contains(&accounted) && trial.is_served(plan, service)),
                "{}: {accounted} of {wanted} of {service:?} in {plan:?}",
                trial.name
            );
            assert!(!plan.why[service].rule.is_empty(), "{}: {service:?} has no reason", trial.name);
        }
        assert!(plan.refusals.iter().all(|refusal| !refusal.reason.is_empty()), "{}: {:?}", trial.name, plan.refusals);
    });
}

/// Goal: no plan breaks a hard rule by more than it was broken before, in worlds with rules, and nothing is forgotten.
/// Method: what a plan places beyond what is wanted stays because of a rule and says so. A world puts the rules to the test
/// where the same policy, not knowing of them, would break one.
#[test]
fn no_policy_makes_a_hard_rule_worse() {
    for contender in contenders() {
        let (mut put_to_test, mut refused) = (0u32, 0u32);
        for seed in 0..WORLDS {
            let mut trial = Trial::in_world(&contender, seed, ruled_worlds::random(seed));
            let plan = trial.decide();
            let found = check::violations(&trial.snapshot, &plan);
            assert!(found.is_empty(), "{}: {found:?}\n{:#?}", trial.name, trial.snapshot.known.rules.demands);
            for service in trial.snapshot.services.ids() {
                let Some(wanted) = trial.wanted.as_ref().map(|wanted| wanted.replicas[service]) else { continue };
                let accounted = accounted(&plan, service);
                let is_told = plan.refusals.iter().any(|refusal| refusal.service == service && refusal.replicas == 0);
                assert!(
                    accounted == wanted || (accounted > wanted && is_told) || trial.is_served(&plan, service),
                    "{}: {service:?}: {accounted} of {wanted} in {plan:?}",
                    trial.name
                );
            }
            let mut free = Trial::in_world(&contender, seed, without_rules(&trial.snapshot));
            let careless = free.decide();
            put_to_test += u32::from(!breach::worsened(&trial.snapshot, &careless.targets).is_empty());
            refused += u32::from(plan.targets.iter().count() == 0 && careless.targets.iter().count() > 0);
        }
        let (least, most) = expected(&contender.0);
        println!("{}: rules put to the test in {put_to_test} worlds, nothing placed in {refused}", contender.0);
        assert!(put_to_test >= least, "{}: only {put_to_test} worlds put the rules to the test", contender.0);
        assert!(refused <= most, "{}: in {refused} worlds nothing at all is placed", contender.0);
    }
}

/// In how many of the 256 worlds a policy that does not know the rules breaks one, at least, and in how many one that does
/// know them places nothing although it could, at most. Measured, with about a tenth to spare: a policy that stops acting
/// meets no rules any more, and one that gives up where a rule is in the way places nothing.
///
/// | policies | measured | why |
/// |---|---|---|
/// | `nephele-2024` | 19 and 2 | moves one service at a time, and most of its decisions are to do nothing |
/// | the original and what places services as wholes | 43 … 55 and 7 … 9 | a service that goes as a whole meets fewer rules of division |
/// | one replica after the other, and ours | 65 … 80 and 3 … 5 | every step looks at the rules |
/// | the rest: peers, and heuristics that divide first | 58 … 77 and 7 … 12 | what they divide against a rule is taken back as a whole |
fn expected(name: &str) -> (u32, u32) {
    const WHOLE: [&str; 5] = ["nephele-placement", "carbon-aware", "memory-aware", "green-consolidation", "nephele"];
    const STEPWISE: [&str; 11] = [
        "anytime",
        "best-fit",
        "descheduler-low-util",
        "first-fit",
        "greedy",
        "kube-scheduler",
        "lagrangian",
        "milp",
        "milp-costed",
        "spread",
        "worst-fit",
    ];
    let placement = name.split('+').next().unwrap_or(name);
    match placement {
        "nephele-2024" => (17, 3),
        "milp-joint" => (60, 6),
        _ if WHOLE.contains(&placement) => (39, 10),
        _ if STEPWISE.contains(&placement) => (60, 6),
        _ => (52, 13),
    }
}

fn without_rules(snapshot: &Snapshot) -> Snapshot {
    let mut known = smo::model::scenario::Known::clone(&snapshot.known);
    known.rules.demands.clear();
    Snapshot { known: std::sync::Arc::new(known), ..snapshot.clone() }
}

#[test]
fn lost_clusters_keep_no_targets_except_pinned_ones() {
    for_each_trial(|trial, plan| {
        for target in &plan.targets {
            let is_lost = !trial.snapshot.clusters[target.cluster].reachable;
            assert!(!is_lost || trial.snapshot.service(target.service).pinned, "{}: {target:?}", trial.name);
        }
    });
}

/// Neither the loss of a cluster nor a lack of room moves a pinned service.
#[test]
fn pinned_services_stay_where_they_are() {
    for_each_trial(|trial, plan| {
        for service in trial.snapshot.services.ids().filter(|service| trial.snapshot.service(*service).pinned) {
            if let [home] = trial.snapshot.targets.of(service) {
                let wanted = accounted(plan, service);
                let left = home.replicas.min(wanted);
                assert!(plan.targets.get(service, home.cluster) >= left, "{}: {service:?}", trial.name);
                assert!(plan.targets.of(service).len() <= 1, "{}: {service:?}", trial.name);
            }
        }
    });
}

#[test]
fn nothing_is_refused_when_one_empty_cluster_has_room_for_all() {
    let mut sufficient = 0u32;
    for placement in PLACEMENTS {
        for seed in 0..WORLDS {
            let mut trial = Trial::new(&with_static(placement.name), seed);
            let plan = trial.decide();
            if !trial.has_sufficient_cluster() {
                continue;
            }
            sufficient += 1;
            let refused = plan.refusals.iter().find(|refusal| !trial.snapshot.service(refusal.service).pinned);
            assert!(refused.is_none(), "{}: {refused:?}", trial.name);
        }
    }
    assert!(sufficient > 100, "only {sufficient} worlds put this to the test");
}

#[test]
fn deciding_again_from_the_same_state_gives_the_same_plan() {
    for_each_trial(|trial, plan| {
        let mut fork = trial.policy.fork();
        let (again, forked) = (trial.decide(), decide(&mut *fork, &trial.snapshot, &trial.name));
        assert_eq!(again, forked, "{}", trial.name);
        assert_eq!(again.targets, plan.targets, "{}: the world stands still", trial.name);
    });
}

/// The same world where no replica has waited for a node for long, because those that have may not stay. (Telemetry stands still
/// in these tests, so nobody ever stops waiting.)
fn just_asked_for(mut snapshot: Snapshot) -> Snapshot {
    let now = snapshot.at;
    for (_, service) in snapshot.services.iter_mut() {
        for group in service.replicas.iter_mut().filter(|group| group.phase == Phase::Pending) {
            (group.started, group.since) = (now, now);
        }
    }
    snapshot
}

/// A plan that was carried out is left alone: otherwise replicas would wander while nothing happens.
#[test]
fn deciding_again_once_the_plan_is_carried_out_changes_nothing() {
    for placement in PLACEMENTS {
        for seed in 0..WORLDS {
            let mut trial = Trial::in_world(&with_static(placement.name), seed, just_asked_for(worlds::random(seed)));
            let mut plan = trial.decide();
            for round in 1..=3 {
                trial.snapshot.targets = plan.targets.clone();
                let next = trial.decide();
                assert_eq!(next.targets, plan.targets, "{}, round {round}", trial.name);
                plan = next;
            }
        }
    }
}

/// Where all incumbents are sound and wanted, a heuristic moves none of them.
#[test]
fn incumbents_that_may_stay_do_stay() {
    let mut put_to_test = 0u32;
    for placement in PLACEMENTS.iter().filter(|entry| ["greedy", "spread"].contains(&entry.name)) {
        for seed in 0..WORLDS {
            let mut trial = Trial::in_world(&with_static(placement.name), seed, just_asked_for(worlds::random(seed)));
            let incumbents = Plan { targets: trial.snapshot.targets.clone(), ..Plan::default() };
            let mut empty = trial.snapshot.clone();
            empty.targets = Targets::default();
            let is_sound = check::violations(&empty, &incumbents)
                .iter()
                .all(|violation| matches!(violation, check::Violation::OutOfBounds { .. }));
            if is_sound {
                put_to_test += 1;
                let plan = trial.decide();
                for service in trial.snapshot.services.ids() {
                    assert_eq!(
                        moved(&trial.snapshot.targets, &plan.targets, service),
                        0,
                        "{}: {service:?}",
                        trial.name
                    );
                }
            }
        }
    }
    assert!(put_to_test > 50, "only {put_to_test} worlds put this to the test");
}

#[test]
fn registered_names_are_unique_and_partners_and_defaults_exist() {
    let all: Vec<&str> = registry::names().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    for entry in PLACEMENTS {
        assert!(SCALINGS.iter().any(|partner| partner.name == entry.partner), "{}", entry.name);
    }
    for entry in SCALINGS {
        assert!(PLACEMENTS.iter().any(|partner| partner.name == entry.partner), "{}", entry.name);
    }
    for (name, parameters) in declared() {
        name.parse::<PolicySpec>().unwrap_or_else(|error| panic!("{name}: {error}"));
        for parameter in parameters {
            let text = format!("{name}:{}={}", parameter.name, parameter.default);
            text.parse::<PolicySpec>().unwrap_or_else(|error| panic!("{text}: {error}"));
            let wrong = format!("{name}:{}=!", parameter.name);
            assert!(wrong.parse::<PolicySpec>().is_err(), "{wrong} is taken");
        }
    }
}

/// Every policy with its parameters.
fn declared() -> impl Iterator<Item = (&'static str, &'static [Parameter])> {
    let placements = PLACEMENTS.iter().map(|entry| (entry.name, entry.parameters));
    let scalings = SCALINGS.iter().map(|entry| (entry.name, entry.parameters));
    placements.chain(scalings).chain(JOINTS.iter().map(|entry| (entry.name, entry.parameters)))
}

#[test]
fn everything_registered_says_how_it_decides() {
    let abouts = PLACEMENTS.iter().map(|entry| (entry.name, entry.about));
    let abouts = abouts.chain(SCALINGS.iter().map(|entry| (entry.name, entry.about)));
    for (name, about) in abouts.chain(JOINTS.iter().map(|entry| (entry.name, entry.about))) {
        assert!(about.len() > 40, "{name} says only `{about}`");
    }
}
