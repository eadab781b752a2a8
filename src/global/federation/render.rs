//! The SQL of a hub's objects. Every name has its schema, so that no search path matters; every
//! object gets the comment by which `--drop` knows it.

use std::collections::BTreeMap;

use super::existing::MARK;
use super::objects::{Column, ForeignServer, ForeignTable, UserMapping};
use crate::pg::quote::{Identifier, Literal};
use crate::text::escape::one_line;

/// A transaction on the hub, for psql: it stops at the first error.
pub fn hub_script(statements: &[String]) -> String {
    format!("\\set ON_ERROR_STOP on\n{}", transaction(statements))
}

/// A transaction on a server. psql goes back to where it was connected before.
pub fn server_script(place: &str, conninfo: &str, statements: &[String]) -> String {
    let quoted = conninfo.replace('"', "\"\"");
    format!(
        "-- on {}\n\\set ON_ERROR_STOP on\n\\connect -reuse-previous=off \"{quoted}\"\n{}",
        one_line(place),
        transaction(statements)
    )
}

fn transaction(statements: &[String]) -> String {
    let statements = statements.join(";\n");
    format!("BEGIN;\n{statements};\nCOMMIT;\n")
}

/// Extensions are created in the first schema of the search path; everything after them has none.
pub fn create_extension() -> String {
    let mark = Literal(MARK);
    format!(
        "SET LOCAL search_path TO public;\n\
         CREATE EXTENSION postgres_fdw;\n\
         COMMENT ON EXTENSION postgres_fdw IS {mark};\n\
         SET LOCAL search_path TO ''"
    )
}

pub fn drop_extension() -> String {
    "DROP EXTENSION postgres_fdw".to_owned()
}

pub fn create_server(server: &ForeignServer) -> String {
    let name = Identifier(&server.name);
    let UserMapping {
        role,
        user,
        options,
    } = &server.mapping;
    let mut options = options.clone();
    options.insert("user".to_owned(), user.clone());
    let comment = format!("{MARK}: {role}");
    format!(
        "CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw\n    OPTIONS ({});\n\
         COMMENT ON SERVER {name} IS {};\n\
         CREATE USER MAPPING FOR {} SERVER {name} OPTIONS ({})",
        listed(&server.options),
        Literal(&comment),
        Identifier(role),
        listed(&options)
    )
}

/// Changes the options of a server that others depend on.
pub fn alter_server(server: &ForeignServer, before: &BTreeMap<String, String>) -> String {
    let mut changes = Vec::new();
    for (name, value) in &server.options {
        match before.get(name) {
            None => changes.push(format!("ADD {}", option(name, value))),
            Some(old) if old != value => changes.push(format!("SET {}", option(name, value))),
            Some(_) => {}
        }
    }
    let gone = before
        .keys()
        .filter(|name| !server.options.contains_key(*name));
    changes.extend(gone.map(|name| format!("DROP {}", Identifier(name))));
    let name = Identifier(&server.name);
    format!("ALTER SERVER {name} OPTIONS ({})", changes.join(", "))
}

pub fn alter_user(server: &ForeignServer) -> String {
    let UserMapping { role, user, .. } = &server.mapping;
    format!(
        "ALTER USER MAPPING FOR {} SERVER {} OPTIONS (SET {})",
        Identifier(role),
        Identifier(&server.name),
        option("user", user)
    )
}

pub fn drop_server(name: &str, role: &str) -> String {
    let (name, role) = (Identifier(name), Identifier(role));
    format!("DROP USER MAPPING IF EXISTS FOR {role} SERVER {name};\nDROP SERVER {name}")
}

pub fn create_schema(name: &str) -> String {
    let (name, mark) = (Identifier(name), Literal(MARK));
    format!("CREATE SCHEMA {name};\nCOMMENT ON SCHEMA {name} IS {mark}")
}

pub fn drop_schema(name: &str) -> String {
    format!("DROP SCHEMA {}", Identifier(name))
}

pub fn create_table(table: &ForeignTable) -> String {
    let name = qualified(&table.schema, &table.name);
    let columns = definitions(&table.columns);
    format!(
        "CREATE FOREIGN TABLE {name} ({columns})\n    {}",
        on_server(table)
    )
}

/// Where a foreign table is, and its comment.
pub fn on_server(table: &ForeignTable) -> String {
    format!(
        "SERVER {} OPTIONS ({});\nCOMMENT ON FOREIGN TABLE {} IS {}",
        Identifier(&table.server),
        listed(&table.options()),
        qualified(&table.schema, &table.name),
        Literal(MARK)
    )
}

/// Columns as CREATE TABLE takes them.
pub fn definitions(columns: &[Column]) -> String {
    let columns = columns.iter().map(|column| {
        let collation = match column.collation.as_str() {
            "" => String::new(),
            collation => format!(" COLLATE {collation}"),
        };
        format!(
            "{} {}{collation}",
            Identifier(&column.name),
            column.type_name
        )
    });
    columns.collect::<Vec<_>>().join(", ")
}

pub fn drop_table(schema: &str, name: &str) -> String {
    format!("DROP FOREIGN TABLE {}", qualified(schema, name))
}

impl ForeignTable {
    pub fn options(&self) -> BTreeMap<String, String> {
        let options = [
            ("schema_name", self.remote_schema.clone()),
            ("table_name", self.remote_name.clone()),
        ];
        options.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

/// The UNION ALL of SELECTs, in levels, as the single statement of `query -g` has them: Postgres's
/// planner processes each arm against all arms of its level (1,024 shards 92 ms instead of 364).
pub fn in_levels(arms: &[String]) -> String {
    let arms_of_a_level = arms.len().isqrt().max(16);
    let levels: Vec<_> = arms
        .chunks(arms_of_a_level)
        .map(|arms| arms.join("\nUNION ALL "))
        .collect();
    if let [level] = &levels[..] {
        return level.clone();
    }
    let levels: Vec<_> = levels
        .iter()
        .map(|level| format!("SELECT * FROM ({level}) AS level"))
        .collect();
    levels.join("\nUNION ALL ")
}

pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", Identifier(schema), Identifier(name))
}

fn listed(options: &BTreeMap<String, String>) -> String {
    let options: Vec<_> = options
        .iter()
        .map(|(name, value)| option(name, value))
        .collect();
    options.join(", ")
}

fn option(name: &str, value: &str) -> String {
    format!(
        "{} {}",
        Identifier(name),
        Literal(value).to_string().trim_start()
    )
}
