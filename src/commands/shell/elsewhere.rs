//! What has statements run elsewhere: `\c` and `\server`.

use super::freeze;
use super::state::State;
use crate::cli::query::QueryArgs;
use crate::commands::error::Error;
use crate::commands::query::series::Series;

/// Has the statements that follow run so. If no shards are found, they run as before. Returns whether
/// they are, and not whether it was interrupted.
///
/// # Errors
/// If there are no shards to ask.
pub async fn connect(state: &mut State, mut query: QueryArgs) -> Result<bool, Error> {
    freeze::end(state).await;
    query.connection.snapshots = None;
    let series = Series::new(&query, &mut state.console)?;
    let query = std::mem::replace(&mut state.query, query);
    let series = std::mem::replace(&mut state.series, series);
    let found = state.discover().await;
    if !matches!(found, Ok(true)) {
        (state.query, state.series) = (query, series);
    }
    found
}
