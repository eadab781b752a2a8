//! Shards that do not exist, or cannot be selected.

use std::num::NonZeroU32;

use super::doubt::Doubt;
use crate::pg::quote::Identifier;
use crate::sharding::shard::Shard;
use crate::sharding::unreachable::Unreachable;
use crate::text::escape::one_line;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    #[error(
        "no such shard: {missing}; the shards are {present}{}",
        on_lines(.unreachable)
    )]
    NotThere {
        missing: String,
        present: String,
        unreachable: Vec<Unreachable>,
    },
    #[error(
        "several servers ({servers}) have {shards}, whose rows would count twice; --prefer \
         {preferred} reads the shards that it has on {preferred}"
    )]
    OnSeveralServers {
        shards: String,
        servers: String,
        preferred: String,
    },
    #[error(
        "shards have names here rather than numbers, so \"{0}\" in a list of shards selects none; \
         write their names, e.g. acme,be*"
    )]
    NotNumbered(String),
    #[error("none of the schemas that --schemas-from lists exists: {0}")]
    NoneExists(String),
    #[error("--exclude-shards excludes all selected shards")]
    AllExcluded,
    #[error("no selected shard has a table {}", one_line(&Identifier(.0).to_string()))]
    NoneHasTable(String),
    #[error(
        "keys are in shards by number, but shards have names here; shardq find KEY --in \
         TABLE.COLUMN searches all shards"
    )]
    NoNumbers,
    #[error("expected {expected} shard{}, found {found}{}", if *expected == 1 { "" } else { "s" }, .missing.as_ref().map(|m| format!(": {m} missing")).unwrap_or_default())]
    Incomplete {
        expected: u32,
        found: usize,
        missing: Option<String>,
    },
    #[error(
        "a server that is down may have more shards, so in which one an origin belongs is unknown; \
         add --expect-shards N{}", on_lines(.unreachable)
    )]
    CountUnknown { unreachable: Vec<Unreachable> },
    #[error("not answered, because {0}")]
    InDoubt(Doubt),
    #[error(
        "{shard} of {shard_count}, where origin {origin:?} belongs (FNV-1a mod {shard_count}), \
         does not exist; shardq find searches all other shards for the origin{}",
        on_lines(.unreachable)
    )]
    NoShardOfOrigin {
        origin: String,
        shard: Shard,
        shard_count: NonZeroU32,
        unreachable: Vec<Unreachable>,
    },
}

/// Each behind a line break.
fn on_lines(unreachable: &[Unreachable]) -> String {
    let lines = unreachable
        .iter()
        .flat_map(|it| ["\n".to_owned(), it.to_string()]);
    lines.collect()
}
