//! Formulas of queues with several servers: arrivals at rate λ as a Poisson stream, c servers of rate µ, exponential times.

use statrs::function::erf::erf;
use std::f64::consts::{PI, SQRT_2};

/// Erlang's loss formula: the share of arrivals that find all `servers` busy where nobody may wait, at a load of a = λ/µ.
/// B(0) = 1, B(k) = a·B(k−1) / (k + a·B(k−1)), which is stable for all loads (Erlang 1917; Jagerman 1974).
pub(super) fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, k| load * blocked / (f64::from(k) + load * blocked))
}

/// Erlang's delay formula: the share of arrivals that have to wait, C = B / (1 − ρ·(1 − B)) with ρ = a/c; all of them from
/// ρ = 1 on.
pub(super) fn erlang_c(servers: u32, load: f64) -> f64 {
    let busy = load / f64::from(servers.max(1));
    if servers == 0 || busy.is_nan() || busy >= 1.0 {
        return 1.0;
    }
    let blocked = erlang_b(servers, load);
    blocked / (1.0 - busy * (1.0 - blocked))
}

/// The share of arrivals that wait longer than `wait` seconds: P(W > t) = C·e^(−(cµ − λ)·t).
pub(super) fn waits_longer(servers: u32, each: f64, rate: f64, wait: f64) -> f64 {
    let spare = f64::from(servers) * each - rate;
    if spare <= 0.0 || each <= 0.0 { 1.0 } else { erlang_c(servers, rate / each) * (-spare * wait).exp() }
}

/// The share of arrivals that wait in the limit of many servers, c = a + β·√a: [1 + β·Φ(β)/φ(β)]⁻¹ (Halfin & Whitt 1981).
pub(super) fn halfin_whitt(beta: f64) -> f64 {
    let distribution = 0.5 * (1.0 + erf(beta / SQRT_2));
    let density = (-beta * beta / 2.0).exp() / (2.0 * PI).sqrt();
    1.0 / (1.0 + beta * distribution / density)
}

/// The β at which this share waits, to 10⁻⁹: [`halfin_whitt`] falls from 1 at zero, so halving finds it.
pub(super) fn staffing(share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 8.0);
    while high - low > 1e-9 {
        let middle = f64::midpoint(low, high);
        if halfin_whitt(middle) > share { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "limits are returned as they are written")]
mod tests {
    use super::{erlang_b, erlang_c, halfin_whitt, staffing, waits_longer};

    /// The sums that the recursion stands for: `B = (a^c/c!) / Σ_k a^k/k!`, `C = x / (Σ_{k<c} a^k/k! + x)`, `x = a^c/c!·c/(c−a)`.
    fn by_sums(servers: u32, load: f64) -> (f64, f64) {
        let term = |k: u32| (1..=k).fold(1.0, |product, i| product * load / f64::from(i));
        let below: f64 = (0..servers).map(term).sum();
        let last = term(servers);
        let waiting = last * f64::from(servers) / (f64::from(servers) - load);
        (last / (below + last), waiting / (below + waiting))
    }

    #[test]
    fn the_recursions_are_the_sums() {
        for servers in 1..=40_u32 {
            for percent in [5, 50, 80, 99] {
                let load = f64::from(servers) * f64::from(percent) / 100.0;
                let (blocked, waiting) = by_sums(servers, load);
                assert!((erlang_b(servers, load) - blocked).abs() < 1e-12, "B({servers}, {load})");
                assert!((erlang_c(servers, load) - waiting).abs() < 1e-10, "C({servers}, {load})");
            }
        }
    }

    /// Tables of Erlang's formulas: B(10 servers, 10 erlangs) = 0.2146, C(10, 8) = 0.4092. M/M/1: C = ρ.
    #[test]
    fn printed_values_are_met() {
        assert!((erlang_b(10, 10.0) - 0.2146).abs() < 5e-5);
        assert!((erlang_c(10, 8.0) - 0.4092).abs() < 5e-5);
        assert!((erlang_c(1, 0.7) - 0.7).abs() < 1e-12);
        assert_eq!((erlang_c(3, 3.0), erlang_c(0, 0.0), erlang_c(2, f64::NAN)), (1.0, 1.0, 1.0));
    }

    /// M/M/1 at λ = 6, µ = 10: P(W > 0.5 s) = 0.6·e^(−2) = 0.0812.
    #[test]
    fn the_wait_of_a_single_server() {
        assert!((waits_longer(1, 10.0, 6.0, 0.5) - 0.6 * (-2.0_f64).exp()).abs() < 1e-12);
        assert_eq!(waits_longer(1, 10.0, 10.0, 0.5), 1.0);
    }

    /// Half of the arrivals wait at β = 0.506 (Halfin & Whitt 1981, table 1); for 1,000 erlangs the limit is near the exact
    /// formula.
    #[test]
    fn the_limit_of_many_servers() {
        assert!((staffing(0.5) - 0.506).abs() < 5e-4, "{}", staffing(0.5));
        assert_eq!(halfin_whitt(0.0), 1.0);
        for beta in [0.3, 0.8, 1.5] {
            let (load, servers) = (1_000.0_f64, 1_000.0 + beta * 1_000.0_f64.sqrt());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "about a thousand")]
            let exact = erlang_c(servers.round() as u32, load);
            let limit = halfin_whitt((servers.round() - load) / load.sqrt());
            assert!((exact - limit).abs() < 0.01, "β {beta}: {exact} against {limit}");
            assert!((staffing(halfin_whitt(beta)) - beta).abs() < 1e-6);
        }
    }
}
