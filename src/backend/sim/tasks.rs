//! Tasks: they arrive, wait, run for their time, and go.
//!
//! A task waits, first come first served within its class, until the plan in force gives its class one more replica in a
//! cluster. It is a replica from then on: it waits for a node there, starts, and runs. A task that has ended is not
//! replaced: the plan in force and all plans under way shrink with it. One whose node or cluster was lost, or that a plan
//! takes away, waits again and starts from the beginning; it keeps its place in the order of arrival. One that
//! no node of any cluster could ever hold, however empty, is refused when it arrives, and nobody is asked again.
//!
//! Where [`on_arrival`](crate::model::Control::on_arrival) says so, the policy is asked at the end of every instant at
//! which a task has arrived, or room has appeared while one waits: schedulers work through a queue, not by the clock. In a
//! world of tasks only, a tick at which nothing can have changed is passed over.

use super::event::Event;
use super::world::{Replica, SlotId, World};
use crate::model::id::TaskId;
use crate::model::observation::{Quantiles, TaskSample, TaskTotals};
use crate::model::task::TaskRow;
use crate::model::{ClusterId, Phase, ReplicaId, ServiceId, Table};
use crate::units::{MilliCores, Span, Time};
use std::collections::BTreeSet;

/// All tasks of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct TaskBook {
    rows: Table<TaskId, Task>,
    /// Tasks without a place: no plan in force has given them a cluster.
    unplaced: u64,
    running: u64,
    completed: u64,
    /// Tasks that no node of any cluster could ever hold.
    refused: u64,
    pub(super) restarted: u64,
    /// From arrival to first start, of all that started.
    waits: Vec<Span>,
    /// How many of those were before things counted.
    waits_before: usize,
    /// Nanoseconds that tasks ran, over all that have stopped.
    ran: u128,
    /// Whether something has happened since the policy was asked last that could let it decide otherwise.
    changed: bool,
}

/// One task.
#[derive(Debug, Clone, Copy)]
struct Task {
    arrived: Time,
    duration: Option<Span>,
    cpu_used: MilliCores,
    started: bool,
}

/// Tasks of one class that are not replicas.
#[derive(Debug, Clone, Default)]
pub(super) struct ClassState {
    /// Without a place, by arrival.
    waiting: BTreeSet<TaskId>,
    /// Lost with their node or cluster, which nobody has noticed.
    lost: Vec<(SlotId, TaskId)>,
    /// All that are there, replicas included.
    pub(super) present: u32,
}

impl TaskBook {
    /// Waits of tasks that start from now on count.
    pub(super) const fn restart_waits(&mut self) {
        self.waits_before = self.waits.len();
    }
}

impl World {
    /// A task arrives.
    pub(super) fn on_task_arrived(&mut self, row: TaskRow) {
        let TaskRow { at: arrived, class, duration, cpu_used } = row;
        let task = self.tasks.rows.push(Task { arrived, duration, cpu_used, started: false });
        if self.slots_of(class).all(|slot| self.slots[slot].pools.values().all(|eligible| !eligible)) {
            self.tasks.refused += 1;
            return;
        }
        self.class_of(class).present += 1;
        self.wait_for_place(class, task);
        self.call_policy();
    }

    /// A replica is there: its task runs from now on.
    pub(super) fn start_task(&mut self, replica: ReplicaId) {
        let now = self.now();
        let (task, pool) = self.task_and_pool(replica);
        let Task { arrived, duration, cpu_used, started, .. } = self.tasks.rows[task];
        if !started {
            self.tasks.rows[task].started = true;
            self.tasks.waits.push(now.since(arrived));
        }
        self.tasks.running += 1;
        let timer = duration.map(|span| self.schedule(span, Event::TaskCompleted(replica)));
        let state = &mut self.replicas[replica];
        assert_eq!(state.phase, Phase::Starting, "only a starting task runs");
        (state.phase, state.since, state.timer) = (Phase::Ready, now, timer);
        let (service, cluster) = self.place_of(replica);
        let slot = self.slot_id(service, cluster);
        self.slots[slot].ready += 1;
        self.services[service].groups = None;
        self.settle_site(cluster);
        let here = &mut self.sites[cluster].tasks;
        here.cpu[pool] += cpu_used.0;
        here.running += 1;
        self.refresh_site(cluster);
    }

    /// A task that ran runs no more; the caller says what becomes of it.
    pub(super) fn stop_task(&mut self, replica: ReplicaId) {
        let (task, pool) = self.task_and_pool(replica);
        let (service, cluster) = self.place_of(replica);
        let slot = self.slot_id(service, cluster);
        self.slots[slot].ready -= 1;
        self.tasks.running -= 1;
        self.tasks.ran += u128::from(self.now().since(self.replicas[replica].since).0);
        let cpu_used = self.tasks.rows[task].cpu_used.0;
        self.settle_site(cluster);
        let here = &mut self.sites[cluster].tasks;
        here.cpu[pool] -= cpu_used;
        here.running -= 1;
        self.refresh_site(cluster);
    }

    /// A task has run for its time.
    pub(super) fn on_task_completed(&mut self, replica: ReplicaId) {
        let (service, cluster) = self.place_of(replica);
        self.replicas[replica].timer = None;
        self.end(replica);
        self.shrink_targets(service, cluster);
        self.class_of(service).present -= 1;
        self.tasks.completed += 1;
        self.try_waiting(cluster);
        self.offer_room();
    }

    /// Brings the tasks of a class to where the plan in force wants them: first away, then to, so that a task that moves
    /// can be the one that comes.
    pub(super) fn reconcile_tasks(&mut self, class: ServiceId) {
        for slot in self.slots_of(class) {
            for _ in self.slots[slot].desired..self.held(slot) {
                if !self.withdraw_one(slot) {
                    break;
                }
            }
        }
        for slot in self.slots_of(class) {
            if !self.sites[self.slots[slot].cluster].is_up() {
                continue;
            }
            for _ in self.held(slot)..self.slots[slot].desired {
                let Some(task) = self.class_of(class).waiting.pop_first() else { break };
                self.tasks.unplaced -= 1;
                self.create_for(slot, Some(task));
            }
        }
        for cluster in self.sites.ids() {
            self.try_waiting(cluster);
        }
    }

    /// Tasks that have a place in a slot, those of a loss that nobody has noticed included.
    fn held(&self, slot: SlotId) -> u32 {
        let slot = &self.slots[slot];
        u32::try_from(slot.replicas.len()).expect("replicas stay below 2^32") + slot.ghosts
    }

    /// Takes the place of one task away, the one that loses least: pending, starting, running, the youngest first.
    fn withdraw_one(&mut self, slot: SlotId) -> bool {
        let youngest_in = |phase: Phase| {
            self.slots[slot].replicas.iter().rev().copied().find(|replica| self.replicas[*replica].phase == phase)
        };
        let chosen = [Phase::Pending, Phase::Starting, Phase::Ready].into_iter().find_map(youngest_in);
        let Some(replica) = chosen else { return false };
        let task = self.replicas[replica].task.expect("replicas of a class are tasks");
        self.tasks.restarted += u64::from(self.replicas[replica].phase != Phase::Pending);
        self.end(replica);
        self.wait_for_place(self.slots[slot].service, task);
        true
    }

    /// A task was lost with its node or cluster. Nobody knows yet.
    pub(super) fn lose_task(&mut self, slot: SlotId, task: TaskId) {
        let service = self.slots[slot].service;
        self.slots[slot].ghosts += 1;
        self.class_of(service).lost.push((slot, task));
    }

    /// The loss of the tasks in a slot is noticed: they wait again, and the plan forgets their places.
    pub(super) fn requeue_lost(&mut self, class: ServiceId, slot: SlotId) {
        if self.slots[slot].ghosts == 0 {
            return;
        }
        self.slots[slot].ghosts = 0;
        let cluster = self.slots[slot].cluster;
        let all = std::mem::take(&mut self.class_of(class).lost);
        let (here, elsewhere): (Vec<_>, Vec<_>) = all.into_iter().partition(|(place, _)| *place == slot);
        self.class_of(class).lost = elsewhere;
        for (_, task) in here {
            self.tasks.restarted += 1;
            self.shrink_targets(class, cluster);
            self.wait_for_place(class, task);
        }
    }

    /// A task has no place from now on.
    fn wait_for_place(&mut self, class: ServiceId, task: TaskId) {
        self.class_of(class).waiting.insert(task);
        self.tasks.unplaced += 1;
        self.services[class].groups = None;
    }

    /// A place is given up for good, by the plan in force and by all that are under way.
    fn shrink_targets(&mut self, class: ServiceId, cluster: ClusterId) {
        let slot = self.slot_id(class, cluster);
        let desired = &mut self.slots[slot].desired;
        *desired = desired.saturating_sub(1);
        let control = &mut self.control;
        for targets in [&mut control.effective, &mut control.targets].into_iter().chain(&mut control.arriving) {
            targets.set(class, cluster, targets.get(class, cluster).saturating_sub(1));
        }
    }

    /// Room has appeared: the policy is asked where a task waits for some.
    pub(super) fn offer_room(&mut self) {
        if self.waits_any() {
            self.call_policy();
        }
    }

    fn waits_any(&self) -> bool {
        self.tasks.unplaced > 0 || self.sites.values().any(|site| !site.waiting.is_empty())
    }

    /// Asks the policy at the end of this instant, where tasks need not wait for the next tick.
    fn call_policy(&mut self) {
        self.tasks.changed = true;
        if self.scenario.control.on_arrival && !std::mem::replace(&mut self.control.asks, true) {
            self.schedule(Span::ZERO, Event::TasksChanged);
        }
    }

    /// All that happens at this instant has happened: the policy is asked, unless a tick has done so.
    pub(super) fn on_tasks_changed(&mut self) {
        if self.control.asks {
            self.ask(false);
        }
    }

    /// The policy is asked now: what happens from here on is news.
    pub(super) fn note_asked(&mut self) {
        self.control.asks = false;
        self.tasks.changed = false;
    }

    /// Whether a tick may be passed over: there are only tasks, and none waits for whom anything could have changed.
    /// Rails may hold a plan back that is wanted again later.
    pub(super) fn has_nothing_to_decide(&self) -> bool {
        let application = &self.scenario.known.application;
        let rails = &self.scenario.control.rails;
        application.requests().len() == 0
            && application.has_tasks()
            && !(self.waits_any() && (self.tasks.changed || *rails != crate::model::Rails::default()))
    }

    fn class_of(&mut self, class: ServiceId) -> &mut ClassState {
        self.services[class].class.as_deref_mut().expect("the rows of a task source name classes of tasks")
    }

    fn task_and_pool(&self, replica: ReplicaId) -> (TaskId, crate::model::PoolId) {
        let state = &self.replicas[replica];
        let (_, cluster) = self.place_of(replica);
        let node = state.node.expect("a task runs on a node");
        (state.task.expect("it is a task"), self.sites[cluster].nodes.node(node).pool)
    }

    /// How many there are, for the series.
    pub(super) fn sample_tasks(&self) -> Option<TaskSample> {
        let book = &self.tasks;
        let arrived = book.rows.len() as u64;
        self.scenario.known.application.has_tasks().then(|| TaskSample {
            arrived,
            completed: book.completed,
            running: book.running,
            waiting: arrived - book.completed - book.running - book.refused,
        })
    }

    /// The sums over all tasks, once the run is over. Those that wait are counted where they are.
    pub(super) fn task_totals(&self) -> Option<TaskTotals> {
        let book = &self.tasks;
        let classes = self.services.values().filter_map(|service| service.class.as_deref());
        let lost: usize = classes.map(|class| class.waiting.len() + class.lost.len()).sum();
        let placed = self.replicas.values().filter(|replica| replica.task.is_some() && !replica.gone);
        let (running, starting): (Vec<&Replica>, Vec<&Replica>) =
            placed.partition(|replica| replica.phase == Phase::Ready);
        let ran: u128 = running.iter().map(|replica| u128::from(self.now().since(replica.since).0)).sum();
        self.scenario.known.application.has_tasks().then(|| TaskTotals {
            arrived: book.rows.len() as u64,
            started: book.waits.len() as u64,
            completed: book.completed,
            running: running.len() as u64,
            waiting: (lost + starting.len()) as u64,
            refused: book.refused,
            restarted: book.restarted,
            wait: quantiles(&book.waits[book.waits_before..]),
            hours: (book.ran + ran) as f64 / 3.6e12,
            cpu_hours: self.sites.values().map(|site| site.sums.task_core_seconds).sum::<f64>() / 3600.0,
        })
    }
}

/// Mean and quantiles by nearest rank, exactly.
fn quantiles(waits: &[Span]) -> Option<Quantiles> {
    let mut sorted = waits.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1)?;
    let rank = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1).min(last)];
    let sum: u128 = sorted.iter().map(|wait| u128::from(wait.0)).sum();
    let mean = Span(u64::try_from(sum / sorted.len() as u128).expect("a mean is no larger than the largest"));
    Some(Quantiles { mean, p50: rank(50), p95: rank(95), p99: rank(99) })
}
