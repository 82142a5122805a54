//! Which accelerator of a node gives a share: the fullest one that still has room, the lowest among equals.
//!
//! Whole devices need no account of their own: what is free and on no shared device is free in whole. Only devices that
//! somebody has a part of are listed here, so a node without shares has an empty list and costs nothing. Best fit is what
//! device plugins for shared accelerators do by default: it keeps other devices whole.

use crate::model::resources::{DEVICE, Resources};

/// A device of a node that is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device(u16);

impl Device {
    /// No shared device: the replica has whole ones, or none.
    pub const WHOLE: Self = Self(u16::MAX);
}

/// The devices of one node that are or were shared.
#[derive(Debug, Clone, Default)]
pub struct SharedDevices {
    /// Thousandths that are taken, by device; 0 for one that is whole again.
    taken: Vec<u64>,
    latest: Option<Device>,
}

impl SharedDevices {
    /// The device that the latest replica has a share of; [`Device::WHOLE`] where it has none.
    pub fn latest(&self) -> Device {
        self.latest.unwrap_or(Device::WHOLE)
    }

    /// Thousandths on devices that nobody has a part of, where `free` are free in all.
    pub fn whole(&self, free: u64) -> u64 {
        free.saturating_sub(self.rests().sum())
    }

    /// The largest share that one device has left.
    pub fn largest_share(&self, free: u64) -> u64 {
        if self.whole(free) >= DEVICE { DEVICE } else { self.rests().max().unwrap_or(0) }
    }

    /// Whether devices have room for `request`, where `free` are free in all.
    pub(super) fn fits(&self, free: u64, request: Resources) -> bool {
        if request.is_share() { request.gpu <= self.largest_share(free) } else { request.gpu <= self.whole(free) }
    }

    /// Takes a share, for which there is room.
    pub(super) fn take(&mut self, request: Resources) {
        self.latest = None;
        if !request.is_share() {
            return;
        }
        let fitting = self.taken.iter().enumerate().filter(|(_, taken)| **taken > 0 && **taken + request.gpu <= DEVICE);
        let fullest = fitting.max_by_key(|(index, taken)| (**taken, std::cmp::Reverse(*index))).map(|(index, _)| index);
        let index = fullest.or_else(|| self.taken.iter().position(|taken| *taken == 0)).unwrap_or_else(|| {
            self.taken.push(0);
            self.taken.len() - 1
        });
        self.taken[index] += request.gpu;
        self.latest = Some(Device(u16::try_from(index).expect("nodes have fewer than 2^16 accelerators")));
    }

    /// Gives a share back.
    ///
    /// # Panics
    /// Where the device has no such share.
    pub(super) fn give_back(&mut self, device: Device, request: Resources) {
        assert_eq!(device != Device::WHOLE, request.is_share(), "a share is given back to its device");
        if request.is_share() {
            let taken = &mut self.taken[usize::from(device.0)];
            assert!(*taken >= request.gpu, "{device:?} has no such share");
            *taken -= request.gpu;
        }
    }

    /// What is left of each device that is shared at present.
    fn rests(&self) -> impl Iterator<Item = u64> {
        self.taken.iter().filter(|taken| **taken > 0).map(|taken| DEVICE - taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(gpu: u64) -> Resources {
        Resources { gpu, ..Resources::ZERO }
    }

    /// Two devices. 600 opens the first, 500 the second; 300 fits the first (fuller), 200 only the second then; 400 nowhere,
    /// although 400 are free in all.
    #[test]
    fn shares_fit_into_one_device_and_the_fullest_first() {
        let mut devices = SharedDevices::default();
        let mut free = 2 * DEVICE;
        let mut placed = Vec::new();
        for gpu in [600, 500, 300, 200] {
            assert!(devices.fits(free, share(gpu)), "{gpu}");
            devices.take(share(gpu));
            free -= gpu;
            placed.push(devices.latest().0);
        }
        assert_eq!(placed, [0, 1, 0, 1]);
        assert_eq!((free, devices.largest_share(free)), (400, 300));
        assert!(!devices.fits(free, share(400)) && !devices.fits(free, share(DEVICE)));
        devices.give_back(Device(0), share(600));
        devices.give_back(Device(0), share(300));
        assert_eq!(devices.whole(free + 900), DEVICE, "the first device is whole again");
    }
}
