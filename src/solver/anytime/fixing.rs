//! What cannot be part of any better answer: reduced-cost fixing, and the pieces that fall apart afterwards.
//!
//! At prices `π` with bound `L`, a place whose use costs its service `d` more than the service's own best choice cannot be used
//! by an answer that costs less than `L + d`. So with an answer of cost `U` at hand, every place with `L + d > U` is closed,
//! exactly (Dantzig, Fulkerson and Johnson 1954). What is then left of the services falls into
//! pieces that share no cluster whose room could end, and each piece is solved alone.

use super::prices::Prices;
use super::problem::{Problem, index};

/// By place: whether an answer cheaper than `cost` may use it. Places that `counts` use stay open.
pub fn open_places(problem: &Problem, prices: &mut Prices<'_>, (counts, cost): (&[u32], f64)) -> Vec<bool> {
    let slack = cost - prices.bound + 1e-9 * cost.abs().max(1.0);
    let mut open = vec![true; problem.places.len()];
    let in_trees = prices.tree_surcharges();
    let at = prices.felt(&prices.best);
    for service in 0..problem.services.len() {
        let margin = prices.margin(&at, service);
        for place in problem.places_of(service) {
            let is_free = counts[place] == 0 && problem.places[place].least == 0;
            let surcharge = margin.map_or(in_trees[place], |margin| prices.surcharge(&at, (service, place), margin));
            open[place] = !is_free || surcharge <= slack;
        }
    }
    open
}

/// Pieces of the services with a choice left, each by rising service. Services meet in a cluster that may run short, in
/// one that costs something to be used, or in a rule.
pub fn pieces(problem: &Problem, open: &[bool]) -> Vec<Vec<u32>> {
    let (services, clusters) = (problem.services.len(), problem.clusters());
    let mut root: Vec<u32> = (0..index(services + clusters)).collect();
    let binds = binding(problem, open);
    for service in 0..services {
        for place in problem.places_of(service).filter(|place| open[*place]) {
            let cluster = problem.places[place].cluster as usize;
            if binds[cluster] {
                join(&mut root, service, services + cluster);
            }
        }
    }
    for pair in &problem.rules.pairs {
        join(&mut root, pair.from as usize, pair.to as usize);
    }
    for near in &problem.rules.nears {
        join(&mut root, near.from as usize, near.to as usize);
    }
    if !problem.rules.has_no_totals() {
        // A budget or the balance has to do with everybody.
        (1..services).for_each(|service| join(&mut root, 0, service));
    }
    for group in &problem.rules.groups {
        group.services.windows(2).for_each(|two| join(&mut root, two[0] as usize, two[1] as usize));
    }
    let mut pieces: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut piece_of = vec![u32::MAX; services + clusters];
    for service in 0..services {
        if problem.places_of(service).filter(|place| open[*place]).count() == 0 {
            continue;
        }
        let at = find(&mut root, service);
        if piece_of[at] == u32::MAX {
            piece_of[at] = index(pieces.len());
            pieces.push((index(at), Vec::new()));
        }
        pieces[piece_of[at] as usize].1.push(index(service));
    }
    pieces.into_iter().map(|(_, services)| services).collect()
}

/// By cluster: whether what might come could be more than there is, or being used costs something.
fn binding(problem: &Problem, open: &[bool]) -> Vec<bool> {
    let kinds = problem.kinds;
    let mut most = vec![0u64; problem.capacity.len()];
    for service in 0..problem.services.len() {
        for place in problem.places_of(service).filter(|place| open[*place]) {
            let cluster = problem.places[place].cluster as usize;
            let full = u64::from(problem.full(service, place));
            for (k, request) in problem.request_of(service).iter().enumerate() {
                let most = &mut most[cluster * kinds + k];
                *most = most.saturating_add(request.saturating_mul(full));
            }
        }
    }
    let clusters = 0..problem.clusters();
    let runs_short = |cluster: usize| {
        let range = cluster * kinds..(cluster + 1) * kinds;
        most[range.clone()].iter().zip(&problem.capacity[range]).any(|(most, capacity)| most > capacity)
    };
    clusters.map(|cluster| problem.activation[cluster] > 0.0 || runs_short(cluster)).collect()
}

fn join(root: &mut [u32], a: usize, b: usize) {
    let (a, b) = (find(root, a), find(root, b));
    // The smaller index is the root, so that the order of joins does not matter.
    root[a.max(b)] = index(a.min(b));
}

fn find(root: &mut [u32], mut at: usize) -> usize {
    while root[at] as usize != at {
        root[at] = root[root[at] as usize];
        at = root[at] as usize;
    }
    at
}
