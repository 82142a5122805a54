//! Calls inside the bound: services that call each other in a tree choose together, exactly.
//!
//! Of the calls between services that may not be split, a spanning forest is kept and the rest left out (they cost nothing
//! less than zero). At given prices of capacity, the best choice of a whole tree is found from its leaves up, one table row
//! a service: `best[s,e] = price[s,e] + Σ over children c of min over e' of (weight·distance[e,e'] + best[c,e'])`, with one more
//! column for staying away, which is at no distance from anything. Where all distances of a row are alike but for the
//! diagonal, or zero, the inner minimum is the smaller one of staying and of the best place anywhere: O(clusters) a call.
//!
//! A call that a service with a free choice of several clusters makes or takes is left out: shares of it may be near
//! anything.

use super::problem::{Problem, index};
use super::social::Pair;

/// The calls that are kept, by tree.
#[derive(Debug, Clone, Default)]
pub struct Forest {
    /// Services, parents before children.
    order: Vec<u32>,
    /// By position in `order`: the parent's position, and the call between them.
    parent: Vec<Option<(u32, Pair)>>,
    /// By service: its position in `order`.
    position: Vec<Option<u32>>,
    tables: std::cell::RefCell<Tables>,
}

/// Rows that are filled anew at every evaluation.
#[derive(Debug, Clone, Default)]
struct Tables {
    /// By position: where its row begins; a row has a column for each place and one for staying away.
    first: Vec<usize>,
    best: Vec<f64>,
    /// The choice of a child for each choice of its parent, and what the child then costs.
    choice: Vec<u32>,
    message: Vec<f64>,
    first_choice: Vec<usize>,
}

impl Forest {
    /// The spanning forest that keeps the heaviest calls.
    pub fn new(problem: &Problem) -> Self {
        let mut pairs: Vec<Pair> = problem.rules.pairs.iter().filter(|pair| is_kept(problem, pair)).copied().collect();
        pairs.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let mut root: Vec<u32> = (0..index(problem.services.len())).collect();
        let mut links: Vec<Vec<(u32, Pair)>> = vec![Vec::new(); problem.services.len()];
        for pair in pairs {
            let (from, to) = (find(&mut root, pair.from), find(&mut root, pair.to));
            if from != to {
                root[from as usize] = to;
                links[pair.from as usize].push((pair.to, pair));
                links[pair.to as usize].push((pair.from, pair));
            }
        }
        let mut forest = Self { position: vec![None; problem.services.len()], ..Self::default() };
        for service in 0..index(problem.services.len()) {
            if forest.position[service as usize].is_none() && !links[service as usize].is_empty() {
                forest.grow(service, &links);
            }
        }
        forest.lay_out(problem);
        forest
    }

    /// The position of a service that is in a tree.
    pub fn tree_of(&self, service: usize) -> Option<u32> {
        self.position.get(service).copied().flatten()
    }

    fn grow(&mut self, start: u32, links: &[Vec<(u32, Pair)>]) {
        self.position[start as usize] = Some(index(self.order.len()));
        self.order.push(start);
        self.parent.push(None);
        let mut next = self.order.len() - 1;
        while let Some(&service) = self.order.get(next) {
            for (other, pair) in &links[service as usize] {
                if self.position[*other as usize].is_none() {
                    self.position[*other as usize] = Some(index(self.order.len()));
                    self.order.push(*other);
                    self.parent.push(Some((index(next), *pair)));
                }
            }
            next += 1;
        }
    }

    fn lay_out(&mut self, problem: &Problem) {
        let tables = self.tables.get_mut();
        let (mut cells, mut choices) = (0, 0);
        for (service, parent) in self.order.iter().zip(&self.parent) {
            tables.first.push(cells);
            tables.first_choice.push(choices);
            cells += problem.places_of(*service as usize).len() + 1;
            let parent_service = parent.map(|(at, _)| self.order[at as usize] as usize);
            choices += parent_service.map_or(0, |service| problem.places_of(service).len() + 1);
        }
        tables.best = vec![0.0; cells];
        tables.choice = vec![0; choices];
        tables.message = vec![0.0; choices];
    }

    /// The trees, each by its services, the root first.
    pub fn trees(&self) -> Vec<Vec<u32>> {
        let starts = (0..self.order.len()).filter(|at| self.parent[*at].is_none());
        let ends = |start: usize| (start + 1..self.order.len()).find(|at| self.parent[*at].is_none());
        starts.map(|start| self.order[start..ends(start).unwrap_or(self.order.len())].to_vec()).collect()
    }

    /// The cheapest places of one tree.
    pub fn choose_tree(
        &self,
        problem: &Problem,
        root: usize,
        (price, take): (&dyn Fn(usize) -> f64, &mut dyn FnMut(usize)),
    ) {
        let Some(start) = self.tree_of(root).map(|at| at as usize) else { return };
        let end = (start + 1..self.order.len()).find(|at| self.parent[*at].is_none()).unwrap_or(self.order.len());
        self.evaluate_some(problem, start..end, (price, take));
    }

    /// The sum of what all trees cost at best; `take` is told the places.
    pub fn evaluate(&self, problem: &Problem, price: &dyn Fn(usize) -> f64, take: &mut dyn FnMut(usize)) -> f64 {
        self.evaluate_some(problem, 0..self.order.len(), (price, take))
    }

    fn evaluate_some(
        &self,
        problem: &Problem,
        some: std::ops::Range<usize>,
        (price, take): (&dyn Fn(usize) -> f64, &mut dyn FnMut(usize)),
    ) -> f64 {
        let mut tables = self.tables.borrow_mut();
        for at in some.clone() {
            let service = self.order[at];
            let (row, first) = (&problem.services[service as usize], tables.first[at]);
            for (column, place) in problem.places_of(service as usize).enumerate() {
                tables.best[first + column] = price(place);
            }
            tables.best[first + (row.end - row.first) as usize] = f64::from(row.demand) * row.shortage;
        }
        for at in some.clone().rev() {
            if let Some((parent, pair)) = self.parent[at] {
                self.tell_parent(problem, &mut tables, (at, parent as usize, pair));
            }
        }
        self.choose(problem, &tables, (some, take))
    }

    /// Adds to each choice of the parent what the child then costs at best.
    fn tell_parent(&self, problem: &Problem, tables: &mut Tables, (at, parent, pair): (usize, usize, Pair)) {
        let (child_places, parent_places) =
            (problem.places_of(self.order[at] as usize), problem.places_of(self.order[parent] as usize));
        let (first, first_parent, first_choice) = (tables.first[at], tables.first[parent], tables.first_choice[at]);
        let away = child_places.len();
        let child = &tables.best[first..=first + away];
        let smallest = (0..=away).min_by(|a, b| child[*a].total_cmp(&child[*b])).unwrap_or(away);
        let mut news = Vec::with_capacity(parent_places.len() + 1);
        for place in parent_places {
            let here = problem.places[place].cluster;
            let (mut best, mut choice) = (child[away], away);
            for (column, other) in child_places.clone().enumerate() {
                // A child farther than the best of all without any distance cannot be the choice.
                if child[column] < best {
                    let total =
                        child[column] + distance(problem, &pair, (here, problem.places[other].cluster), self.order[at]);
                    if total < best {
                        (best, choice) = (total, column);
                    }
                }
            }
            news.push((best, choice));
        }
        news.push((child[smallest], smallest));
        for (column, (best, choice)) in news.into_iter().enumerate() {
            tables.best[first_parent + column] += best;
            tables.choice[first_choice + column] = index(choice);
            tables.message[first_choice + column] = best;
        }
    }

    /// By place: what its tree costs at best if the service is there, beyond what it costs at best at all; zero for services
    /// in no tree. Prices are those of the last evaluation. What the rest of the tree costs outside of a service's branch is
    /// handed down from the roots.
    pub fn surcharges(&self, problem: &Problem) -> Vec<f64> {
        let tables = self.tables.borrow();
        let mut surcharge = vec![0.0; problem.places.len()];
        let mut outside = vec![0.0; tables.best.len()];
        for (at, service) in self.order.iter().enumerate() {
            let places = problem.places_of(*service as usize);
            let first = tables.first[at];
            if let Some((parent, pair)) = self.parent[at] {
                self.tell_child(problem, (&tables, &mut outside), (at, parent as usize, pair));
            }
            let total = |column: usize| tables.best[first + column] + outside[first + column];
            let least = (0..=places.len()).map(total).fold(f64::INFINITY, f64::min);
            for (column, place) in places.enumerate() {
                surcharge[place] = total(column) - least;
            }
        }
        surcharge
    }

    /// For each choice of a child, what everything outside its branch costs at best, the call to it included.
    fn tell_child(
        &self,
        problem: &Problem,
        (tables, outside): (&Tables, &mut [f64]),
        (at, parent, pair): (usize, usize, Pair),
    ) {
        let (child, above) = (self.order[at], self.order[parent] as usize);
        let (first, first_parent, first_choice) = (tables.first[at], tables.first[parent], tables.first_choice[at]);
        let parent_places = problem.places_of(above);
        let rest: Vec<f64> = (0..=parent_places.len())
            .map(|column| {
                let there = first_parent + column;
                tables.best[there] + outside[there] - tables.message[first_choice + column]
            })
            .collect();
        let nearest = |place: usize| {
            let here = problem.places[place].cluster;
            let through = parent_places
                .clone()
                .zip(&rest)
                .map(|(other, rest)| rest + distance(problem, &pair, (problem.places[other].cluster, here), child));
            through.fold(rest[parent_places.len()], f64::min)
        };
        let places = problem.places_of(child as usize);
        let away = places.len();
        for (column, place) in places.enumerate() {
            outside[first + column] = nearest(place);
        }
        outside[first + away] = rest.iter().copied().fold(f64::INFINITY, f64::min);
    }

    /// Walks down from the roots.
    fn choose(
        &self,
        problem: &Problem,
        tables: &Tables,
        (some, take): (std::ops::Range<usize>, &mut dyn FnMut(usize)),
    ) -> f64 {
        let mut chosen = vec![0usize; self.order.len()];
        let mut total = 0.0;
        for at in some {
            let service = &self.order[at];
            let places = problem.places_of(*service as usize);
            chosen[at] = if let Some((parent, _)) = self.parent[at] {
                tables.choice[tables.first_choice[at] + chosen[parent as usize]] as usize
            } else {
                let row = &tables.best[tables.first[at]..=tables.first[at] + places.len()];
                let best = (0..row.len()).min_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
                total += row[best];
                best
            };
            if chosen[at] < places.len() {
                take(places.start + chosen[at]);
            }
        }
        total
    }
}

/// What the call costs when the parent is in the first cluster and `child` in the second.
fn distance(problem: &Problem, pair: &Pair, (parent, cluster): (u32, u32), child: u32) -> f64 {
    let (from, to) = if pair.to == child { (parent, cluster) } else { (cluster, parent) };
    let row = from as usize * problem.clusters() + to as usize;
    pair.weight * problem.rules.distances[pair.distance as usize][row]
}

/// Whether the choice of both ends is one place, all or nothing as far as the bound can tell.
fn is_kept(problem: &Problem, pair: &Pair) -> bool {
    [pair.from, pair.to].into_iter().all(|service| {
        let service = service as usize;
        let is_whole = |place: usize| problem.places[place].least == 0 && problem.places[place].incumbent == 0;
        let is_settled = |place: usize| problem.places[place].incumbent >= problem.full(service, place);
        problem.services[service].is_single
            && problem.places_of(service).all(|place| {
                let row = &problem.places[place];
                row.least == 0 && (row.start == 0.0 || is_whole(place) || is_settled(place))
            })
    })
}

fn find(root: &mut [u32], service: u32) -> u32 {
    let mut at = service;
    while root[at as usize] != at {
        root[at as usize] = root[root[at as usize] as usize];
        at = root[at as usize];
    }
    at
}
