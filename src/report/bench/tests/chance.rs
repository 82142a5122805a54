//! One policy under two names: how often chance is taken for a difference.

use crate::report::bench::family::{Family, Finding};
use crate::report::bench::grid::Grid;
use crate::report::bench::measure::Measure;
use crate::report::bench::results::Results;
use crate::report::bench::statistics::LEVEL;
use crate::report::bench::statistics::student::Student;
use crate::report::bench::synthetic::World;

/// Worlds of each test.
const WORLDS: u64 = 400;

fn family(results: &Results) -> Family {
    Family::of(&Grid { results }, Measure::Loss)
}

fn share(count: usize) -> f64 {
    count as f64 / WORLDS as f64 * 100.0
}

/// Goal: of 400 comparisons of a policy with itself, each on days of its own, 95 ± 3 % find no difference; neither fewer (too
/// liberal) nor more (too timid).
/// Method: five seeds a comparison, where a test by the normal law instead of Student's would leave the range, which is checked
/// as well: the test would notice.
#[test]
fn a_policy_compared_with_itself_shows_no_difference_in_95_of_100() {
    let (mut none, mut none_by_normal) = (0, 0);
    for world in 0..WORLDS {
        let results = World { seeds: 1..=5, ..World::alike(&["a", "again"], 1, world) }.results();
        let family = family(&results);
        none += usize::from(family.pairs[0].finding == Finding::NotShown);
        let difference = family.pairs[0].difference.as_ref().expect("they share five seeds");
        let grid = Grid { results: &results };
        let places = [1, 0].map(|contestant| crate::report::bench::grid::Place { scenario: 0, contestant });
        let pairs = grid.pairs(Measure::Loss, (places[0], places[1])).expect("they share five seeds");
        let values: Vec<f64> = pairs.iter().map(|(left, right)| left - right).collect();
        let student = Student::of(&values).expect("they spread");
        none_by_normal += usize::from((student.mean / student.error).abs() < 1.959_964);
        assert!(difference.pairs == 5);
    }
    assert!((92.0..=98.0).contains(&share(none)), "{} %", share(none));
    assert!(
        share(none_by_normal) < 92.0,
        "{} % by the normal law: this test would not notice it",
        share(none_by_normal)
    );
}

/// Goal: of 400 suites of one policy under four names in four scenarios, 95 ± 3 % find no difference anywhere.
/// Method: twelve comparisons a suite that share a baseline; without Holm's correction far fewer suites would be clean, which is
/// checked as well.
#[test]
fn suites_of_one_policy_find_nothing_in_95_of_100() {
    let (mut clean, mut clean_without_holm) = (0, 0);
    for world in 0..WORLDS {
        let results = World::alike(&["a", "b", "c", "d"], 4, 10_000 + world).results();
        let family = family(&results);
        assert_eq!((family.pairs.len(), family.tested), (12, 12));
        clean += usize::from(family.pairs.iter().all(|pair| pair.finding == Finding::NotShown));
        let p = |at: usize| {
            family.pairs[at]
                .difference
                .as_ref()
                .ok()
                .and_then(super::super::statistics::difference::Difference::p)
                .expect("it was tested")
        };
        clean_without_holm += usize::from((0..12).all(|at| p(at) >= LEVEL));
    }
    assert!((92.0..=98.0).contains(&share(clean)), "{} %", share(clean));
    assert!(share(clean_without_holm) < 75.0, "{} % without: this test would not notice it", share(clean_without_holm));
}

/// Goal: under the same seeds one policy under two names is the same in every seed, and that is said.
#[test]
fn the_same_runs_under_two_names_are_identical_and_not_merely_close() {
    let mut results = World::alike(&["a", "again"], 3, 1).results();
    for scenario in 0..3 {
        let runs = results.cells[scenario * 2].runs.clone();
        results.cells[scenario * 2 + 1].runs = runs;
    }
    let family = family(&results);
    assert!(family.pairs.iter().all(|pair| pair.finding == Finding::Identical && pair.adjusted.is_none()));
    assert_eq!(family.tested, 0, "no chance is involved");
}

/// Goal: an effect of 3 % is shown where days differ by 25 % but the luck of a policy is 1 %: pairs of seeds see what means do
/// not.
#[test]
fn pairs_show_what_the_spread_of_days_hides() {
    let effect = |contestant, _| if contestant == 1 { (0.97, 0.97) } else { (1.0, 1.0) };
    let mut shown = 0;
    for world in 0..40 {
        let results = World { noise: 0.01, effect, ..World::alike(&["a", "b"], 1, world) }.results();
        let grid = Grid { results: &results };
        shown += u32::from(family(&results).pairs[0].finding.is_better());
        let means = [0, 1].map(|contestant| {
            grid.estimate(Measure::Loss, crate::report::bench::grid::Place { scenario: 0, contestant }).expect("it ran")
        });
        assert!(means[0].half_width.expect("ten seeds") > (means[0].mean - means[1].mean).abs(), "means alone hide it");
    }
    assert!(shown >= 38, "{shown} of 40");
}
