//! The order in which Go's `sort.Sort` leaves equals.
//!
//! Karmada sorts clusters by free replicas alone and then takes a prefix, so which of two equal ones comes first decides where
//! replicas go. That sort is not stable: up to twelve elements it inserts (which is), beyond that it is a pattern-defeating
//! quicksort whose choices depend on the length alone. To place as Karmada does on more than twelve clusters, this has to be
//! the same algorithm (Orson Peters, *Pattern-defeating Quicksort*, 2021) with the same constants.

use std::mem;

/// Longest range that is sorted by insertion.
const INSERTION_MAX: usize = 12;
/// Ranges shorter than this are not worth repairing where they are almost sorted, nor a pivot from nine.
const LONG: usize = 50;

/// Sorts `items` so that nothing stands before what is `less` than it; equals stand as Go leaves them.
pub fn sort_as_go<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    let length = items.len();
    if length > 1 {
        let limit = usize::BITS - length.leading_zeros();
        Sorter { items, less }.quicksort(0, length, limit);
    }
}

struct Sorter<'a, T, F> {
    items: &'a mut [T],
    less: F,
}

/// What the swaps in search of a pivot tell of a range.
#[derive(PartialEq, Eq)]
enum Pattern {
    Unknown,
    Rising,
    Falling,
}

impl<T, F: Fn(&T, &T) -> bool> Sorter<'_, T, F> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(&self.items[a], &self.items[b])
    }

    /// Sorts `start..end`; after `limit` bad pivots by heap.
    fn quicksort(&mut self, mut start: usize, mut end: usize, mut limit: u32) {
        let (mut was_balanced, mut was_partitioned) = (true, true);
        while end - start > INSERTION_MAX {
            if limit == 0 {
                return self.heap_sort(start, end);
            }
            if !was_balanced {
                self.shuffle(start, end);
                limit -= 1;
            }
            let (mut pivot, mut pattern) = self.choose_pivot(start, end);
            if pattern == Pattern::Falling {
                self.items[start..end].reverse();
                pivot = (end - 1) - (pivot - start);
                pattern = Pattern::Rising;
            }
            if was_balanced && was_partitioned && pattern == Pattern::Rising && self.repair(start, end) {
                return;
            }
            if start > 0 && !self.less(start - 1, pivot) {
                start = self.partition_equal(start, end, pivot);
                continue;
            }
            let (middle, was_sorted) = self.partition(start, end, pivot);
            was_partitioned = was_sorted;
            let (left, right, balanced) = (middle - start, end - middle, (end - start) / 8);
            if left < right {
                was_balanced = left >= balanced;
                self.quicksort(start, middle, limit);
                start = middle + 1;
            } else {
                was_balanced = right >= balanced;
                self.quicksort(middle + 1, end, limit);
                end = middle;
            }
        }
        self.insertion_sort(start, end);
    }

    fn insertion_sort(&mut self, start: usize, end: usize) {
        for next in start + 1..end {
            let mut at = next;
            while at > start && self.less(at, at - 1) {
                self.items.swap(at, at - 1);
                at -= 1;
            }
        }
    }

    fn heap_sort(&mut self, start: usize, end: usize) {
        let length = end - start;
        for root in (0..=(length - 1) / 2).rev() {
            self.sift_down(root, length, start);
        }
        for last in (0..length).rev() {
            self.items.swap(start, start + last);
            self.sift_down(0, last, start);
        }
    }

    fn sift_down(&mut self, mut root: usize, end: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= end {
                return;
            }
            if child + 1 < end && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.items.swap(first + root, first + child);
            root = child;
        }
    }

    /// Moves three elements of the middle elsewhere, so that a pattern that makes bad pivots is broken.
    fn shuffle(&mut self, start: usize, end: usize) {
        let length = end - start;
        let mut random = length as u64;
        let mask = (1usize << (usize::BITS - length.leading_zeros())) - 1;
        let middle = start + (length / 4) * 2;
        for index in middle - 1..=middle + 1 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = usize::try_from(random & mask as u64).expect("the mask is one of this size");
            self.items.swap(index, start + if other >= length { other - length } else { other });
        }
    }

    fn choose_pivot(&self, start: usize, end: usize) -> (usize, Pattern) {
        const SWAPS_MAX: u32 = 4 * 3;
        let length = end - start;
        let mut swaps = 0;
        let quarters = [1, 2, 3].map(|quarter| start + length / 4 * quarter);
        let [first, second, third] =
            if length >= LONG { quarters.map(|at| self.median([at - 1, at, at + 1], &mut swaps)) } else { quarters };
        let pivot = self.median([first, second, third], &mut swaps);
        let pattern = match swaps {
            0 => Pattern::Rising,
            SWAPS_MAX => Pattern::Falling,
            _ => Pattern::Unknown,
        };
        (pivot, pattern)
    }

    fn median(&self, [mut a, mut b, mut c]: [usize; 3], swaps: &mut u32) -> usize {
        let order = |left: &mut usize, right: &mut usize, swaps: &mut u32| {
            if self.less(*right, *left) {
                *swaps += 1;
                mem::swap(left, right);
            }
        };
        order(&mut a, &mut b, swaps);
        order(&mut b, &mut c, swaps);
        order(&mut a, &mut b, swaps);
        b
    }

    /// Whether the range is sorted after at most five elements were moved, which is only tried on long ranges.
    fn repair(&mut self, start: usize, end: usize) -> bool {
        let mut at = start + 1;
        for _ in 0..5 {
            while at < end && !self.less(at, at - 1) {
                at += 1;
            }
            if at == end {
                return true;
            }
            if end - start < LONG {
                return false;
            }
            self.items.swap(at, at - 1);
            if at - start >= 2 {
                let mut lower = at - 1;
                while lower >= 1 && self.less(lower, lower - 1) {
                    self.items.swap(lower, lower - 1);
                    lower -= 1;
                }
            }
            if end - at >= 2 {
                let mut upper = at + 1;
                while upper < end && self.less(upper, upper - 1) {
                    self.items.swap(upper, upper - 1);
                    upper += 1;
                }
            }
        }
        false
    }

    /// What is less than the pivot before it; tells its place, and whether nothing had to be moved.
    fn partition(&mut self, start: usize, end: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(start, pivot);
        let (mut left, mut right) = (start + 1, end - 1);
        self.close_in(&mut left, &mut right, start);
        if left > right {
            self.items.swap(right, start);
            return (right, true);
        }
        while left <= right {
            self.items.swap(left, right);
            left += 1;
            right -= 1;
            self.close_in(&mut left, &mut right, start);
        }
        self.items.swap(right, start);
        (right, false)
    }

    /// Skips what stands on the right side of the pivot already.
    fn close_in(&self, left: &mut usize, right: &mut usize, pivot: usize) {
        while *left <= *right && self.less(*left, pivot) {
            *left += 1;
        }
        while *left <= *right && !self.less(*right, pivot) {
            *right -= 1;
        }
    }

    /// What equals the pivot before what is greater; tells where that begins. Nothing here is less than the pivot.
    fn partition_equal(&mut self, start: usize, end: usize, pivot: usize) -> usize {
        self.items.swap(start, pivot);
        let (mut left, mut right) = (start + 1, end - 1);
        loop {
            while left <= right && !self.less(start, left) {
                left += 1;
            }
            while left <= right && self.less(start, right) {
                right -= 1;
            }
            if left > right {
                return left;
            }
            self.items.swap(left, right);
            left += 1;
            right -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort_as_go;

    /// A linear congruential generator, so that Go could be given the same keys.
    fn keys(length: usize, pattern: usize) -> Vec<i64> {
        let mut state = (length * 7_919 + pattern) as u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 33) % below).expect("it is small")
        };
        (0..i64::try_from(length).expect("it is small"))
            .map(|index| match pattern {
                0 => 7,
                1 => index,
                2 => -index,
                3 => index / 5,
                4 => random(5),
                _ => random(length as u64),
            })
            .collect()
    }

    /// FNV-1a over where the elements came from.
    fn fingerprint(order: &[(i64, usize)]) -> u64 {
        let step = |hash: u64, (_, from): &(i64, usize)| (hash ^ *from as u64).wrapping_mul(1_099_511_628_211);
        order.iter().fold(14_695_981_039_346_656_037, step)
    }

    /// Number of elements, and the fingerprint for each pattern.
    const RECORDED: [(usize, [u64; 6]); 9] = [
        (
            13,
            [
                0xb961_37ea_2d10_008f,
                0x1d2f_a564_5d0d_ec3f,
                0xb961_37ea_2d10_008f,
                0x144f_9484_03ef_35b1,
                0xa8a6_6662_44c6_89b9,
                0xce78_bff6_05ac_e101,
            ],
        ),
        (
            14,
            [
                0x1032_84ea_9230_dce6,
                0x4c4d_22d7_d14c_52fc,
                0x1032_84ea_9230_dce6,
                0xa38a_35b5_9270_535c,
                0xc99d_8b71_213f_1854,
                0xf7ab_0eec_e001_a02e,
            ],
        ),
        (
            20,
            [
                0xcc92_7f6e_e23a_0f61,
                0xd589_877c_c436_ed39,
                0xcc92_7f6e_e23a_0f61,
                0xe63c_0354_fdfa_a3bb,
                0x5c7d_7f93_468e_8bd7,
                0x3a8f_9e1d_ead2_9c13,
            ],
        ),
        (
            49,
            [
                0x360a_5c9d_3b1b_f95f,
                0x33bb_9373_b550_3e3f,
                0x360a_5c9d_3b1b_f95f,
                0xeb32_2e2d_2907_3a4b,
                0xaadd_58a3_0913_7fb7,
                0xa1ef_ebc0_64d9_5e1d,
            ],
        ),
        (
            50,
            [
                0xef94_cd2b_7088_d5ea,
                0x0342_0ad0_5be5_3744,
                0xef94_cd2b_7088_d5ea,
                0x4282_18dc_f4fe_a886,
                0x6b6e_34db_28fa_d38e,
                0x6eb1_5fae_f2a0_7568,
            ],
        ),
        (
            64,
            [
                0x8368_214f_7799_5ee5,
                0x1d7f_25a0_4930_80a5,
                0x8368_214f_7799_5ee5,
                0x615c_3f16_f7ad_af29,
                0x0e6f_97e1_92cb_3b49,
                0x320c_bcb8_f0d9_d0eb,
            ],
        ),
        (
            100,
            [
                0xfb5c_8cec_60d8_3ab1,
                0x6449_3148_4736_d1d9,
                0xfb5c_8cec_60d8_3ab1,
                0x4b0f_8dc7_463f_088b,
                0x55ab_e6d7_03e2_2425,
                0x1c02_4a47_40d1_cc5f,
            ],
        ),
        (
            257,
            [
                0x5ad3_84d3_56b6_b3df,
                0x4a30_20dd_0507_51df,
                0x5ad3_84d3_56b6_b3df,
                0x0f60_3d7f_3d45_6ecd,
                0x31cb_ea5e_0de1_a093,
                0xe387_0b3a_be07_4f2d,
            ],
        ),
        (
            1_000,
            [
                0x988c_c5af_d8cb_65dd,
                0xa849_07c5_9e63_feb5,
                0x988c_c5af_d8cb_65dd,
                0x6207_ffb5_1c4a_9a9d,
                0xd804_8e77_fd6a_6c61,
                0xaf07_54c6_83e4_5ced,
            ],
        ),
    ];

    /// Goal: equals stand as Go leaves them. Method: fingerprints of what `sort.Sort` of Go 1.26 made of the same keys (all
    /// equal, rising, falling, in runs of five, of five values, of as many values as elements), sorted by falling key.
    #[test]
    fn equals_stand_where_go_leaves_them() {
        for (length, fingerprints) in RECORDED {
            for (pattern, expected) in fingerprints.into_iter().enumerate() {
                let mut items: Vec<(i64, usize)> = keys(length, pattern).into_iter().zip(0..).collect();
                sort_as_go(&mut items, |a, b| a.0 > b.0);
                assert!(items.is_sorted_by(|a, b| a.0 >= b.0), "{length} of pattern {pattern}");
                assert_eq!(fingerprint(&items), expected, "{length} of pattern {pattern}");
            }
        }
    }
}
