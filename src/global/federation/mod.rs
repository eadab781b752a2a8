//! A hub: a database with a foreign table for each table of each shard, so that one SQL statement
//! covers shards on several servers. Pure: from the facts about the servers and the hub to the
//! objects that the hub should have (`wanted`), the difference from what it has (`difference`,
//! `server_views`), and the SQL of both (`render`). Connecting and running is for `commands::federate`.

mod columns;
mod difference;
mod enums;
mod error;
mod existing;
mod facts;
mod names;
mod notes;
mod objects;
mod outdated;
mod partitions;
mod render;
mod render_unions;
mod server_views;
mod unions;
mod wanted;

pub use difference::{Change, difference};
pub use error::FederationError;
pub use existing::Existing;
pub use facts::{Hub, RemoteDatabase, RemoteTable};
pub use names::server_name;
pub use objects::{ForeignServer, ForeignTable, UnionKind, UserMapping};
pub use render::{hub_script, server_script};
pub use server_views::{ExistingViews, views_difference};
pub use wanted::{Wanted, wanted};

/// The schema of the hub that has all shards of a table as one.
pub const ALL_SHARDS: &str = "all_shards";

/// The schema of the hub that has the partitions of its tables: one per table and server.
pub const BY_SERVER: &str = "all_shards_by_server";

/// The schema of each server that has the views which those partitions read.
pub const ON_SERVERS: &str = "shardq_federation";
