//! A series that another simulator publishes.

use super::*;
use crate::units::{Bytes, MilliCores, Span, Time};

const START: Time = Time(Span::seconds(100_000).0);

/// Old ready pods that request 100 cores each and use so much together.
fn pods(count: u32, cpu: u64) -> PodGroup {
    PodGroup {
        count,
        phase: Phase::Running,
        deleting: false,
        started: Some(Time::ZERO),
        ready: Some(Readiness { is_ready: true, since: Time(Span::seconds(60).0) }),
        request: Request { cpu: Some(MilliCores(100_000)), memory: None },
        sample: Some(Sample { at: START, window: Span::seconds(30), cpu: MilliCores(cpu), memory: Bytes(0) }),
    }
}

/// Kubernetriks (github.com/jellythefish/kubernetriks, `tests/test_hpa.rs`) publishes the series 5, 9, 14, 4, 7, 12, 14 for a
/// load of 8 pods' requests over 500 s, 2 over 200 s, then 8 again, at a target of 60 %. Its simplifications: one decision a minute, no
/// stabilisation, use cut at 100 % of the request, and utilisation in floats. In whole percents 8/12 is 66 %, a ratio of
/// exactly 1.1, and the real controller would stay at 12: so use is measured as an average of pods of 100 cores, in
/// thousandths, where 66,666/60,000 is above the tolerance.
#[test]
fn kubernetriks_published_series_comes_out_where_its_simplifications_are_configured() {
    let metric = Metric::ResourceAverage { resource: Resource::Cpu, target: Milli(60_000) };
    let flags = Flags { downscale_stabilization: Span::ZERO, ..Flags::default() };
    let spec = Spec { min: 1, max: 100, metrics: vec![metric], behavior: None, flags };
    let (mut state, mut replicas, mut series) = (State::default(), 5, vec![5]);
    for minute in 1..=18_u64 {
        let load = if (500..700).contains(&(60 * minute)) { 2 } else { 8 };
        let used = 100_000 * u64::from(replicas.min(load));
        let groups = [pods(replicas, used)];
        let observed = Observed {
            at: START + Span::seconds(60 * minute),
            spec_replicas: replicas,
            status_replicas: replicas,
            pods: &groups,
            readings: &[Reading::Samples],
        };
        if let Some(next) = reconcile(&spec, &observed, &mut state).rescale {
            replicas = next;
            series.push(next);
        }
    }
    assert_eq!(series, [5, 9, 14, 4, 7, 12, 14]);
}
