//! Random numbers of the search: fast, seeded by a constant, so that an answer is a function of problem and budget alone.
//!
//! A decision draws some ten million numbers a second, which a cryptographic stream is too slow for; and a stream that
//! policies share would make an answer depend on who was asked before. Steele, Lea and Flood's `SplitMix64` (2014).

/// `SplitMix64`.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as those of everybody with the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    #[inline]
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `end`, which is not zero; biased by less than 2⁻³² (a multiplication instead of a division).
    ///
    /// # Panics
    /// Never: the product's upper half is less than `end`.
    #[inline]
    pub fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.bits()) * end as u128;
        usize::try_from(wide >> 64).expect("less than `end`")
    }

    /// In [0, 1).
    #[inline]
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}
