//! The end of a result whose reader may pause, and what is said behind it.

use std::time::Duration;

use crate::exec::cancel::Interrupt;

/// How long a reader may pause before what has to be said behind the result is said in
/// the middle of it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits for the result to end, and says something behind its last row: it would scroll
/// away in front of it. It is said in any case, also to whoever pauses or interrupts.
/// `None` if interrupted before the end.
pub(super) async fn then_say<T>(
    end: impl Future<Output = T>,
    interrupt: &Interrupt,
    say: impl FnOnce(),
) -> Option<T> {
    let mut end = std::pin::pin!(end);
    let in_time = tokio::select! {
        biased;
        ended = &mut end => Some(Some(ended)),
        () = interrupt.requested() => Some(None),
        () = tokio::time::sleep(PATIENCE) => None,
    };
    say();
    if let Some(ended) = in_time {
        return ended;
    }
    tokio::select! {
        biased;
        ended = &mut end => Some(ended),
        () = interrupt.requested() => None,
    }
}
