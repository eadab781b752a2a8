//! For commands that answer completely or not at all: a key that is not where it belongs.

use super::databases::Listed;
use super::error::Error;
use super::origin::{KeyLocations, Located, OriginLookups};
use crate::sharding::selection::Selection;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;

/// Waits for the lookups of origins, which were sent before.
///
/// # Errors
/// If a key is, or may be, in another shard.
pub(super) async fn refuse(
    lookups: OriginLookups,
    selection: &Selection,
    databases: &[Listed<'_>],
    topology: &Topology,
    console: &mut Console,
) -> Result<(), Error> {
    if let Some(origins) = &selection.origins {
        let located = if let [only] = databases {
            let places = KeyLocations {
                session: &only.preflight.session,
                topology,
                shard_count: origins.shard_count,
                plan: only.plan,
            };
            Located::by(lookups, places, console).await?
        } else {
            Located::without_search(lookups).await
        };
        located.or_refuse(console)?;
    }
    Located::of_keys(selection.keys.as_ref()).or_refuse(console)
}
