//! The objects that a hub should have, from the facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ALL_SHARDS;
use super::columns::on_hub;
use super::error::FederationError;
use super::facts::{Access, DatabaseSettings, Hub, RemoteDatabase, RemoteTable};
use super::notes::Notes;
use super::objects::{Column, ForeignServer, ForeignTable, Union};
use super::unions::{Variants, union};
use crate::sharding::routing::hash::fnv1a64;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;

/// Postgres cuts off longer names.
const LONGEST_NAME: usize = 63;

/// What the hub calls the server at a place: `db7`, `db7:5432/tenant_3`. A longer name is cut, and
/// told from others by a hash.
pub fn server_name(place: &str) -> String {
    if place.len() <= LONGEST_NAME {
        return place.to_owned();
    }
    let hash = format!("_{:016x}", fnv1a64(place.as_bytes()));
    let start: Vec<_> = place
        .char_indices()
        .take_while(|(at, c)| at + c.len_utf8() + hash.len() <= LONGEST_NAME)
        .map(|(_, c)| c)
        .collect();
    start.into_iter().collect::<String>() + &hash
}

/// The objects that a hub should have, in the order in which they are created.
#[derive(Debug)]
pub struct Wanted {
    pub servers: Vec<ForeignServer>,
    pub schemas: Vec<String>,
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
}

/// # Errors
/// If the hub would compute wrong results, or its names are impossible.
pub fn wanted(hub: &Hub, remotes: Vec<RemoteDatabase>) -> Result<Wanted, FederationError> {
    let mut notes = Notes::default();
    let mut all: Vec<_> = remotes.iter().flat_map(|it| &it.shards).copied().collect();
    all.sort_unstable();
    let mut tables = Vec::new();
    let mut incomplete = BTreeSet::new();
    let mut variants: BTreeMap<String, Variants> = BTreeMap::new();
    for remote in &remotes {
        check_settings(&remote.server.name, &hub.settings, &remote.settings)?;
        for table in &remote.tables {
            if let Some(columns) = readable(table, hub, &mut notes) {
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
    let wanted = Wanted {
        unions: unions.collect(),
        servers: servers(hub, remotes),
        schemas: all.iter().map(|shard| shard.name().to_owned()).collect(),
        tables: tables.into_iter().map(|(_, table)| table).collect(),
        notes: Vec::new(),
        incomplete,
    };
    check_names(&wanted)?;
    let notes = notes.lines();
    Ok(Wanted { notes, ..wanted })
}

/// The columns of a table that the hub can read; `None` if it cannot read any. That is noted.
fn readable(table: &RemoteTable, hub: &Hub, notes: &mut Notes) -> Option<Arc<[Column]>> {
    let why = match table.access {
        Access::Whole => {
            let columns = on_hub(table, hub, notes);
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
        name.as_str() == ALL_SHARDS || name.starts_with("pg_") || name.as_str() == "public"
    };
    match schemas.find(is_reserved) {
        Some(name) => Err(FederationError::ReservedName(name.clone())),
        None => Ok(()),
    }
}
