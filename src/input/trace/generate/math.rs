//! The functions of the generator from +, −, ×, ÷ and √ alone, so that every machine generates the same bits.

/// κ of the daily course whose peak is `peak` times its mean, and `exp(−κ)·I₀(κ)`, its mean over its peak.
pub fn kappa(peak: f64) -> (f64, f64) {
    const POINTS: u32 = 1_440;
    let mean = |kappa: f64| {
        let sum: f64 = (0..POINTS).map(|minute| exp(kappa * (cos(f64::from(minute) / f64::from(POINTS)) - 1.0))).sum();
        sum / f64::from(POINTS)
    };
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if mean(middle) * peak > 1.0 { low = middle } else { high = middle }
    }
    (low, mean(low))
}

/// `cos(2π·turn)` for a turn of 0 to 1, by `1 − 2 sin²(π·turn)` and the series of the sine up to the 25th power.
pub fn cos(turn: f64) -> f64 {
    let x = std::f64::consts::PI * if turn > 0.5 { 1.0 - turn } else { turn };
    let (mut sine, mut term) = (0.0, x);
    for n in 1..=13 {
        sine += term;
        term *= -x * x / f64::from(2 * n * (2 * n + 1));
    }
    1.0 - 2.0 * sine * sine
}

/// `eˣ`, as the 1024th power of the series at x/1024.
pub fn exp(x: f64) -> f64 {
    let x = x / 1_024.0;
    let (mut sum, mut term) = (0.0, 1.0);
    for n in 1..=12 {
        sum += term;
        term *= x / f64::from(n);
    }
    for _ in 0..10 {
        sum *= sum;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{cos, exp, kappa};

    #[test]
    fn the_functions_agree_with_the_ones_of_the_system() {
        for step in 0..=1_000 {
            let turn = f64::from(step) / 1_000.0;
            assert!((cos(turn) - (std::f64::consts::TAU * turn).cos()).abs() < 1e-12, "cos at {turn}");
            let x = f64::from(step) / 10.0 - 80.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-12, "exp at {x}");
        }
    }

    /// Peak over mean of a von Mises density is exp(κ)/I₀(κ): e/1.2660658778 = 2.1470284… at κ = 1 (Abramowitz and Stegun, table 9.8).
    #[test]
    fn kappa_is_that_of_the_peak() {
        let (found, mean) = kappa(std::f64::consts::E / 1.266_065_877_752_008);
        assert!((found - 1.0).abs() < 1e-9, "{found}");
        assert!((mean - 1.266_065_877_752_008 / std::f64::consts::E).abs() < 1e-12, "{mean}");
        assert!(kappa(1.0).0 < 1e-9);
    }
}
