//! Why a hub cannot be made, or is not used.

use crate::sharding::unreachable::Unreachable;
use crate::text::escape::one_line;

#[derive(Debug, thiserror::Error)]
pub enum FederationError {
    /// Both would compare or write the same value differently.
    #[error(
        "the hub and {} differ in {name}: {hub}, {remote}; part of each statement runs on the hub and \
         part on the servers, so that results would be wrong\n\
         shardq: hint: create the hub's database with the same settings: CREATE DATABASE … TEMPLATE \
         template0 ENCODING … LOCALE …", one_line(.place)
    )]
    Differs {
        place: String,
        name: String,
        hub: String,
        remote: String,
    },
    /// Postgres would cut off the name of its schema.
    #[error("a shard's name is longer than the 63 bytes that a schema's may have: {0:?}")]
    NameTooLong(String),
    /// A shard of this name would collide with what the hub has for itself.
    #[error("a shard is named {0:?}, which the hub needs for itself")]
    ReservedName(String),
    #[error("the databases have no table that the hub could read")]
    NoTables,
    /// Those that hold shards.
    #[error("not all databases can be reached, and a hub without their shards would answer in part{}", on_lines(.0))]
    Unreachable(Vec<Unreachable>),
    #[error(
        "{hub} is a hub already\n\
         shardq: hint: --check compares it with the servers, --refresh updates it, --drop removes it"
    )]
    Exists { hub: String },
    #[error("{hub} is not a hub that shardq federate made")]
    NoHub { hub: String },
    /// Before anything was committed.
    #[error(
        "the hub cannot read the tables of {server}, so nothing was changed: {reason}{}",
        .hint.as_ref().map(|hint| format!("\nshardq: hint: {hint}")).unwrap_or_default()
    )]
    NotReadable {
        server: String,
        reason: String,
        hint: Option<String>,
    },
    /// A stale foreign table can answer wrong, without an error.
    #[error(
        "the hub is stale: {first}{}\n\
         shardq: hint: shardq federate --check lists what differs, --refresh updates the hub",
        if *others == 0 { String::new() } else { format!(", and {others} more") }
    )]
    Stale { first: String, others: usize },
    /// Rows of all its columns would lack some.
    #[error(
        "the hub does not have all columns of table {0:?}: it lacks their types or collations; query \
         what it has as all_shards.{0} on the hub"
    )]
    Incomplete(String),
    /// The views that were made on them would stay.
    #[error(
        "not all databases can be reached, and the hub's views on them would stay, so nothing was \
         removed{}", on_lines(.0)
    )]
    ViewsRemain(Vec<Unreachable>),
    /// Whoever made them still reads them.
    #[error(
        "the views in shardq_federation on {} were made for another hub, {}, and this one is {}\n\
         shardq: hint: a server has the views of one hub; drop that hub with shardq federate --drop, \
         or create this one without --remote-views", one_line(.server), one_line(.owner), one_line(.hub)
    )]
    OtherHub {
        server: String,
        owner: String,
        hub: String,
    },
    #[error(
        "{} refuses the views of --remote-views, so nothing was changed: {reason}\n\
         shardq: hint: the user needs the right to create a schema there (GRANT CREATE ON DATABASE \
         … TO …), on a primary; without --remote-views nothing is written to the servers",
        one_line(.server)
    )]
    NotWritable { server: String, reason: String },
    /// Row-level security may show it other rows.
    #[error(
        "the hub does not log in to {server} as {user:?}, as whom it was checked; it may see other rows"
    )]
    OtherUser { server: String, user: String },
    /// A row of one shard is one of another shard's too.
    #[error(
        "rows of table {table:?} of {shard} are rows of {other} too, by inheritance, and would count \
         twice"
    )]
    Inherited {
        table: String,
        shard: String,
        other: String,
    },
    /// Nothing keeps it as it is while the hub reads it.
    #[error(
        "{table} on {server} is not a table that can be locked (a view?), so it could change while the \
         hub reads it"
    )]
    NotLockable { table: String, server: String },
    #[error("the hub has schemas that look like shards and that no server has: {0}")]
    Stray(String),
    #[error("{}", .0.join("\n"))]
    ServersDown(Vec<String>),
    #[error("--store-password stores what password_command of a profile prints, and {0} has none")]
    NoPasswordCommand(String),
}

/// Each behind a line break.
fn on_lines(unreachable: &[Unreachable]) -> String {
    let lines = unreachable.iter();
    lines
        .flat_map(|it| ["\n".to_owned(), it.to_string()])
        .collect()
}
