//! Services that are alike become one: what they want is added up, and who gets which replica is settled afterwards.
//!
//! Exact where services agree in request, places and prices, no rule names them, each may be split or wants a single replica,
//! and none has more incumbents than it wants: any division of the sum's replicas then costs the same, as long as incumbents
//! stay with their owners, and such a division exists (each owner's stays are at most its demand, the rest fills up). That
//! turns a thousand equal tasks into one row.

use super::problem::{Place, Problem, Service};

/// A problem of classes, and who is in them.
#[derive(Debug)]
pub struct Classes {
    /// One service for each class.
    pub problem: Problem,
    /// The services of each class, by rising id.
    members: Vec<Vec<u32>>,
}

impl Classes {
    /// The classes of `problem`; nothing where no two services are alike.
    pub fn of(problem: &Problem) -> Option<Self> {
        let members = members(problem)?;
        let mut classes = Problem::with_clusters(problem.kinds, problem.capacity.clone(), problem.activation.clone());
        // Rules name services that are classes of their own: ids are translated.
        let mut name = vec![0; problem.services.len()];
        for (class, services) in members.iter().enumerate() {
            name[services[0] as usize] = super::problem::index(class);
            push_sum(problem, services, &mut classes);
        }
        classes.rules = problem.rules.clone();
        let rules = &mut classes.rules;
        rules.pairs.iter_mut().for_each(|pair| {
            (pair.from, pair.to) = (name[pair.from as usize], name[pair.to as usize]);
        });
        let rename = |service: &mut u32| *service = name[*service as usize];
        rules.nears.iter_mut().for_each(|near| {
            rename(&mut near.from);
            rename(&mut near.to);
        });
        rules.groups.iter_mut().for_each(|group| group.services.iter_mut().for_each(rename));
        rules.limits.iter_mut().for_each(|limit| rename(&mut limit.service));
        rules.stays.iter_mut().for_each(|stay| rename(&mut stay.service));
        for (budget, old) in rules.budgets.iter_mut().zip(&problem.rules.budgets) {
            let rates = |services: &Vec<u32>| old.rates[problem.places_of(services[0] as usize)].to_vec();
            budget.rates = members.iter().flat_map(rates).collect();
        }
        Some(Self { problem: classes, members })
    }

    /// An answer for the classes from one for the services.
    pub fn sum(&self, problem: &Problem, counts: &[u32]) -> Vec<u32> {
        let mut sums = vec![0; self.problem.places.len()];
        for (class, services) in self.members.iter().enumerate() {
            for service in services {
                for (to, from) in self.problem.places_of(class).zip(problem.places_of(*service as usize)) {
                    sums[to] += counts[from];
                }
            }
        }
        sums
    }

    /// The answer for the services that an answer for the classes means: incumbents stay first.
    pub fn divide(&self, problem: &Problem, sums: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; problem.places.len()];
        for (class, services) in self.members.iter().enumerate() {
            let places = self.problem.places_of(class);
            let mut left: Vec<u32> = sums[places.clone()].to_vec();
            let mut want: Vec<u32> =
                services.iter().map(|service| problem.services[*service as usize].demand).collect();
            for by_incumbents in [true, false] {
                for (service, want) in services.iter().zip(&mut want) {
                    let rows = problem.places_of(*service as usize);
                    for (place, left) in rows.zip(&mut left) {
                        let most = if by_incumbents { problem.places[place].incumbent } else { u32::MAX };
                        let given = most.min(*left).min(*want);
                        counts[place] += given;
                        *left -= given;
                        *want -= given;
                    }
                }
            }
        }
        counts
    }
}

/// Adds the class of `services`.
fn push_sum(problem: &Problem, services: &[u32], classes: &mut Problem) {
    let first = services[0] as usize;
    let mut places: Vec<Place> = problem.places[problem.places_of(first)].to_vec();
    let mut sum = Service { ..problem.services[first] };
    for service in &services[1..] {
        let rows = &problem.places[problem.places_of(*service as usize)];
        for (place, row) in places.iter_mut().zip(rows) {
            place.least += row.least;
            place.most = place.most.saturating_add(row.most);
            place.incumbent += row.incumbent;
        }
        sum.demand += problem.services[*service as usize].demand;
    }
    sum.is_single &= services.len() == 1;
    classes.push(sum, problem.request_of(first), &places);
}

/// Services by class; nothing where each would be alone.
fn members(problem: &Problem) -> Option<Vec<Vec<u32>>> {
    let mergeable: Vec<bool> = (0..problem.services.len()).map(|service| is_mergeable(problem, service)).collect();
    let first_cost = |service: u32| {
        let first = problem.services[service as usize].first as usize;
        problem.places.get(first).map_or(0, |place| place.cost.to_bits())
    };
    let key = |service: &u32| {
        (problem.request_of(*service as usize), first_cost(*service), problem.places_of(*service as usize).len())
    };
    let mut order: Vec<u32> = (0..super::problem::index(problem.services.len())).collect();
    order.sort_by(|a, b| key(a).cmp(&key(b)).then(a.cmp(b)));
    let mut classes: Vec<Vec<u32>> = Vec::new();
    for service in order {
        let fits = |class: &Vec<u32>| {
            mergeable[service as usize]
                && mergeable[class[0] as usize]
                && are_alike(problem, class[0] as usize, service as usize)
        };
        match classes.last_mut() {
            Some(class) if fits(class) => class.push(service),
            _ => classes.push(vec![service]),
        }
    }
    classes.sort();
    (classes.len() < problem.services.len()).then_some(classes)
}

fn are_alike(problem: &Problem, one: usize, other: usize) -> bool {
    let (a, b) = (&problem.places[problem.places_of(one)], &problem.places[problem.places_of(other)]);
    let same = |(a, b): (&Place, &Place)| {
        a.cluster == b.cluster && a.cost.to_bits() == b.cost.to_bits() && a.start.to_bits() == b.start.to_bits()
    };
    let rates = |rates: &[u64]| rates[problem.places_of(one)] == rates[problem.places_of(other)];
    problem.request_of(one) == problem.request_of(other)
        && problem.rules.budgets.iter().all(|budget| rates(&budget.rates))
        && problem.services[one].shortage.to_bits() == problem.services[other].shortage.to_bits()
        && a.len() == b.len()
        && a.iter().zip(b).all(same)
}

fn is_mergeable(problem: &Problem, service: usize) -> bool {
    let (row, id) = (&problem.services[service], super::problem::index(service));
    let places = &problem.places[problem.places_of(service)];
    let incumbents: u32 = places.iter().map(|place| place.incumbent).sum();
    let is_plain = |place: &Place| place.yields == 1 && place.most >= row.demand && place.least <= place.incumbent;
    !problem.rules.name(id)
        && (!row.is_single || row.demand == 1)
        && incumbents <= row.demand
        && places.iter().all(is_plain)
}
