//! What a shard is, which ones exist, which are selected, and how a statement is addressed to each.
//! Pure: nothing here talks to the server.

pub mod database;
pub mod discovered;
pub mod guess;
pub mod layout;
pub mod missing;
pub mod numbering;
pub mod pattern;
mod pick;
pub mod ranges;
pub mod routing;
pub mod schemas_from;
pub mod script;
pub mod search_path;
pub mod selected_keys;
pub mod selection;
pub mod shard;
pub mod shard_list;
pub mod snapshots;
pub mod statement;
pub mod suggest;
pub mod topology;
pub mod union;
pub mod unreachable;
