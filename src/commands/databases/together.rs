//! Opens the transactions of several databases at snapshots that are taken together.

use std::time::Duration;

use super::connect::ConnectedDatabase;
use super::later::LaterDatabase;
use crate::commands::error::Error;
use crate::exec::fanout::begin_together;
use crate::exec::plan::{Consistency, Plan};

/// Opens the transactions of these databases. Returns how far apart their snapshots are at most;
/// `None` if there is only one, or they are not all taken now.
///
/// # Errors
/// If they are further apart than `--max-skew` allows.
pub async fn begin(
    databases: &mut [ConnectedDatabase],
    later: &[LaterDatabase],
    plan: &Plan,
) -> Result<Option<Duration>, Error> {
    let are_all = later.is_empty();
    let is_listed = plan.layout.schemas_from().is_some();
    if plan.max_skew.is_some() && (!are_all || is_listed) {
        return Err(Error::Usage(if is_listed {
            "--max-skew and --schemas-from cannot be combined: the shards of each database are \
             listed at its own snapshot"
                .to_owned()
        } else {
            let all = databases.len() + later.len();
            format!(
                "--max-skew needs a connection to each database of a server at once; add -j {all}"
            )
        }));
    }
    let is_shared = plan.instant == Consistency::SharedSnapshot;
    // Those that were taken before are as far apart as they are.
    let are_new = databases.iter().all(|it| it.plan.snapshot.is_none());
    if databases.len() < 2 || !are_all || is_listed || !is_shared || !are_new {
        return Ok(None);
    }
    let connections: Vec<_> = databases
        .iter()
        .map(|database| (&database.opened.first, &database.plan))
        .collect();
    let together = begin_together(&connections, plan.max_skew).await;
    if let Some(most) = plan.max_skew
        && together.within > most
    {
        return Err(Error::Skew {
            within: together.within,
            most,
            attempts: together.attempts,
        });
    }
    for (database, begun) in databases.iter_mut().zip(together.begun) {
        database.begun = begun.map(Some);
    }
    Ok(Some(together.within))
}
