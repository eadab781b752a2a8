//! One statement of the user's. The server's parser decides whether it really is one.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::pg::error_position;
use crate::pg::source_map::SourceMap;
use crate::sharding::shard::Shard;
use crate::text::io_reason::io_reason;

/// The text of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sql: Box<str>,
    /// Shards that have a text of their own.
    in_shards: Option<Arc<BTreeMap<Shard, String>>>,
    written: Option<Arc<Written>>,
}

/// Where the statement is in what the user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    map: Arc<SourceMap>,
    /// The statement's first byte in the text that the map is for.
    start: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error(
        "no SQL given; pass it as an argument, with -c SQL or with -f FILE, or pipe it in (-f - \
         reads it from the terminal)"
    )]
    Missing,
    #[error(
        "standard input: no SQL found; pass it as an argument, with -c SQL or with -f FILE, or \
         pipe it in"
    )]
    NothingPiped,
    #[error("{}: {}", .file.display(), io_reason(source))]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("standard input: {}", io_reason(.0))]
    UnreadableInput(io::Error),
    #[error("{0}: invalid UTF-8 at byte {1}; save the SQL as UTF-8")]
    NotUtf8(String, usize),
    #[error("{0}: no SQL found")]
    Empty(String),
    #[error("{0}: contains a NUL character, which SQL cannot contain")]
    Nul(String),
    #[error("expected one statement, got several; run one export per statement")]
    Several,
    #[error(
        "{0}: a backslash stands before a quote, so the server's standard_conforming_strings decides \
         where the string ends and what is a variable; write the string as E'…' or with two quotes"
    )]
    Ambiguous(String),
    #[error("{command} is a psql command, not SQL; {instead}")]
    OfPsql {
        command: String,
        instead: &'static str,
    },
}

impl Statement {
    pub fn new(sql: &str) -> Result<Self, StatementError> {
        Self::checked(sql.to_owned(), "the SQL argument")
    }

    /// # Errors
    /// If it cannot be a statement. `source` is what to call it.
    pub fn checked(sql: String, source: &str) -> Result<Self, StatementError> {
        if sql.contains('\0') {
            return Err(StatementError::Nul(source.to_owned()));
        }
        if sql.trim().is_empty() {
            return Err(StatementError::Empty(source.to_owned()));
        }
        if let Some(of_psql) = psql_command(&sql) {
            return Err(of_psql);
        }
        Ok(Self::composed(sql))
    }

    /// SQL generated from a statement that was already checked.
    pub fn composed(sql: String) -> Self {
        Self {
            sql: sql.into(),
            in_shards: None,
            written: None,
        }
    }

    /// The statement begins at this byte of a text made from what the user wrote.
    #[must_use]
    pub fn written(self, map: Arc<SourceMap>, start: usize) -> Self {
        Self {
            written: Some(Arc::new(Written { map, start })),
            ..self
        }
    }

    /// Sets texts of their own for some shards.
    #[must_use]
    pub fn with_text_in(self, shards: BTreeMap<Shard, String>) -> Self {
        Self {
            in_shards: Some(Arc::new(shards)),
            ..self
        }
    }

    /// Adds the texts that another run has for shards of its own.
    #[must_use]
    pub fn with_texts_of(self, other: &Self) -> Self {
        let texts = [&self, other].map(|it| it.in_shards.iter().flat_map(|texts| texts.iter()));
        let texts = texts.into_iter().flatten();
        let texts = texts.map(|(shard, text)| (*shard, text.clone())).collect();
        self.with_text_in(texts)
    }

    /// The text to run in this shard.
    pub fn text_in(&self, shard: Shard) -> &str {
        let texts = self.in_shards.as_ref();
        let own = texts.and_then(|texts| texts.get(&shard));
        own.map_or(&self.sql, String::as_str)
    }

    /// Without trailing semicolons, which mean nothing and which COPY does not accept.
    ///
    /// # Errors
    /// If nothing else is left.
    pub fn unterminated(&self) -> Result<Self, StatementError> {
        let bare = self
            .sql
            .trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        Ok(Self {
            written: self.written.clone(),
            ..Self::new(bare)?
        })
    }

    /// The psql command at this position (in characters, from 1), where the server's parser found
    /// an error; `None` if there is none.
    pub fn psql_command_at(&self, position: usize) -> Option<StatementError> {
        let (at, _) = self.sql.char_indices().nth(position.checked_sub(1)?)?;
        // Only known commands count: any other backslash may be part of a string.
        psql_command_name(&self.sql[at..]).and_then(instead_of)?;
        psql_command(&self.sql[at..])
    }

    /// The text before a semicolon at this position (in characters, from 1); `None` if there is
    /// none.
    pub fn before_semicolon(&self, position: usize) -> Option<Self> {
        let (at, found) = self.sql.char_indices().nth(position.checked_sub(1)?)?;
        (found == ';').then(|| Self {
            sql: self.sql[..at].into(),
            in_shards: None,
            written: self.written.clone(),
        })
    }

    /// The line at this position (in characters, from 1) of the user's own text, with a caret
    /// below it. Empty if it is outside.
    pub fn excerpt(&self, position: usize) -> String {
        let Some(Written { map, start }) = self.written.as_deref() else {
            return error_position::excerpt(&self.sql, position);
        };
        let mut starts = self.sql.char_indices().map(|(at, _)| at);
        let at = match position.checked_sub(1) {
            Some(before) if before == self.sql.chars().count() => Some(self.sql.len()),
            before => before.and_then(|before| starts.nth(before)),
        };
        at.map_or_else(String::new, |at| {
            error_position::excerpt(map.written(), map.position(start + at))
        })
    }

    pub fn as_str(&self) -> &str {
        &self.sql
    }
}

/// The psql command that a text begins with. No SQL begins with a backslash.
fn psql_command(text: &str) -> Option<StatementError> {
    let name = psql_command_name(text)?;
    Some(StatementError::OfPsql {
        command: format!("\\{name}"),
        instead: instead_of(name).unwrap_or("use psql for that"),
    })
}

fn psql_command_name(text: &str) -> Option<&str> {
    let command = text.trim_start().strip_prefix('\\')?;
    let end = command.find(|c: char| !c.is_alphanumeric() && !"+!?".contains(c));
    Some(&command[..end.unwrap_or(command.len())])
}

fn instead_of(name: &str) -> Option<&'static str> {
    Some(match name.trim_end_matches(['+', 'S']) {
        "gx" | "x" => "use -x for one line per column",
        "g" | "gdesc" | "gset" | "gexec" => "omit it: the statement runs as is",
        "copy" => "use shardq export",
        "i" | "ir" => "use -f FILE",
        "o" => "use -o FILE",
        "timing" => "use --timing",
        "watch" => "use shardq watch",
        "set" | "unset" => "use -v NAME=VALUE",
        "pset" => "shardq query --help lists the flags",
        "l" => "use shardq databases",
        "dn" => "use shardq shards",
        "dt" => "use shardq tables",
        "d" => "use shardq describe TABLE, or shardq tables for all",
        "dv" | "dm" | "di" | "df" | "dp" | "z" => {
            "use psql, or query the catalog: SELECT column_name, data_type FROM \
             information_schema.columns WHERE table_schema = current_schema() AND table_name = '…'"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_psql_are_answered_with_what_to_use() {
        for (text, told) in [
            (
                r"\d origins",
                r"\d is a psql command, not SQL; use shardq describe",
            ),
            (
                r" \dt+",
                r"\dt+ is a psql command, not SQL; use shardq tables",
            ),
            (
                r"\l",
                r"\l is a psql command, not SQL; use shardq databases",
            ),
            (
                r"\di",
                r"\di is a psql command, not SQL; use psql, or query",
            ),
            (r"\gx", r"\gx is a psql command, not SQL; use -x"),
            (r"\", r"\ is a psql command, not SQL; use psql"),
        ] {
            let error = Statement::new(text).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
        let statement = Statement::new(r"SELECT '\d' \gx").unwrap();
        assert!(statement.psql_command_at(13).is_some());
        assert!(statement.psql_command_at(8).is_none());
        assert!(statement.psql_command_at(99).is_none());
    }

    #[test]
    fn nothing_is_not_a_statement() {
        assert!(matches!(
            Statement::new(" \n\t"),
            Err(StatementError::Empty(_))
        ));
        assert!(matches!(
            Statement::new("SELECT '\0'"),
            Err(StatementError::Nul(_))
        ));
    }
}
