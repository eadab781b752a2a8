//! Tables in which a migration tool records what it has applied: compared by content, because a
//! shard that lacks a record may lack what the migration does, and one that has it should not.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Definition;
use super::shape::{Object, ObjectName, Unread, UnreadReason, Variant, positions};
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::session::InspectSession;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template;
use crate::sharding::shard::Shard;

/// The kind of a record, among the kinds of objects.
pub const MIGRATION: &str = "migration";

/// The tables of common tools, and the columns that say what was applied.
const KNOWN: [(&str, &[&str]); 11] = [
    ("builder_db_migrations", &["prefix", "hashed_content"]),
    ("__diesel_schema_migrations", &["version"]),
    ("_sqlx_migrations", &["version", "checksum", "success"]),
    ("alembic_version", &["version_num"]),
    ("databasechangelog", &["id", "author", "filename", "md5sum"]),
    ("django_migrations", &["app", "name"]),
    (
        "flyway_schema_history",
        &["version", "script", "checksum", "success"],
    ),
    ("goose_db_version", &["version_id", "is_applied"]),
    ("knex_migrations", &["name"]),
    ("refinery_schema_history", &["version", "name", "checksum"]),
    // Of Rails, golang-migrate and others.
    ("schema_migrations", &["version", "dirty"]),
];

/// Shards per statement: each is a lock.
const AT_A_TIME: usize = 64;

/// The records of all tables.
#[derive(Debug, Default)]
pub struct Migrations {
    pub records: Vec<Object>,
    pub unread: Vec<Unread>,
    /// If no shard has the table that was named.
    pub no_table: Option<InspectError>,
}

/// A table of migrations in some shards.
#[derive(Debug, PartialEq, Eq)]
struct MigrationTable {
    name: String,
    /// Those that all shards have.
    columns: Vec<String>,
    /// Ascending.
    shards: Vec<Shard>,
    denied: Vec<Shard>,
}

/// Reads the tables of this name, or without one those of common tools.
pub async fn read(
    session: &InspectSession<'_>,
    named: Option<&str>,
) -> Result<Migrations, InspectError> {
    let known = KNOWN.map(|(name, _)| name);
    let wanted: Vec<_> = match named {
        Some(name) => vec![name],
        None => known.to_vec(),
    };
    let wanted = wanted.iter().map(|name| Literal(name).to_string());
    let wanted = format!("ARRAY[{}]::text[]", wanted.collect::<Vec<_>>().join(", "));
    let sql = sql_template::fill(
        include_str!("../../../../sql/inspect/migration_tables.sql"),
        &[("shards", &session.shards_sql()), ("names", &wanted)],
    );
    let rows = session.query(&sql).await?;
    let mut migrations = Migrations::default();
    if let (Some(name), true) = (named, rows.is_empty()) {
        migrations.no_table = Some(session.no_table(name).await);
    }
    for table in tables(rows.iter().map(Vec::as_slice), session.shards()) {
        if !table.denied.is_empty() {
            migrations.unread.push(Unread {
                table: table.name.clone(),
                reason: UnreadReason::Denied,
                shards: table.denied.clone(),
            });
        }
        migrations.records.extend(records(session, &table).await?);
    }
    Ok(migrations)
}

/// From the rows of `sql/inspect/migration_tables.sql`.
fn tables<'a>(
    rows: impl Iterator<Item = &'a [Option<String>]>,
    all: &[Shard],
) -> Vec<MigrationTable> {
    let mut tables: BTreeMap<&str, MigrationTable> = BTreeMap::new();
    for row in rows {
        let [Some(name), Some(columns), Some(is_readable), which] = row else {
            continue;
        };
        let columns: Vec<String> = serde_json::from_str(columns).unwrap_or_default();
        let shards = positions(which.as_deref(), all);
        let table = tables.entry(name).or_insert_with(|| MigrationTable {
            name: name.clone(),
            columns: relevant(name, &columns),
            shards: Vec::new(),
            denied: Vec::new(),
        });
        if is_readable == "t" {
            table.columns.retain(|column| columns.contains(column));
            table.shards.extend(shards);
            table.shards.sort_unstable();
        } else {
            table.denied.extend(shards);
        }
    }
    tables.into_values().collect()
}

/// The columns that say what was applied: all, for a table that is not known.
fn relevant(table: &str, columns: &[String]) -> Vec<String> {
    let known = KNOWN.iter().find(|(name, _)| *name == table);
    let is_relevant =
        |column: &&String| known.is_none_or(|(_, relevant)| relevant.contains(&column.as_str()));
    let relevant: Vec<_> = columns.iter().filter(is_relevant).cloned().collect();
    if relevant.is_empty() {
        columns.to_vec()
    } else {
        relevant
    }
}

async fn records(
    session: &InspectSession<'_>,
    table: &MigrationTable,
) -> Result<Vec<Object>, InspectError> {
    if table.columns.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: BTreeMap<String, Vec<Shard>> = BTreeMap::new();
    for shards in table.shards.chunks(AT_A_TIME) {
        let sql = sql_template::fill(
            include_str!("../../../../sql/inspect/migrations.sql"),
            &[("records", &table.sql(shards))],
        );
        for row in session.query(&sql).await? {
            if let [Some(record), which] = row.as_slice() {
                let record = record.trim_start_matches('(').trim_end_matches(')');
                let found = found.entry(record.to_owned()).or_default();
                found.extend(positions(which.as_deref(), shards));
            }
        }
    }
    let objects = found
        .into_iter()
        .map(|(record, shards)| table.object(record, shards));
    Ok(objects.collect())
}

impl MigrationTable {
    fn sql(&self, shards: &[Shard]) -> String {
        let columns = self
            .columns
            .iter()
            .map(|column| Identifier(column).to_string());
        let columns = columns.collect::<Vec<_>>().join(", ");
        let records = shards.iter().zip(1_usize..).map(|(shard, n)| {
            let table = format!("{}.{}", Identifier(shard.schema()), Identifier(&self.name));
            sql_template::fill(
                include_str!("../../../../sql/inspect/migration_records.sql"),
                &[
                    ("n", &n.to_string()),
                    ("columns", &columns),
                    ("table", &table),
                ],
            )
        });
        records.collect::<Vec<_>>().join("\nUNION ALL\n")
    }

    /// A record as an object that some shards have, and the others lack.
    fn object(&self, record: String, shards: Vec<Shard>) -> Object {
        let mut lacking = self.shards.clone();
        lacking.retain(|shard| shards.binary_search(shard).is_err());
        let definition = shards
            .first()
            .map(|first| Definition::new("applied".to_owned(), None, *first));
        let has = Variant { definition, shards };
        let lacks = (!lacking.is_empty()).then_some(Variant {
            definition: None,
            shards: lacking,
        });
        Object {
            name: ObjectName {
                parent: self.name.clone(),
                kind: MIGRATION.to_owned(),
                name: record,
            },
            variants: [has].into_iter().chain(lacks).collect(),
        }
    }
}

/// Shards among `differing` that have recorded the same migrations as the majority, by table.
pub fn recorded_alike(
    records: &[Object],
    differing: &BTreeSet<Shard>,
) -> Vec<(String, Vec<Shard>)> {
    let mut alike: BTreeMap<&str, BTreeSet<Shard>> = BTreeMap::new();
    for record in records {
        let shards = record.variants.iter().flat_map(|variant| &variant.shards);
        let table = alike.entry(&record.name.parent);
        table
            .or_insert_with(|| differing.clone())
            .retain(|shard| shards.clone().any(|it| it == shard));
    }
    for record in records {
        let norm = record.norm();
        let others = record
            .variants
            .iter()
            .filter(|variant| Some(*variant) != norm);
        if let Some(alike) = alike.get_mut(record.name.parent.as_str()) {
            for shard in others.flat_map(|variant| &variant.shards) {
                alike.remove(shard);
            }
        }
    }
    let found = alike.into_iter().filter(|(_, shards)| !shards.is_empty());
    found
        .map(|(table, shards)| (table.to_owned(), shards.into_iter().collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 4]) -> Vec<Option<String>> {
        cells.map(|cell| Some(cell.to_owned())).into()
    }

    #[test]
    fn columns_are_those_that_all_shards_have() {
        let all: Vec<_> = (0..4).map(Shard::new).collect();
        let rows = [
            row(["schema_migrations", r#"["dirty","version"]"#, "t", "1,3"]),
            row(["schema_migrations", r#"["version"]"#, "t", "2"]),
            row(["schema_migrations", r#"["version"]"#, "f", "4"]),
            row(["other", r#"["a","b"]"#, "t", "1"]),
        ];
        let found = tables(rows.iter().map(Vec::as_slice), &all);
        assert_eq!(
            found,
            [
                MigrationTable {
                    name: "other".to_owned(),
                    columns: vec!["a".to_owned(), "b".to_owned()],
                    shards: vec![all[0]],
                    denied: Vec::new(),
                },
                MigrationTable {
                    name: "schema_migrations".to_owned(),
                    columns: vec!["version".to_owned()],
                    shards: all[..3].to_vec(),
                    denied: vec![all[3]],
                },
            ]
        );
    }

    #[test]
    fn shards_that_recorded_less_are_not_alike() {
        let shards: Vec<_> = (0..4).map(Shard::new).collect();
        let table = MigrationTable {
            name: "t".to_owned(),
            columns: Vec::new(),
            shards: shards.clone(),
            denied: Vec::new(),
        };
        let records = [
            table.object("1".to_owned(), shards.clone()),
            table.object("2".to_owned(), shards[1..].to_vec()),
        ];
        let differing = [shards[0], shards[1], Shard::new(9)].into();
        let alike = recorded_alike(&records, &differing);
        assert_eq!(alike, [("t".to_owned(), vec![shards[1]])]);
    }
}
