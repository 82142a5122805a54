//! Refusals: why there is no number, and which data would give one.

use super::clean::Buckets;
use super::observations::Series;
use super::outcome::{Refusal, Standing};

/// The best help there is, whatever else is missing.
const LOAD_TEST: &str = "a load test: hold two or more counts of replicas, raise the load at each until throughput stops \
     rising, and keep it there for 10 minutes (see `--design`)";

/// No bucket can be used, or too few.
pub fn too_few(buckets: &Buckets, used: usize, wanted: usize) -> Refusal {
    let count = |standing: Standing| buckets.standing.iter().filter(|each| **each == standing).count();
    let (empty, failing) = (count(Standing::NoReplica), count(Standing::Failing));
    let (incomplete, earlier) = (count(Standing::Incomplete), count(Standing::Earlier));
    if empty * 2 > buckets.len() {
        let reason = format!("the service had no ready replica in {empty} of {} buckets", buckets.len());
        return refusal("scaled_to_zero", reason, &["samples from while it served requests", LOAD_TEST]);
    }
    if failing * 2 > buckets.len() {
        let reason = format!("requests fail beyond the tolerated share in {failing} of {} buckets", buckets.len());
        let help = "samples with fewer errors: what a service answers while it fails is no capacity";
        return refusal("failing", reason, &[help, LOAD_TEST]);
    }
    if incomplete * 2 > buckets.len() {
        let reason = format!("ready replicas or the rate are missing in {incomplete} of {} buckets", buckets.len());
        return refusal("incomplete", reason, &["replicas and rate at the same instants (align the scrapes)"]);
    }
    let version =
        if earlier > 0 { format!(" since the last change of version ({earlier} before it)") } else { String::new() };
    let reason = format!("{used} buckets can be used{version}, {wanted} are needed");
    refusal("too_few_points", reason, &["a longer span of observation: a day shows all loads", LOAD_TEST])
}

/// Nothing was asked of it.
pub fn idle() -> Refusal {
    let reason = "no request was served in any sample".to_owned();
    refusal("idle", reason, &["samples from while it served requests", LOAD_TEST])
}

/// Enough samples, but none of the three ways identifies the capacity.
pub fn not_identified(series: &Series, tried: &[String]) -> Refusal {
    let mut reason =
        "throughput below saturation shows what was asked, not what can be served, and nothing else identifies \
                      the capacity"
            .to_owned();
    for each in tried {
        reason.push_str("; ");
        reason.push_str(each);
    }
    let mut help = Vec::new();
    if series.cpu.is_empty() {
        help.push("CPU of all replicas, with their CPU limit: CPU per request identifies the capacity at any load");
    } else if series.cpu_limit.is_empty() {
        help.push("the CPU limit of a replica: CPU per request was observed, but not what there is of it");
    }
    help.push(LOAD_TEST);
    if series.latency_mean.is_empty() && series.latency_p50.is_empty() && series.latency_p95.is_empty() {
        help.push("latency, at loads above half of what a replica can serve");
    }
    refusal("not_identified", reason, &help)
}

/// A load test of one row or without throughput.
pub fn load_test(rows: usize, failing: usize) -> Refusal {
    let reason = if failing > 0 {
        format!("{rows} rows of the load test can be used; in {failing} more, requests fail beyond the tolerated share")
    } else {
        format!("{rows} rows of the load test can be used, two are needed to know how far they scatter")
    };
    refusal(
        "too_few_points",
        reason,
        &["the throughput at saturation at three or more counts of replicas", "each count measured twice"],
    )
}

fn refusal(code: &'static str, reason: String, help: &[&str]) -> Refusal {
    Refusal { code, reason, would_help: help.iter().map(|help| (*help).to_owned()).collect() }
}
