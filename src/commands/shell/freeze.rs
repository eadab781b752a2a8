//! `\freeze` and `\thaw`: one snapshot for several statements, which never lasts longer than its
//! limit.

use std::time::Duration;

use super::state::State;
use crate::commands::error::Error;
use crate::commands::query::frozen::Frozen;
use crate::text::humanize::{HumanDuration, ThousandsSeparated};

pub async fn freeze(state: &mut State) -> Result<(), Error> {
    end(state).await;
    if state.query.run.no_snapshot {
        let reason = "--no-snapshot reads each shard at its own moment; there is nothing to freeze";
        return Err(Error::Usage(reason.to_owned()));
    }
    let frozen = state.series.freeze(&state.query, &mut state.console);
    if frozen.await?.is_some() {
        let frozen = state.series.frozen.as_ref();
        state.query.connection.snapshots = frozen.map(Frozen::snapshots);
        describe(state).await;
        state
            .console
            .note(&"All statements read this snapshot until \\thaw; VACUUM keeps what it can see.");
    }
    Ok(())
}

pub async fn thaw(state: &mut State) -> Result<(), Error> {
    if !end(state).await {
        let reason = "there is no snapshot to end; \\freeze takes one";
        return Err(Error::Usage(reason.to_owned()));
    }
    state.console.note(&"Each statement has its own snapshot.");
    Ok(())
}

/// Ends the snapshot, if there is one.
pub async fn end(state: &mut State) -> bool {
    state.frozen = None;
    state.query.connection.snapshots = None;
    match state.series.frozen.take() {
        Some(frozen) => {
            frozen.end().await;
            true
        }
        None => false,
    }
}

/// How long the snapshot may still last; `None` without one, or without a limit.
pub fn left(state: &State) -> Option<Duration> {
    let limit = state.freeze_limit;
    let frozen = state.series.frozen.as_ref().filter(|_| !limit.is_zero())?;
    Some(limit.saturating_sub(frozen.age()))
}

/// Ends the snapshot if its time is over or it is lost, with the reason as `Err`: the next statement
/// must not run at another instant unnoticed.
pub async fn check(state: &mut State) -> Result<(), String> {
    let Some(frozen) = &state.series.frozen else {
        return Ok(());
    };
    let reason = if frozen.is_lost() {
        "the snapshot was lost with the connection that held it".to_owned()
    } else if left(state) == Some(Duration::ZERO) {
        let limit = HumanDuration(state.freeze_limit);
        format!("the snapshot was ended after {limit} (--freeze-limit)")
    } else {
        return Ok(());
    };
    end(state).await;
    Err(format!("{reason}; \\freeze takes another"))
}

/// Notes the snapshot's age for the prompt, and what it costs.
pub async fn describe(state: &mut State) {
    let Some(frozen) = &state.series.frozen else {
        return;
    };
    let seconds = frozen.age().as_secs();
    let age = match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min", seconds / 60),
    };
    let transactions = frozen.transactions_since().await;
    state.frozen = Some(match transactions {
        None => format!("frozen {age}"),
        Some(count) => format!("frozen {age}, {} xids", ThousandsSeparated(count)),
    });
}
