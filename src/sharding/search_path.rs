//! The search path in a shard: `--search-path '{shard}, public'`.
//!
//! The default is the shard alone. With `public` in the path, a table that one shard lacks would be
//! read from `public` instead, once per such shard.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::pg::quote::{Identifier, Literal, parse_identifier, split_outside_quotes};
use crate::sharding::shard::Shard;

/// A list of schemas, one of which is the shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Shard,
    Schema(String),
    /// The database's own path.
    Database,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchPathError {
    #[error("{{shard}} is missing; include the shard's own schema, e.g. '{{shard}}, public'")]
    NoShard,
    #[error(
        "invalid schema name '{0}'; separate names with commas, and quote names that are not plain"
    )]
    NotASchema(String),
}

impl SearchPath {
    /// The value of `search_path` in this shard, ready for `SET`.
    pub fn in_shard(&self, shard: Shard) -> String {
        let names: Vec<_> = self
            .with_temporary_last()
            .map(|item| match item {
                Item::Shard => Identifier(shard.schema()).to_string(),
                Item::Schema(name) => Identifier(name).to_string(),
                // Nothing is set then: see [`Self::is_of_database`].
                Item::Database => "DEFAULT".to_owned(),
            })
            .collect();
        names.join(", ")
    }

    /// Postgres searches temporary tables first, unless the path names `pg_temp`. Behind a pooler
    /// in transaction mode those belong to whichever client used the connection before; one with a
    /// sharded table's name would be read in place of every shard's.
    fn with_temporary_last(&self) -> impl Iterator<Item = &Item> {
        static TEMPORARY: LazyLock<Item> = LazyLock::new(|| Item::Schema("pg_temp".to_owned()));
        let is_named = self.0.contains(&*TEMPORARY) || self.is_of_database();
        self.0.iter().chain((!is_named).then_some(&*TEMPORARY))
    }

    /// The same as an SQL expression over a column that holds the shard's name.
    pub fn expression(&self, shard: &str) -> String {
        let names: Vec<_> = self
            .with_temporary_last()
            .map(|item| match item {
                Item::Shard => format!("pg_catalog.quote_ident({shard})"),
                Item::Schema(name) => Literal(&Identifier(name).to_string()).to_string(),
                Item::Database => "pg_catalog.current_setting('search_path')".to_owned(),
            })
            .collect();
        format!("pg_catalog.concat({})", names.join(", ', ', "))
    }

    /// The search path for what is not sharded: without the shard, or `public` if nothing is left.
    #[must_use]
    pub fn without_shard(&self) -> Self {
        let others = self.0.iter().filter(|item| **item != Item::Shard);
        let mut others: Vec<_> = others.cloned().collect();
        if others.is_empty() {
            others.push(Item::Schema("public".to_owned()));
        }
        Self(others)
    }

    /// The path with `public` added if it names only the shard.
    #[must_use]
    pub fn with_default(&self) -> Self {
        let shard = std::iter::once(Item::Shard);
        Self(shard.chain(self.without_shard().0).collect())
    }

    /// The path without the shard, ready for `SET`.
    pub fn schemas(&self) -> String {
        self.without_shard().in_shard(Shard::new(0))
    }

    /// Whether this schema is in the path, other than as the shard.
    pub fn names(&self, schema: &str) -> bool {
        let named = |item: &Item| matches!(item, Item::Schema(name) if name == schema);
        self.0.iter().any(named)
    }

    pub fn begins_with_shard(&self) -> bool {
        self.0.first() == Some(&Item::Shard)
    }

    /// The path that the database gives its sessions.
    pub fn of_database() -> Self {
        Self(vec![Item::Database])
    }

    /// Whether it stays as the database has it.
    pub fn is_of_database(&self) -> bool {
        self.0 == [Item::Database]
    }

    pub fn is_shard_alone(&self) -> bool {
        self.0 == [Item::Shard]
    }
}

impl Default for SearchPath {
    fn default() -> Self {
        Self(vec![Item::Shard])
    }
}

impl fmt::Display for SearchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match item {
                Item::Shard => write!(f, "{comma}{{shard}}")?,
                Item::Schema(name) => write!(f, "{comma}{}", Identifier(name))?,
                Item::Database => f.write_str("the database's own")?,
            }
        }
        Ok(())
    }
}

impl FromStr for SearchPath {
    type Err = SearchPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let items = split_outside_quotes(text, ',')
            .map(parse_item)
            .collect::<Result<Vec<_>, _>>()?;
        if !items.contains(&Item::Shard) {
            return Err(SearchPathError::NoShard);
        }
        Ok(Self(items))
    }
}

fn parse_item(item: &str) -> Result<Item, SearchPathError> {
    let item = item.trim();
    if item == "{shard}" {
        return Ok(Item::Shard);
    }
    parse_identifier(item)
        .map(Item::Schema)
        .ok_or_else(|| SearchPathError::NotASchema(item.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_stands_where_it_is_written() {
        let path: SearchPath = r#"{shard}, PublicÄ,"My ""Own"", Schema""#.parse().unwrap();
        assert_eq!(
            path.in_shard(Shard::new(3)),
            r#""shard_3", "publicÄ", "My ""Own"", Schema", "pg_temp""#
        );
        assert_eq!(
            SearchPath::default().in_shard(Shard::new(0)),
            r#""shard_0", "pg_temp""#
        );
    }

    #[test]
    fn temporary_tables_come_last_unless_the_path_names_their_place() {
        let path: SearchPath = "pg_temp, {shard}, public".parse().unwrap();
        assert_eq!(
            path.in_shard(Shard::new(3)),
            r#""pg_temp", "shard_3", "public""#
        );
        assert_eq!(
            SearchPath::default().without_shard().schemas(),
            r#""public", "pg_temp""#
        );
        assert_eq!(
            SearchPath::default().expression("nspname"),
            "pg_catalog.concat(pg_catalog.quote_ident(nspname), ', ', '\"pg_temp\"')"
        );
    }

    #[test]
    fn a_path_that_would_not_look_in_the_shard_is_refused() {
        assert_eq!(
            "public".parse::<SearchPath>(),
            Err(SearchPathError::NoShard)
        );
        for text in [
            "{shard}, ",
            "{shard}; DROP",
            "{shard}, \"a",
            "{shard}, 1a",
            "{shard}, \"\"",
            "{shard}, \"a\"b\"",
        ] {
            assert!(
                matches!(
                    text.parse::<SearchPath>(),
                    Err(SearchPathError::NotASchema(_))
                ),
                "{text}"
            );
        }
    }
}
