//! The objects that a hub should have, from the facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::columns::on_hub;
use super::enums::Enum;
use super::error::FederationError;
use super::facts::{Access, DatabaseSettings, Hub, RemoteDatabase, RemoteTable};
use super::names::LONGEST_NAME;
use super::notes::Notes;
use super::objects::{Column, ForeignServer, ForeignTable, Union, UnionKind};
use super::partitions;
use super::unions::{Variants, union};
use super::{ALL_SHARDS, BY_SERVER};
use crate::global::united::{UnitedTable, UnitedTables};
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;

/// The objects that a hub should have, in the order in which they are created.
#[derive(Debug)]
pub struct Wanted {
    pub servers: Vec<ForeignServer>,
    pub schemas: Vec<String>,
    pub enums: BTreeSet<Enum>,
    pub tables: Vec<ForeignTable>,
    pub unions: Vec<Union>,
    /// What is left out, and why.
    pub notes: Vec<String>,
    /// Tables that the hub has without some of their columns.
    pub incomplete: BTreeSet<String>,
}

impl Wanted {
    pub fn tables(&self) -> &[ForeignTable] {
        &self.tables
    }

    /// One per server of each table of `all_shards` that is partitioned.
    pub fn partitions(&self) -> impl Iterator<Item = &ForeignTable> {
        let partitions = self.unions.iter().flat_map(|union| &union.partitions);
        partitions.map(|partition| &partition.table)
    }

    /// What a single statement reads instead of the union of the shards.
    pub fn united(&self) -> UnitedTables {
        let partitioned = self
            .unions
            .iter()
            .filter(|it| it.kind() == UnionKind::Partitioned);
        let tables = partitioned.map(|union| {
            let table = UnitedTable {
                columns: union.columns.iter().map(|it| it.name.clone()).collect(),
                shards: union.schemas.iter().cloned().collect(),
            };
            (union.name.clone(), table)
        });
        tables.collect()
    }
}

/// # Errors
/// If the hub would compute wrong results, or its names are impossible.
pub fn wanted(
    hub: &Hub,
    remotes: Vec<RemoteDatabase>,
    kind: UnionKind,
) -> Result<Wanted, FederationError> {
    let mut notes = Notes::default();
    let mut all: Vec<_> = remotes.iter().flat_map(|it| &it.shards).copied().collect();
    all.sort_unstable();
    let mut tables = Vec::new();
    let mut incomplete = BTreeSet::new();
    let mut enums = BTreeSet::new();
    let mut variants: BTreeMap<String, Variants> = BTreeMap::new();
    for remote in &remotes {
        check_settings(&remote.server.name, &hub.settings, &remote.settings)?;
        for table in &remote.tables {
            if let Some(columns) = readable(table, hub, &mut enums, &mut notes) {
                if columns.len() < table.columns.len() {
                    incomplete.insert(table.name.clone());
                }
                tables.extend(foreign_tables(remote, table, &columns));
                let own = variants.entry(table.name.clone()).or_default();
                own.push((columns, table.shards.clone()));
            }
        }
    }
    if tables.is_empty() {
        return Err(FederationError::NoTables);
    }
    // Tables are in shard order, each shard's by name.
    let order: BTreeMap<_, _> = all.iter().zip(0..).collect();
    tables.sort_by_cached_key(|(shard, table)| (order.get(shard).copied(), table.name.clone()));
    let unions = variants.iter_mut().filter_map(|(name, variants)| {
        variants.sort_by_key(|(_, shards)| shards.first().copied());
        union(name, variants, &all, &mut notes)
    });
    let mut unions: Vec<_> = unions.collect();
    let tables: Vec<_> = tables.into_iter().map(|(_, table)| table).collect();
    if kind == UnionKind::Partitioned {
        partitions::partition(&mut unions, &tables);
    }
    let wanted = Wanted {
        unions,
        servers: servers(hub, remotes),
        schemas: all.iter().map(|shard| shard.name().to_owned()).collect(),
        enums,
        tables,
        notes: Vec::new(),
        incomplete,
    };
    check_names(&wanted)?;
    let notes = notes.lines();
    Ok(Wanted { notes, ..wanted })
}

/// The columns of a table that the hub can read; `None` if it cannot read any. That is noted.
fn readable(
    table: &RemoteTable,
    hub: &Hub,
    enums: &mut BTreeSet<Enum>,
    notes: &mut Notes,
) -> Option<Arc<[Column]>> {
    let why = match table.access {
        Access::Whole => {
            let columns = on_hub(table, hub, enums, notes);
            if !columns.is_empty() {
                return Some(columns);
            }
            "the hub can have none of its columns"
        }
        Access::Denied => "the user has no privilege to read it",
        Access::RowSecurity => "row-level security may hide rows of it from the user",
    };
    notes.add(
        format!("{}: left out: {why}", one_line(&table.name)),
        &table.shards,
    );
    None
}

fn foreign_tables(
    remote: &RemoteDatabase,
    table: &RemoteTable,
    columns: &Arc<[Column]>,
) -> impl Iterator<Item = (Shard, ForeignTable)> {
    table.shards.iter().map(|shard| {
        let table = ForeignTable {
            schema: shard.name().to_owned(),
            name: table.name.clone(),
            server: remote.server.name.clone(),
            remote_schema: shard.schema().to_owned(),
            remote_name: table.name.clone(),
            columns: Arc::clone(columns),
        };
        (*shard, table)
    })
}

/// With the extensions whose functions and operators are the same on both sides, so that they can
/// run there.
fn servers(hub: &Hub, remotes: Vec<RemoteDatabase>) -> Vec<ForeignServer> {
    let with_extensions = |remote: RemoteDatabase| {
        let mut server = remote.server;
        let same = remote.extensions.iter().filter(|(name, version)| {
            !["plpgsql", "postgres_fdw"].contains(&name.as_str())
                && hub.extensions.get(*name) == Some(*version)
        });
        let same: Vec<_> = same.map(|(name, _)| name.as_str()).collect();
        if !same.is_empty() {
            server
                .options
                .insert("extensions".to_owned(), same.join(","));
        }
        server
    };
    remotes.into_iter().map(with_extensions).collect()
}

/// What decides how values are compared and written on both sides. The wrapper itself sets time
/// zone, date style and precision of its sessions.
fn check_settings(
    place: &str,
    hub: &DatabaseSettings,
    remote: &DatabaseSettings,
) -> Result<(), FederationError> {
    let matters = |name: &&String| {
        name.starts_with("dat") || ["encoding", "lc_monetary"].contains(&name.as_str())
    };
    let mut names = hub.keys().chain(remote.keys()).filter(matters);
    let Some(name) = names.find(|name| hub.get(*name) != remote.get(*name)) else {
        return Ok(());
    };
    let shown = |settings: &DatabaseSettings| match settings.get(name) {
        Some(value) => format!("\"{}\"", one_line(value)),
        None => "unset".to_owned(),
    };
    Err(FederationError::Differs {
        place: place.to_owned(),
        name: name.clone(),
        hub: shown(hub),
        remote: shown(remote),
    })
}

fn check_names(wanted: &Wanted) -> Result<(), FederationError> {
    let mut schemas = wanted.schemas.iter();
    if let Some(name) = schemas.find(|name| name.len() > LONGEST_NAME) {
        return Err(FederationError::NameTooLong(name.clone()));
    }
    let mut schemas = wanted.schemas.iter();
    let is_reserved = |name: &&String| {
        [ALL_SHARDS, BY_SERVER].contains(&name.as_str())
            || name.starts_with("pg_")
            || name.as_str() == "public"
    };
    match schemas.find(is_reserved) {
        Some(name) => Err(FederationError::ReservedName(name.clone())),
        None => Ok(()),
    }
}
