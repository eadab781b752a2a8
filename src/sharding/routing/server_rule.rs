//! Rules by which only the server can compute a key's shard: Postgres's own hashes, SQL of the
//! user's, and lookups. Pure: this composes the SQL, and `find::route` runs it.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;

use crate::pg::lexer::{Encoding, StringSyntax, TokenKind, tokens};
use crate::pg::sql_template;
use crate::sharding::routing::buckets::Buckets;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerRule {
    Hash {
        hash: PostgresHash,
        buckets: Buckets,
    },
    /// An expression that gives a number.
    Sql {
        expression: KeySql,
        buckets: Buckets,
    },
    /// A query that gives the name of a schema.
    Lookup(KeySql),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresHash {
    /// Of hash indexes: `hashtext`, `hashint8`. As an integer with a sign.
    Index,
    /// Of HASH partitioning, as 64 bits without a sign.
    Partition,
}

/// SQL with the key as `$1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySql {
    text: Box<str>,
    /// Where `$1` is.
    keys: Vec<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySqlError {
    #[error("it does not have the key, which is $1")]
    NoKey,
    #[error("${0} is no parameter; the key is $1")]
    Parameter(String),
    #[error("it must be one statement without a semicolon")]
    Semicolon,
}

/// Only types whose hash function is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the hash of {0} is not known here; write it as sql = \"…\" with the key as $1")]
pub struct NoHashFunction(pub String);

/// The key in `sql/find/route_keys.sql`.
const KEY: &str = "shardq_key";

impl PostgresHash {
    /// As it is written in a profile.
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "postgres",
            Self::Partition => "postgres-partition",
        }
    }

    /// The hash of a key of this type, qualified as the catalog has it.
    ///
    /// # Errors
    /// If the type's function is not known.
    fn sql(self, key_type: &str) -> Result<String, NoHashFunction> {
        let (index, partition) = match key_type
            .strip_prefix("pg_catalog.")
            // Names of types that are keywords are quoted.
            .map(|name| name.trim_matches('"'))
        {
            Some("int2") => ("hashint2", "hashint2extended"),
            Some("int4") => ("hashint4", "hashint4extended"),
            Some("int8") => ("hashint8", "hashint8extended"),
            Some("text" | "varchar") => ("hashtext", "hashtextextended"),
            Some("bpchar") => ("hashbpchar", "hashbpcharextended"),
            Some("uuid") => ("uuid_hash", "uuid_hash_extended"),
            _ => return Err(NoHashFunction(key_type.to_owned())),
        };
        let (template, function) = match self {
            Self::Index => (include_str!("../../../sql/find/hash.sql"), index),
            Self::Partition => (
                include_str!("../../../sql/find/partition_hash.sql"),
                partition,
            ),
        };
        let values = [("function", function), ("key", KEY), ("type", key_type)];
        Ok(sql_template::fill(template, &values))
    }
}

impl KeySql {
    /// # Errors
    /// If it does not have the key, or cannot be part of a statement.
    pub fn new(text: &str) -> Result<Self, KeySqlError> {
        let mut keys = Vec::new();
        // Settings of other servers cannot matter to what is here: a `$1` in a string is a mistake.
        let tokens = tokens(text, StringSyntax::StandardConforming, Encoding::Utf8);
        for (i, token) in tokens.iter().enumerate() {
            if token.is_mark(';') {
                return Err(KeySqlError::Semicolon);
            }
            let Some(number) = tokens.get(i + 1).filter(|next| {
                let is_adjacent = next.span.start == token.span.end;
                token.is_mark('$') && next.kind == TokenKind::Number && is_adjacent
            }) else {
                continue;
            };
            match text.get(number.span.clone()).unwrap_or_default() {
                "1" => keys.push(token.span.start..number.span.end),
                other => return Err(KeySqlError::Parameter(other.to_owned())),
            }
        }
        if keys.is_empty() {
            return Err(KeySqlError::NoKey);
        }
        let text = text.into();
        Ok(Self { text, keys })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// For messages.
    fn in_one_line(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// With this in place of `$1`.
    fn of(&self, key: &str) -> String {
        let mut sql = String::new();
        let mut at = 0;
        for span in &self.keys {
            sql += self.text.get(at..span.start).unwrap_or_default();
            sql += key;
            at = span.end;
        }
        sql + self.text.get(at..).unwrap_or_default()
    }
}

impl ServerRule {
    /// Whether it depends on the type of the column that the key is in.
    pub fn needs_type(&self) -> bool {
        matches!(self, Self::Hash { .. })
    }

    pub fn buckets(&self) -> Option<Buckets> {
        match self {
            Self::Hash { buckets, .. } | Self::Sql { buckets, .. } => Some(*buckets),
            Self::Lookup(_) => None,
        }
    }

    pub fn describe(&self, divisor: Option<NonZeroU32>) -> String {
        let (rule, buckets) = match self {
            Self::Hash { hash, buckets } => (hash.to_string(), buckets),
            Self::Sql {
                expression,
                buckets,
            } => (expression.in_one_line(), buckets),
            Self::Lookup(query) => return format!("by {}", query.in_one_line()),
        };
        format!("{rule}{}", buckets.describe(divisor))
    }

    /// The statement that computes what the shards of many keys (`$1`) follow from.
    ///
    /// # Errors
    /// If there is no hash of keys of this type.
    pub fn statement(&self, key_type: &str) -> Result<String, NoHashFunction> {
        let expression = match self {
            Self::Hash { hash, .. } => hash.sql(key_type)?,
            Self::Sql { expression, .. } => expression.of(KEY),
            // As a scalar subquery, it fails if it gives two schemas.
            Self::Lookup(query) => format!("(\n{}\n)", query.of(KEY)),
        };
        Ok(sql_template::fill(
            include_str!("../../../sql/find/route_keys.sql"),
            &[("expression", &expression)],
        ))
    }
}

impl fmt::Display for PostgresHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Index => "Postgres's hash of the key",
            Self::Partition => "HASH partitioning's hash of the key",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_parameter_is_the_key() {
        let sql = KeySql::new("SELECT '$1', $q$ $1 $q$, f($1,$1::int) -- $1").unwrap();
        assert_eq!(sql.of("k"), "SELECT '$1', $q$ $1 $q$, f(k,k::int) -- $1");
        for (text, error) in [
            ("SELECT 1", KeySqlError::NoKey),
            ("'$1'", KeySqlError::NoKey),
            ("$1 + $2", KeySqlError::Parameter("2".to_owned())),
            ("$10", KeySqlError::Parameter("10".to_owned())),
            ("SELECT $1; DROP TABLE t", KeySqlError::Semicolon),
        ] {
            assert_eq!(KeySql::new(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_columns_type() {
        let sql = PostgresHash::Index.sql("pg_catalog.\"varchar\"").unwrap();
        assert_eq!(
            sql,
            "pg_catalog.hashtext(shardq_key::pg_catalog.\"varchar\")"
        );
        let sql = PostgresHash::Partition.sql("pg_catalog.uuid").unwrap();
        assert!(sql.contains("uuid_hash_extended(shardq_key::pg_catalog.uuid, "));
        assert!(PostgresHash::Index.sql("public.text").is_err());
    }

    #[test]
    fn a_comment_at_the_end_does_not_swallow_ours() {
        let rule = ServerRule::Lookup(KeySql::new("SELECT $1 -- all").unwrap());
        let sql = rule.statement("").unwrap();
        assert!(sql.contains("SELECT shardq_key -- all\n)\n)::"), "{sql}");
    }
}
