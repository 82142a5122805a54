//! Moving-block bootstrap: intervals for samples that depend on their neighbours.
//!
//! **Formula.** Time-ordered samples are cut into cells; a resample draws blocks of consecutive cells, circularly, until it
//! is as long as the data, and says how often each cell occurs. An estimator that is made of sums over cells is then
//! resampled at the cost of its cells, not of its samples. The interval is that of the percentiles.
//!
//! **Assumes** that dependence is short against a block (default 45 minutes). **Source**: Künsch 1989 (moving blocks),
//! Politis and Romano 1992 (circular); policies §6.2 step 6. **Fails** for few blocks, where percentiles are too narrow:
//! draws are therefore spread by the ratio of Student's t to the normal quantile for the count of blocks ([`Blocks::spread`]).

use crate::seed::Stream;
use rand::RngExt;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Cells of a block.
const CELLS_PER_BLOCK: usize = 8;
/// Cells at most.
const CELLS_MAX: usize = 8192;
/// Blocks at least, where there are samples enough.
const BLOCKS_MIN: usize = 12;

/// How samples are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Samples.
    pub samples: usize,
    /// Samples of a cell; the last cell may be shorter.
    pub cell: usize,
    /// Cells of a block.
    pub cells_per_block: usize,
}

impl Blocks {
    /// Cuts `samples` into blocks of about `block` samples.
    pub fn new(samples: usize, block: usize) -> Self {
        let block = block.min(samples / BLOCKS_MIN).max(1);
        let cell = block.div_ceil(CELLS_PER_BLOCK).max(samples.div_ceil(CELLS_MAX)).max(1);
        Self { samples, cell, cells_per_block: (block / cell).max(1) }
    }

    /// Cells.
    pub const fn cells(&self) -> usize {
        self.samples.div_ceil(self.cell)
    }

    /// The samples of a cell.
    pub fn range(&self, cell: usize) -> std::ops::Range<usize> {
        cell * self.cell..((cell + 1) * self.cell).min(self.samples)
    }

    /// How often each cell occurs in one resample.
    pub fn draw(&self, stream: &mut Stream) -> Vec<u32> {
        let cells = self.cells();
        let mut counts = vec![0; cells];
        let mut left = cells;
        while left > 0 {
            let start = stream.random_range(0..cells);
            for step in 0..self.cells_per_block.min(left) {
                counts[(start + step) % cells] += 1;
            }
            left = left.saturating_sub(self.cells_per_block);
        }
        counts
    }

    /// What draws are spread by, around the estimate, because the blocks are few: √(m/(m−1)) · t₀.₉₅(m−1)/z₀.₉₅.
    pub fn spread(&self) -> f64 {
        let blocks = self.cells() as f64 / self.cells_per_block as f64;
        let freedom = (blocks - 1.0).max(1.0);
        let student = StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |law| law.inverse_cdf(0.95));
        let normal = Normal::standard().inverse_cdf(0.95);
        (blocks / freedom).sqrt() * student / normal
    }
}

/// Draws spread around `centre` by `factor`, in logarithms where all are positive, so that none changes its sign.
pub fn spread(draws: &mut [f64], centre: f64, factor: f64) {
    let positive = centre > 0.0 && draws.iter().all(|draw| *draw > 0.0);
    for draw in draws {
        *draw = if positive { centre * (*draw / centre).powf(factor) } else { centre + (*draw - centre) * factor };
    }
}

#[cfg(test)]
mod tests {
    use super::Blocks;
    use crate::seed::Seed;

    #[test]
    fn a_resample_is_as_long_as_the_data_and_made_of_runs() {
        let blocks = Blocks::new(2880, 45);
        let mut stream = Seed(3).stream("test", 0);
        let counts = blocks.draw(&mut stream);
        assert_eq!(counts.iter().sum::<u32>() as usize, blocks.cells());
        let alone =
            (1..counts.len() - 1).filter(|at| counts[*at] > 0 && counts[at - 1] == 0 && counts[at + 1] == 0).count();
        assert!(alone <= 2, "{alone} cells stand alone: blocks are consecutive");
    }

    #[test]
    fn few_samples_still_make_blocks() {
        assert!(Blocks::new(24, 45).cells() >= 12);
        assert_eq!(Blocks::new(10_000_000, 45).cells().min(8193), Blocks::new(10_000_000, 45).cells());
        assert!(Blocks::new(24, 45).spread() > 1.05 && Blocks::new(100_000, 45).spread() < 1.01);
    }
}
