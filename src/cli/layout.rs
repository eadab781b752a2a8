//! Which schemas are shards, for every command that queries them.

use clap::Args;

use super::values;
use crate::pg::variables::Variables;
use crate::sharding::layout::Layout;
use crate::sharding::pattern::Pattern;
use crate::sharding::schemas_from::SchemasFrom;
use crate::sharding::script;
use crate::sharding::statement::{Statement, StatementError};

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

/// The same, or a statement that lists them.
#[derive(Args, Clone)]
#[command(next_help_heading = "Shards")]
pub struct ListedLayoutArgs {
    #[command(flatten)]
    pub patterns: LayoutArgs,

    /// Shards are the schemas that this statement lists, in its order
    ///
    /// Its first column is the name of a schema. A second one is a label, which --shards and
    /// --exclude-shards take too. Variables (-v) are replaced in it. It runs at the snapshot of the run, read-only. A schema that
    /// does not exist is a missing shard.
    #[arg(
        long,
        value_name = "SQL",
        value_parser = values::statement,
        conflicts_with_all = ["schemas", "exclude_schemas"]
    )]
    pub schemas_from: Option<Statement>,
}

impl ListedLayoutArgs {
    /// Replaces variables in the statement.
    ///
    /// # Errors
    /// If it is not one statement any more.
    pub fn substitute(&mut self, variables: &Variables) -> Result<(), StatementError> {
        if let Some(statement) = &mut self.schemas_from {
            *statement = script::of_flag(statement, "--schemas-from", variables)?;
        }
        Ok(())
    }

    pub fn layout(&self) -> Layout {
        match &self.schemas_from {
            Some(statement) => Layout::listed(SchemasFrom::new(statement.clone())),
            None => self.patterns.layout(),
        }
    }
}
