//! Rules as rows, where they are linear; `exact` has the rest of the program.
//!
//! | rule | form |
//! |---|---|
//! | call | one-sided cuts `z[e] ≥ x[from,e] − x[to,e]` where all distances are alike, else transport columns |
//! | near | `z[e] ≥ r[from,e] − full·(Σ x[to,e'] over near e' + (to is nowhere))` |
//! | together | `z[e] ≥ Σ_s runs[s] − Σ_s x[s,e] − size·(1 − x[s',e])` for every member `s'` |
//! | apart | `z[e] ≥ Σ_s x[s,e] − 1` |
//! | share | `z[d] ≥ Σ_{e in d} r[e] − m`, `m ≤ share·Σ_e r[e] + 1 − 1/q` whole, where shares are multiples of `1/q` |
//! | survive | `z ≥ at least − Σ_{e not in d} r[e]` for every domain `d` |
//! | spread | `z ≥ min(at least, replicas) − domains`, the minimum by one binary |
//! | stay | `z ≥ min(lost, gained)`, by one binary |
//! | budget | `Σ rate·r + held ≤ most + z`, `z` whole |
//! | balance | `z ≥ u[e]` for every cluster; the mean is part of what replicas cost |
//!
//! Calls of services that may be split, and distances between very many clusters, are left out: the bound holds without them,
//! and the answer is valued with them.

use super::Program;
use crate::solver::anytime::limits::{Limit, Quota, Stay};
use crate::solver::anytime::social::{Group, Near, Pair, Rules};
use crate::solver::anytime::totals::{Balance, Budget, UNIT};
use highs::Col;

/// Transport columns that a model may have.
const TRANSPORT_MAX: usize = 60_000;

impl Program<'_> {
    pub(super) fn add_rules(&mut self, rules: &Rules) {
        self.add_pairs(rules);
        rules.nears.iter().for_each(|near| self.add_near(near));
        rules.groups.iter().for_each(|group| self.add_group(group));
        rules.limits.iter().for_each(|limit| self.add_limit(limit));
        rules.stays.iter().for_each(|stay| self.add_stay(stay));
        rules.budgets.iter().for_each(|budget| self.add_budget(budget));
        if let Some(balance) = &rules.balance {
            self.add_balance(balance);
        }
    }

    fn add_pairs(&mut self, rules: &Rules) {
        let clusters = self.problem.clusters();
        let mut transports = 0;
        for pair in &rules.pairs {
            let ends = [pair.from as usize, pair.to as usize];
            if !ends.iter().all(|service| self.problem.services[*service].is_single) {
                continue;
            }
            let distance = &rules.distances[pair.distance as usize];
            if let Some(apart) = uniform(distance, clusters) {
                self.add_cut(pair, apart);
            } else if transports + clusters * clusters <= TRANSPORT_MAX {
                transports += clusters * clusters;
                self.add_transport(pair, distance);
            }
        }
    }

    /// `Σ_e z[e]`, `z[e] ≥ x[from,e] − x[to,e] − (to is nowhere)`.
    fn add_cut(&mut self, pair: &Pair, apart: f64) {
        let problem = self.problem;
        let nowhere = self.nowhere(pair.to as usize);
        for place in problem.places_of(pair.from as usize) {
            let here = self.use_of(place);
            let cluster = problem.places[place].cluster;
            let other = problem.places_of(pair.to as usize).find(|other| problem.places[*other].cluster == cluster);
            let cut = self.continuous(pair.weight * apart, 1.0);
            let mut row = vec![(here, 1.0), (cut, -1.0), (nowhere, -1.0)];
            if let Some(other) = other {
                row.push((self.use_of(other), -1.0));
            }
            self.rows.add_row(..=0.0, &row);
        }
    }

    /// One where the service has no place.
    fn nowhere(&mut self, service: usize) -> Col {
        let column = self.continuous(0.0, 1.0);
        let mut row = vec![(column, 1.0)];
        for place in self.problem.places_of(service) {
            row.push((self.use_of(place), 1.0));
        }
        self.rows.add_row(1.0..=1.0, &row);
        column
    }

    /// `f[e,e'] ≥ 0`, `Σ_e' f[e,e'] = x[from,e]` as far as `to` is somewhere, `Σ_e f[e,e'] ≤ x[to,e']`.
    fn add_transport(&mut self, pair: &Pair, distance: &[f64]) {
        let problem = self.problem;
        let (from, to) = (problem.places_of(pair.from as usize), problem.places_of(pair.to as usize));
        let nowhere = self.nowhere(pair.to as usize);
        let mut arrives: Vec<Vec<(Col, f64)>> = vec![Vec::new(); to.len()];
        for place in from {
            let row = &distance[problem.places[place].cluster as usize * problem.clusters()..];
            let mut leaves = vec![(self.use_of(place), -1.0), (nowhere, 1.0)];
            for (at, other) in to.clone().enumerate() {
                let flow = self.continuous(pair.weight * row[problem.places[other].cluster as usize], 1.0);
                leaves.push((flow, 1.0));
                arrives[at].push((flow, 1.0));
            }
            self.rows.add_row(0.0.., &leaves);
        }
        for (mut row, other) in arrives.into_iter().zip(to) {
            row.push((self.use_of(other), -1.0));
            self.rows.add_row(..=0.0, &row);
        }
    }

    /// At most one; zero where the service has replicas.
    fn absent(&mut self, service: usize) -> Col {
        let column = self.continuous(0.0, 1.0);
        for place in self.problem.places_of(service) {
            let used = self.use_of(place);
            self.rows.add_row(..=1.0, [(column, 1.0), (used, 1.0)]);
        }
        column
    }

    fn add_near(&mut self, near: &Near) {
        let problem = self.problem;
        let cluster = |place: usize| problem.places[place].cluster as usize;
        let is_far = |from: usize, to: usize| near.is_far[cluster(from) * problem.clusters() + cluster(to)];
        let called = problem.places_of(near.to as usize);
        let absent = self.absent(near.to as usize);
        for from in problem.places_of(near.from as usize) {
            if called.clone().all(|to| !is_far(from, to)) {
                continue;
            }
            let full = f64::from(problem.full(near.from as usize, from));
            let beyond = self.continuous(near.price, full);
            let mut row = vec![(self.replicas[from], 1.0), (beyond, -1.0), (absent, -full)];
            for to in called.clone().filter(|to| !is_far(from, *to)) {
                row.push((self.use_of(to), -full));
            }
            self.rows.add_row(..=0.0, merged(row));
        }
    }

    fn add_group(&mut self, group: &Group) {
        let problem = self.problem;
        let mut members: Vec<Vec<Col>> = vec![Vec::new(); problem.clusters()];
        let mut running = Vec::new();
        for service in &group.services {
            let runs = self.continuous(0.0, 1.0);
            for place in problem.places_of(*service as usize) {
                let used = self.use_of(place);
                members[problem.places[place].cluster as usize].push(used);
                self.rows.add_row(..=0.0, [(used, 1.0), (runs, -1.0)]);
            }
            running.push(runs);
        }
        let size = group.services.len() as f64;
        for columns in members.into_iter().filter(|columns| !columns.is_empty()) {
            let wrong = self.continuous(group.price, size);
            if !group.is_together {
                let mut row: Vec<(Col, f64)> = columns.iter().map(|column| (*column, 1.0)).collect();
                row.push((wrong, -1.0));
                self.rows.add_row(..=1.0, &row);
                continue;
            }
            for one in &columns {
                let mut row: Vec<(Col, f64)> = columns.iter().map(|column| (*column, -1.0)).collect();
                row.extend(running.iter().map(|runs| (*runs, 1.0)));
                row.extend([(*one, size), (wrong, -1.0)]);
                self.rows.add_row(..=size, merged(row));
            }
        }
    }

    fn add_limit(&mut self, limit: &Limit) {
        let first = self.problem.services[limit.service as usize].first;
        let domains: Vec<Vec<u32>> =
            limit.domains.iter().map(|places| places.iter().map(|at| first + at).collect()).collect();
        match limit.quota {
            Quota::Most(most) => {
                for domain in &domains {
                    self.add_cap(domain, (None, f64::from(most)), limit.price);
                }
            }
            Quota::Share { parts, of } => self.add_share(&domains, (parts, of), limit.price),
            Quota::Survive(at_least) => self.add_survival(&domains, f64::from(at_least), limit.price),
            Quota::Spread(at_least) => self.add_spread(&domains, (limit.service, at_least), limit.price),
        }
    }

    fn held(&self, places: &[u32], factor: f64) -> Vec<(Col, f64)> {
        places.iter().map(|place| (self.replicas[*place as usize], factor)).collect()
    }

    /// `Σ r − limit − beyond ≤ most`.
    fn add_cap(&mut self, places: &[u32], (limit, most): (Option<Col>, f64), price: f64) {
        let beyond = self.continuous(price, f64::INFINITY);
        let mut row = self.held(places, 1.0);
        row.push((beyond, -1.0));
        row.extend(limit.map(|limit| (limit, -1.0)));
        self.rows.add_row(..=most, &row);
    }

    fn add_share(&mut self, domains: &[Vec<u32>], (parts, of): (u64, u64), price: f64) {
        let divisor = super::greatest_common_divisor(parts, of).max(1);
        let (parts, of) = ((parts / divisor) as f64, (of / divisor).max(1) as f64);
        let most = self.rows.add_integer_column(0.0, 0.0..);
        let mut row: Vec<(Col, f64)> = domains.iter().flat_map(|domain| self.held(domain, -parts / of)).collect();
        row.push((most, 1.0));
        self.rows.add_row(..=1.0 - 1.0 / of, &row);
        for domain in domains {
            self.add_cap(domain, (Some(most), 0.0), price);
        }
    }

    fn add_survival(&mut self, domains: &[Vec<u32>], at_least: f64, price: f64) {
        let missing = self.continuous(price, at_least);
        if domains.is_empty() {
            self.rows.add_row(at_least.., [(missing, 1.0)]);
        }
        for lost in 0..domains.len() {
            let others = (0..domains.len()).filter(|other| *other != lost);
            let mut row: Vec<(Col, f64)> = others.flat_map(|other| self.held(&domains[other], 1.0)).collect();
            row.push((missing, 1.0));
            self.rows.add_row(at_least.., &row);
        }
    }

    /// `missing ≥ min(at_least, replicas) − domains`.
    fn add_spread(&mut self, domains: &[Vec<u32>], (service, at_least): (u32, u32), price: f64) {
        let wanted = self.continuous(0.0, f64::from(at_least));
        let missing = self.continuous(price, f64::from(at_least));
        let mut row = vec![(missing, 1.0), (wanted, -1.0)];
        for domain in domains {
            let column = self.continuous(0.0, 1.0);
            row.push((column, 1.0));
            let mut members = vec![(column, 1.0)];
            for place in domain {
                members.push((self.use_of(*place as usize), -1.0));
            }
            self.rows.add_row(..=0.0, &members);
        }
        self.rows.add_row(0.0.., &row);
        self.want_domains(at_least, self.problem.places_of(service as usize), wanted);
    }

    /// Ties `wanted` to `min(at_least, replicas)` from below by one binary: all of them, or as many as there are replicas.
    fn want_domains(&mut self, at_least: u32, places: std::ops::Range<usize>, wanted: Col) {
        let is_few = self.rows.add_integer_column(0.0, 0.0..=1.0);
        let at_least = f64::from(at_least);
        self.rows.add_row(at_least.., [(wanted, 1.0), (is_few, at_least)]);
        // With few replicas: wanted ≥ replicas; otherwise the row is slack.
        let most: u32 = places.clone().map(|place| self.problem.places[place].most).fold(0, u32::saturating_add);
        let mut row: Vec<(Col, f64)> = places.map(|place| (self.replicas[place], -1.0)).collect();
        row.push((wanted, 1.0));
        row.push((is_few, -f64::from(most)));
        self.rows.add_row(-f64::from(most).., &row);
    }

    /// `missing ≥ min(Σ (kept − r)⁺, Σ (r − incumbent)⁺)`.
    fn add_stay(&mut self, stay: &Stay) {
        let (problem, service) = (self.problem, stay.service as usize);
        let few = |counts: &mut dyn Iterator<Item = u32>| counts.map(f64::from).sum::<f64>();
        let most_lost = few(&mut stay.kept.iter().copied()) + f64::from(stay.lost);
        let most_gained = few(&mut problem.places_of(service).map(|place| problem.full(service, place)));
        let (mut lost, mut gained) = (Vec::new(), Vec::new());
        for (place, kept) in problem.places_of(service).zip(&stay.kept) {
            let replicas = self.replicas[place];
            let (less, more) = (self.continuous(0.0, f64::INFINITY), self.continuous(0.0, f64::INFINITY));
            self.rows.add_row(f64::from(*kept).., [(replicas, 1.0), (less, 1.0)]);
            self.rows.add_row(..=f64::from(problem.places[place].incumbent), [(replicas, 1.0), (more, -1.0)]);
            lost.push((less, -1.0));
            gained.push((more, -1.0));
        }
        let moved = self.continuous(stay.price, f64::INFINITY);
        let by_gains = self.rows.add_integer_column(0.0, 0.0..=1.0);
        lost.extend([(moved, 1.0), (by_gains, most_lost)]);
        gained.extend([(moved, 1.0), (by_gains, -most_gained)]);
        self.rows.add_row(f64::from(stay.lost).., &lost);
        self.rows.add_row(-most_gained.., &gained);
    }

    /// In thousandths of a dollar, so that figures stay near one.
    fn add_budget(&mut self, budget: &Budget) {
        let beyond = self.rows.add_integer_column(budget.price, 0.0..);
        let rates = self.replicas.iter().zip(&budget.rates).filter(|(_, rate)| **rate > 0);
        let mut row: Vec<(Col, f64)> = rates.map(|(column, rate)| (*column, *rate as f64 / UNIT as f64)).collect();
        row.push((beyond, -1.0));
        self.rows.add_row(..=(budget.most as f64 - budget.held as f64) / UNIT as f64, &row);
    }

    fn add_balance(&mut self, balance: &Balance) {
        let problem = self.problem;
        let fullest = self.continuous(balance.weight, f64::INFINITY);
        let mut rows: Vec<Vec<(Col, f64)>> = vec![vec![(fullest, -1.0)]; problem.clusters()];
        for service in 0..problem.services.len() {
            let request = problem.request_of(service)[balance.kind];
            for place in problem.places_of(service).filter(|_| request > 0) {
                let cluster = problem.places[place].cluster as usize;
                rows[cluster].push((self.replicas[place], request as f64 / balance.all[cluster].max(1) as f64));
            }
        }
        for (cluster, row) in rows.iter().enumerate().filter(|(cluster, _)| balance.all[*cluster] > 0) {
            let held = balance.held[cluster] as f64 / balance.all[cluster] as f64;
            self.rows.add_row(..=-held, row);
            self.offset -= balance.weight * held / balance.counted() as f64;
        }
    }

    /// What a replica takes off the price of balance by raising the mean.
    pub(super) fn share_of_mean(&self, service: usize, place: usize) -> f64 {
        let Some(balance) = &self.problem.rules.balance else { return 0.0 };
        let all = balance.all[self.problem.places[place].cluster as usize];
        if all == 0 {
            return 0.0;
        }
        let request = self.problem.request_of(service)[balance.kind];
        balance.weight * (request as f64 / all as f64) / balance.counted() as f64
    }
}

/// Each column once.
fn merged(row: Vec<(Col, f64)>) -> Vec<(Col, f64)> {
    let mut merged: Vec<(Col, f64)> = Vec::with_capacity(row.len());
    for (column, factor) in row {
        match merged.iter_mut().find(|(known, _)| *known == column) {
            Some((_, sum)) => *sum += factor,
            None => merged.push((column, factor)),
        }
    }
    merged
}

/// The distance between any two different clusters, where it is the same everywhere.
fn uniform(distance: &[f64], clusters: usize) -> Option<f64> {
    let apart = if clusters > 1 { distance[1] } else { 0.0 };
    let expected = |at: usize| if at / clusters == at % clusters { 0.0 } else { apart };
    (0..clusters * clusters).all(|at| distance[at].to_bits() == expected(at).to_bits()).then_some(apart)
}
