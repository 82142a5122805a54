//! Several calls at once, where one after the other would only wait: what is read or written of each service of a graph.
//!
//! [`together`] is for calls that may be broken off anywhere, [`each_to_its_end`] for those that may not: a Helm that is killed half-way
//! leaves a release that has to be repaired.

use super::outside::{CallError, Class};
use futures::stream::FuturesUnordered;
use futures::{StreamExt as _, TryStreamExt as _};
use std::collections::BTreeMap;

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

/// What all of them say, in their order. After a failure that will not pass no other is begun, and those under way are let end; where it
/// may pass all are made, for one may be what another waits for.
///
/// # Errors
/// Of those that failed the one that is least likely to pass: a conflict is not to hide that a chart is wrong. The others are logged.
pub async fn each_to_its_end<T, F>(calls: Vec<F>) -> Result<Vec<T>, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut waiting = calls.into_iter().enumerate().map(|(place, call)| async move { (place, call.await) });
    let mut under_way: FuturesUnordered<_> = waiting.by_ref().take(AT_ONCE).collect();
    let mut answers = Ok(BTreeMap::new());
    while let Some((place, answer)) = under_way.next().await {
        match (&mut answers, answer) {
            (Ok(answers), Ok(answer)) => drop(answers.insert(place, answer)),
            (Ok(_), Err(error)) => answers = Err(error),
            (Err(_), Ok(_)) => {}
            (Err(worst), Err(mut error)) => {
                if hopelessness(&error) > hopelessness(worst) {
                    std::mem::swap(worst, &mut error);
                }
                tracing::warn!(%error, "another call failed as well");
            }
        }
        if !matches!(&answers, Err(CallError { class: Class::Permanent, .. })) {
            under_way.extend(waiting.next());
        }
    }
    answers.map(|answers| answers.into_values().collect())
}

/// How unlikely it is that a failure passes.
const fn hopelessness(error: &CallError) -> u8 {
    match error.class {
        Class::Retryable => 0,
        Class::Conflict => 1,
        Class::Permanent => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, CallError, Class, each_to_its_end, together};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn what_is_under_way_is_let_end_and_nothing_is_begun_after_what_will_not_pass() {
        let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let call = |index: usize, fails: Option<Class>| {
            let (begun, ended) = (&begun, &ended);
            async move {
                begun.fetch_add(1, Ordering::SeqCst);
                // Those that come later are through earlier.
                for _ in 0..if fails.is_some() { 1 } else { 20 - index } {
                    tokio::task::yield_now().await;
                }
                ended.fetch_add(1, Ordering::SeqCst);
                fails.map_or(Ok(index), |class| Err(failure(class)))
            }
        };
        assert_eq!(each_to_its_end((0..10).map(|index| call(index, None)).collect()).await, Ok((0..10).collect()));
        assert_eq!((begun.swap(0, Ordering::SeqCst), ended.swap(0, Ordering::SeqCst)), (10, 10));
        for (class, made) in [(Class::Permanent, AT_ONCE), (Class::Retryable, 20)] {
            let calls = (0..20).map(|index| call(index, (index == 1).then_some(class)));
            assert_eq!(each_to_its_end(calls.collect()).await, Err(failure(class)));
            assert_eq!((begun.swap(0, Ordering::SeqCst), ended.swap(0, Ordering::SeqCst)), (made, made), "{class:?}");
        }
    }

    #[tokio::test]
    async fn of_several_failures_the_one_that_will_not_pass_is_told() {
        let call = |class| async move { Err::<(), _>(failure(class)) };
        for classes in [
            [Class::Conflict, Class::Permanent, Class::Retryable],
            [Class::Permanent, Class::Conflict, Class::Retryable],
        ] {
            let told = each_to_its_end(classes.into_iter().map(call).collect()).await;
            assert_eq!(told, Err(failure(Class::Permanent)));
        }
    }

    fn failure(class: Class) -> CallError {
        CallError::new("there", "ask", class, "no")
    }

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
