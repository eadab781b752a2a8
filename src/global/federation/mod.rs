//! A hub: a database with a foreign table for each table of each shard, so that one SQL statement
//! covers shards on several servers. Pure: from the facts about the servers and the hub to the
//! objects that the hub should have (`wanted`), the difference from what it has (`difference`), and
//! the SQL of both (`render`). Connecting and running is for `commands::federate`.

mod columns;
mod difference;
mod error;
mod existing;
mod facts;
mod notes;
mod objects;
mod render;
mod unions;
mod wanted;

pub use difference::{Change, difference};
pub use error::FederationError;
pub use existing::Existing;
pub use facts::{Hub, RemoteDatabase, RemoteTable};
pub use objects::{ForeignServer, ForeignTable, UserMapping};
pub use render::script;
pub use wanted::{Wanted, server_name, wanted};

/// The schema of the hub that has all shards of a table as one.
pub const ALL_SHARDS: &str = "all_shards";
