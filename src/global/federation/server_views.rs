//! The views on the servers that a hub's partitions read: what a server has of them, and the
//! difference from what it should have.

use std::collections::{BTreeMap, BTreeSet};

use super::ON_SERVERS;
use super::difference::{Change, Difference};
use super::enums::type_on_server;
use super::error::FederationError;
use super::existing::{ExistingRow, MARK};
use super::objects::{Partition, Union};
use super::render::{drop_schema, in_levels, qualified};
use crate::pg::query_text::SHARD;
use crate::pg::quote::{Identifier, Literal};
use crate::sharding::routing::hash::fnv1a64;
use crate::text::escape::one_line;

/// What a server has in `shardq_federation`.
#[derive(Debug, Default)]
pub struct ExistingViews {
    /// The hub that the schema was made for. `None` if there is no such schema, or another's.
    owner: Option<String>,
    views: BTreeMap<String, ExistingView>,
}

#[derive(Debug)]
struct ExistingView {
    /// Of its definition as it was made.
    digest: String,
    /// Whether its definition is still that. It follows a table that is renamed.
    is_as_made: bool,
}

impl ExistingViews {
    /// From the rows of `server_views.sql`.
    pub fn of_rows(rows: &[ExistingRow]) -> Self {
        let mut found = Self::default();
        for row in rows {
            let [Some(kind), Some(name), Some(comment), definition] = row.as_slice() else {
                continue;
            };
            let said = comment.strip_prefix(MARK).unwrap_or_default();
            let said = said.trim_start_matches(": ");
            if kind == "schema" {
                found.owner = Some(said.to_owned());
                continue;
            }
            let (digest, made) = said.split_once(' ').unwrap_or_default();
            let view = ExistingView {
                digest: digest.to_owned(),
                is_as_made: definition.as_deref() == Some(made),
            };
            found.views.insert(name.clone(), view);
        }
        found
    }

    pub fn is_empty(&self) -> bool {
        self.owner.is_none()
    }
}

/// What to do on a server for a hub. Without partitions there, everything that was made is removed,
/// and nothing else.
///
/// # Errors
/// If the views there are another hub's.
pub fn views_difference(
    hub: &str,
    server: &str,
    unions: &[Union],
    existing: &ExistingViews,
) -> Result<Difference, FederationError> {
    if let Some(owner) = existing.owner.as_ref().filter(|owner| *owner != hub) {
        return Err(FederationError::OtherHub {
            server: server.to_owned(),
            owner: owner.clone(),
            hub: hub.to_owned(),
        });
    }
    let mut difference = Difference::default();
    let mut creates = Vec::new();
    let mut say = |name: &str, reason: &str| {
        difference.changes.push(Change {
            object: one_line(&format!("view {ON_SERVERS}.{name} on {server}")),
            reason: reason.to_owned(),
        });
    };
    let mut kept = BTreeSet::new();
    for union in unions {
        let mut partitions = union.partitions.iter();
        let Some(partition) = partitions.find(|it| it.table.server == server) else {
            continue;
        };
        kept.insert(&union.name);
        let found = existing.views.get(&union.name);
        if found.is_some_and(|it| it.is_as_made && it.digest == digest(union, partition)) {
            continue;
        }
        if found.is_some() {
            say(&union.name, "does not have its tables as they are");
            difference.statements.push(drop_view(&union.name));
        } else {
            say(&union.name, "missing");
        }
        creates.push(create_view(union, partition));
    }
    for name in existing.views.keys().filter(|name| !kept.contains(name)) {
        say(name, "its tables are gone");
        difference.statements.push(drop_view(name));
    }
    if kept.is_empty() && !existing.is_empty() {
        difference.statements.push(drop_schema(ON_SERVERS));
    }
    if !kept.is_empty() && existing.is_empty() {
        difference.statements.push(create_schema(hub));
    }
    difference.statements.extend(creates);
    Ok(difference)
}

fn create_schema(hub: &str) -> String {
    let (name, comment) = (Identifier(ON_SERVERS), format!("{MARK}: {hub}"));
    format!(
        "CREATE SCHEMA {name};\nCOMMENT ON SCHEMA {name} IS {}",
        Literal(&comment)
    )
}

/// With a comment that has the definition as the server writes it, which tells later whether it is
/// the same: a view follows its tables when they are renamed.
fn create_view(union: &Union, partition: &Partition) -> String {
    let name = qualified(ON_SERVERS, &union.name);
    let comment = format!("{MARK}: {} ", digest(union, partition));
    let body = format!(
        "BEGIN EXECUTE pg_catalog.format('COMMENT ON VIEW %s IS %L',{}::pg_catalog.text, \
         pg_catalog.concat({}::pg_catalog.text, pg_catalog.md5(pg_catalog.pg_get_viewdef({}\
         ::pg_catalog.regclass)))); END",
        Literal(&name),
        Literal(&comment),
        Literal(&name)
    );
    format!(
        "CREATE VIEW {name} AS\n{};\nDO{}",
        rows(union, partition),
        Literal(&body)
    )
}

fn drop_view(name: &str) -> String {
    format!("DROP VIEW {}", qualified(ON_SERVERS, name))
}

fn digest(union: &Union, partition: &Partition) -> String {
    format!("{:016x}", fnv1a64(rows(union, partition).as_bytes()))
}

/// Each value has the type that the hub's column has: of a domain, the base type; of an enum, text.
fn rows(union: &Union, partition: &Partition) -> String {
    let columns = union.columns.iter().map(|column| {
        let name = Identifier(&column.name);
        format!("{name}::{} AS {name}", type_on_server(column))
    });
    let columns: Vec<_> = columns.collect();
    let columns = columns.join(", ");
    let arms = partition.shards.iter().map(|(shard, schema)| {
        format!(
            "SELECT {}::pg_catalog.text AS {}, {columns} FROM {}",
            Literal(shard),
            Identifier(SHARD),
            qualified(schema, &union.name)
        )
    });
    in_levels(&arms.collect::<Vec<_>>())
}
