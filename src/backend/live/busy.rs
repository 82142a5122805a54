//! Work that takes the processor for a while, inside of what is asynchronous: a policy that thinks, an archive that is unpacked, a long document
//! that is read.
//!
//! A worker of the runtime that is busy answers nobody else, and there are as few of them as processors. So the worker's other work goes to another
//! thread first. Unlike `spawn_blocking`, the work may borrow; a runtime of one thread has no other, and does it where it is.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Does `work` here, and lets nobody wait for it who is not concerned.
pub fn busy<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::busy;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    /// The one worker is busy until somebody else on it has had a turn: without another thread, nobody would.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_is_busy_keeps_nobody_waiting() {
        let (tell, told) = channel();
        let works = tokio::spawn(async move { busy(|| told.recv_timeout(Duration::from_secs(20))) });
        let other = tokio::spawn(async move { tell.send("a turn") });
        assert_eq!(works.await.unwrap(), Ok("a turn"));
        other.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_is_busy_itself() {
        assert_eq!(busy(|| 7), 7);
    }

    #[test]
    fn no_runtime_is_needed() {
        assert_eq!(busy(|| 7), 7);
    }
}
