//! What the page of a back test shows, taken out of the tests: points and sentences. How it looks is for `report` to say.

use super::score::{Errors, Pair, SURELY_BELOW, Sample, Score};
use super::text;
use super::verdict::{self, percent};
use super::{Tested, Tests};
use crate::cli::fit::table::figure;
use crate::report::html::backtested::{self, BacktestPage, BacktestSection, Compared, Decision, Track};
use crate::units::Time;

/// The page as HTML.
pub fn render(tests: &Tests<'_>) -> String {
    let about = vec![
        format!("The model is {}.", text::model(tests)),
        format!(
            "The samples of each service were put in order of time; the last {} of them are the test part: CPU, latency and replicas \
             were predicted from their own load and compared with what was recorded. What came before is shown for comparison and enters no error.",
            percent(1.0 - tests.options.train)
        ),
        format!("A model predicts what came after where {}.", verdict::rule()),
    ];
    backtested::page(&BacktestPage {
        answer: verdict::sentences(tests).to_vec(),
        about,
        notes: tests.gathered.notes.clone(),
        definitions: definitions(tests),
        command: tests.command(),
        sections: tests.all.iter().map(|one| section(one, tests)).collect(),
    })
}

fn section(one: &Tested<'_>, tests: &Tests<'_>) -> BacktestSection {
    let scored = match &one.scored {
        Ok(scored) => scored,
        Err(why) => {
            return BacktestSection {
                name: one.name.clone(),
                untested: Some(why.clone()),
                ..BacktestSection::default()
            };
        }
    };
    let score = &scored.score;
    let (begin, end) = (scored.samples.first(), scored.samples.last());
    let (begin, end) = (begin.map_or(score.from, |sample| sample.at), end.map_or(score.to, |sample| sample.at));
    let seconds = |at: Time| at.since(begin).as_seconds_f64();
    let track = |what: String,
                 unit: &'static str,
                 (errors, interval): (Option<Errors>, &'static str),
                 pick: fn(&Sample) -> Pair| {
        let scale = if unit == "ms" { 1e3 } else { 1.0 };
        let point = |sample: &Sample| compared(sample, pick(sample), (seconds(sample.at), scale));
        Track { what, unit, interval, errors: errors.map(written), points: scored.samples.iter().map(point).collect() }
    };
    let cpu_interval = "a new sample, by how samples scattered about the fit";
    let latency_interval = "a new sample, by the median error of the fit";
    let replicas_interval = "the utilisations that were usual before, 5th to 95th percentile";
    let drift = one.drift.verdict.as_ref().filter(|verdict| verdict.drifted);
    let reasons = verdict::reasons(one, tests);
    BacktestSection {
        name: one.name.clone(),
        answer: if reasons.is_empty() {
            "The model predicts what came after.".to_owned()
        } else {
            format!("The model does not predict what came after: {}.", reasons.join("; "))
        },
        untested: None,
        drifted: verdict::drift(one, tests),
        hours: hours(score, begin, tests),
        begin: if tests.gathered.has_dates {
            tests.instant(begin)
        } else {
            format!("{} of the run", tests.instant(begin))
        },
        span_s: seconds(end),
        split_s: seconds(score.from),
        drifted_s: drift.and_then(|verdict| verdict.at).map(seconds),
        alarm_s: drift.and_then(|verdict| verdict.alarm_at).map(seconds),
        tracks: vec![
            track("CPU of all replicas".to_owned(), "cores", (score.cpu, cpu_interval), |sample| sample.cpu),
            track(latency_name(scored.latency_column), "ms", (score.latency, latency_interval), |sample| {
                sample.latency
            }),
            track("Ready replicas".to_owned(), "replicas", (score.replicas, replicas_interval), |sample| {
                sample.replicas
            }),
        ],
        decisions: decisions(score),
        path: one.drift.path.iter().map(|(at, upper, lower)| (seconds(*at), *upper, *lower)).collect(),
        threshold: one.drift.threshold,
    }
}

fn latency_name(column: Option<&str>) -> String {
    match column {
        Some("latency_mean") => "Latency, mean".to_owned(),
        Some(quantile) => format!("Latency, {} percentile", quantile.replace("latency_p", "") + "th"),
        None => "Latency".to_owned(),
    }
}

fn compared(sample: &Sample, pair: Pair, (at_s, scale): (f64, f64)) -> Compared {
    Compared {
        at_s,
        recorded: pair.recorded * scale,
        predicted: pair.predicted.value * scale,
        low: pair.predicted.low * scale,
        high: pair.predicted.high * scale,
        is_tested: sample.is_tested,
        is_saturated: sample.is_saturated,
    }
}

fn written(errors: Errors) -> [String; 4] {
    let inside = errors.coverage.map_or_else(|| "–".to_owned(), percent);
    [errors.samples.to_string(), percent(errors.mape), percent(errors.bias), inside]
}

fn hours(score: &Score, begin: Time, tests: &Tests<'_>) -> String {
    let long = |from: Time, to: Time| {
        let seconds = to.since(from).as_seconds_f64() + tests.options.bucket.as_seconds_f64();
        if seconds < 7_200.0 {
            format!("{} min", figure(seconds / 60.0))
        } else {
            format!("{} h", figure(seconds / 3_600.0))
        }
    };
    format!(
        "Tested over {}, from {} to {}: {} samples of {}. Before it lie {} samples of {}, from {} on.",
        long(score.from, score.to),
        tests.instant(score.from),
        tests.instant(score.to),
        score.tested,
        tests.options.bucket,
        score.trained,
        long(begin, score.from),
        tests.instant(begin)
    )
}

fn decisions(score: &Score) -> Vec<Decision> {
    let of = |count: usize, all: usize| format!("{count} of {all}");
    vec![
        Decision {
            what: "saturated",
            count: of(score.saturated, score.tested),
            means: "no more could be served; a fact of the recording, not an error",
        },
        Decision {
            what: "saturation missed",
            count: of(score.saturation_missed, score.saturated),
            means: "saturated, while the model saw the load below 90 % of the capacity: too few replicas would have been planned. Lower is better",
        },
        Decision {
            what: "false alarms",
            count: of(score.false_alarms, score.tested - score.saturated),
            means: "served all the same, while the model saw the load above the capacity: too many replicas would have been planned. Lower is better",
        },
    ]
}

fn definitions(tests: &Tests<'_>) -> Vec<[String; 2]> {
    let drift = if tests.is_of_file() {
        "Whether CPU in the test part is still what the file says for its load: residuals beyond 5 % and beyond noise are summed up, and an alarm \
         counts where at least 20 samples in a row of it are off by 5 % or more in the median. Where the file is right, fewer than one service in a hundred raises one"
    } else {
        "Whether CPU of like load changed at any time while the service was observed, by 5 % or more; about one in a hundred services that did not change \
         is wrongly called. It is no matter of the model: with --capacity the test part is judged against the file"
    };
    let surely = percent(SURELY_BELOW);
    let inside = "The share of the recorded values inside the 90 % interval of the prediction. Much below 90 %, the model is surer than it may be; much above, less";
    [
        ("sample", &*format!("The mean of what was recorded over {}. Left out are samples while replicas settle, fail or are missing", tests.options.bucket)),
        ("MAPE", "Mean absolute error, as a share of what was recorded. Lower is better"),
        ("bias", "Mean error, as a share of what was recorded: positive where too much was predicted. Nearest 0 is better"),
        ("inside", inside),
        ("CPU", "Predicted as seconds of CPU per request times the requests per second, and the CPU of idle replicas"),
        ("latency", "Predicted from the load by the queueing curve of the fit; at saturation it is not compared, for there it depends on how long that lasts"),
        ("replicas", "The fewest whose capacity carries the load at the share of it that was usual (the median) before the test part: what the scaler kept free is learnt from what it did"),
        ("saturation missed", &*format!("Of the saturated samples, those with a load below {surely} of the model's capacity")),
        ("false alarms", "Of the samples that were not saturated, those with a load above the model's capacity"),
        ("drift", drift),
    ]
    .map(|(term, means)| [term.to_owned(), format!("{means}.")])
    .to_vec()
}
