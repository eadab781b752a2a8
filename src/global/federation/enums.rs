//! Enums that shards define for themselves, as types of the hub in `all_shards`.
//!
//! The hub compares and sorts their values by the order of the labels, as the shards do. Since the
//! type is the hub's own, `postgres_fdw` sends no comparison of it to a server: it would arrive there
//! as one of another type.

use super::ALL_SHARDS;
use super::objects::Column;
use crate::pg::quote::Literal;
use crate::sharding::routing::hash::fnv1a64;

/// On the hub, in `all_shards`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Enum {
    pub name: String,
    pub labels: Vec<String>,
}

impl Enum {
    /// Labels that differ make another type, so the name has a hash of them. It needs no quotes.
    pub fn new(type_name: &str, labels: Vec<String>) -> Self {
        const LONGEST: usize = 40;
        let plain = type_name
            .chars()
            .filter(|it| it.is_ascii_alphanumeric() || *it == '_');
        let plain: String = plain.take(LONGEST).collect();
        let hash = fnv1a64(format!("{type_name} {labels:?}").as_bytes());
        Self {
            name: format!("{}_{:08x}", plain.to_ascii_lowercase(), hash >> 32),
            labels,
        }
    }

    /// With its schema.
    pub fn qualified(&self) -> String {
        format!("{ALL_SHARDS}.{}", self.name)
    }

    pub fn create(&self, comment: &str) -> String {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|it| Literal(it).to_string())
            .collect();
        let name = self.qualified();
        format!(
            "CREATE TYPE {name} AS ENUM ({});\nCOMMENT ON TYPE {name} IS {}",
            labels.join(", "),
            Literal(comment)
        )
    }
}

/// What a value of the column is cast to on a server, whose own enum the hub does not know.
pub fn type_on_server(column: &Column) -> &str {
    let is_own = column.type_name.strip_prefix(ALL_SHARDS);
    match is_own.filter(|rest| rest.starts_with('.')) {
        Some(array) if array.ends_with("[]") => "pg_catalog.text[]",
        Some(_) => "pg_catalog.text",
        None => &column.type_name,
    }
}
