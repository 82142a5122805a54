//! How quantities are printed: in the largest unit that keeps them exact, in a spelling that reads back.

use super::{Bytes, MilliCores, Rate, Ratio, Span, Time, parse};
use std::fmt;

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        parse::write_in_largest_unit(
            f,
            self.0,
            &[
                (86_400_000_000_000, " d"),
                (3_600_000_000_000, " h"),
                (60_000_000_000, " min"),
                (1_000_000_000, " s"),
                (1_000_000, " ms"),
                (1_000, " us"),
                (1, " ns"),
            ],
        )
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Span(self.0), f)
    }
}

impl fmt::Display for MilliCores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        parse::write_in_largest_unit(f, self.0, &[(1_000, ""), (1, "m")])
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        parse::write_in_largest_unit(
            f,
            self.0,
            &[(1 << 40, " TiB"), (1 << 30, " GiB"), (1 << 20, " MiB"), (1 << 10, " KiB"), (1, " B")],
        )
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /s", self.per_second())
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}
