//! `shardq find`.

use std::num::NonZeroU32;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::connection::ConnectionArgs;
use super::limits::LimitArgs;
use crate::find::report::OutputMode;
use crate::sharding::routing::key::KeyKind;

/// Say which shard a key is in, and verify it by a look
///
/// A key is an origin's name, an account's name or an id. A name's shard is its
/// FNV-1a 64 hash modulo the number of shards; an id carries its shard in its low
/// 13 bits, and when it was made. Then the shard is asked; if the key is not there,
/// all shards are, at one snapshot.
///
/// A number that cannot be a Habitat id is looked for in all shards.
///
/// Exit status: 0 found where it belongs, 1 not found or failed, 2 usage,
/// 3 found in another shard, or not found while a shard or its table is missing or
/// did not answer, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq find core
  shardq find 721096797631602718
  shardq find --kind account ada -d builder_sessionsrv
  psql -c \"SELECT count(*) FROM $(shardq find --short core).origin_packages\"
  shardq find --no-verify --shard-count 128 core

--json prints one object: kind, key, shard (where the key belongs), rule (why there),
status (verified, misplaced, found, not_found or computed), found (shard, table, id, name,
created); if all shards were searched, searched (answered, expected); if nothing was
found, nearest (name, shard); for an id also created and sequence. Of a number that is no
Habitat id, shard is null and rule says why. Ids are strings, since many readers keep no more than 53 bits of a number.

A key that begins with a dash stands behind --, as in: shardq find -- -dash")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct FindArgs {
    /// A name, or an id
    #[arg(value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub key: String,

    /// What the key is [default: id if it is digits alone, else origin]
    #[arg(long, value_enum)]
    pub kind: Option<KeyKind>,

    /// Compute only, and ask no server; a name then needs --shard-count
    #[arg(long)]
    pub no_verify: bool,

    /// How many shards names are spread over [default: one more than the highest shard's number]
    #[arg(long, value_name = "N")]
    pub shard_count: Option<NonZeroU32>,

    /// Print the shard alone, like `shard_30`
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub short: bool,

    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// No footer, no progress, no hints; errors are still said
    #[arg(short = 'q', long, help_heading = "Run")]
    pub quiet: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl FindArgs {
    pub fn form(&self) -> OutputMode {
        match (self.short, self.json) {
            (true, _) => OutputMode::Short,
            (false, true) => OutputMode::Json,
            (false, false) => OutputMode::Text,
        }
    }
}
