//! A server's error in full: SQLSTATE, message, detail, hint, position and context.
//! tokio-postgres's own Display is just `db error`.

use std::fmt::Write as _;

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::pg::error_position::excerpt;
use crate::sharding::statement::Statement;
use crate::text::escape::indented;

/// Equal errors from several shards compare equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    pub severity: String,
    pub code: SqlState,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// shardq's own hints, one per line, which are not to be taken for the server's.
    pub advice: Option<Box<str>>,
    /// In the statement, in characters, from 1.
    pub position: Option<usize>,
    /// A query run by a function, and the position in it.
    pub internal: Option<(String, usize)>,
    pub context: Option<String>,
    /// For a cancelled statement: it ended before its time limit. The server reports the same code
    /// and source location for a timeout and for a cancel request.
    pub before_time_limit: bool,
}

/// Advice for an error that only our own settings cause.
fn own_advice(error: &DbError) -> Option<&'static str> {
    // Its SQLSTATE is the one of any missing privilege.
    (error.routine() == Some("check_enable_rls")).then_some(
        "use a role that the policy does not apply to, or add --row-security to read only the rows \
         that it shows to this role",
    )
}

impl ServerError {
    /// `offset` is the number of characters in front of the user's statement.
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
            advice: own_advice(error).map(Box::from),
            position: position.filter(|&at| at > 0),
            internal,
            context: error.where_().map(str::to_owned),
            before_time_limit: false,
        }
    }

    /// Adds a hint of shardq's own.
    pub fn advise(&mut self, hint: &str) {
        let known = self.advice.take().map(|it| format!("{it}\n"));
        self.advice = Some((known.unwrap_or_default() + hint).into());
    }

    /// Whether the error ends the connection.
    pub fn is_fatal(error: &DbError) -> bool {
        use tokio_postgres::error::Severity::{Fatal, Panic};
        // Servers before 9.6 send the severity only in their own language.
        match error.parsed_severity() {
            Some(severity) => matches!(severity, Fatal | Panic),
            None => error.code().code().starts_with("57P"),
        }
    }

    /// `ERROR 42P01: relation "origins" does not exist`
    pub fn summary_line(&self) -> String {
        let Self {
            severity, message, ..
        } = self;
        indented(&format!("{severity} {}: {message}", self.code.code()))
    }

    /// What psql prints below the first line: position, detail, hint, context. Then the advice.
    pub fn particulars(&self, statement: &Statement) -> String {
        let mut text = String::new();
        match (&self.internal, self.position) {
            (Some((query, at)), _) => text += &excerpt(query, *at),
            (None, Some(at)) => text += &statement.excerpt(at),
            (None, None) => {}
        }
        let query = self.internal.as_ref().map(|(query, _)| query);
        for (label, said) in [
            ("DETAIL", self.detail.as_ref()),
            ("HINT", self.hint.as_ref()),
            ("QUERY", query),
            ("CONTEXT", self.context.as_ref()),
        ] {
            if let Some(said) = said {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{label}:  {}", indented(said));
            }
        }
        for advice in self.advice.iter().flat_map(|it| it.lines()) {
            let _ = writeln!(text, "shardq: hint: {advice}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::escape::for_stderr;
    use proptest::prelude::*;

    /// Multi-line texts that imitate our own messages.
    fn hostile() -> impl Strategy<Value = String> {
        let line = "(shardq: |shardq: error: |128/128 shards|ERROR:  |7 rows · 2/2 shards · one snapshot|shardq: hint: |shard_1: )?.{0,9}";
        let breaks = "[\n\r\u{b}\u{c}\u{85}\u{2028}\u{2029}]{1,2}";
        (prop::collection::vec(line, 0..5), breaks).prop_map(|(lines, breaks)| lines.join(&breaks))
    }

    proptest! {
        #[test]
        fn no_line_of_a_servers_text_begins_as_one_of_ours(
            [severity, code, message, detail] in [hostile(), hostile(), hostile(), hostile()],
            [hint, query, context] in [hostile(), hostile(), hostile()],
            at in 0..50usize,
        ) {
            let report = ServerError {
                severity,
                code: SqlState::from_code(&code),
                message,
                detail: Some(detail),
                hint: Some(hint),
                advice: None,
                position: None,
                internal: Some((query, at)),
                context: Some(context),
                before_time_limit: false,
            };
            let statement = Statement::new("SELECT 1").unwrap();
            let text = format!("shardq: shard_0: {}\n{}", report.summary_line(), report.particulars(&statement));
            for line in for_stderr(text.trim_end()).split('\n').skip(1) {
                let ours = ["    ", "LINE ", "DETAIL:", "HINT:", "QUERY:", "CONTEXT:"];
                let is_caret = line.trim() == "^";
                prop_assert!(ours.iter().any(|ours| line.starts_with(ours)) || is_caret, "{:?}", line);
                let is_unseen = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
                prop_assert!(!line.contains(is_unseen), "{:?}", line);
            }
        }
    }
}
