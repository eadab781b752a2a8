//! For commands that answer completely or not at all: a key that is not where it belongs.

use super::databases::OpenDatabases;
use super::error::Error;
use super::origin::{KeyLocations, Located, OriginLookups};
use crate::exec::plan::Plan;
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;

/// Waits for the lookups of origins, which were sent before.
///
/// # Errors
/// If a key is, or may be, in another shard.
pub(super) async fn refuse(
    lookups: OriginLookups,
    selection: &Selection,
    databases: &OpenDatabases<'_>,
    plan: &Plan,
    console: &mut Console,
) -> Result<(), Error> {
    if let Some(origins) = &selection.origins {
        let places = KeyLocations {
            databases: &databases.listed,
            topology: databases.topology,
            shard_count: origins.shard_count,
            plan,
        };
        // Boxed because the future is large.
        let located = Box::pin(Located::by(lookups, places, console));
        located.await?.or_refuse(console)?;
    }
    Located::of_keys(selection.keys.as_ref()).or_refuse(console)
}
