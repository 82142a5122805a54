//! An assignment under change: what a shift or a swap costs and whether the rules allow it, without looking at the rest.
//!
//! A change touches two machines, so its cost is the difference of their costs, of the moves of what changed its place, and
//! of the most that one service has moved. Capacity is compared with what is in use *and* what processes that left still
//! hold. Rules of services are checked on the counts *after* a change, which is exact for changes of several processes at
//! once: a dependency can only break where a moved process arrived, or where one was the last of its service.

use super::flat::{Flat, short};

/// A process and the machine that it goes to.
pub(super) type Shift = (usize, usize);

/// The assignment with its counts.
#[derive(Debug, Clone)]
pub(super) struct State<'f> {
    pub flat: &'f Flat,
    /// By process: the machine.
    pub machine: Vec<u32>,
    /// By machine: its processes, and by process where it stands there.
    pub residents: Vec<Vec<u32>>,
    position: Vec<u32>,
    /// By machine and resource: in use, and in use or held by what left.
    used: Vec<i64>,
    taken: Vec<i64>,
    /// By machine: load and balance costs.
    pub machine_cost: Vec<i64>,
    /// By service and machine: a bit.
    present: Vec<u64>,
    /// By service and location, or neighbourhood: processes.
    in_location: Vec<u32>,
    in_neighbourhood: Vec<u32>,
    /// By service: locations, and processes that are not where they came from.
    spread: Vec<u32>,
    moved: Vec<u32>,
    /// By number of moved processes: services that have so many; and the largest number.
    tally: Vec<u32>,
    most_moved: usize,
    /// What the assignment costs.
    pub cost: i64,
}

impl<'f> State<'f> {
    /// At the start.
    pub fn new(flat: &'f Flat) -> Self {
        let mut state = Self {
            flat,
            machine: flat.initial.clone(),
            residents: vec![Vec::new(); flat.machines],
            position: vec![0; flat.processes],
            used: vec![0; flat.machines * flat.resources],
            taken: vec![0; flat.machines * flat.resources],
            machine_cost: vec![0; flat.machines],
            present: vec![0; (flat.services * flat.machines).div_ceil(64)],
            in_location: vec![0; flat.services * flat.locations],
            in_neighbourhood: vec![0; flat.services * flat.neighbourhoods],
            spread: vec![0; flat.services],
            moved: vec![0; flat.services],
            tally: vec![0; flat.processes + 2],
            most_moved: 0,
            cost: 0,
        };
        state.tally[0] = short(flat.services);
        for process in 0..flat.processes {
            let (machine, service) = (flat.initial[process] as usize, flat.service[process] as usize);
            for (index, amount) in flat.needs_of(process).iter().enumerate() {
                state.used[machine * flat.resources + index] += amount;
                state.taken[machine * flat.resources + index] += amount;
            }
            state.enter(process, machine);
            state.count_in(service, machine);
        }
        for machine in 0..flat.machines {
            state.recount(machine);
            state.cost += state.machine_cost[machine];
        }
        state
    }

    fn bit(&self, service: usize, machine: usize) -> (usize, u64) {
        let at = service * self.flat.machines + machine;
        (at / 64, 1 << (at % 64))
    }

    /// Whether a process of `service` is on `machine`.
    #[inline]
    fn is_present(&self, service: usize, machine: usize) -> bool {
        let (word, bit) = self.bit(service, machine);
        self.present[word] & bit != 0
    }

    fn recount(&mut self, machine: usize) {
        let used = &self.used[machine * self.flat.resources..][..self.flat.resources];
        self.machine_cost[machine] = self.flat.machine_cost(machine, |index| used[index]);
    }

    /// Whether there is room, and nobody of the same service.
    #[inline]
    pub fn is_open(&self, (process, to): Shift) -> bool {
        let flat = self.flat;
        if self.is_present(flat.service[process] as usize, to) {
            return false;
        }
        let base = to * flat.resources;
        let rows = self.taken[base..][..flat.resources].iter().zip(&flat.capacity[base..][..flat.resources]);
        rows.zip(flat.room_of(process, to)).all(|((taken, capacity), needs)| taken + needs <= *capacity)
    }

    /// What a shift would change of the cost.
    #[inline]
    pub fn shift_delta(&mut self, (process, to): Shift) -> i64 {
        let flat = self.flat;
        let (from, needs) = (self.machine[process] as usize, flat.needs_of(process));
        let here = &self.used[from * flat.resources..][..flat.resources];
        let there = &self.used[to * flat.resources..][..flat.resources];
        let after = flat.machine_cost(from, |index| here[index] - needs[index])
            + flat.machine_cost(to, |index| there[index] + needs[index]);
        let before = self.machine_cost[from] + self.machine_cost[to];
        let moves = flat.cost_of_move(process, to) - flat.cost_of_move(process, from);
        after - before + moves + self.service_delta(&[(process, to)])
    }

    /// Whether two processes of different machines can change places, but for the rules of [`Self::allows`].
    #[inline]
    pub fn can_swap(&self, one: usize, other: usize) -> bool {
        let flat = self.flat;
        let (service, second) = (flat.service[one] as usize, flat.service[other] as usize);
        let (here, there) = (self.machine[one] as usize, self.machine[other] as usize);
        if service != second && (self.is_present(service, there) || self.is_present(second, here)) {
            return false;
        }
        self.fits(there, one, other) && self.fits(here, other, one)
    }

    /// Whether `comes` has room on `machine` once `leaves` has left.
    #[inline]
    fn fits(&self, machine: usize, comes: usize, leaves: usize) -> bool {
        let (flat, base) = (self.flat, machine * self.flat.resources);
        let rows = self.taken[base..][..flat.resources].iter().zip(&flat.capacity[base..][..flat.resources]);
        let change = flat.room_of(comes, machine).iter().zip(flat.room_of(leaves, machine));
        rows.zip(change).all(|((taken, capacity), (more, less))| taken + more - less <= *capacity)
    }

    /// What a swap would change of the cost.
    #[inline]
    pub fn swap_delta(&mut self, one: usize, other: usize) -> i64 {
        let flat = self.flat;
        let (here, there) = (self.machine[one] as usize, self.machine[other] as usize);
        let (needs, others) = (flat.needs_of(one), flat.needs_of(other));
        let (used, used_there) = (
            &self.used[here * flat.resources..][..flat.resources],
            &self.used[there * flat.resources..][..flat.resources],
        );
        let after = flat.machine_cost(here, |index| used[index] - needs[index] + others[index])
            + flat.machine_cost(there, |index| used_there[index] + needs[index] - others[index]);
        let before = self.machine_cost[here] + self.machine_cost[there];
        let moves = flat.cost_of_move(one, there) + flat.cost_of_move(other, here)
            - flat.cost_of_move(one, here)
            - flat.cost_of_move(other, there);
        after - before + moves + self.service_delta(&[(one, there), (other, here)])
    }

    /// What the cost of the service that has moved most would change by.
    #[inline]
    fn service_delta(&mut self, shifts: &[Shift]) -> i64 {
        let before = self.most_moved;
        for (process, to) in shifts {
            self.count_moved(*process, self.machine[*process] as usize, *to);
        }
        let after = self.most_moved;
        for (process, to) in shifts.iter().rev() {
            self.count_moved(*process, *to, self.machine[*process] as usize);
        }
        self.flat.service_weight * (signed(after) - signed(before))
    }

    #[inline]
    fn count_moved(&mut self, process: usize, from: usize, to: usize) {
        let home = self.flat.initial[process] as usize;
        let (was, is) = (from != home, to != home);
        if was == is {
            return;
        }
        let moved = &mut self.moved[self.flat.service[process] as usize];
        self.tally[*moved as usize] -= 1;
        *moved = if is { *moved + 1 } else { *moved - 1 };
        self.tally[*moved as usize] += 1;
        if is {
            self.most_moved = self.most_moved.max(*moved as usize);
        } else if self.tally[self.most_moved] == 0 {
            self.most_moved -= 1;
        }
    }

    /// Whether spread and dependencies hold after all of `shifts`.
    pub fn allows(&mut self, shifts: &[Shift]) -> bool {
        for (process, to) in shifts {
            let service = self.flat.service[*process] as usize;
            self.count_out(service, self.machine[*process] as usize);
            self.count_in(service, *to);
        }
        let kept = shifts.iter().all(|shift| self.is_kept(*shift));
        for (process, to) in shifts {
            let service = self.flat.service[*process] as usize;
            self.count_out(service, *to);
            self.count_in(service, self.machine[*process] as usize);
        }
        kept
    }

    /// Whether the counts, in which the shift is done, keep what it could have broken.
    fn is_kept(&self, (process, to): Shift) -> bool {
        let flat = self.flat;
        let service = flat.service[process] as usize;
        if self.spread[service] < flat.spread_min[service] {
            return false;
        }
        let (left, entered) = (flat.neighbourhood[self.machine[process] as usize], flat.neighbourhood[to]);
        if left == entered {
            return true;
        }
        let is_in = |service: u32, neighbourhood: u32| {
            self.in_neighbourhood[service as usize * flat.neighbourhoods + neighbourhood as usize] > 0
        };
        if !is_in(short(service), left) && flat.dependents[service].iter().any(|one| is_in(*one, left)) {
            return false;
        }
        flat.needed[service].iter().all(|one| is_in(*one, entered))
    }

    fn count_in(&mut self, service: usize, machine: usize) {
        let flat = self.flat;
        let at = &mut self.in_location[service * flat.locations + flat.location[machine] as usize];
        self.spread[service] += u32::from(*at == 0);
        *at += 1;
        self.in_neighbourhood[service * flat.neighbourhoods + flat.neighbourhood[machine] as usize] += 1;
    }

    fn count_out(&mut self, service: usize, machine: usize) {
        let flat = self.flat;
        let at = &mut self.in_location[service * flat.locations + flat.location[machine] as usize];
        *at -= 1;
        self.spread[service] -= u32::from(*at == 0);
        self.in_neighbourhood[service * flat.neighbourhoods + flat.neighbourhood[machine] as usize] -= 1;
    }

    fn enter(&mut self, process: usize, machine: usize) {
        let (word, bit) = self.bit(self.flat.service[process] as usize, machine);
        self.present[word] |= bit;
        self.position[process] = short(self.residents[machine].len());
        self.residents[machine].push(short(process));
        self.machine[process] = short(machine);
    }

    fn leave(&mut self, process: usize) {
        let machine = self.machine[process] as usize;
        let (word, bit) = self.bit(self.flat.service[process] as usize, machine);
        self.present[word] &= !bit;
        let at = self.position[process] as usize;
        self.residents[machine].swap_remove(at);
        if let Some(last) = self.residents[machine].get(at) {
            self.position[*last as usize] = short(at);
        }
    }

    /// Does a few shifts at once, whose change of the cost is known.
    pub fn apply(&mut self, shifts: &[Shift], delta: i64) {
        let flat = self.flat;
        let mut touched = [0; 8];
        let mut count = 0;
        for (process, _) in shifts {
            self.leave(*process);
        }
        for (process, to) in shifts {
            let (from, service) = (self.machine[*process] as usize, flat.service[*process] as usize);
            for index in 0..flat.resources {
                let needs = flat.needs[process * flat.resources + index];
                self.used[from * flat.resources + index] -= needs;
                self.used[to * flat.resources + index] += needs;
                self.taken[from * flat.resources + index] -= flat.room_of(*process, from)[index];
                self.taken[to * flat.resources + index] += flat.room_of(*process, *to)[index];
            }
            self.count_out(service, from);
            self.count_in(service, *to);
            self.count_moved(*process, from, *to);
            touched[count] = from;
            touched[count + 1] = *to;
            count += 2;
        }
        for (process, to) in shifts {
            self.enter(*process, *to);
        }
        for machine in &touched[..count] {
            self.recount(*machine);
        }
        self.cost += delta;
    }

    /// Goes to another assignment that keeps the rules.
    pub fn become_like(&mut self, machine: &[u32], cost: i64) {
        for (process, to) in machine.iter().enumerate() {
            let to = *to as usize;
            if self.machine[process] as usize != to {
                self.apply(&[(process, to)], 0);
            }
        }
        self.cost = cost;
        // Two of a service may have met on the way, where the second to leave took the bit with it.
        for process in 0..self.flat.processes {
            let (word, bit) = self.bit(self.flat.service[process] as usize, self.machine[process] as usize);
            self.present[word] |= bit;
        }
    }
}

/// A number of processes with a sign.
fn signed(count: usize) -> i64 {
    i64::try_from(count).expect("as many processes do not fit into memory")
}
