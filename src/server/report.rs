//! What a server said of an error, all of it: SQLSTATE, message, detail, hint,
//! position and context. tokio-postgres's own Display is just `db error`.

use std::fmt::Write as _;

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::statement::Statement;

/// An error as a server reported it. Equal reports of several shards are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub severity: String,
    pub code: SqlState,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// In the statement, in characters from 1.
    pub position: Option<usize>,
    /// A query that a function ran, and the position in it.
    pub internal: Option<(String, usize)>,
    pub context: Option<String>,
}

impl Report {
    /// `offset` is how many characters stood in front of the user's statement.
    pub fn new(error: &DbError, offset: usize) -> Self {
        let (position, internal) = match error.position() {
            Some(ErrorPosition::Original(at)) => ((*at as usize).checked_sub(offset), None),
            Some(ErrorPosition::Internal { position, query }) => {
                (None, Some((query.clone(), *position as usize)))
            }
            None => (None, None),
        };
        Self {
            severity: error.severity().to_owned(),
            code: error.code().clone(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            position: position.filter(|&at| at > 0),
            internal,
            context: error.where_().map(str::to_owned),
        }
    }

    /// Whether the connection lives on.
    pub fn is_fatal(error: &DbError) -> bool {
        use tokio_postgres::error::Severity::{Fatal, Panic};
        // Servers before 9.6 send the severity in their own language only.
        match error.parsed_severity() {
            Some(severity) => matches!(severity, Fatal | Panic),
            None => error.code().code().starts_with("57P"),
        }
    }

    /// `ERROR 42P01: relation "origins" does not exist`
    pub fn headline(&self) -> String {
        format!("{} {}: {}", self.severity, self.code.code(), self.message)
    }

    /// What psql prints below its headline: place, detail, hint, context.
    pub fn particulars(&self, statement: &Statement) -> String {
        let mut text = String::new();
        if let Some(at) = self.position {
            text += &excerpt(statement, at);
        }
        if let Some(detail) = &self.detail {
            let _ = writeln!(text, "DETAIL:  {detail}");
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "HINT:  {hint}");
        }
        if let Some((query, at)) = &self.internal {
            let _ = writeln!(text, "QUERY:  {query}");
            if let Ok(query) = Statement::new(query) {
                text += &excerpt(&query, *at);
            }
        }
        if let Some(context) = &self.context {
            let _ = writeln!(text, "CONTEXT:  {context}");
        }
        text
    }
}

/// The line with the error and a caret below it, as psql shows it.
fn excerpt(statement: &Statement, position: usize) -> String {
    use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
    // psql cuts long lines around the place, and so do we.
    const WIDEST: usize = 60;
    const BEFORE: usize = 40;

    let Some(at) = statement.locate(position) else {
        return String::new();
    };
    let label = format!("LINE {}: ", at.line);
    let characters: Vec<char> = at
        .text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let whole = characters.iter().filter_map(|c| c.width()).sum::<usize>() <= WIDEST;
    let (from, to) = if whole {
        (0, characters.len())
    } else {
        let from = at.column.saturating_sub(BEFORE);
        (from, characters.len().min(from + WIDEST))
    };
    let cut = |cut: bool| if cut { "..." } else { "" };
    let left = format!(
        "{label}{}{}",
        cut(from > 0),
        characters[from..at.column].iter().collect::<String>()
    );
    let right: String = characters[at.column.min(to)..to].iter().collect();
    format!(
        "{left}{right}{}\n{}^\n",
        cut(to < characters.len()),
        " ".repeat(left.width())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &str) -> Statement {
        Statement::new(sql).unwrap()
    }

    #[test]
    fn the_caret_stands_below_the_error_also_behind_wide_characters() {
        assert_eq!(
            excerpt(&statement("SELECT 1\n  , '漢字' x y"), 19),
            "LINE 2:   , '漢字' x y\n                   ^\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_error() {
        let sql = format!("SELECT {} oops {}", "a,".repeat(50), "b,".repeat(50));
        let text = excerpt(&statement(&sql), 109);
        let (line, caret) = text.split_once('\n').unwrap();
        assert!(line.starts_with("LINE 1: ...") && line.ends_with("..."));
        assert_eq!(&line[caret.find('^').unwrap()..][..4], "oops");
    }

    #[test]
    fn an_error_at_the_end_of_input_points_behind_it() {
        assert_eq!(
            excerpt(&statement("SELECT"), 7),
            "LINE 1: SELECT\n              ^\n"
        );
    }
}
