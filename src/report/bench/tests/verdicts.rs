//! Sentences are as strong as their figures and no stronger.

use super::twelve;
use crate::report::bench::analysis::Analysis;
use crate::report::bench::results::Results;
use crate::report::bench::synthetic::{World, cell};
use crate::report::bench::verdict::{Sentence, Strength, paragraph, verdict};

fn said(results: &Results) -> Vec<Sentence> {
    verdict(&Analysis::of(results))
}

fn strongest(sentences: &[Sentence], about: &str) -> Option<Strength> {
    sentences.iter().filter(|sentence| sentence.text.contains(about)).map(|sentence| sentence.strength).max()
}

/// Goal: the same effect under more noise is claimed less, and in the end not at all.
#[test]
fn weaker_data_give_weaker_sentences() {
    let effect = |contestant, _| if contestant == 1 { (0.9, 0.9) } else { (1.0, 1.0) };
    let said = |noise| said(&World { noise, effect, ..World::alike(&["a", "b"], 6, 4) }.results());
    let (clear, faint) = (said(0.01), said(0.9));
    assert_eq!(strongest(&clear, "Over 6 scenarios"), Some(Strength::Shown), "{}", paragraph(&clear));
    assert!(paragraph(&clear).contains("`b` is shown better than `a` in 6 of 6"), "{}", paragraph(&clear));
    assert_eq!(strongest(&faint, "Over 6 scenarios"), Some(Strength::Open), "{}", paragraph(&faint));
    assert!(paragraph(&faint).contains("In no scenario is a difference"), "{}", paragraph(&faint));
    let count = |sentences: &[Sentence]| sentences.iter().filter(|one| one.strength == Strength::Shown).count();
    let counts: Vec<usize> = [0.01, 0.1, 0.9]
        .map(|noise| {
            count(&super::verdicts::said(&World { noise, effect, ..World::alike(&["a", "b"], 6, 4) }.results()))
        })
        .to_vec();
    assert!(counts.is_sorted_by(|more, less| more >= less), "{counts:?}");
}

#[test]
fn one_seed_claims_nothing() {
    let results = World {
        seeds: 1..=1,
        effect: |contestant, _| (0.5 + contestant as f64 / 2.0, 1.0),
        ..World::alike(&["a", "b"], 1, 4)
    }
    .results();
    let sentences = said(&results);
    assert!(sentences.iter().all(|sentence| sentence.strength != Strength::Shown), "{}", paragraph(&sentences));
    assert!(paragraph(&sentences).contains("nobody knows how sure"), "{}", paragraph(&sentences));
}

#[test]
fn one_scenario_speaks_of_itself_only() {
    let effect = |contestant, _| if contestant == 1 { (0.8, 0.8) } else { (1.0, 1.0) };
    let text = paragraph(&said(&World { effect, ..World::alike(&["a", "b"], 1, 4) }.results()));
    assert!(text.contains("In the one scenario `b` has") && text.contains("nothing is said of others"), "{text}");
    assert!(!text.contains("Over 1"), "{text}");
}

/// Goal: a scenario without chance is told as certain for its days and no more.
#[test]
fn seeds_that_agree_are_certain_for_these_days_only() {
    let effect = |contestant, _| if contestant == 1 { (0.8, 0.8) } else { (1.0, 1.0) };
    let mut results = World { noise: 0.0, effect, ..World::alike(&["a", "b"], 1, 4) }.results();
    for cell in &mut results.cells {
        let first = cell.runs[0].result.clone();
        cell.runs.iter_mut().for_each(|run| run.result.clone_from(&first));
    }
    let text = paragraph(&said(&results));
    assert!(
        text.contains("In `day-0` seeds agree: there a difference is certain for the days that were simulated"),
        "{text}"
    );
}

/// Goal: a failure of one policy of twelve in one scenario is told, it is not ranked, and the others are.
#[test]
fn a_failure_of_one_of_twelve_is_a_gap_and_takes_no_ranking_from_the_others() {
    let mut results = twelve().results();
    cell(&mut results, "day-3", "milp").runs[2].result = Err("no feasible plan".to_owned());
    let analysis = Analysis::of(&results);
    let text = paragraph(&verdict(&analysis));
    assert!(text.contains("One result is missing and nothing is said of it: `milp` in `day-3` failed in 1 of 12 seeds (seed 3: no feasible plan)"), "{text}");
    assert_eq!((analysis.overall.rows.len(), analysis.overall.unranked.len()), (11, 1));
    assert_eq!(analysis.overall.scenarios.len(), 8);
    assert!(!text.contains("`milp` has the least"), "{text}");
}

#[test]
fn a_baseline_that_fails_takes_its_scenario_from_all() {
    let mut results = twelve().results();
    cell(&mut results, "day-3", "hpa").runs[2].result = Err("broken".to_owned());
    let analysis = Analysis::of(&results);
    assert_eq!((analysis.overall.scenarios.len(), analysis.overall.dropped.len()), (7, 1));
    assert!(analysis.loss().pairs.iter().filter(|pair| pair.place.scenario == 3).all(|pair| pair.difference.is_err()));
}

/// Goal: of suites of one policy under six names few claim any difference in any sentence.
/// Method: 60 worlds. Each of the verdict's four families (by scenario, over scenarios, pairs, front) errs in 5 % at most, so
/// all sentences together in 20 % at the very most, and in less since they look at the same runs.
#[test]
fn verdicts_on_one_policy_under_six_names_claim_little() {
    let mut claims = 0;
    for world in 0..60 {
        let results = World::alike(&["a", "b", "c", "d", "e", "f"], 8, 20_000 + world).results();
        claims += u32::from(said(&results).iter().any(|sentence| sentence.strength == Strength::Shown));
    }
    assert!(claims <= 12, "{claims} of 60");
}

#[test]
fn the_twelve_are_told_as_they_were_made() {
    let sentences = said(&twelve().results());
    let text = paragraph(&sentences);
    assert!(text.contains("`random`") && text.contains("shown worse than `hpa`"), "{text}");
    assert!(
        text.contains("is not told apart from `milp`") || text.contains("is not told apart from `local-search`"),
        "{text}"
    );
}
