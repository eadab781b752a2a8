//! Parsers for flag values that clap has none for.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;

use crate::pg::quote::parse_identifier;
use crate::sharding::statement::{Statement, StatementError};

/// `30s`, `500ms`, `1m 30s`; a bare `0` is none. A bare number is refused: it
/// would be seconds to some and, as in Postgres, milliseconds to others.
pub fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let parsed = text
        .parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or("expected a number with a unit, e.g. 30s, 500ms or 5m (0 for no limit)")?;
    match parsed.as_millis() {
        0 => Err("less than a millisecond; use 0 for no limit".to_owned()),
        _ if parsed > LONGEST => {
            Err("longer than Postgres can wait (24 days); use 0 for no limit".to_owned())
        }
        _ => Ok(parsed),
    }
}

/// A pause between two looks at the server.
pub fn interval(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    match duration(text)? {
        short if short < SHORTEST => Err("expected at least 100ms".to_owned()),
        interval => Ok(interval),
    }
}

/// At least one.
pub fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("expected at least one connection".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a number".to_owned()),
    }
}

/// At least one.
pub fn shard_count(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| "expected a number of shards, at least 1".to_owned())
}

pub fn statement(text: &str) -> Result<Statement, StatementError> {
    Statement::checked(text.to_owned(), "--schemas-from")
}

/// By SQL's rules: `jobs`, `"Jobs"`.
pub fn table_name(text: &str) -> Result<String, String> {
    parse_identifier(text).ok_or_else(|| {
        "expected the name of a table as in SQL, without a schema: jobs, or \"Jobs\" in double quotes"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tables_are_those_of_sql() {
        assert_eq!(table_name("Jobs"), Ok("jobs".to_owned()));
        assert_eq!(table_name("\"Jo\"\"b.s\""), Ok("Jo\"b.s".to_owned()));
        for text in ["", "a.jobs", "\"a\".\"jobs\"", "jo bs", "1a", "\"\""] {
            assert!(table_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for text in ["30", "-5s", "soon", "", "10us", "99999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
