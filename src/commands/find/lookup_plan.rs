//! What the lookups of one key and of many have in common: the plan, and where else to look.

use std::sync::Arc;

use crate::commands::error::Error;
use crate::commands::other_databases;
use crate::config::Settings;
use crate::exec::plan::{Plan, Timeouts};
use crate::find::lookup::Lookup;
use crate::find::tables;
use crate::sharding::layout::Layout;
use crate::sharding::routing::key::Key;
use crate::sharding::selection::ShardFilter;
use crate::sharding::statement::Statement;

/// The preflight needs a statement to check; the first lookup serves.
pub fn plan(
    limits: Timeouts,
    layout: Layout,
    filter: Arc<ShardFilter>,
    key: &Key,
) -> Result<Plan, Error> {
    let statement = Statement::new(&tables::tables_sql(key, &layout, None))?;
    Ok(Plan::of_our_own(statement, layout, filter, limits))
}

/// Databases that have tables for the key.
pub async fn others(lookup: Lookup<'_>, settings: &Settings) -> Vec<(String, usize)> {
    let sql = tables::tables_sql(lookup.key, lookup.layout, None);
    other_databases::databases_with(lookup.layout, &sql, lookup.session.connection(), settings)
        .await
}
