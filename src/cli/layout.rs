//! Which schemas are shards, for every command that queries them.

use clap::Args;

use crate::sharding::layout::Layout;
use crate::sharding::pattern::Pattern;

#[derive(Args, Clone)]
#[command(next_help_heading = "Shards")]
pub struct LayoutArgs {
    /// Schemas that are shards, by pattern, e.g. tenant_{name} [default: shard_{number}] (repeatable)
    ///
    /// {number} is a number, {n:3} one of exactly three digits, {name} or * any text; without
    /// one, the pattern is a name. Numbers are ordered by value, names as people order them
    /// (t2 before t10).
    #[arg(long, value_name = "PATTERN")]
    pub schemas: Vec<Pattern>,

    /// Databases that hold the shards, by pattern, e.g. tenant_{name} (repeatable)
    ///
    /// Each matching database of every server is one shard, or with --schemas holds shards. Each
    /// is read at its own snapshot.
    #[arg(long, value_name = "PATTERN")]
    pub databases: Vec<Pattern>,

    /// Schemas that are not shards, by pattern (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub exclude_schemas: Vec<Pattern>,
}

impl LayoutArgs {
    pub fn layout(&self) -> Layout {
        if !self.databases.is_empty() && self.schemas.is_empty() {
            return Layout::databases(self.databases.clone());
        }
        Layout::new(self.schemas.clone(), self.exclude_schemas.clone())
    }
}
