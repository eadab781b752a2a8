//! The shards of all databases of a run.

use super::later::LaterDatabase;
use super::targets::Target;
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::exec::fanout::Preflight;
use crate::exec::plan::Plan;
use crate::sharding::database::{Database, ShardNaming};
use crate::sharding::topology::Topology;
use crate::sharding::union::Unreachable;
use crate::terminal::console::Console;

/// A database whose shards are known.
pub struct Listed<'a> {
    pub target: &'a Target,
    pub plan: &'a Plan,
    pub preflight: &'a Preflight,
}

/// The shards of all databases.
///
/// # Errors
/// If there are none, or several databases have the same ones.
pub async fn topology(
    databases: &[Listed<'_>],
    later: &[LaterDatabase],
    plan: &Plan,
    unreachable: Vec<Unreachable>,
    preferred: &[String],
    console: &mut Console,
) -> Result<Topology, Error> {
    if let ([only], [], []) = (databases, later, unreachable.as_slice()) {
        let settings = &only.target.settings;
        return session_setup::topology(only.preflight, &only.plan.layout, settings).await;
    }
    let mut parts = Vec::new();
    let mut empty = Vec::new();
    for database in databases {
        match Topology::new(database.preflight.shards.clone(), &database.plan.layout) {
            Some(part) => parts.push(part),
            None => empty.push(database.target),
        }
    }
    for database in later {
        match Topology::new(database.discovered.clone(), &database.plan.layout) {
            Some(part) => parts.push(part),
            None => empty.push(&database.target),
        }
    }
    let union = Topology::union(parts, &plan.layout, unreachable, preferred)?;
    let (Some(topology), _) = (union, databases.first()) else {
        let Some(first) = databases.first() else {
            return Err(Error::NoDatabases(plan.layout.to_string()));
        };
        let settings = &first.target.settings;
        return session_setup::topology(first.preflight, &first.plan.layout, settings).await;
    };
    warn_of_empty(&empty, console);
    Ok(topology)
}

/// A server without shards is probably the wrong one; of many databases, some have none.
fn warn_of_empty(empty: &[&Target], console: &mut Console) {
    let places: Vec<_> = empty.iter().map(|target| target.place()).collect();
    let naming = empty.iter().find_map(|target| target.database);
    match (naming.map(Database::naming), places.as_slice()) {
        (None, _) | (_, []) => {}
        (Some(ShardNaming::Schema), places) => {
            console.warning(&format!("no shards on {}", places.join(", ")));
        }
        (Some(_), [only]) => console.note(&format!("{only} has no shards")),
        (Some(_), places) => console.note(&format!("{} databases have no shards", places.len())),
    }
}
