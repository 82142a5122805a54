//! The closing table: what was measured, next to what was asked for.

use crate::ENGINES;
use crate::hold::COMPONENTS;
use std::collections::BTreeMap;

/// One row of the closing table, and what it must not fall short of.
pub struct Bar {
    pub pending: u32,
    ours_ns_max: f64,
    simcore_ratio_min: f64,
    nexosim_ratio_min: f64,
}

pub const BARS: &[Bar] = &[
    Bar { pending: 1_000, ours_ns_max: 60.0, simcore_ratio_min: 2.0, nexosim_ratio_min: 7.0 },
    Bar { pending: 10_000, ours_ns_max: 90.0, simcore_ratio_min: 1.6, nexosim_ratio_min: 7.0 },
    Bar { pending: 100_000, ours_ns_max: 220.0, simcore_ratio_min: 2.0, nexosim_ratio_min: 7.0 },
    Bar { pending: 1_000_000, ours_ns_max: 600.0, simcore_ratio_min: 2.0, nexosim_ratio_min: 5.0 },
];

const PERIODIC_NS_MAX: f64 = 30.0;

/// Samples a measurement.
pub const SAMPLES: usize = 20;

/// Nanoseconds an event, by engine and size: one figure a sample.
pub type Samples = BTreeMap<(&'static str, u32), Vec<f64>>;

/// Median and extremes; the samples before the last [`SAMPLES`] were for warming up.
fn spread(samples: &Samples, key: (&'static str, u32)) -> Option<(f64, f64, f64)> {
    let series = samples.get(&key)?;
    let mut measured = series[series.len().saturating_sub(SAMPLES)..].to_vec();
    measured.sort_by(f64::total_cmp);
    let middle = *measured.get(measured.len() / 2)?;
    Some((middle, *measured.first()?, *measured.last()?))
}

pub fn print_table(samples: &Samples, sizes: &[Bar]) {
    println!(
        "\nns per event, all in: median (lowest to highest of {SAMPLES} samples); and how many times slower than smo"
    );
    println!("{:>9} {:>22} {:>32} {:>34}", "pending", "smo", "simcore", "nexosim");
    for bar in sizes {
        let spreads = ENGINES.iter().map(|engine| spread(samples, (engine.name, bar.pending)));
        let Some(spreads) = spreads.collect::<Option<Vec<_>>>() else { continue };
        let (ours, simcore, nexosim) = (spreads[0], spreads[1], spreads[2]);
        println!(
            "{:>9} {:>22} {:>26} {:>4.1}x {:>28} {:>4.1}x  {}",
            bar.pending,
            figures(ours),
            figures(simcore),
            simcore.0 / ours.0,
            figures(nexosim),
            nexosim.0 / ours.0,
            bar.verdict(ours.0, simcore.0, nexosim.0)
        );
    }
    if let Some(periodic) = spread(samples, ("periodic", COMPONENTS)) {
        let verdict = verdict(periodic.0 <= PERIODIC_NS_MAX);
        println!("{:>9} {:>22}  bar {PERIODIC_NS_MAX} ns: {verdict}", "periodic", figures(periodic));
    }
}

fn figures((middle, lowest, highest): (f64, f64, f64)) -> String {
    format!("{middle:.1} ({lowest:.1} to {highest:.1})")
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

impl Bar {
    /// The bars, and whether the medians meet all three.
    fn verdict(&self, ours: f64, simcore: f64, nexosim: f64) -> String {
        let is_met = ours <= self.ours_ns_max
            && simcore / ours >= self.simcore_ratio_min
            && nexosim / ours >= self.nexosim_ratio_min;
        let (limit, first, second) = (self.ours_ns_max, self.simcore_ratio_min, self.nexosim_ratio_min);
        format!("bars {limit} ns, {first}x, {second}x: {}", verdict(is_met))
    }
}
