//! The original's function for replicas, on its own inputs.
//!
//! The capacity model of a service says only which numbers suffice, an interval (see [`sufficient`]); the rest is the closed form of
//! [`solver::scaling`](crate::solver::scaling). Cores are counted in nanocores, so sums are exact.

use crate::policy::placement::nephele_placement::amount;
use crate::solver::scaling::{Problem, Scaled, Tie, original_prices};

/// More replicas than anybody asks for: where nothing else is a bound.
pub const UNBOUNDED: u32 = 1_000_000;

/// What the original's function takes: services of one cluster by their order.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Requests per second of each service (λ).
    pub rates: &'a [f64],
    /// Replicas of each service before (p).
    pub previous: &'a [u32],
    /// Cores of one replica (c).
    pub cores: &'a [f64],
    /// Whether each service needs an accelerator (g).
    pub accelerate: &'a [bool],
    /// Requests per second that one more replica serves (α).
    pub alpha: &'a [f64],
    /// Requests per second at the intercept (β).
    pub beta: &'a [f64],
    /// Cores of the cluster (K).
    pub capacity: f64,
    /// Whether the cluster has accelerators (G).
    pub accelerated: bool,
    /// What divides the replicas of each service (M).
    pub maxima: &'a [u32],
}

/// What the optimisation weighs, and how it breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// `w_util` and `w_trans` in thousandths.
    pub weights: (u32, u32),
    /// Whether maxima are bounds, as in the variant of 2024.
    pub is_bounded: bool,
    /// Which of equally good numbers.
    pub tie: Tie,
}

impl Default for Rule {
    /// The original's.
    fn default() -> Self {
        Self { weights: (400, 400), is_bounded: false, tie: Tie::Present }
    }
}

/// The inputs are none; what merely cannot be done is `None`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReplicasError {
    /// No services.
    #[error("there are no services; at least one is needed")]
    Empty,
    /// Lists of different lengths.
    #[error("lists about services differ in length; each needs one entry for each service")]
    Misshapen,
    /// Something is no number, or negative where it may not be.
    #[error("{name} is {value}; it must be a finite number{}", if *name == "cpu" { " and not negative" } else { "" })]
    Number {
        /// Of what.
        name: &'static str,
        /// The value.
        value: f64,
    },
    /// A divisor that is zero.
    #[error("maximum replicas and requested CPU divide the objective and must not be zero")]
    Zero,
}

/// Numbers of replicas that serve `rate` by `alpha·r + beta`, at least one; `None` where none does.
///
/// Rounding of the quotient up to a thousand-millionth of it does not cost a replica: a solver's tolerance is wider.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and the range is cut")]
pub fn sufficient(rate: f64, (alpha, beta): (f64, f64)) -> Option<(u32, u32)> {
    let quotient = (rate - beta) / alpha;
    let tolerance = 1e-9 * quotient.abs().max(1.0);
    if alpha > 0.0 {
        let least = (quotient - tolerance).ceil().max(1.0);
        return (least <= f64::from(UNBOUNDED)).then_some((least as u32, UNBOUNDED));
    }
    let most = if alpha < 0.0 { (quotient + tolerance).floor() } else { f64::from(UNBOUNDED) };
    let serves = alpha < 0.0 || beta >= rate - 1e-9 * rate.abs().max(1.0);
    (serves && most >= 1.0).then(|| (1, most.min(f64::from(UNBOUNDED)) as u32))
}

/// The original's replicas, or `None` where it returns none because nothing is feasible.
///
/// # Errors
/// See [`ReplicasError`].
pub fn decide_replicas(inputs: &Inputs<'_>, rule: Rule) -> Result<Option<Vec<u32>>, ReplicasError> {
    check(inputs)?;
    let too_large = |value| ReplicasError::Number { name: "cpu", value };
    let requests = inputs
        .cores
        .iter()
        .map(|cores| amount(*cores).and_then(|nanos| u64::try_from(nanos).ok()).ok_or(too_large(*cores)));
    let requests: Vec<u64> = requests.collect::<Result<_, _>>()?;
    let prices = original_prices(rule.weights, &requests, inputs.maxima).ok_or(ReplicasError::Zero)?;
    let needs_more = inputs.accelerate.iter().any(|needs| *needs && !inputs.accelerated);
    let capacity = amount(inputs.capacity).ok_or(too_large(inputs.capacity))?;
    let (false, Ok(capacity)) = (needs_more, u64::try_from(capacity)) else { return Ok(None) };
    let scaled = |index: usize| {
        let (least, most) = sufficient(inputs.rates[index], (inputs.alpha[index], inputs.beta[index]))?;
        let most = if rule.is_bounded { most.min(inputs.maxima[index]) } else { most };
        let (running, switching) = prices[index];
        let (request, present) = (requests[index], inputs.previous[index]);
        Some(Scaled {
            request,
            present,
            least,
            most: most.max(if rule.is_bounded { 0 } else { present }),
            running,
            switching,
        })
    };
    let Some(services) = (0..requests.len()).map(scaled).collect() else { return Ok(None) };
    let answer = Problem { services, capacity, tie: rule.tie }.solve();
    Ok(answer.ok().map(|answer| answer.replicas.values().copied().collect()))
}

fn check(inputs: &Inputs<'_>) -> Result<(), ReplicasError> {
    let count = inputs.rates.len();
    let lengths = [inputs.cores.len(), inputs.alpha.len(), inputs.beta.len()];
    let others = [inputs.previous.len(), inputs.accelerate.len(), inputs.maxima.len()];
    if lengths.iter().chain(&others).any(|length| *length != count) {
        return Err(ReplicasError::Misshapen);
    }
    if count == 0 {
        return Err(ReplicasError::Empty);
    }
    let named = [("rate", inputs.rates), ("alpha", inputs.alpha), ("beta", inputs.beta), ("cpu", inputs.cores)];
    let capacity = [inputs.capacity];
    for (name, values) in named.into_iter().chain([("capacity", &capacity[..])]) {
        if let Some(value) = values.iter().find(|value| !value.is_finite() || (name == "cpu" && **value < 0.0)) {
            return Err(ReplicasError::Number { name, value: *value });
        }
    }
    Ok(())
}

/// The original's objective.
pub fn objective(inputs: &Inputs<'_>, rule: Rule, replicas: &[u32]) -> f64 {
    let largest =
        inputs.cores.iter().zip(inputs.maxima).map(|(cores, max)| cores * f64::from(*max)).fold(0.0, f64::max);
    let (utilisation, transition) = (f64::from(rule.weights.0) / 1e3, f64::from(rule.weights.1) / 1e3);
    let of = |(index, count): (usize, &u32)| {
        let changed = f64::from(count.abs_diff(inputs.previous[index]));
        utilisation * f64::from(*count) * inputs.cores[index] / largest
            + transition * changed / f64::from(inputs.maxima[index])
    };
    replicas.iter().enumerate().map(of).sum()
}
