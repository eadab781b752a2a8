//! The user's SQL as written: from the command line, a file, or standard input. The server's parser
//! decides whether it is one statement.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::sharding::shard::Shard;

/// The text of one statement; some shards may have a text of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(String, Option<Arc<BTreeMap<Shard, String>>>);

#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error("{}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("standard input: {0}")]
    UnreadableInput(io::Error),
    #[error("{0}: invalid UTF-8 at byte {1}; save the SQL as UTF-8")]
    NotUtf8(String, usize),
    #[error("{0}: no SQL found")]
    Empty(String),
    #[error("{0}: contains a NUL character, which SQL cannot contain")]
    Nul(String),
    #[error("expected one statement, got several; use -c once and run the others separately")]
    Several,
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

    /// From the command line: the argument, `-c`, or a file.
    ///
    /// # Errors
    /// If it is not SQL, or `-c` is given several times.
    pub fn given(
        sql: Option<&str>,
        commands: &[String],
        file: Option<&Path>,
    ) -> Result<Self, StatementError> {
        match (sql, commands, file) {
            (Some(sql), ..) => Self::new(sql),
            (None, [command], _) => Self::new(command),
            (None, [_, _, ..], _) => Err(StatementError::Several),
            (None, [], Some(file)) => Self::read(file),
            // clap requires one of the three.
            (None, [], None) => Self::new(""),
        }
    }

    /// Reads a file; `-` is standard input.
    pub fn read(file: &Path) -> Result<Self, StatementError> {
        let mut bytes = Vec::new();
        let name = if file == Path::new("-") {
            io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(StatementError::UnreadableInput)?;
            "standard input".to_owned()
        } else {
            bytes = std::fs::read(file).map_err(|source| StatementError::Unreadable {
                file: file.to_owned(),
                source,
            })?;
            file.display().to_string()
        };
        let text = String::from_utf8(bytes)
            .map_err(|e| StatementError::NotUtf8(name.clone(), e.utf8_error().valid_up_to()))?;
        // Windows editors write a byte-order mark, which Postgres rejects.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        Self::checked(text, &name)
    }

    fn checked(text: String, source: &str) -> Result<Self, StatementError> {
        if text.contains('\0') {
            return Err(StatementError::Nul(source.to_owned()));
        }
        if text.trim().is_empty() {
            return Err(StatementError::Empty(source.to_owned()));
        }
        if let Some(of_psql) = psql_command(&text) {
            return Err(of_psql);
        }
        Ok(Self(text, None))
    }

    /// SQL generated from a statement that was already checked.
    pub fn composed(sql: String) -> Self {
        Self(sql, None)
    }

    /// Sets texts of their own for some shards.
    #[must_use]
    pub fn with_text_in(self, shards: BTreeMap<Shard, String>) -> Self {
        Self(self.0, Some(Arc::new(shards)))
    }

    /// The text to run in this shard.
    pub fn text_in(&self, shard: Shard) -> &str {
        let own = self.1.as_ref().and_then(|texts| texts.get(&shard));
        own.map_or(&self.0, String::as_str)
    }

    /// Without trailing semicolons, which mean nothing and which COPY does not accept.
    ///
    /// # Errors
    /// If nothing else is left.
    pub fn unterminated(&self) -> Result<Self, StatementError> {
        let bare = self
            .0
            .trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        Self::new(bare)
    }

    /// The psql command at this position (in characters, from 1), where the server's parser found
    /// an error; `None` if there is none.
    pub fn psql_command_at(&self, position: usize) -> Option<StatementError> {
        let (at, _) = self.0.char_indices().nth(position.checked_sub(1)?)?;
        // Only known commands count: any other backslash may be part of a string.
        psql_command_name(&self.0[at..]).and_then(instead_of)?;
        psql_command(&self.0[at..])
    }

    /// The text before a semicolon at this position (in characters, from 1); `None` if there is
    /// none.
    pub fn before_semicolon(&self, position: usize) -> Option<Self> {
        let (at, found) = self.0.char_indices().nth(position.checked_sub(1)?)?;
        (found == ';').then(|| Self(self.0[..at].to_owned(), None))
    }

    pub fn as_str(&self) -> &str {
        &self.0
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
        "watch" => "use watch(1): watch -n 2 shardq query …",
        "set" | "unset" | "pset" => "shardq query --help lists the flags",
        "d" | "dt" | "dv" | "dm" | "di" | "dn" | "df" | "dp" | "z" | "l" => {
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
                r"\d is a psql command, not SQL; use psql, or query",
            ),
            (
                r" \dt+",
                r"\dt+ is a psql command, not SQL; use psql, or query",
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
