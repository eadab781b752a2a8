//! Reads the lists of `--shards` and `--exclude-shards`, before anything connects.

use std::io::{self, Read as _};
use std::sync::Arc;

use crate::cli::select::{ListSource, SelectArgs};
use crate::cli::statement::StatementArgs;
use crate::sharding::script;
use crate::sharding::selection::ShardFilter;
use crate::sharding::shard_list::{ShardList, ShardListError};
use crate::text::io_reason::io_reason;

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("{list}: {}", io_reason(.error))]
    Unreadable { list: ListSource, error: io::Error },
    #[error("{list}:{line}: {error}")]
    Line {
        list: ListSource,
        line: usize,
        error: ShardListError,
    },
    #[error("{list}:{line}: invalid UTF-8")]
    NotUtf8 { list: ListSource, line: usize },
    #[error("{0}: lists no shards")]
    Empty(ListSource),
    #[error(
        "@- reads a list of shards from standard input, so the SQL cannot come from there; pass it \
         as an argument, with -c SQL or with -f FILE"
    )]
    SqlFromThere,
    #[error(
        "--key-from - reads keys from standard input, so the SQL cannot come from there; pass it \
         as an argument, with -c SQL or with -f FILE"
    )]
    SqlFromKeys,
    #[error("standard input has the keys, so a list of shards cannot come from there; use @FILE")]
    KeysFromThere,
    #[error("standard input can hold only one list; use @FILE for the other")]
    Twice,
}

/// What else standard input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StandardInput {
    Free,
    HoldsSql,
    HoldsKeys,
}

pub(super) fn held_by(sql: &StatementArgs) -> StandardInput {
    if script::reads_standard_input(&sql.sources) {
        StandardInput::HoldsSql
    } else {
        StandardInput::Free
    }
}

/// # Errors
/// If a list cannot be read, or makes no sense.
pub(super) fn filter(
    args: &SelectArgs,
    standard_input: StandardInput,
) -> Result<Arc<ShardFilter>, ListError> {
    let both = args.shards.iter().chain(&args.exclude_shards);
    let piped = both.filter(|it| **it == ListSource::StandardInput).count();
    match (piped, standard_input) {
        (1.., StandardInput::HoldsSql) => return Err(ListError::SqlFromThere),
        (1.., StandardInput::HoldsKeys) => return Err(ListError::KeysFromThere),
        (2.., _) => return Err(ListError::Twice),
        _ => {}
    }
    let mut listed = Vec::new();
    for source in &args.shards {
        let list = read(source)?;
        listed.push(list.ok_or_else(|| ListError::Empty(source.clone()))?);
    }
    let mut excluded = Vec::new();
    for source in &args.exclude_shards {
        // A file may have no shards to exclude, today.
        excluded.extend(read(source)?);
    }
    Ok(Arc::new(ShardFilter {
        listed: ShardList::union(listed),
        excluded: ShardList::union(excluded),
        having_table: args.having_table.clone(),
        keys: Vec::new(),
    }))
}

/// `None` if there is nothing on the list.
fn read(source: &ListSource) -> Result<Option<ShardList>, ListError> {
    let bytes = match source {
        ListSource::List(list) => return Ok(Some(list.clone())),
        ListSource::File(file) => std::fs::read(file),
        ListSource::StandardInput => {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut bytes);
            read.map(|_| bytes)
        }
    };
    let bytes = bytes.map_err(|error| ListError::Unreadable {
        list: source.clone(),
        error,
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ListError::NotUtf8 {
            list: source.clone(),
            line: String::from_utf8_lossy(valid).split('\n').count(),
        }
    })?;
    // Windows editors write a byte-order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    ShardList::in_lines(text).map_err(|(line, error)| ListError::Line {
        list: source.clone(),
        line,
        error,
    })
}
