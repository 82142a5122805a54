//! Reconciles over time, with the working beside the numbers. Utilisation is of a request of 100m a pod, target 50 %, so a
//! pod at 50m is on target, and Σusage = 50m · r proposes r replicas (r far enough from the current ones).

use super::*;
use crate::seed::Seed;
use crate::units::{Bytes, MilliCores, Ratio, Span, Time};
use rand::Rng;

const CPU: Metric = Metric::Utilization { resource: Resource::Cpu, target_percent: 50 };
const EXTERNAL: Metric = Metric::ValuePerReplica { source: Source::External, target: Milli(1_000) };
/// The start of all series; pods are older than all that matters.
const START: Time = Time(Span::seconds(100_000).0);

fn spec(behavior: Option<Behavior>) -> Spec {
    Spec { min: 1, max: 1_000, metrics: vec![CPU], behavior, flags: Flags::default() }
}

fn rules(changes: &[(Change, u64)], select: Select, window_s: u64) -> Rules {
    let policy = |&(change, period_s): &(Change, u64)| RatePolicy { change, period: Span::seconds(period_s) };
    let policies = changes.iter().map(policy).collect();
    Rules { window: Some(Span::seconds(window_s)), policies, select, tolerance: None }
}

fn pods(count: u32, cpu: u64) -> PodGroup {
    PodGroup {
        count,
        phase: Phase::Running,
        deleting: false,
        started: Some(Time::ZERO),
        ready: Some(Readiness { is_ready: true, since: Time(Span::seconds(60).0) }),
        request: Request { cpu: Some(MilliCores(100)), memory: Some(Bytes(1_000)) },
        sample: Some(Sample { at: START, window: Span::seconds(30), cpu: MilliCores(cpu), memory: Bytes(0) }),
    }
}

fn unsampled(count: u32) -> PodGroup {
    PodGroup { sample: None, ..pods(count, 0) }
}

/// A first reconcile `at_s` after the start, of `replicas` with `groups`.
fn decide(spec: &Spec, replicas: u32, groups: &[PodGroup], readings: &[Reading<'_>]) -> Decision {
    let observed = Observed { at: START, spec_replicas: replicas, status_replicas: replicas, pods: groups, readings };
    reconcile(spec, &observed, &mut State::default())
}

/// One autoscaler over time; its target follows every decision at once.
struct Series {
    spec: Spec,
    state: State,
    replicas: u32,
}

impl Series {
    fn new(spec: Spec, replicas: u32) -> Self {
        Self { spec, state: State::default(), replicas }
    }

    /// The decision at `at_s` where the load proposes `wanted` replicas.
    fn at(&mut self, at_s: u64, wanted: u32) -> Decision {
        let groups = [pods(self.replicas, 50 * u64::from(wanted))];
        let observed = Observed {
            at: START + Span::seconds(at_s),
            spec_replicas: self.replicas,
            status_replicas: self.replicas,
            pods: &groups,
            readings: &[Reading::Samples],
        };
        let decision = reconcile(&self.spec, &observed, &mut self.state);
        self.replicas = decision.rescale.unwrap_or(self.replicas);
        decision
    }

    /// Replicas after each of the reconciles `(at_s, wanted)`.
    fn replicas<const N: usize>(&mut self, steps: [(u64, u32); N]) -> [u32; N] {
        steps.map(|(at_s, wanted)| {
            self.at(at_s, wanted);
            self.replicas
        })
    }
}

/// The 10 replicas found at 0 s are a recommendation; at 300 s it is exactly as old as the window and still counts.
#[test]
fn without_behavior_the_edge_of_the_window_counts() {
    let mut series = Series::new(spec(None), 10);
    let held = series.at(0, 4);
    assert_eq!((held.proposed, held.stabilised, held.rescale), (Some(4), Some(10), None));
    assert_eq!(held.conditions.able, AbleToScale::ScaleDownStabilized);
    assert_eq!(series.replicas([(285, 4), (300, 4), (315, 4)]), [10, 10, 4]);
}

/// The same with `behavior: {}`: a recommendation must be younger than the window.
#[test]
fn with_behavior_the_edge_of_the_window_does_not_count() {
    let mut series = Series::new(spec(Some(Behavior::default())), 10);
    assert_eq!(series.replicas([(0, 4), (285, 4), (300, 4)]), [10, 10, 4]);
}

/// 10 found at 15 s, then wishes 6, 8, 3, 2: the 10 leads up to 315 s, the 8 (of 30 s) up to 330 s, the 3 (of 45 s) up to
/// 345 s, then the 2.
#[test]
fn the_window_gives_the_highest_wish_that_is_left_in_it() {
    let mut series = Series::new(spec(None), 10);
    let wishes = [(15, 6), (30, 8), (45, 3), (60, 2), (300, 2), (315, 2), (330, 2), (345, 2), (360, 2)];
    assert_eq!(series.replicas(wishes), [10, 10, 10, 10, 10, 10, 8, 3, 2]);
}

/// `scaleUp` window of 60 s: the 4 found at 0 s holds until it is 60 s old; then the lowest wish since, the 9 of 15 s, for
/// as long; then the 14 of 45 s.
#[test]
fn the_window_upwards_gives_the_lowest_wish() {
    let up = rules(&[(Change::Pods(100), 15)], Select::Max, 60);
    let mut series = Series::new(spec(Some(Behavior { up, down: Rules::down() })), 4);
    let held = series.at(0, 12);
    assert_eq!((held.stabilised, held.conditions.able), (Some(4), AbleToScale::ScaleUpStabilized));
    assert_eq!(series.replicas([(15, 9), (45, 14), (60, 20), (75, 20), (105, 20)]), [4, 4, 9, 14, 20]);
}

/// Without `behavior` replicas at most double, and four are always allowed.
#[test]
fn without_behavior_replicas_at_most_double() {
    let mut series = Series::new(spec(None), 1);
    let first = series.at(0, 50);
    assert_eq!(first.conditions.limited, Some(ScalingLimited::ScaleUpLimit));
    assert_eq!(series.replicas([(15, 50), (30, 50), (45, 50)]), [8, 16, 32]);
    series.spec.max = 40;
    assert_eq!(series.at(60, 50).conditions.limited, Some(ScalingLimited::TooManyReplicas));
    assert_eq!(series.replicas, 40);
}

/// Two pods a minute: 10 → 12 at 0 s; the period's start stays 12 − 2 = 10 until that change is 60 s old.
#[test]
fn a_pods_policy_counts_what_was_added_in_its_period() {
    let up = rules(&[(Change::Pods(2), 60)], Select::Max, 0);
    let mut series = Series::new(spec(Some(Behavior { up, down: Rules::down() })), 10);
    assert_eq!(series.replicas([(0, 30), (15, 30), (45, 30), (60, 30), (75, 30)]), [12, 12, 12, 14, 14]);
    assert_eq!(series.at(90, 30).conditions.limited, Some(ScalingLimited::ScaleUpLimit));
}

/// 10 % a minute down: 100 → 90; then start = 90 + 10 = 100 → 90; at 60 s 90 → 81, at 120 s ⌊72.9⌋ = 72.
#[test]
fn a_percent_policy_starts_from_the_replicas_of_the_periods_start() {
    let down = rules(&[(Change::Percent(10), 60)], Select::Max, 0);
    let mut series = Series::new(spec(Some(Behavior { up: Rules::up(), down })), 100);
    assert_eq!(series.replicas([(0, 20), (15, 20), (60, 20), (105, 20), (120, 20)]), [90, 90, 81, 81, 72]);
}

/// Up 2 pods a minute, down freely: 10 → 12 at 0 s, 12 → 5 at 15 s; at 30 s start = 5 − 2 + 7 = 10, so 12 are allowed.
#[test]
fn what_was_removed_in_a_period_may_be_added_again() {
    let up = rules(&[(Change::Pods(2), 60)], Select::Max, 0);
    let down = rules(&[(Change::Percent(100), 15)], Select::Max, 0);
    let mut series = Series::new(spec(Some(Behavior { up, down })), 10);
    assert_eq!(series.replicas([(0, 30), (15, 5), (30, 30)]), [12, 5, 12]);
}

/// `scaleUp` looks back 15 s, `scaleDown` 60 s. Added: +4 at 0 s, +4 at 30 s. The second takes the place of the first,
/// which is older than 15 s. At 45 s `scaleDown` should see both (start 18 − 8 = 10, so −5 gives 5) but sees one:
/// start 18 − 4 = 14, so 9 are kept.
#[test]
fn a_change_forgotten_by_its_own_direction_is_forgotten_by_both() {
    let up = rules(&[(Change::Pods(4), 15)], Select::Max, 0);
    let down = rules(&[(Change::Pods(5), 60)], Select::Max, 0);
    let mut series = Series::new(spec(Some(Behavior { up, down })), 10);
    assert_eq!(series.replicas([(0, 14), (30, 18), (45, 1)]), [14, 18, 9]);
}

/// From 10 replicas: 3 pods → 13, 50 % → 15.
#[test]
fn the_selected_policy_decides() {
    let after = |select| {
        let changes = [(Change::Pods(3), 15), (Change::Percent(50), 15)];
        let behavior = Behavior { up: rules(&changes, select, 0), down: rules(&changes, select, 0) };
        let mut upwards = Series::new(spec(Some(behavior.clone())), 10);
        let mut downwards = Series::new(spec(Some(behavior)), 10);
        (upwards.at(0, 100).desired, downwards.at(0, 1).desired)
    };
    assert_eq!(after(Select::Max), (15, 5));
    assert_eq!(after(Select::Min), (13, 7));
    assert_eq!(after(Select::Disabled), (10, 10));
}

/// 55 % of a target of 50 % is a ratio of 1.1: within 0.1, not within 0.05. 45 % (0.9) is judged by the other direction.
#[test]
fn each_direction_has_its_own_tolerance() {
    let mut behavior = Behavior::default();
    behavior.up.tolerance = Some(Ratio(50_000));
    behavior.down.window = Some(Span::ZERO);
    let with =
        |behavior: &Option<Behavior>, cpu| decide(&spec(behavior.clone()), 10, &[pods(10, cpu)], &[Reading::Samples]);
    assert_eq!(with(&None, 550).desired, 10);
    assert_eq!(with(&Some(behavior.clone()), 550).desired, 11);
    assert_eq!(with(&Some(behavior), 450).desired, 10);
}

/// CPU proposes 4, the external metric 7: of 5 replicas the larger counts.
#[test]
fn of_several_metrics_the_largest_proposal_counts() {
    let spec = Spec { metrics: vec![CPU, EXTERNAL], ..spec(None) };
    let decision = decide(&spec, 5, &[pods(5, 175)], &[Reading::Samples, Reading::Value(Milli(6_500))]);
    assert_eq!((decision.proposed, decision.rescale), (Some(7), Some(7)));
}

#[test]
fn a_failed_metric_prevents_scaling_down_but_not_up() {
    let spec = Spec { metrics: vec![EXTERNAL, CPU], ..spec(None) };
    let readings = [Reading::Failed, Reading::Samples];
    let down = decide(&spec, 5, &[pods(5, 100)], &readings);
    assert_eq!((down.rescale, down.desired, down.proposed), (None, 0, None));
    assert_eq!(down.conditions.active, Some(ScalingActive::FailedGetExternalMetric));
    let up = decide(&spec, 5, &[pods(5, 400)], &readings);
    assert_eq!((up.rescale, up.error), (Some(8), Some(MetricError::NotRead)));
    assert_eq!(up.conditions.active, Some(ScalingActive::ValidMetricFound));
}

/// While metrics fail, status and memory stay: no recommendation is recorded, and the old ones age.
#[test]
fn an_outage_of_metrics_holds_the_replicas() {
    let mut series = Series::new(spec(None), 6);
    series.at(0, 8);
    let observed =
        Observed { at: START + Span::seconds(15), spec_replicas: 8, status_replicas: 8, pods: &[], readings: &[] };
    let held = reconcile(&series.spec, &observed, &mut series.state);
    assert_eq!((held.rescale, held.current, held.desired), (None, 8, 8));
    let reasons: Vec<_> = held.conditions.iter().map(|condition| condition.reason).collect();
    assert_eq!(reasons, ["SucceededGetScale", "FailedGetResourceMetric", "DesiredWithinRange"]);
    assert_eq!(series.replicas([(300, 2), (315, 2)]), [8, 2]);
}

/// 4 pods use 405m of 400m (101 %, ρ = 2.02, alone ⌈8.08⌉ = 9). One missing: ⌊405/5⌋ = 81 %, ρ' = 1.62 over 5 → 9. Three:
/// 57 %, ρ' = 1.14 over 7 → ⌈7.98⌉ = 8. Twelve: 25 % turns the direction: 16 stay.
#[test]
fn missing_pods_temper_a_scale_up() {
    let decide = |missing| decide(&spec(None), 4 + missing, &[pods(4, 405), unsampled(missing)], &[Reading::Samples]);
    assert_eq!([1, 3, 12].map(|missing| decide(missing).proposed), [Some(9), Some(8), Some(16)]);
}

/// 8 pods at 10 % and 2 missing at 100 %: Σ = 80 + 200 = 280 of 1000 → 28 %, ρ' = 0.56 over 10 → 6. Four missing:
/// 480 of 1200 → 40 %, ρ' = 0.8 over 12 → 10. Eight: 880 of 1600 → 55 %, ρ' = 1.1 turns the direction: unchanged.
#[test]
fn missing_pods_temper_a_scale_down() {
    let decide = |missing| decide(&spec(None), 8 + missing, &[pods(8, 80), unsampled(missing)], &[Reading::Samples]);
    assert_eq!([2, 4, 8].map(|missing| decide(missing).proposed), [Some(6), Some(10), Some(16)]);
}

/// Above 100 % the guess is the target: 4 pods at 60 % of a target of 150 %, one missing at 150 %: Σ = 240 + 150 = 390 of
/// 500 → 78 %, ρ' = 0.52 over 5 → 3. Twelve missing: 2040 of 1600 → 127 %, ρ' = 0.8467 over 16 → 14 (guessed at 100 % they
/// would give 90 %, 0.6 → 10).
#[test]
fn a_missing_pod_is_guessed_at_the_target_where_that_is_above_its_request() {
    let spec =
        Spec { metrics: vec![Metric::Utilization { resource: Resource::Cpu, target_percent: 150 }], ..spec(None) };
    let decide = |missing| decide(&spec, 4 + missing, &[pods(4, 240), unsampled(missing)], &[Reading::Samples]);
    assert_eq!([1, 12].map(|missing| decide(missing).proposed), [Some(3), Some(14)]);
}

/// 4 pods exactly on target, one without a sample: a utilisation keeps 5, an average counts the fifth as idle: 40m of
/// 50m is 0.8 over 5 pods → 4.
#[test]
fn exactly_on_target_an_average_counts_missing_pods_as_idle() {
    let average = Metric::ResourceAverage { resource: Resource::Cpu, target: Milli(50) };
    let decide = |metric| {
        let spec = Spec { metrics: vec![metric], ..spec(None) };
        decide(&spec, 5, &[pods(4, 200), unsampled(1)], &[Reading::Samples]).proposed
    };
    assert_eq!((decide(CPU), decide(average)), (Some(5), Some(4)));
}

/// Unready pods: left out when scaling down (4 at 20 % → ρ = 0.4 → 2), idle when scaling up (4 at 100 % and 2 idle:
/// 66 %, ρ' = 1.32 over 6 → 8).
#[test]
fn unready_pods_are_left_out_downwards_and_idle_upwards() {
    let starting = PodGroup { phase: Phase::Pending, ready: None, started: None, ..unsampled(2) };
    let decide = |cpu| decide(&spec(None), 6, &[pods(4, cpu), starting], &[Reading::Samples]).proposed;
    assert_eq!((decide(80), decide(400)), (Some(2), Some(8)));
}

#[test]
fn requests_must_be_stated_for_a_utilization() {
    let silent = PodGroup { request: Request::default(), ..pods(1, 50) };
    let zero = PodGroup { request: Request { cpu: Some(MilliCores(0)), memory: None }, ..pods(1, 50) };
    let error = |groups: &[PodGroup]| decide(&spec(None), 2, groups, &[Reading::Samples]).error;
    assert_eq!(error(&[pods(1, 50), silent]), Some(MetricError::RequestMissing));
    assert_eq!(error(&[zero]), Some(MetricError::RequestsZero));
    assert_eq!(error(&[]), Some(MetricError::NoPods));
    assert_eq!(error(&[unsampled(3)]), Some(MetricError::NoSamples));
    let spec = Spec { metrics: vec![EXTERNAL], ..spec(None) };
    assert_eq!(decide(&spec, 2, &[], &[Reading::Samples]).error, Some(MetricError::Mismatched));
}

/// 3 + 2 pods at 20 and 5 units each, target 8: ⌊70/5⌋ = 14 → ρ = 1.75 over 5 → 9.
#[test]
fn a_pods_metric_is_averaged_over_the_groups() {
    let spec = Spec { metrics: vec![Metric::PodsAverage { target: Milli(8_000) }], ..spec(None) };
    let sums = [Some(Milli(60_000)), Some(Milli(10_000))];
    assert_eq!(decide(&spec, 5, &[pods(3, 0), unsampled(2)], &[Reading::Sums(&sums)]).proposed, Some(9));
}

/// An object at 30 of a target of 10: ρ = 3 over the 4 serving of 6 pods → 12; one that is being deleted still serves.
#[test]
fn a_value_is_in_proportion_to_the_serving_pods() {
    let metric = Metric::Value { source: Source::Object, target: Milli(10_000) };
    let spec = Spec { metrics: vec![metric], ..spec(None) };
    let leaving = PodGroup { deleting: true, ..pods(1, 0) };
    let unready = PodGroup { ready: None, ..pods(2, 0) };
    let groups = [pods(3, 0), leaving, unready];
    assert_eq!(decide(&spec, 6, &groups, &[Reading::Value(Milli(30_000))]).proposed, Some(12));
    let failed = decide(&spec, 6, &groups, &[Reading::Failed]);
    assert_eq!(failed.conditions.active, Some(ScalingActive::FailedGetObjectMetric));
}

#[test]
fn zero_replicas_stay_unless_the_minimum_is_zero() {
    let reading = [Reading::Value(Milli(2_500))];
    let metric = Metric::Value { source: Source::External, target: Milli(1_000) };
    let asleep = Spec { metrics: vec![metric], ..spec(None) };
    let decision = decide(&asleep, 0, &[], &reading);
    assert_eq!((decision.rescale, decision.desired), (None, 0));
    assert_eq!(decision.conditions.active, Some(ScalingActive::ScalingDisabled));
    // From zero the ratio itself is the count: ⌈2.5⌉ = 3.
    assert_eq!(decide(&Spec { min: 0, ..asleep }, 0, &[], &reading).rescale, Some(3));
}

/// Outside of the range the range decides, before any metric and without rates; metrics' conditions stay as they were.
#[test]
fn replicas_outside_of_the_range_are_brought_into_it_first() {
    let spec = Spec { min: 3, max: 10, ..spec(Some(Behavior::default())) };
    let mut series = Series::new(spec, 5);
    series.at(0, 5);
    series.replicas = 200;
    let back = series.at(15, 7);
    assert_eq!((back.rescale, back.proposed, back.conditions.able), (Some(10), None, AbleToScale::SucceededRescale));
    assert_eq!(back.conditions.active, Some(ScalingActive::ValidMetricFound));
    series.replicas = 1;
    assert_eq!(series.at(30, 7).rescale, Some(3));
}

#[test]
fn the_minimum_limits_a_scale_down() {
    let mut behavior = Behavior::default();
    behavior.down.window = Some(Span::ZERO);
    for behavior in [None, Some(behavior)] {
        let mut series = Series::new(Spec { min: 3, ..spec(behavior) }, 6);
        series.at(0, 1);
        let later = series.at(315, 1);
        assert_eq!((series.replicas, later.desired), (3, 3));
        assert_eq!(later.conditions.limited.map(ScalingLimited::status), Some(true));
    }
}

/// Goal: a fork of a run decides as the run does. Method: 256 random wishes; the clone continues from the middle.
#[test]
fn a_clone_continues_as_the_original_does() {
    let mut stream = Seed(7).stream("hpa_wishes", 0);
    let wishes: Vec<u32> = (0..256).map(|_| 1 + stream.next_u32() % 60).collect();
    let mut run = Series::new(spec(Some(Behavior::default())), 5);
    let (before, after) = wishes.split_at(128);
    let mut at_s = 0;
    for &wish in before {
        at_s += 15;
        run.at(at_s, wish);
    }
    let mut fork = Series { spec: run.spec.clone(), state: run.state.clone(), replicas: run.replicas };
    for &wish in after {
        at_s += 15;
        assert_eq!(run.at(at_s, wish), fork.at(at_s, wish));
    }
}

/// Goal: a group is worth its pods. Method: 512 random worlds, decided by pods and by groups of equal state.
#[test]
fn groups_decide_as_their_pods_do() {
    let metrics = [CPU, Metric::ResourceAverage { resource: Resource::Cpu, target: Milli(50) }];
    for seed in 0..512 {
        let mut stream = Seed(seed).stream("hpa_groups", 0);
        let mut below = |limit: u32| stream.next_u32() % limit;
        let spec = Spec { metrics: vec![metrics[below(2) as usize]], ..spec(None) };
        let kinds = [
            pods(1, 0),
            unsampled(1),
            PodGroup { phase: Phase::Pending, ..unsampled(1) },
            PodGroup { phase: Phase::Failed, ..pods(1, 0) },
        ];
        let (mut single, mut grouped) = (Vec::new(), Vec::new());
        for kind in kinds {
            let usages: Vec<u64> = (0..below(6)).map(|_| below(120).into()).collect();
            let with = |count: usize, cpu| PodGroup {
                count: u32::try_from(count).unwrap(),
                sample: kind.sample.map(|sample| Sample { cpu: MilliCores(cpu), ..sample }),
                ..kind
            };
            single.extend(usages.iter().map(|&usage| with(1, usage)));
            grouped.push(with(usages.len(), usages.iter().sum()));
        }
        let replicas = u32::try_from(single.len()).unwrap().max(1);
        let decide = |groups: &[PodGroup]| decide(&spec, replicas, groups, &[Reading::Samples]);
        assert_eq!(decide(&single), decide(&grouped), "seed {seed}");
    }
}
