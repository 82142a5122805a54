//! Several calls at once, where one after the other would only wait: what is read or written of each service of a graph.

use futures::{StreamExt as _, TryStreamExt as _};

/// So many at once: no system outside is to be flooded.
const AT_ONCE: usize = 8;

/// What all of them say, in their order.
///
/// # Errors
/// That of the first that fails; the others are broken off.
pub fn together<T, E, F: Future<Output = Result<T, E>>>(
    calls: impl IntoIterator<Item = F>,
) -> impl Future<Output = Result<Vec<T>, E>> {
    // The calls alone are kept, and not whoever makes them: what is kept has to be sent to other threads.
    let calls: Vec<F> = calls.into_iter().collect();
    futures::stream::iter(calls).buffered(AT_ONCE).try_collect()
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, together};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn answers_come_in_order_from_a_few_calls_at_once() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let call = |index: usize| {
            let (now, most) = (&now, &most);
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Those that come later are through earlier.
                for _ in index..20 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                if index == 30 { Err(index) } else { Ok(index) }
            }
        };
        assert_eq!(together((0..20).map(call)).await, Ok((0..20).collect()));
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
        assert_eq!(together((25..40).map(call)).await, Err(30));
    }
}
