//! What a column of observations is, by its name: the quantity and the unit.
//!
//! People call one thing many names (`rps`, `throughput_rps`, `requests_per_s`), and one name many units: `cpu` may be
//! cores, millicores or per cent. A name that says both is taken; one that leaves the unit open is refused with the names
//! that would be right, never guessed. A name that means nothing here is left out and told.

use super::kinds::KINDS;

/// Something that can be observed of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Ready replicas.
    Replicas,
    /// Requests per second that arrived.
    Offered,
    /// Requests per second that were answered.
    Completed,
    /// CPU of all replicas together, in cores.
    Cpu,
    /// CPU limit of one replica, in cores.
    CpuLimit,
    /// Share of scheduling periods in which CPU was throttled.
    Throttled,
    /// Share of requests that failed.
    Errors,
    /// Requests that wait.
    Waiting,
    /// Mean latency in seconds.
    LatencyMean,
    /// Median latency in seconds.
    LatencyP50,
    /// 95th percentile of latency in seconds.
    LatencyP95,
    /// 99th percentile of latency in seconds.
    LatencyP99,
    /// Restarts since the beginning.
    Restarts,
}

/// How a value becomes one of its quantity, besides being multiplied by the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// A count that only rises: its increase over the time since the sample before.
    Counter,
    /// Of one replica: times the ready replicas.
    PerReplica,
    /// A share of the limit of all replicas: times limit and ready replicas.
    OfLimit,
    /// A rate of failures: over the rate of requests.
    OverRequests,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// The quantity.
    pub quantity: Quantity,
    /// What a value is multiplied by.
    pub unit: f64,
    /// What else is done to it.
    pub form: Form,
}

/// What a name of a column says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Meaning {
    /// Quantity and unit.
    Measure(Measure),
    /// A quantity whose unit is not said; names that would be right.
    UnitOpen(&'static str),
    /// Nothing that is read.
    Nothing,
}

/// Lower case, and `_` between words: `Latency p95 [ms]` is `latency_p95_ms`.
pub fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.trim().chars().flat_map(char::to_lowercase) {
        match letter {
            'µ' => plain.push('u'),
            '%' => plain.push_str("_percent"),
            letter if letter.is_ascii_alphanumeric() => plain.push(letter),
            _ if plain.ends_with('_') || plain.is_empty() => {}
            _ => plain.push('_'),
        }
    }
    let words: Vec<&str> = plain.split('_').filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// What a name of a column says.
pub fn meaning(name: &str) -> Meaning {
    let name = plain(name);
    let mut open = None;
    for kind in KINDS {
        for stem in kind.stems {
            let Some(rest) = name.strip_prefix(stem) else { continue };
            let unit = if stem.is_empty() { rest } else { rest.strip_prefix('_').unwrap_or(rest) };
            let is_whole_word = rest.is_empty() || rest.starts_with('_') || stem.is_empty();
            if unit.is_empty() && !stem.is_empty() {
                match kind.bare {
                    Some((unit, form)) => return measure(kind.quantity, unit, form),
                    None => open = open.or(Some(kind.right)),
                }
            } else if is_whole_word && let Some((_, factor, form)) = kind.units.iter().find(|(name, ..)| *name == unit)
            {
                return measure(kind.quantity, *factor, *form);
            }
        }
    }
    open.or_else(|| open_by_stem(&name)).map_or(Meaning::Nothing, Meaning::UnitOpen)
}

/// A quantity with a unit that it does not have, like `cpu_percent` (of what?) or `latency_p95_h`.
fn open_by_stem(name: &str) -> Option<&'static str> {
    const STRANGE: &[&str] =
        &["percent", "pct", "ratio", "share", "utilisation", "utilization", "util", "h", "min", "hz", "ghz", "mhz"];
    let (stem, unit) = name.rsplit_once('_')?;
    let kind = KINDS.iter().find(|kind| kind.bare.is_none() && kind.stems.contains(&stem))?;
    STRANGE.contains(&unit).then_some(kind.right)
}

const fn measure(quantity: Quantity, unit: f64, form: Form) -> Meaning {
    Meaning::Measure(Measure { quantity, unit, form })
}

impl Quantity {
    /// Whether a value is a share, which lies between 0 and 1.
    pub const fn is_share(self) -> bool {
        matches!(self, Self::Throttled | Self::Errors)
    }

    /// Whether values of several series of one service can be added up; quantiles cannot.
    pub const fn adds_up(self) -> bool {
        matches!(self, Self::Replicas | Self::Offered | Self::Completed | Self::Cpu | Self::Waiting | Self::Restarts)
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Replicas => "ready replicas",
            Self::Offered => "the rate of requests that arrive",
            Self::Completed => "the rate of requests",
            Self::Cpu => "CPU in use",
            Self::CpuLimit => "the CPU limit",
            Self::Throttled => "the share of throttled periods",
            Self::Errors => "the share of requests that failed",
            Self::Waiting => "requests that wait",
            Self::LatencyMean => "the mean latency",
            Self::LatencyP50 => "the median latency",
            Self::LatencyP95 => "the 95th percentile of latency",
            Self::LatencyP99 => "the 99th percentile of latency",
            Self::Restarts => "restarts",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Meaning, Measure, Quantity, meaning, plain};

    #[test]
    fn names_say_quantity_and_unit() {
        use Quantity as Q;
        for (name, quantity, unit, form) in [
            ("ready replicas", Q::Replicas, 1.0, Form::Plain),
            ("requests_per_s", Q::Completed, 1.0, Form::Plain),
            ("rps", Q::Completed, 1.0, Form::Plain),
            ("Throughput (rps)", Q::Completed, 1.0, Form::Plain),
            ("offered_per_min", Q::Offered, 1.0 / 60.0, Form::Plain),
            ("http_requests_total", Q::Completed, 1.0, Form::Counter),
            ("cpu_cores", Q::Cpu, 1.0, Form::Plain),
            ("cpu_usage_millicores", Q::Cpu, 1e-3, Form::Plain),
            ("container_cpu_usage_seconds_total", Q::Cpu, 1.0, Form::Counter),
            ("cpu_per_replica_m", Q::Cpu, 1e-3, Form::PerReplica),
            ("cpu_percent_of_limit", Q::Cpu, 0.01, Form::OfLimit),
            ("cpu_limit_millicores", Q::CpuLimit, 1e-3, Form::Plain),
            ("throttled", Q::Throttled, 1.0, Form::Plain),
            ("error_rate_percent", Q::Errors, 0.01, Form::Plain),
            ("errors_per_s", Q::Errors, 1.0, Form::OverRequests),
            ("p95_ms", Q::LatencyP95, 1e-3, Form::Plain),
            ("latency_p99 [µs]", Q::LatencyP99, 1e-6, Form::Plain),
            ("median_ms", Q::LatencyP50, 1e-3, Form::Plain),
            ("latency_seconds", Q::LatencyMean, 1.0, Form::Plain),
        ] {
            assert_eq!(meaning(name), Meaning::Measure(Measure { quantity, unit, form }), "{name}");
        }
    }

    #[test]
    fn a_unit_that_is_open_is_refused_and_a_stranger_is_no_quantity() {
        for open in
            ["cpu", "cpu_percent", "cpu_utilization", "latency_p95", "p99", "rate", "requests", "error_rate", "limit"]
        {
            assert!(matches!(meaning(open), Meaning::UnitOpen(_)), "{open}");
        }
        for stranger in ["comment", "memory_bytes", "cpulimiter", "replicas_target", "users", ""] {
            assert_eq!(meaning(stranger), Meaning::Nothing, "{stranger}");
        }
    }

    #[test]
    fn names_are_made_plain() {
        assert_eq!(plain(" Latency p95 [ms] "), "latency_p95_ms");
        assert_eq!(plain("CPU %"), "cpu_percent");
        assert_eq!(plain("cpu%"), "cpu_percent");
    }
}
