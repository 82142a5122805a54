//! Pods as the controller sorts them: which samples count, which pods are guessed at, which are left out.
//!
//! Pods that are alike enter as one group with their sums, so a thousand replicas cost as much as one. All figures are
//! integers, so the sums of groups are the sums of pods.

use super::spec::{Flags, Milli, Resource};
use crate::units::{Bytes, MilliCores, Span, Time};

/// Pods that share their state. A group of count zero has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodGroup {
    /// How many.
    pub count: u32,
    /// `status.phase`.
    pub phase: Phase,
    /// Whether deletion was requested (`metadata.deletionTimestamp`).
    pub deleting: bool,
    /// `status.startTime`.
    pub started: Option<Time>,
    /// The condition `Ready`; absent before the kubelet saw the pod.
    pub ready: Option<Readiness>,
    /// What each pod requests, summed over its containers.
    pub request: Request,
    /// What metrics-server says of them; absent where it has no sample.
    pub sample: Option<Sample>,
}

/// `status.phase` of a pod, as far as it matters here (`Succeeded` is treated as `Running` is).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not all containers have started.
    Pending,
    /// Started.
    Running,
    /// Ended with an error.
    Failed,
}

/// The condition `Ready` of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// `status` is `True`.
    pub is_ready: bool,
    /// `lastTransitionTime`.
    pub since: Time,
}

/// Requests of one pod. Absent is not zero: one pod without a request makes a utilisation target fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// CPU.
    pub cpu: Option<MilliCores>,
    /// Memory.
    pub memory: Option<Bytes>,
}

/// A sample of each pod of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// End of the interval that was measured.
    pub at: Time,
    /// Length of that interval.
    pub window: Span,
    /// CPU in use, summed over the group's pods.
    pub cpu: MilliCores,
    /// Memory in use, summed over the group's pods.
    pub memory: Bytes,
}

/// What becomes of a pod in a calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Left out altogether.
    Ignored,
    /// Its sample is left out; counted at zero use when that tempers a scale-up.
    Unready,
    /// Has no sample; counted at a use that tempers the change, whichever its direction.
    Missing,
    /// Its sample counts.
    Ready,
}

impl PodGroup {
    /// Sorts the pods for a metric that is no resource (upstream `groupPods`): only life and samples matter.
    pub(super) const fn class(&self, is_sampled: bool) -> Class {
        if self.deleting || matches!(self.phase, Phase::Failed) {
            Class::Ignored
        } else if matches!(self.phase, Phase::Pending) {
            Class::Unready
        } else if is_sampled {
            Class::Ready
        } else {
            Class::Missing
        }
    }

    /// Sorts the pods for a resource: as [`class`](Self::class), and CPU of pods that are starting does not count.
    pub(super) fn resource_class(&self, resource: Resource, at: Time, flags: &Flags) -> Class {
        match (self.class(self.sample.is_some()), self.sample) {
            (Class::Ready, Some(sample)) if resource == Resource::Cpu && self.is_cpu_distrusted(sample, at, flags) => {
                Class::Unready
            }
            (class, _) => class,
        }
    }

    /// A starting process burns CPU that says nothing about load. Within `cpu_initialization` of the start a sample counts
    /// if the pod is ready and was ready all through the sample's window; later unless the pod has never been ready.
    fn is_cpu_distrusted(&self, sample: Sample, at: Time, flags: &Flags) -> bool {
        let (Some(ready), Some(started)) = (self.ready, self.started) else { return true };
        if started + flags.cpu_initialization > at {
            !ready.is_ready || sample.at < ready.since + sample.window
        } else {
            !ready.is_ready && started + flags.initial_readiness_delay > ready.since
        }
    }

    /// Whether metrics without pods count it as a replica that serves; one that is being deleted still does.
    pub(super) fn is_serving(&self) -> bool {
        self.phase == Phase::Running && self.ready.is_some_and(|ready| ready.is_ready)
    }

    /// Use of the whole group.
    pub(super) fn usage(&self, resource: Resource) -> Milli {
        self.sample.map_or(Milli(0), |sample| match resource {
            Resource::Cpu => sample.cpu.into(),
            Resource::Memory => sample.memory.into(),
        })
    }

    /// Request of one pod.
    pub(super) fn request_each(&self, resource: Resource) -> Option<Milli> {
        match resource {
            Resource::Cpu => self.request.cpu.map(Milli::from),
            Resource::Memory => self.request.memory.map(Milli::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(Span::seconds(10_000).0);

    fn ago(seconds: u64) -> Time {
        Time(NOW.0 - Span::seconds(seconds).0)
    }

    /// The CPU class of a pod that started and changed its readiness so many seconds ago; its sample ended 5 s ago and is
    /// 30 s long.
    fn class(started_s: u64, is_ready: bool, since_s: u64) -> Class {
        let group = PodGroup {
            count: 1,
            phase: Phase::Running,
            deleting: false,
            started: Some(ago(started_s)),
            ready: Some(Readiness { is_ready, since: ago(since_s) }),
            request: Request::default(),
            sample: Some(Sample { at: ago(5), window: Span::seconds(30), cpu: MilliCores(1), memory: Bytes(1) }),
        };
        assert_eq!(group.resource_class(Resource::Memory, NOW, &Flags::default()), Class::Ready);
        group.resource_class(Resource::Cpu, NOW, &Flags::default())
    }

    /// The sample began 35 s ago: a pod that became ready then, or earlier, was ready all through it.
    #[test]
    fn a_starting_pod_counts_once_a_whole_sample_is_from_after_readiness() {
        assert_eq!(class(299, true, 35), Class::Ready);
        assert_eq!(class(299, true, 34), Class::Unready);
        assert_eq!(class(299, false, 290), Class::Unready);
    }

    /// At 300 s the pod is not young any more. It was never ready if the condition is from within 30 s of the start.
    #[test]
    fn an_old_pod_counts_unless_it_was_never_ready() {
        assert_eq!(class(300, true, 1), Class::Ready);
        assert_eq!(class(300, false, 270), Class::Ready);
        assert_eq!(class(300, false, 271), Class::Unready);
    }

    #[test]
    fn pods_that_end_are_ignored_and_pods_the_kubelet_has_not_seen_are_unready() {
        let group = PodGroup {
            count: 1,
            phase: Phase::Running,
            deleting: false,
            started: None,
            ready: None,
            request: Request::default(),
            sample: Some(Sample { at: NOW, window: Span::ZERO, cpu: MilliCores(1), memory: Bytes(1) }),
        };
        let class = |group: PodGroup| group.resource_class(Resource::Cpu, NOW, &Flags::default());
        assert_eq!(class(group), Class::Unready);
        assert_eq!(class(PodGroup { sample: None, ..group }), Class::Missing);
        assert_eq!(class(PodGroup { phase: Phase::Pending, ..group }), Class::Unready);
        assert_eq!(class(PodGroup { phase: Phase::Failed, ..group }), Class::Ignored);
        assert_eq!(class(PodGroup { deleting: true, phase: Phase::Pending, ..group }), Class::Ignored);
    }
}
