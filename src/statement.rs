//! The user's SQL, as it was written: from the command line, a file, or
//! standard input. Whether it is one statement is for the server's parser.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::shard::Shard;

/// The text of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(String, Option<Arc<BTreeMap<Shard, String>>>);

#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error("{}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("standard input: {0}")]
    UnreadableInput(io::Error),
    #[error("{0}: not UTF-8 from byte {1} on; save the SQL as UTF-8")]
    NotUtf8(String, usize),
    #[error("{0}: there is no SQL in it")]
    Empty(String),
    #[error("{0}: a NUL character, which no SQL can hold")]
    Nul(String),
}

impl Statement {
    pub fn new(sql: &str) -> Result<Self, StatementError> {
        Self::checked(sql.to_owned(), "the SQL argument")
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
        // Editors on Windows write a byte-order mark, which Postgres does not know.
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
        Ok(Self(text, None))
    }

    /// What was made of a statement that was checked already.
    pub fn composed(sql: String) -> Self {
        Self(sql, None)
    }

    /// What is asked under this name, where it is not the same text everywhere.
    #[must_use]
    pub fn with_text_in(self, shards: BTreeMap<Shard, String>) -> Self {
        Self(self.0, Some(Arc::new(shards)))
    }

    /// The text for one shard's turn.
    pub fn text_in(&self, shard: Shard) -> &str {
        let own = self.1.as_ref().and_then(|texts| texts.get(&shard));
        own.map_or(&self.0, String::as_str)
    }

    /// Without semicolons at its end, which mean nothing and which COPY does not
    /// take.
    ///
    /// # Errors
    /// If there is nothing else in it.
    pub fn unterminated(&self) -> Result<Self, StatementError> {
        let bare = self
            .0
            .trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        Self::new(bare)
    }

    /// What stands in front of a semicolon at this position (in characters from 1);
    /// `None` if there is none.
    pub fn before_semicolon(&self, position: usize) -> Option<Self> {
        let (at, found) = self.0.char_indices().nth(position.checked_sub(1)?)?;
        (found == ';').then(|| Self(self.0[..at].to_owned(), None))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
