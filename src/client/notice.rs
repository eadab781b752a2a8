//! One NOTICE, WARNING or similar message, parsed like libpq and printed like psql.

use std::fmt::Write as _;

use crate::pg::error_position::excerpt;
use crate::sharding::statement::Statement;
use crate::text::escape::indented;

/// Bytes kept of one message. Messages meant for people are shorter; the limit is for a server that
/// tries to fill our memory.
pub(super) const LONGEST: usize = 16 << 10;

/// A message as a server sent it. Equal messages from several shards compare equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// In the server's language.
    severity: String,
    is_warning: bool,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    /// In the statement, in characters, from 1.
    position: Option<usize>,
    /// A query run by a function, and the position in it.
    internal: Option<(String, usize)>,
}

impl Notice {
    /// Parses the body of a `NoticeResponse`, which may be cut off. `offset` is the number of
    /// characters in front of the user's statement.
    pub(crate) fn read(mut body: &[u8], offset: usize) -> Self {
        let mut notice = Self {
            severity: "NOTICE".to_owned(),
            is_warning: false,
            message: String::new(),
            detail: None,
            hint: None,
            position: None,
            internal: None,
        };
        let (mut query, mut query_position) = (None, 0);
        while let Some((&field, rest)) = body.split_first() {
            if field == 0 {
                break;
            }
            let end = rest.iter().position(|&byte| byte == 0);
            let value = String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len())]).into_owned();
            body = end.map_or(&[], |end| &rest[end + 1..]);
            match field {
                b'S' => notice.severity = value,
                // Not sent by servers before 9.6.
                b'V' => notice.is_warning = value == "WARNING",
                b'M' => notice.message = value,
                b'D' => notice.detail = Some(value),
                b'H' => notice.hint = Some(value),
                b'P' => {
                    let position = value.parse::<usize>().ok();
                    notice.position = position
                        .and_then(|position| position.checked_sub(offset))
                        .filter(|&position| position > 0);
                }
                b'p' => query_position = value.parse().unwrap_or(0),
                b'q' => query = Some(value),
                _ => {}
            }
        }
        notice.internal = query.map(|query| (query, query_position));
        notice
    }

    pub fn is_warning(&self) -> bool {
        self.is_warning
    }

    /// Drops the position, which is wrong if the server ran a text other than the user's.
    pub fn forget_position(&mut self) {
        self.position = None;
    }

    /// The lines that psql would print. `statement` is the one that the server was sent.
    ///
    /// Source: `pqBuildErrorMessage3` in Postgres's `src/interfaces/libpq/fe-protocol3.c`.
    pub fn describe(&self, statement: Option<&Statement>) -> String {
        let mut text = indented(&format!("{}:  {}", self.severity, self.message));
        text.push('\n');
        match (&self.internal, self.position, statement) {
            (Some((query, at)), ..) => text += &excerpt(query, *at),
            (None, Some(at), Some(statement)) => text += &statement.excerpt(at),
            _ => {}
        }
        let query = self.internal.as_ref().map(|(query, _)| query);
        for (label, said) in [
            ("DETAIL", self.detail.as_ref()),
            ("HINT", self.hint.as_ref()),
            ("QUERY", query),
        ] {
            if let Some(said) = said {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{label}:  {}", indented(said));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_is_printed_as_psql_prints_it() {
        let body = b"SWARNUNG\0VWARNING\0C22P06\0Mno\0Ddetail\0Hhint\0P14\0Wcontext\0\0";
        let notice = Notice::read(body, 5);
        assert!(notice.is_warning());
        let statement = Statement::new("SELECT '\\a'").unwrap();
        assert_eq!(
            notice.describe(Some(&statement)),
            "WARNUNG:  no\n\
             LINE 1: SELECT '\\a'\n\
             \x20               ^\n\
             DETAIL:  detail\nHINT:  hint\n",
        );
    }

    #[test]
    fn a_message_that_was_cut_off_is_shown_as_far_as_it_goes() {
        let notice = Notice::read(b"SNOTICE\0VNOTICE\0Mlong lo", 0);
        assert_eq!(notice.describe(None), "NOTICE:  long lo\n");
        assert!(!notice.is_warning());
    }

    proptest! {
        #[test]
        fn no_body_is_wrong_enough_to_panic(body in prop::collection::vec(any::<u8>(), 0..80)) {
            let notice = Notice::read(&body, 3);
            prop_assert!(notice.describe(None).ends_with('\n'));
        }
    }
}
