//! The descheduler's `LowNodeUtilization`, over clusters instead of nodes.
//!
//! New replicas go where `spread` puts them. Every `interval` clusters are classed by what is requested of them: under-used
//! where every resource is at or below `under`, over-used where one is above `target`. If there are both, replicas are moved
//! from over-used clusters (the fullest first) to under-used ones until the former are at their target, the latter have no room
//! below theirs, or `max` have been moved. Services that were declared last go first, as pods of low priority do; pinned ones
//! and tasks stay. A replica is moved only where an under-used cluster has room for it (`nodeFit`).

use super::draft::{Draft, unchanged};
use super::reasons::{ByRank, next_with_room};
use super::rooms::Rooms;
use super::{Entry, Parameter, ParameterError, Parameters, spread};
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot, Wanted};
use crate::policy::scaling::threshold::number_or;
use crate::policy::{Context, Placement, PolicyError};
use crate::units::{Ratio, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "descheduler-low-util",
    summary: "spread, and every interval replicas move from over-used to under-used clusters",
    about: "Use = requested ÷ offered of CPU, memory and pods. Under-used: all ≤ `under`; over-used: one > `target` (with \
        `deviation=on` both are distances from the mean). From over- to under-used clusters until use ≤ target, the room \
        below the target is used up, or `max` moves. Source: kubernetes-sigs/descheduler, plugin LowNodeUtilization, \
        with clusters in place of nodes.",
    parameters: &[
        Parameter {
            name: "under",
            default: "20 %",
            summary: "use of every resource up to which a cluster is under-used",
        },
        Parameter {
            name: "target",
            default: "50 %",
            summary: "use of any resource above which a cluster is over-used",
        },
        Parameter {
            name: "deviation",
            default: "off",
            summary: "`on`: `under` and `target` are distances from the mean over clusters, below and above",
        },
        Parameter { name: "max", default: "any", summary: "most replicas that are moved at once" },
        Parameter { name: "interval", default: "5 min", summary: "time between two looks at all clusters" },
    ],
    partner: "rate",
    build: |parameters| Ok(Box::new(LowUtil::read(parameters)?)),
};

/// Use by resource: CPU, memory, pods.
type Use = [f64; 3];

/// Spread with a descheduler.
#[derive(Clone)]
pub struct LowUtil {
    under: Ratio,
    target: Ratio,
    by_deviation: bool,
    most: Option<u32>,
    interval: Span,
    looked_at: Option<Time>,
    rooms: Option<Rooms>,
}

impl LowUtil {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let (under, target) = (parameters.ratio("under", 0.0, 1.0)?, parameters.ratio("target", 0.0, 1.0)?);
        let by_deviation = match parameters.get::<String>("deviation")?.as_str() {
            "on" => true,
            "off" => false,
            other => return Err(parameters.invalid("deviation", format!("`{other}` is neither `on` nor `off`"))),
        };
        if !by_deviation && under > target {
            return Err(parameters.invalid("under", format!("{under} lies above the target, {target}")));
        }
        let most = number_or(parameters, "max", "any")?;
        let interval = parameters.span("interval")?;
        Ok(Self { under, target, by_deviation, most, interval, looked_at: None, rooms: None })
    }

    /// Whether a look is due; the first decision starts the clock.
    fn is_due(&mut self, now: Time) -> bool {
        let last = *self.looked_at.get_or_insert(now);
        let is_due = now.since(last) >= self.interval && now > last;
        if is_due {
            self.looked_at = Some(now);
        }
        is_due
    }

    /// Least and most use by resource.
    fn thresholds(&self, uses: &[(ClusterId, Use)]) -> (Use, Use) {
        let (under, target) = (self.under.as_f64(), self.target.as_f64());
        if !self.by_deviation {
            return ([under; 3], [target; 3]);
        }
        let mean = |index: usize| uses.iter().map(|(_, used)| used[index]).sum::<f64>() / uses.len().max(1) as f64;
        let means = [mean(0), mean(1), mean(2)];
        (means.map(|mean| (mean - under).max(0.0)), means.map(|mean| (mean + target).min(1.0)))
    }

    /// Moves what should be moved.
    fn deschedule(&self, draft: &mut Draft<'_>) {
        let snapshot = draft.snapshot;
        let reachable = snapshot.clusters.iter().filter(|(_, view)| view.reachable).map(|(cluster, _)| cluster);
        let uses: Vec<(ClusterId, Use)> = reachable.map(|cluster| (cluster, used(draft, cluster))).collect();
        let (least, most) = self.thresholds(&uses);
        let is_low = |used: &Use| (0..3).all(|index| used[index] <= least[index]);
        let is_high = |used: &Use| (0..3).any(|index| used[index] > most[index]);
        let low: Vec<ClusterId> = uses.iter().filter(|(_, used)| is_low(used)).map(|(cluster, _)| *cluster).collect();
        let mut high: Vec<(ClusterId, Use)> =
            uses.iter().filter(|(_, used)| !is_low(used) && is_high(used)).copied().collect();
        if low.is_empty() || low.len() == uses.len() {
            return;
        }
        high.sort_by(|(_, a), (_, b)| b.iter().sum::<f64>().total_cmp(&a.iter().sum::<f64>()));
        let mut moves = self.most.unwrap_or(u32::MAX);
        for (cluster, _) in high {
            for service in snapshot.services.ids().rev().filter(|service| may_move(snapshot, *service)) {
                while moves > 0 && draft.targets().get(service, cluster) > 0 && is_high(&used(draft, cluster)) {
                    let Some(better) = refuge(draft, service, (&low, &most)) else { break };
                    draft.remove(service, cluster, 1);
                    draft.add(service, better, 1);
                    moves -= 1;
                }
            }
        }
    }
}

/// Whether replicas of `service` may be moved from one cluster to another.
fn may_move(snapshot: &Snapshot, service: ServiceId) -> bool {
    !snapshot.service(service).pinned && !snapshot.known.application.is_task(service)
}

/// The freest under-used cluster that takes one replica of `service` and is not above its target with it.
fn refuge(draft: &Draft<'_>, service: ServiceId, (low, most): (&[ClusterId], &Use)) -> Option<ClusterId> {
    let request = draft.snapshot.service(service).request;
    let stays_low = |cluster: &ClusterId| {
        let used = used_with(draft, *cluster, request);
        draft.room(service, *cluster) > 0 && (0..3).all(|index| used[index] <= most[index])
    };
    let free = |cluster: ClusterId| draft.share_free(cluster, request);
    let possible = low.iter().copied().filter(stays_low);
    possible.reduce(|best, next| if free(next) > free(best) { next } else { best })
}

fn used(draft: &Draft<'_>, cluster: ClusterId) -> Use {
    used_with(draft, cluster, Resources::ZERO)
}

/// Requested over offered, with `more`.
fn used_with(draft: &Draft<'_>, cluster: ClusterId, more: Resources) -> Use {
    let all = draft.snapshot.clusters[cluster].allocatable_max;
    let free = draft.free(cluster).saturating_sub(more);
    let share = |free: u64, all: u64| 1.0 - free as f64 / all.max(1) as f64;
    [share(free.cpu.0, all.cpu.0), share(free.memory.0, all.memory.0), share(free.pods, all.pods)]
}

impl Placement for LowUtil {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let is_due = self.is_due(snapshot.at);
        let mut cache = self.rooms.take();
        let rooms = Rooms::of_world(&mut cache, snapshot);
        let kept = unchanged(snapshot, wanted, rooms, usize::MAX).filter(|_| !is_due);
        let plan = kept.unwrap_or_else(|| {
            let mut draft = Draft::new(snapshot, wanted, rooms);
            draft.keep(spread::freedom);
            draft.fill(&draft.incomplete(), spread::freedom);
            if is_due {
                self.deschedule(&mut draft);
            }
            draft.finish(None, |_| None)
        });
        self.rooms = cache;
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let terms = [Some(("free with one more", 1.0, "")), None];
        ByRank { rank: spread::freedom, terms, next: next_with_room }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}
