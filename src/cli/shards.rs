//! `shardq shards`.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::inspect::InspectArgs;
use super::values;

/// Show every shard's tables, rows and size, and how even they are
///
/// One row per shard: tables, rows, size with indexes and TOAST, the share of all, dead rows, and
/// when its tables were last vacuumed and analyzed. The summary has the total, the median and the
/// largest shard.
///
/// Rows and sizes are the estimates of the last VACUUM or ANALYZE, which cost no lock and a few
/// milliseconds. --exact counts the rows and measures the files.
///
/// Exit status: 0 complete, 1 failed, 2 usage error, 3 some shards could not be counted or may be
/// missing, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq shards
  shardq shards --top 10
  shardq shards --map
  shardq shards --svg shards.svg --by rows
  shardq shards --exact --csv
  shardq shards --map --by \"count(*) FROM jobs WHERE state = 'failed'\"

Sizes are for people in tables (12.3 MB), and bytes in the other formats. So is the share: a bar in
a table, and a number from 0 to 1 in the other formats.")]
pub struct ShardsArgs {
    /// Draw all shards as a grid of cells, shaded on a logarithmic scale
    ///
    /// With up to 16 million colors, as the terminal has them, and in plain characters without a
    /// terminal or with `NO_COLOR`.
    #[arg(long, conflicts_with_all = ["any_format", "output", "sort", "top"], help_heading = "Output")]
    pub map: bool,

    /// Also write the map to FILE as a picture, with a tooltip per shard
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub svg: Option<PathBuf>,

    /// Compare the shards by size, rows, dead (rows), or the number that a query returns
    ///
    /// It decides the share, the summary, the map, and the order of --top. A query runs in each
    /// shard, at one snapshot per database, and returns one number of 0 or more. SELECT may be left
    /// out: 'max(id) FROM jobs'.
    #[arg(long, default_value = "size", value_name = "MEASURE", value_parser = measure, help_heading = "Output")]
    pub by: Measure,

    /// Order of the rows [default: name; with --top, the measure of --by]
    ///
    /// All but names from the largest.
    #[arg(long, value_enum, value_name = "KEY", help_heading = "Output")]
    pub sort: Option<SortKey>,

    /// Print only the first N rows; the summary is still of all
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub top: Option<NonZeroUsize>,

    /// Count the rows and measure the files of all shards, at one snapshot per database
    ///
    /// Reads every table, so it takes as long as a count of all rows, and waits for locks.
    #[arg(long, help_heading = "Run")]
    pub exact: bool,

    /// Use at most N connections per server for --exact and a query of --by
    #[arg(short = 'j', long, value_name = "N", default_value_t = 4, value_parser = values::connections, help_heading = "Run")]
    pub connections: usize,

    #[command(flatten)]
    pub inspect: InspectArgs,
}

/// What shards are compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Rows of all tables
    Rows,
    /// Size of all tables, with indexes and TOAST
    Size,
    /// Dead rows, which VACUUM has not removed yet
    Dead,
    /// What this query returns.
    Sql(String),
}

fn measure(text: &str) -> Result<Measure, String> {
    const QUERIES: [&str; 4] = ["select", "with", "values", "table"];
    Ok(match text.trim() {
        "size" => Measure::Size,
        "rows" => Measure::Rows,
        "dead" => Measure::Dead,
        word if !word.contains([' ', '(', '\n']) => {
            return Err("expected size, rows, dead or a query".to_owned());
        }
        sql => {
            let first = sql.split(|c: char| !c.is_alphabetic()).next();
            let is_query = first.is_some_and(|it| QUERIES.contains(&it.to_lowercase().as_str()));
            Measure::Sql(if is_query {
                sql.to_owned()
            } else {
                format!("SELECT {sql}")
            })
        }
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SortKey {
    /// In shard order
    Name,
    Size,
    Rows,
    Dead,
    /// By the measure of --by
    Value,
}

impl SortKey {
    /// `None` for the order of shards.
    pub fn measure(self, by: &Measure) -> Option<Measure> {
        match self {
            Self::Value => Some(by.clone()),
            Self::Name => None,
            Self::Size => Some(Measure::Size),
            Self::Rows => Some(Measure::Rows),
            Self::Dead => Some(Measure::Dead),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows",
            Self::Size => "size",
            Self::Dead => "dead rows",
            Self::Sql(sql) => sql,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_a_word_or_a_query() {
        let sql = |text: &str| Ok(Measure::Sql(text.to_owned()));
        assert_eq!(measure("rows"), Ok(Measure::Rows));
        assert_eq!(measure("count(*) FROM t"), sql("SELECT count(*) FROM t"));
        assert_eq!(measure(" Select 1"), sql("Select 1"));
        assert_eq!(measure("VALUES (1)"), sql("VALUES (1)"));
        assert!(measure("sise").unwrap_err().contains("expected size"));
    }
}
