//! What a replica asks for and a node has: CPU, memory, accelerators, and one pod slot.

use crate::units::{Bytes, MilliCores};
use serde::{Deserialize, Serialize};

/// Thousandths of one accelerator: a device is shared in these.
pub const DEVICE: u64 = 1_000;

/// An amount of every resource. The kind of accelerators is a node label (see
/// [`ACCELERATOR_LABEL`](super::cluster::ACCELERATOR_LABEL)).
///
/// A request for accelerators is for whole devices, or for a share of one device: less than [`DEVICE`], or a multiple of it.
/// In sums over nodes shares add up; that a share has to fit into one device is the node's to know
/// (see [`binding`](super::binding)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Resources {
    /// CPU.
    pub cpu: MilliCores,
    /// Memory.
    pub memory: Bytes,
    /// Accelerators, in thousandths of a device.
    pub gpu: u64,
    /// Pod slots: one for a replica, the kubelet's limit for a node.
    pub pods: u64,
}

/// The resources by name, in the order in which they are checked and printed.
pub const RESOURCES: [&str; 4] = ["cpu", "memory", "gpu", "pods"];

impl Resources {
    /// Nothing.
    pub const ZERO: Self = Self { cpu: MilliCores(0), memory: Bytes(0), gpu: 0, pods: 0 };

    /// The amounts in the order of [`RESOURCES`]: millicores, bytes, thousandths of devices, slots.
    #[must_use]
    pub const fn amounts(self) -> [u64; 4] {
        [self.cpu.0, self.memory.0, self.gpu, self.pods]
    }

    /// The inverse of [`amounts`](Self::amounts).
    #[must_use]
    pub const fn from_amounts(amounts: [u64; 4]) -> Self {
        Self { cpu: MilliCores(amounts[0]), memory: Bytes(amounts[1]), gpu: amounts[2], pods: amounts[3] }
    }

    /// Whether `request` fits into this amount.
    #[must_use]
    pub fn fits(self, request: Self) -> bool {
        self.shortage(request).is_none()
    }

    /// The name of the first resource of which `request` wants more than there is.
    #[must_use]
    pub fn shortage(self, request: Self) -> Option<&'static str> {
        let have = self.amounts();
        request.amounts().iter().zip(have).position(|(want, have)| *want > have).map(|index| RESOURCES[index])
    }

    /// How many times `request` fits; unlimited (`u64::MAX`) where it asks for nothing.
    #[must_use]
    pub fn count_of(self, request: Self) -> u64 {
        let have = self.amounts();
        request.amounts().iter().zip(have).filter_map(|(want, have)| have.checked_div(*want)).min().unwrap_or(u64::MAX)
    }

    /// How many times an empty node of this shape could hold `request`: as [`count_of`](Self::count_of), but a share of a
    /// device leaves a rest on each device that is too small for another.
    #[must_use]
    pub fn holds(self, request: Self) -> u64 {
        let count = self.count_of(request);
        if request.is_share() { count.min(self.gpu / DEVICE * (DEVICE / request.gpu)) } else { count }
    }

    /// Whether this asks for a part of one accelerator.
    #[must_use]
    pub const fn is_share(self) -> bool {
        0 < self.gpu && self.gpu < DEVICE
    }

    /// `2 cores`, `512 MiB`, `1 gpu`, `3 pod slots`: what is there of each, for people; memory rounded up to whole MiB.
    #[must_use]
    pub fn words(self) -> Vec<String> {
        let Self { cpu, memory, gpu, pods } = self;
        let memory_text = || Bytes(memory.0.next_multiple_of(1 << 20)).to_string();
        let texts = [
            (cpu.0 > 0).then(|| format!("{} cores", cpu.cores())),
            (memory.0 > 0).then(memory_text),
            (gpu > 0).then(|| format!("{} gpu", gpu as f64 / DEVICE as f64)),
            (pods > 0).then(|| format!("{pods} pod slots")),
        ];
        texts.into_iter().flatten().collect()
    }

    /// This amount `count` times; saturates.
    #[must_use]
    pub fn repeated(self, count: u64) -> Self {
        Self::from_amounts(self.amounts().map(|amount| amount.saturating_mul(count)))
    }

    /// This amount, or `most` where that is less, resource by resource.
    #[must_use]
    pub fn at_most(self, most: Self) -> Self {
        let mut amounts = self.amounts();
        for (amount, most) in amounts.iter_mut().zip(most.amounts()) {
            *amount = (*amount).min(most);
        }
        Self::from_amounts(amounts)
    }

    /// What is left after `other` is taken; nothing where `other` has more.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        let taken = other.amounts();
        let mut left = self.amounts();
        for (left, taken) in left.iter_mut().zip(taken) {
            *left = left.saturating_sub(taken);
        }
        Self::from_amounts(left)
    }
}

impl std::ops::Add for Resources {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let more = other.amounts();
        let mut sum = self.amounts();
        for (sum, more) in sum.iter_mut().zip(more) {
            *sum = sum.saturating_add(more);
        }
        Self::from_amounts(sum)
    }
}

impl std::ops::AddAssign for Resources {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::SubAssign for Resources {
    /// # Panics
    /// Where more is taken than there is: an account that goes negative is our own mistake.
    fn sub_assign(&mut self, other: Self) {
        assert!(self.fits(other), "{other:?} is taken from {self:?}");
        *self = self.saturating_sub(other);
    }
}

impl std::iter::Sum for Resources {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, |sum, item| sum + item)
    }
}
