//! Ends a result whose reader may pause, and reports after it.

use std::time::Duration;

use crate::exec::cancel::Interrupt;

/// How long a reader may pause before the report is printed without waiting for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits for the end of the result, then calls `say`: in front of the rows, the report would scroll
/// away. Calls it in any case, even if the reader pauses or the run is interrupted. `None` if
/// interrupted before the end.
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
