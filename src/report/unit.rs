//! How figures are written: in which unit, and with how many decimals.

use super::estimate::Estimate;
use std::fmt::Write as _;

/// Units of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0..1, shown in per cent.
    Share,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// US dollars.
    Dollars,
    /// Kilowatt-hours.
    KilowattHours,
    /// Kilograms of `CO₂` equivalent.
    KilogramsCo2e,
    /// Hours of one thing.
    Hours,
    /// How many.
    Count,
}

impl Unit {
    /// How it is written behind a number.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Share => "%",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Dollars => "$",
            Self::KilowattHours => "kWh",
            Self::KilogramsCo2e => "kg",
            Self::Hours => "h",
            Self::Count => "",
        }
    }

    /// From the base unit to the one that is shown.
    pub fn shown(self, value: f64) -> f64 {
        if self == Self::Share { value * 100.0 } else { value }
    }

    /// Decimals with which all these values can be told apart from zero, at most three.
    pub fn decimals(self, values: &[f64]) -> usize {
        let shown: Vec<f64> =
            values.iter().map(|value| self.shown(*value).abs()).filter(|value| *value > 0.0).collect();
        if self == Self::Count && shown.iter().all(|value| value.fract().abs() < 1e-9 || *value >= 100.0) {
            return 0;
        }
        // Three digits of the largest, though no more than two decimals for that; one digit of the smallest.
        let coarse = places(shown.iter().copied().fold(0.0, f64::max), 2).min(2);
        let fine = places(shown.iter().copied().fold(f64::INFINITY, f64::min), 0);
        if shown.is_empty() { 0 } else { coarse.max(fine) }
    }

    /// The number without its unit; what is not zero never looks like it.
    pub fn number(self, value: f64, decimals: usize) -> String {
        let shown = self.shown(value);
        let text = grouped(&format!("{shown:.decimals$}"));
        let is_zero = !text.contains(|digit: char| ('1'..='9').contains(&digit));
        match (is_zero, shown.abs() > 0.0) {
            (true, true) => format!("<{:.decimals$}", 10f64.powi(-i32::try_from(decimals).unwrap_or(0))),
            (true, false) => text.trim_start_matches('-').to_owned(),
            (false, _) => text,
        }
    }

    /// The estimate with its unit: `0.20 ± 0.10 %`; without `±` for one seed, and where it is less than the last digit.
    pub fn estimate(self, estimate: &Estimate) -> String {
        let numbers = self.estimate_number(estimate, self.decimals(&[estimate.mean]));
        format!("{numbers} {}", self.symbol()).trim_end().to_owned()
    }

    /// The estimate without its unit.
    pub fn estimate_number(self, estimate: &Estimate, decimals: usize) -> String {
        let least = 0.5 * 10f64.powi(-i32::try_from(decimals).unwrap_or(0));
        let spread = estimate.half_width.filter(|half| self.shown(*half) >= least);
        let spread = spread.map(|half| format!(" ± {}", self.number(half, decimals)));
        self.number(estimate.mean, decimals) + &spread.unwrap_or_default()
    }

    /// A number that somebody wrote, with its unit and no more decimals than it needs.
    pub fn bound(self, value: f64) -> String {
        format!("{} {}", (self.shown(value) * 1e9).round() / 1e9, self.symbol()).trim_end().to_owned()
    }

    /// The number with its unit, to about three digits: `0.2 %`, `118 ms`, `1,234`.
    pub fn text(self, value: f64) -> String {
        let number = self.number(value, self.decimals(&[value]));
        format!("{number} {}", self.symbol()).trim_end().to_owned()
    }
}

/// The fewest decimals, at most three, that show as many digits of `value` beside its first.
fn places(value: f64, digits: i32) -> usize {
    (0..3).find(|places| value >= 10f64.powi(digits - places)).map_or(3, |places| places.unsigned_abs() as usize)
}

/// `1234567.8` → `1,234,567.8`.
pub fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, rest) = number.find('.').map_or((number, ""), |dot| number.split_at(dot));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        let comma = if index > 0 && (whole.len() - index).is_multiple_of(3) { "," } else { "" };
        write!(text, "{comma}{digit}").expect("a string takes all");
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::Unit;

    #[test]
    fn numbers_are_shown_with_as_many_decimals_as_they_need() {
        assert_eq!(Unit::Share.text(0.002), "0.20 %");
        assert_eq!(Unit::Share.text(0.312), "31.2 %");
        assert_eq!(Unit::Milliseconds.text(118.4), "118 ms");
        assert_eq!(Unit::Dollars.text(4.1), "4.10 $");
        assert_eq!(Unit::Count.text(1_234_567.0), "1,234,567");
        assert_eq!(Unit::Count.text(6.5), "6.50");
        assert_eq!(Unit::Hours.text(0.0), "0 h");
        assert_eq!(Unit::Share.number(0.000_000_1, 2), "<0.01");
        assert_eq!(Unit::Share.number(0.0, 2), "0.00");
        assert_eq!(Unit::Dollars.number(-1_234.5, 1), "-1,234.5");
    }
}
