//! Why a service is where it is, as `smo plan --explain` prints it; the words are those of reports.

use crate::cli::aligned::aligned;
use crate::record::explained::{Candidate, Explained, ServiceExplained};
use crate::report::why::{conflict_words, outcome_words, scarce_words, second_words, verdict_words};

/// Shadow prices that are shown.
const SCARCE_MAX: usize = 8;

/// What is scarce everywhere, and what cannot be had together.
pub fn of_all(explained: &Explained) -> Vec<String> {
    let scarce = explained.scarce.iter().take(SCARCE_MAX);
    let mut lines: Vec<String> = scarce.map(|one| format!("scarce    {}", scarce_words(one))).collect();
    let more = explained.scarce.len().saturating_sub(SCARCE_MAX);
    lines.extend((more > 0).then(|| format!("scarce    and {more} more, in `--format json`")));
    lines.extend(explained.conflicts.iter().map(|conflict| format!("conflict  {}", conflict_words(conflict))));
    lines
}

/// The service, its clusters one by one, and what would have been second.
pub fn of_service(service: &ServiceExplained) -> Vec<String> {
    let mut lines = vec![format!("{}   {}", service.service, outcome_words(service))];
    lines.extend((!service.why.is_empty()).then(|| format!("  because {}", service.why)));
    let candidate = |candidate: &Candidate| {
        let (verdict, because) = verdict_words(candidate);
        vec![candidate.cluster.clone(), verdict.to_owned(), because]
    };
    let rows: Vec<Vec<String>> = service.candidates.iter().map(candidate).collect();
    lines.extend(aligned(&rows).into_iter().map(|line| format!("  {line}")));
    lines.extend(second_words(service).map(|line| format!("  {line}")));
    lines
}
