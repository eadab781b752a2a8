//! Which of the shards a command queries.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::values;
use crate::sharding::shard_list::{ShardList, ShardListError};

#[derive(Args, Clone)]
#[command(next_help_heading = "Shards")]
pub struct SelectArgs {
    /// Query only these shards, e.g. 0-15,30,100- or acme,be* (repeatable)
    ///
    /// @FILE reads the list from a file, and @- from standard input: one entry per line, or
    /// several with commas. Blank lines and lines that begin with # are skipped.
    #[arg(long, value_name = "LIST")]
    pub shards: Vec<ListSource>,

    /// Query all but these shards (a list as for --shards; repeatable)
    #[arg(long, value_name = "LIST")]
    pub exclude_shards: Vec<ListSource>,

    /// Query only shards that have this table, view or foreign table
    ///
    /// The summary counts the others. As in SQL, NAME is folded to lower case unless it is in
    /// double quotes: --having-table '"Jobs"'.
    #[arg(long, value_name = "NAME", value_parser = values::table_name)]
    pub having_table: Option<String>,
}

/// Where a list of shards is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListSource {
    /// In the argument itself.
    List(ShardList),
    /// `@FILE`
    File(PathBuf),
    /// `@-`
    StandardInput,
}

impl FromStr for ListSource {
    type Err = ShardListError;

    fn from_str(text: &str) -> Result<Self, ShardListError> {
        match text.strip_prefix('@') {
            None => text.parse().map(Self::List),
            Some("") => Err(ShardListError::NoFile),
            Some("-") => Ok(Self::StandardInput),
            Some(file) => Ok(Self::File(file.into())),
        }
    }
}

/// As it is named in messages.
impl fmt::Display for ListSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(list) => list.fmt(f),
            Self::File(file) => file.display().fmt(f),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}
