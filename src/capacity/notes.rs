//! What a reader of a fit should know before trusting its numbers, in sentences with a stable code.

use super::clean::Buckets;
use super::combine::Combined;
use super::demand::DemandFit;
use super::estimate::Estimate;
use super::group::Estimated;
use super::load_test::{R_SQUARED_MIN, counts};
use super::options::Options;
use super::outcome::{IdentifiedBy, Note};
use crate::units::Time;

/// Relative scatter of saturated samples that is noted.
const SCATTER_MAX: f64 = 0.15;

/// Notes on the fit of a series of operation.
pub fn notes(
    buckets: &Buckets,
    estimated: &Estimated,
    (combined, each): (&Combined, &Estimate),
    options: &Options,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |code: &'static str, message: String| notes.push(Note { code, message });
    if let [(only, _)] = counts(buckets, &estimated.used)[..] {
        note("constant_replicas", constant_replicas(only, each, combined.by));
    }
    if combined.by == IdentifiedBy::Assumed {
        let message =
            "no sample was saturated and no ceiling was given: 90 ± 5 % of the CPU limit is assumed to be usable";
        note("ceiling_assumed", message.to_owned());
    }
    if combined.disagree {
        let named = combined.candidates.iter().map(|one| format!("{} {:.4}", one.by.name(), one.per_replica.value));
        let all = named.collect::<Vec<_>>().join(", ");
        note("candidates_disagree", format!("estimates of one replica disagree ({all}); the smallest is taken"));
    }
    if let Some(fitted) = estimated.saturation.as_ref().filter(|fitted| fitted.scatter > SCATTER_MAX) {
        let scatter = 100.0 * fitted.scatter;
        let message =
            format!("throughput per replica scatters by {scatter:.0} % among the saturated samples: not all were");
        note("saturation_scatters", message);
    }
    if estimated.drift.verdict.drifted && estimated.drift.verdict.by != ["version"] {
        let from = estimated.drift.verdict.at.map_or(0.0, Time::as_seconds_f64);
        let message =
            format!("CPU at like load changed at {from:.0} s; only later samples are fitted where they suffice");
        note("drift", message);
    }
    if options.half_life.is_some() {
        note("forgetting", "older samples weigh less".to_owned());
    }
    if let Some(demand) = &estimated.demand {
        notes.extend(of_demand(demand, estimated, combined.by));
    }
    notes
}

/// What one count of replicas identifies, and what it leaves open.
pub fn constant_replicas(count: u32, each: &Estimate, by: IdentifiedBy) -> String {
    let all = each.scaled(f64::from(count));
    let evidence = if by == IdentifiedBy::Assumed { "CPU under an assumed ceiling" } else { by.name() };
    format!(
        "replicas were {count} throughout: what they serve together is {:.4} requests/s ({:.4} - {:.4}, by {evidence}); what one \
         more or less would change was not seen, and is assumed to be in proportion (beta = 0)",
        all.value, all.low, all.high
    )
}

fn of_demand(demand: &DemandFit, estimated: &Estimated, by: IdentifiedBy) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |code: &'static str, message: String| notes.push(Note { code, message });
    if demand.instrumental {
        let message = "rates are noisy from sample to sample; neighbouring samples were used as instruments";
        note("rate_is_noisy", message.to_owned());
    }
    if demand.theta[2] > 0.0 {
        let message =
            "CPU per request grows with load (shared cores or frequency scaling); a quadratic term was fitted";
        note("demand_grows", message.to_owned());
    }
    if demand.r_squared < R_SQUARED_MIN {
        let explained = 100.0 * demand.r_squared;
        note("low_r_squared", format!("requests and replicas explain {explained:.0} % of the variance of CPU"));
    }
    let usable = estimated.ceiling.as_ref().map(|ceiling| ceiling.ceiling.share.value * ceiling.ceiling.limit);
    let reach = usable.map_or(1.0, |usable| demand.cpu_max / usable);
    if reach < 0.5 && by != IdentifiedBy::Saturation {
        let message =
            format!("the busiest samples used {:.0} % of the usable CPU: the capacity is extrapolated", 100.0 * reach);
        note("low_load", message);
    }
    notes
}
