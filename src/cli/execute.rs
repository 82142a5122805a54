//! Many runs at once: parallel across runs, never inside one, with the results in the order of the jobs.

use super::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use std::num::NonZeroUsize;

/// Does `work` for each of the `jobs` by so many `threads` (default: one a core). The results come in the order of the jobs,
/// so that nothing depends on who was done first. A terminal sees how far it is.
///
/// # Errors
/// Where no threads can be had.
pub fn all<J, R>(jobs: &[J], threads: Option<NonZeroUsize>, work: impl Fn(&J) -> R + Sync) -> Result<Vec<R>, Failure>
where
    J: Sync,
    R: Send,
{
    let threads = threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(Failure::run)?;
    let bar = ProgressBar::with_draw_target(Some(jobs.len() as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {elapsed} gone, {eta} to go");
    bar.set_style(style.map_err(Failure::run)?);
    let done = |job: &J| {
        let result = work(job);
        bar.inc(1);
        result
    };
    // One run at a time to each thread: runs differ in length, and none is short.
    let results = pool.install(|| jobs.par_iter().with_max_len(1).map(done).collect());
    bar.finish_and_clear();
    Ok(results)
}
