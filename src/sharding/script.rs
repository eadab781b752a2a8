//! The SQL of a run as the user gave it: the statements of arguments, files and standard input, in
//! order, with their variables replaced.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::statement::{Statement, StatementError};
use crate::pg::lexer::StringSyntax;
use crate::pg::source_map::SourceMap;
use crate::pg::split;
use crate::pg::variables::Variables;

/// Where SQL comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An argument, or `-c`: one statement.
    Text(String),
    /// `-f`: any number of statements. `-` is standard input.
    File(PathBuf),
}

/// All statements. Without a source they are read from standard input. Everything is read before
/// anything runs, so that a mistyped file name costs nothing.
///
/// # Errors
/// The first source that has no SQL.
pub fn statements(
    sources: &[Source],
    variables: &Variables,
) -> Result<Vec<Statement>, StatementError> {
    if sources.is_empty() {
        if io::stdin().is_terminal() {
            return Err(StatementError::Missing);
        }
        return match several(&standard_input()?, STANDARD_INPUT, variables) {
            Err(StatementError::Empty(_)) => Err(StatementError::NothingPiped),
            piped => piped,
        };
    }
    let mut all = Vec::new();
    for source in sources {
        match source {
            Source::Text(sql) => all.push(one(sql, ARGUMENT, variables)?),
            Source::File(file) if file == Path::new("-") => {
                all.extend(several(&standard_input()?, STANDARD_INPUT, variables)?);
            }
            Source::File(file) => {
                let name = file.display().to_string();
                all.extend(several(&read(file)?, &name, variables)?);
            }
        }
    }
    Ok(all)
}

/// The only statement.
///
/// # Errors
/// If there are several, or none.
pub fn only_statement(
    sources: &[Source],
    variables: &Variables,
) -> Result<Statement, StatementError> {
    if sources.len() > 1 {
        return Err(StatementError::Several);
    }
    let mut all = statements(sources, variables)?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(StatementError::Several),
    }
}

/// Whether any SQL comes from standard input.
pub fn reads_standard_input(sources: &[Source]) -> bool {
    let is_piped = |source: &Source| *source == Source::File(PathBuf::from("-"));
    sources.is_empty() || sources.iter().any(is_piped)
}

/// The statement of a flag, with its variables replaced.
///
/// # Errors
/// If it is not one statement any more.
pub fn of_flag(
    statement: &Statement,
    flag: &str,
    variables: &Variables,
) -> Result<Statement, StatementError> {
    one(statement.as_str(), flag, variables)
}

const ARGUMENT: &str = "the SQL argument";
const STANDARD_INPUT: &str = "standard input";

fn standard_input() -> Result<String, StatementError> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(StatementError::UnreadableInput)?;
    text(bytes, STANDARD_INPUT)
}

fn read(file: &Path) -> Result<String, StatementError> {
    let bytes = std::fs::read(file).map_err(|source| StatementError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    text(bytes, &file.display().to_string())
}

fn text(bytes: Vec<u8>, name: &str) -> Result<String, StatementError> {
    let text = String::from_utf8(bytes)
        .map_err(|e| StatementError::NotUtf8(name.to_owned(), e.utf8_error().valid_up_to()))?;
    // Windows editors write a byte-order mark, which Postgres rejects.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

fn one(written: &str, name: &str, variables: &Variables) -> Result<Statement, StatementError> {
    Statement::checked(written.to_owned(), name)?;
    let (sql, map) = substituted(written, name, variables)?;
    Ok(Statement::checked(sql, name)?.written(map, 0))
}

/// A file with one statement is sent as it is.
fn several(
    written: &str,
    name: &str,
    variables: &Variables,
) -> Result<Vec<Statement>, StatementError> {
    Statement::checked(written.to_owned(), name)?;
    let (sql, map) = substituted(written, name, variables)?;
    let parts = split::statements(&sql, StringSyntax::StandardConforming);
    // If the session's settings decide where strings end, only the server can tell how many
    // statements there are.
    let is_certain = parts == split::statements(&sql, StringSyntax::BackslashEscapes);
    if parts.len() < 2 || !is_certain {
        return Ok(vec![Statement::checked(sql, name)?.written(map, 0)]);
    }
    let statement = |part: &std::ops::Range<usize>| {
        let text = sql[part.clone()].to_owned();
        Ok(Statement::checked(text, name)?.written(Arc::clone(&map), part.start))
    };
    parts.iter().map(statement).collect()
}

fn substituted(
    written: &str,
    name: &str,
    variables: &Variables,
) -> Result<(String, Arc<SourceMap>), StatementError> {
    let (sql, map) = variables.substitute(written, StringSyntax::StandardConforming);
    let (other, _) = variables.substitute(written, StringSyntax::BackslashEscapes);
    if sql != other {
        return Err(StatementError::Ambiguous(name.to_owned()));
    }
    Ok((sql, Arc::new(map)))
}
