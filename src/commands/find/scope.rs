//! The shards of one database, at one snapshot, in which keys are looked up.

use std::num::NonZeroU32;

use super::search::Search;
use crate::client::Connection;
use crate::commands::error::Error;
use crate::commands::{select, session_setup};
use crate::config::Settings;
use crate::exec::fanout::Preflight;
use crate::exec::plan::Plan;
use crate::find::lookup::Lookup;
use crate::sharding::routing::key::Key;
use crate::sharding::selection::Selection;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;

/// A session, and the shards to search.
pub struct SearchScope<'a> {
    pub plan: &'a Plan,
    pub preflight: Preflight,
    pub topology: Topology,
    pub selection: Selection,
}

impl<'a> SearchScope<'a> {
    /// Runs the preflight, and selects the shards. Warns of unusual names.
    ///
    /// # Errors
    /// If there are no shards, or none is selected.
    pub async fn take(
        connection: Connection,
        plan: &'a Plan,
        settings: &Settings,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let preflight = session_setup::preflight(connection, plan).await?;
        let connection = preflight.session.connection();
        connection.wait_at_most(plan.limits.patience());
        let topology = session_setup::topology(&preflight, &plan.layout, settings).await?;
        select::warn_of_names(&topology, console);
        let selection = select::filtered(plan, &preflight, &topology).await?;
        Ok(Self {
            plan,
            preflight,
            topology,
            selection,
        })
    }

    /// The search for a key, which is hashed over this many shards if its number is given.
    pub fn search<'s>(&'s self, key: &'s Key, shard_count: Option<NonZeroU32>) -> Search<'s> {
        Search {
            lookup: Lookup {
                key,
                layout: &self.plan.layout,
                session: &self.preflight.session,
            },
            plan: self.plan,
            topology: &self.topology,
            selection: &self.selection,
            shard_count: shard_count.unwrap_or(self.topology.shard_count()),
        }
    }
}
