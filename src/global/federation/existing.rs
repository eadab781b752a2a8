//! The objects that an earlier run made on a hub, as the comments on them tell.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::BY_SERVER;
use super::objects::{Column, UnionKind};

/// How the comment on everything begins that a run makes.
pub const MARK: &str = "shardq federate";

/// What a hub has of a federation.
#[derive(Debug, Default)]
pub struct Existing {
    pub extension: Option<ExistingExtension>,
    pub servers: BTreeMap<String, ExistingServer>,
    /// Names, and the comments.
    pub schemas: BTreeMap<String, String>,
    /// By name, with their labels.
    pub enums: BTreeMap<String, Vec<String>>,
    /// By schema and name.
    pub tables: BTreeMap<(String, String), ExistingTable>,
    /// By name, those in `all_shards`.
    pub unions: BTreeMap<String, ExistingUnion>,
    /// By name, those of the unions that are partitioned.
    pub partitions: BTreeMap<String, ExistingTable>,
}

/// `postgres_fdw`, if it was made too.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ExistingExtension {
    /// Whether servers of others need it.
    #[serde(rename = "others")]
    pub is_shared: bool,
}

#[derive(Debug, Deserialize)]
pub struct ExistingServer {
    pub options: BTreeMap<String, String>,
    /// Whom the role that asks logs in there as, if it may know.
    pub user: Option<String>,
    /// The role whose user mapping was made.
    #[serde(default)]
    pub role: String,
}

#[derive(Debug, Deserialize)]
pub struct ExistingTable {
    pub server: String,
    pub options: BTreeMap<String, String>,
    pub columns: Option<Vec<Column>>,
}

#[derive(Debug)]
pub struct ExistingUnion {
    pub kind: UnionKind,
    /// Of its definition.
    pub digest: String,
}

/// A row of `objects.sql`.
pub type ExistingRow = Vec<Option<String>>;

impl Existing {
    /// From the rows of `objects.sql`.
    pub fn of_rows(rows: &[ExistingRow]) -> Self {
        let mut existing = Self::default();
        for row in rows {
            if let [
                Some(kind),
                Some(schema),
                Some(name),
                Some(comment),
                Some(definition),
            ] = row.as_slice()
            {
                // What cannot be read counts as not there: creating it then fails.
                let _ = existing.add(kind, (schema, name), comment, definition);
            }
        }
        existing
    }

    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.schemas.is_empty() && self.tables.is_empty()
    }

    /// How an earlier run united the shards.
    pub fn unions_are(&self) -> UnionKind {
        if self.schemas.contains_key(BY_SERVER) {
            UnionKind::Partitioned
        } else {
            UnionKind::View
        }
    }

    fn add(
        &mut self,
        kind: &str,
        (schema, name): (&str, &str),
        comment: &str,
        definition: &str,
    ) -> serde_json::Result<()> {
        let said = comment.strip_prefix(MARK).unwrap_or_default();
        let said = said.trim_start_matches(": ").to_owned();
        let name = name.to_owned();
        match kind {
            "extension" => self.extension = Some(serde_json::from_str(definition)?),
            "server" => {
                let found = ExistingServer {
                    role: said,
                    ..serde_json::from_str(definition)?
                };
                self.servers.insert(name, found);
            }
            "schema" => {
                self.schemas.insert(name, said);
            }
            "type" => {
                self.enums.insert(name, serde_json::from_str(definition)?);
            }
            "foreign table" => {
                let key = (schema.to_owned(), name);
                self.tables.insert(key, serde_json::from_str(definition)?);
            }
            "partition" => {
                self.partitions
                    .insert(name, serde_json::from_str(definition)?);
            }
            kind => {
                let kind = if kind == "view" {
                    UnionKind::View
                } else {
                    UnionKind::Partitioned
                };
                self.unions
                    .insert(name, ExistingUnion { kind, digest: said });
            }
        }
        Ok(())
    }
}
