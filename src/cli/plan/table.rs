//! A plan as people read it: a line a service, what was refused, and how good it is.

use super::{Decided, why};
use crate::cli::aligned::aligned;
use crate::cli::clock::clock;
use crate::model::plan::{Quality, Stop, Target};
use crate::model::{Refusal, ServiceId, Snapshot};
use crate::record::decisions::named;
use crate::report::why::figure;
use std::fmt::Write as _;

/// The text, with a line feed at its end; with the wall-clock time where `timed`.
pub fn render(decided: &Decided<'_>, timed: bool) -> String {
    let Decided { situation, policy, plan, .. } = decided;
    let snapshot = &situation.snapshot;
    let replicas: u32 = plan.targets.iter().map(|target| target.replicas).sum();
    let services = match snapshot.services.len() {
        1 => "1 service".to_owned(),
        count => format!("{count} services"),
    };
    let at = clock(snapshot.at.as_seconds_f64());
    let mut lines = vec![format!("{} at {at}: {replicas} replicas of {services} by {}", situation.name, policy.label)];
    lines.push(String::new());
    lines.extend(by_service(decided));
    lines.push(String::new());
    if let Some(explained) = &decided.explained {
        lines.extend(explained.services.iter().flat_map(why::of_service));
        lines.push(String::new());
        lines.extend(why::of_all(explained));
    }
    lines.extend(plan.refusals.iter().map(|refusal| refused(decided, refusal)));
    lines.extend(violations(decided).into_iter().map(|violation| format!("unsound   {violation}")));
    lines.push(quality(decided, timed));
    if decided.explained.is_some() {
        lines.extend(policy.rules().into_iter().map(|(name, rule)| format!("{name}: {rule}")));
    } else {
        lines.push("`--explain` says why; `--format karmada` and `helm` print what carries it out".to_owned());
    }
    lines.extend(situation.notes.iter().map(|note| format!("note      {note}")));
    lines.join("\n") + "\n"
}

fn by_service(decided: &Decided<'_>) -> Vec<String> {
    let (snapshot, plan) = (&decided.situation.snapshot, &decided.plan);
    let row = |service: ServiceId| {
        let rate = snapshot.services[service].rate.value;
        vec![
            snapshot.service(service).name.clone(),
            rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.1} /s", rate.per_second())),
            plan.targets.total(service).to_string(),
            places(snapshot, plan.targets.of(service)),
        ]
    };
    let head = ["service", "rate", "replicas", "clusters"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(snapshot.services.ids().map(row)).collect();
    aligned(&rows)
}

/// `edge-2 (2), cloud-1 (1)`.
pub fn places(snapshot: &Snapshot, targets: &[Target]) -> String {
    let place = |target: &Target| format!("{} ({})", snapshot.cluster(target.cluster).name, target.replicas);
    let places: Vec<String> = targets.iter().map(place).collect();
    if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") }
}

fn refused(decided: &Decided<'_>, refusal: &Refusal) -> String {
    let name = &decided.situation.snapshot.service(refusal.service).name;
    let wanted = crate::model::explanation::wanted(&decided.plan, refusal.service);
    let Refusal { replicas, reason, remedy, .. } = refusal;
    let mut text = format!("refused   {name}: {replicas} of {wanted} replicas: {}", reason.trim_end_matches('.'));
    if let Some(remedy) = remedy {
        write!(text, "; smallest change: {remedy}").expect("a string takes all");
    }
    text
}

/// What the checker found, a sentence each.
pub fn violations(decided: &Decided<'_>) -> Vec<String> {
    let words = |violation| {
        let value = named(&decided.situation.snapshot.known, violation);
        let fields = value.as_object().into_iter().flatten();
        let texts = fields.map(|(key, value)| match value.as_str() {
            Some(text) if key == "violation" => text.replace('_', " "),
            Some(text) => format!("{key} {text}"),
            None => format!("{key} {value}"),
        });
        texts.collect::<Vec<_>>().join(", ")
    };
    decided.violations.iter().map(words).collect()
}

/// `objective 3.42 $/h, bound 3.40 (gap 0.6 %), optimal, by milp, 0.8 ms`.
fn quality(decided: &Decided<'_>, timed: bool) -> String {
    let mut parts = match decided.plan.quality {
        Some(quality) => objective(decided, &quality),
        None => vec!["no objective: the policy goes by its rule".to_owned()],
    };
    if timed {
        parts.push(format!("{:.1} ms", decided.took.as_secs_f64() * 1e3));
    }
    parts.join(", ")
}

fn objective(decided: &Decided<'_>, quality: &Quality) -> Vec<String> {
    let mut parts = vec![format!("objective {}", figure(quality.objective))];
    let shortage = decided.explained.as_ref().and_then(|explained| explained.shortage);
    let refused: u32 = decided.plan.refusals.iter().map(|refusal| refusal.replicas).sum();
    if let Some(shortage) = shortage.filter(|_| refused > 0) {
        parts.push(format!("of which {} for {refused} refused", figure(shortage * f64::from(refused))));
    }
    if let (Some(bound), Some(gap)) = (quality.bound, quality.gap()) {
        parts.push(format!("bound {} (gap {:.2} %)", figure(bound), gap * 100.0));
    }
    let stop = match quality.stop {
        Stop::Optimal => "proved best",
        Stop::NodeLimit => "stopped at the limit of nodes",
        Stop::Heuristic => "nothing proved",
    };
    parts.push(format!("tier {}: {stop}", quality.tier));
    parts
}
