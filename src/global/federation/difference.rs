//! How the objects that a hub has differ from those that it should have, and the statements that
//! make them equal.

use std::collections::BTreeSet;
use std::fmt;

use super::existing::{Existing, ExistingUnion, MARK};
use super::objects::{Union, UnionKind};
use super::outdated::outdated;
use super::wanted::Wanted;
use super::{ALL_SHARDS, BY_SERVER, render, render_unions};
use crate::text::escape::one_line;

/// One object that is missing, outdated or no longer needed.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// `foreign table shard_3.jobs`
    pub object: String,
    pub reason: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.reason)
    }
}

#[derive(Debug, Default)]
pub struct Difference {
    pub changes: Vec<Change>,
    /// In the order in which they work.
    pub statements: Vec<String>,
}

/// The statements of a difference, by what depends on what: everything is dropped in front of what
/// it depends on, and created behind it.
#[derive(Default)]
struct Steps {
    changes: Vec<Change>,
    drop_unions: Vec<String>,
    drop_tables: Vec<String>,
    drop_enums: Vec<String>,
    drop_schemas: Vec<String>,
    drop_servers: Vec<String>,
    servers: Vec<String>,
    schemas: Vec<String>,
    enums: Vec<String>,
    tables: Vec<String>,
    unions: Vec<String>,
}

/// What to do on the hub. Without `wanted`, everything that was made is removed, and nothing else:
/// what others made with it makes the statements fail.
pub fn difference(wanted: Option<&Wanted>, existing: &Existing, has_wrapper: bool) -> Difference {
    let mut steps = Steps::default();
    let none = Wanted {
        servers: Vec::new(),
        schemas: Vec::new(),
        enums: BTreeSet::new(),
        tables: Vec::new(),
        unions: Vec::new(),
        notes: Vec::new(),
        incomplete: BTreeSet::new(),
    };
    let goal = wanted.unwrap_or(&none);
    steps.servers(goal, existing);
    steps.schemas(goal, existing, wanted.is_some());
    steps.enums(goal, existing);
    let replaced = steps.tables(goal, existing);
    steps.unions(goal, existing, &replaced);
    let mut statements = Vec::new();
    if wanted.is_some() && !has_wrapper {
        statements.push(render::create_extension());
    }
    let Steps { changes, .. } = &mut steps;
    let changes = std::mem::take(changes);
    statements.extend(steps.in_order());
    if wanted.is_none() && existing.extension.is_some_and(|it| !it.is_shared) {
        statements.push(render::drop_extension());
    }
    Difference {
        changes,
        statements,
    }
}

impl Steps {
    fn in_order(self) -> impl Iterator<Item = String> {
        let drops = [
            self.drop_unions,
            self.drop_tables,
            self.drop_enums,
            self.drop_schemas,
            self.drop_servers,
        ];
        let creates = [
            self.servers,
            self.schemas,
            self.enums,
            self.tables,
            self.unions,
        ];
        drops.into_iter().chain(creates).flatten()
    }

    fn say(&mut self, object: &str, reason: impl Into<String>) {
        self.changes.push(Change {
            object: one_line(object),
            reason: one_line(&reason.into()),
        });
    }

    fn servers(&mut self, wanted: &Wanted, existing: &Existing) {
        for server in &wanted.servers {
            let object = format!("server {}", server.name);
            let Some(found) = existing.servers.get(&server.name) else {
                self.say(&object, "missing");
                self.servers.push(render::create_server(server));
                continue;
            };
            if found.options != server.options {
                self.say(&object, "its options are not those of the connection");
                self.servers
                    .push(render::alter_server(server, &found.options));
            }
            if let Some(user) = &found.user
                && *user != server.mapping.user
            {
                self.say(
                    &object,
                    format!("the hub logs in as {user}, not as {}", server.mapping.user),
                );
                self.servers.push(render::alter_user(server));
            }
        }
        let names: BTreeSet<_> = wanted.servers.iter().map(|it| &it.name).collect();
        for (name, found) in &existing.servers {
            if !names.contains(name) {
                self.say(&format!("server {name}"), "no longer has shards");
                self.drop_servers
                    .push(render::drop_server(name, &found.role));
            }
        }
    }

    fn schemas(&mut self, wanted: &Wanted, existing: &Existing, has_unions: bool) {
        let mut own = Vec::new();
        if has_unions {
            own.push(ALL_SHARDS.to_owned());
        }
        if (wanted.unions.iter()).any(|union| union.kind() == UnionKind::Partitioned) {
            own.push(BY_SERVER.to_owned());
        }
        let names: Vec<_> = wanted.schemas.iter().chain(&own).collect();
        for name in &names {
            if !existing.schemas.contains_key(*name) {
                self.say(&format!("schema {name}"), "missing");
                self.schemas.push(render::create_schema(name));
            }
        }
        let names: BTreeSet<_> = names.into_iter().collect();
        for name in existing.schemas.keys().filter(|name| !names.contains(name)) {
            self.say(&format!("schema {name}"), "this shard is gone");
            self.drop_schemas.push(render::drop_schema(name));
        }
    }

    fn enums(&mut self, wanted: &Wanted, existing: &Existing) {
        for own in &wanted.enums {
            let found = existing.enums.get(&own.name);
            let reason = match found {
                Some(labels) if *labels == own.labels => continue,
                Some(_) => "its labels were changed",
                None => "missing",
            };
            self.say(&format!("type {}", own.qualified()), reason);
            self.enums.push(own.create(MARK));
        }
        for (name, labels) in &existing.enums {
            let mut wanted = wanted.enums.iter();
            if !wanted.any(|it| it.name == *name && it.labels == *labels) {
                self.say(&format!("type {ALL_SHARDS}.{name}"), "no longer needed");
                self.drop_enums
                    .push(format!("DROP TYPE {ALL_SHARDS}.{name}"));
            }
        }
    }

    /// Returns the schemas and names of those that a union cannot keep reading.
    fn tables(&mut self, wanted: &Wanted, existing: &Existing) -> BTreeSet<(String, String)> {
        let mut replaced = BTreeSet::new();
        let mut kept = BTreeSet::new();
        for table in &wanted.tables {
            let key = (table.schema.clone(), table.name.clone());
            let found = existing.tables.get(&key);
            let reason = match found {
                None => Some("missing".to_owned()),
                Some(found) => outdated(table, found),
            };
            if let Some(reason) = reason {
                self.say(&foreign_table(&key), reason);
                if found.is_some() {
                    self.drop_tables.push(render::drop_table(&key.0, &key.1));
                    replaced.insert(key.clone());
                }
                self.tables.push(render::create_table(table));
            }
            kept.insert(key);
        }
        for key in existing.tables.keys().filter(|key| !kept.contains(key)) {
            self.say(&foreign_table(key), "its table is gone, or cannot be read");
            self.drop_tables.push(render::drop_table(&key.0, &key.1));
            replaced.insert(key.clone());
        }
        replaced
    }

    fn unions(
        &mut self,
        wanted: &Wanted,
        existing: &Existing,
        replaced: &BTreeSet<(String, String)>,
    ) {
        let replaced: BTreeSet<_> = replaced.iter().map(|(_, name)| name).collect();
        let mut kept = BTreeSet::new();
        for union in &wanted.unions {
            let object = union_object(&union.name, union.kind());
            let found = existing.unions.get(&union.name);
            let is_current = found.is_some_and(|found| is_as_made(union, found, existing))
                && !(union.kind() == UnionKind::View && replaced.contains(&union.name));
            if !is_current {
                if let Some(found) = found {
                    self.say(&object, "does not have its tables as they are");
                    self.drop_unions
                        .push(render_unions::drop_union(&union.name, found.kind));
                } else {
                    self.say(&object, "missing");
                }
                self.unions.push(render_unions::create_union(union));
            }
            kept.insert(&union.name);
        }
        for (name, found) in existing
            .unions
            .iter()
            .filter(|(name, _)| !kept.contains(name))
        {
            self.say(&union_object(name, found.kind), "its tables are gone");
            self.drop_unions
                .push(render_unions::drop_union(name, found.kind));
        }
    }
}

fn is_as_made(union: &Union, found: &ExistingUnion, existing: &Existing) -> bool {
    let are_partitions_as_made = union.partitions.iter().all(|partition| {
        let found = existing.partitions.get(&partition.table.name);
        found.is_some_and(|found| outdated(&partition.table, found).is_none())
    });
    found.digest == render_unions::digest(union) && are_partitions_as_made
}

fn union_object(name: &str, kind: UnionKind) -> String {
    match kind {
        UnionKind::View => format!("view {ALL_SHARDS}.{name}"),
        UnionKind::Partitioned => format!("table {ALL_SHARDS}.{name}"),
    }
}

fn foreign_table((schema, name): &(String, String)) -> String {
    format!("foreign table {schema}.{name}")
}
