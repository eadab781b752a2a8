//! Reads the catalog once, in the run's transaction: the tables that a statement may name, in all
//! shards, and what the functions that it calls do.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio_postgres::SimpleQueryRow;

use super::objects::Objects;
use super::own_types;
use super::relation::{ColumnShape, InheritedTable, Relation};
use super::string_names::{self, Functions};
use super::united::UnitedTables;
use crate::client::Connection;
use crate::exec::fanout::{
    FanoutError, OpenTransaction, Preflight, Session, open_early, parse_opening, result_rows,
};
use crate::exec::plan::{Plan, TableName};
use crate::exec::type_names::{FIRST_USER_OID, TypeNames};
use crate::pg::lexer::{Encoding, StringSyntax};
use crate::pg::query_text::Text;
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;

/// The names that a statement may refer to.
#[derive(Debug, Clone, Default)]
pub struct ReferencedNames {
    tables: BTreeSet<String>,
    /// In string constants.
    strings: BTreeSet<String>,
    functions: BTreeSet<String>,
}

impl ReferencedNames {
    /// Names that may be tables.
    pub fn tables(self) -> BTreeSet<String> {
        self.tables
    }

    /// The union over one or more readings of a text.
    pub fn by(readings: &[(&Text<'_>, StringSyntax)]) -> Self {
        let mut wanted = Self::default();
        for (text, strings) in readings {
            wanted
                .tables
                .extend(text.table_names().into_iter().map(str::to_owned));
            wanted.strings.extend(string_names::names(text, *strings));
            wanted
                .functions
                .extend(string_names::functions(text).into_iter().map(str::to_owned));
        }
        wanted
    }
}

pub struct Introspection {
    /// The run's open transaction, and every shard of the database.
    pub preflight: Preflight,
    /// The relations that the statement may name.
    pub relations: Vec<Relation>,
    pub inherited: Vec<InheritedTable>,
    /// The shards' objects that string constants may name.
    pub objects: Objects,
    pub functions: Functions,
    pub strings: StringSyntax,
    pub encoding: Encoding,
    /// `server_version_num`, e.g. 150018.
    pub version: u32,
    /// `array_nulls` is off: NULL in an array's text is read as the string "NULL".
    pub array_nulls_off: bool,
    /// Tables of a hub that have the rows of all shards.
    pub united: UnitedTables,
}

impl Introspection {
    /// Sends one message that opens the plan's transaction, unless it is open, and reads the catalog
    /// for these names.
    pub async fn take(
        connection: Connection,
        plan: &Plan,
        wanted: &ReferencedNames,
        open: Option<OpenTransaction>,
    ) -> Result<Self, FanoutError> {
        connection.mark_busy();
        connection.begin_transaction();
        connection.wait_at_most(plan.limits.patience_at_first());
        let (locked, listed) = open_early(&connection, plan, open).await?;
        let catalog_sql = catalog_sql(plan, wanted);
        let message = |locked: &[TableName]| match listed {
            Some(_) => format!("{};\n{catalog_sql}", plan.rest_of_preflight()),
            None => format!("{};\n{catalog_sql}", plan.preflight(locked)),
        };
        let client = &connection;
        let began = Instant::now();
        let answers = match client.simple_query(&message(&locked)).await {
            // Without the locks, conflicting changes can still be detected afterwards.
            Err(error)
                if listed.is_none() && !locked.is_empty() && error.as_db_error().is_some() =>
            {
                client.simple_query(&message(&[])).await
            }
            answers => answers,
        };
        let answers = answers.map_err(|error| FanoutError::setup_failed(&error))?;
        let round_trip = began.elapsed();

        let mut results = result_rows(&answers).into_iter();
        let has_settings = listed.is_none();
        let (snapshot, shards) = parse_opening(plan, listed, &mut results);
        if has_settings {
            let _ = results.next();
        }
        let [server, relations] = std::array::from_fn(|_| results.next().unwrap_or_default());
        let mut if_asked = |names: &BTreeSet<String>| {
            let is_queried = !names.is_empty();
            is_queried
                .then(|| results.next())
                .flatten()
                .unwrap_or_default()
        };
        let functions = if_asked(&wanted.functions);
        let objects = if_asked(&wanted.strings);
        let inherited = if relations.iter().any(|row| row.get(4) == Some("t")) {
            inherited(&connection, plan, wanted).await?
        } else {
            Vec::new()
        };
        let mut tables: Vec<_> = relations
            .into_iter()
            .filter_map(|row| relation(row, &plan.layout))
            .collect();
        own_types::complete(&mut tables, &plan.layout, &connection).await?;
        let setting = |column| server.first().and_then(|row| row.get(column));
        Ok(Self {
            preflight: Preflight {
                session: Session::after_preflight(connection, snapshot),
                shards,
                types: TypeNames::default(),
                round_trip,
            },
            relations: tables,
            inherited,
            objects: Objects::of(&objects),
            functions: Functions::of(&functions),
            strings: match setting(0) {
                Some("off") => StringSyntax::BackslashEscapes,
                _ => StringSyntax::StandardConforming,
            },
            encoding: setting(3).map(Encoding::named).unwrap_or_default(),
            version: setting(1).and_then(|v| v.parse().ok()).unwrap_or_default(),
            array_nulls_off: setting(2) == Some("off"),
            united: UnitedTables::new(),
        })
    }
}

/// The statements that read the catalog for these names.
fn catalog_sql(plan: &Plan, wanted: &ReferencedNames) -> String {
    let mut catalog_sql = vec![
        sql_template::fill(include_str!("../../sql/global/server.sql"), &[]),
        sql_template::fill(
            include_str!("../../sql/global/relations.sql"),
            &[
                ("names", &array(wanted.tables.iter())),
                ("is_shard", &plan.layout.condition()),
                ("first_user_oid", &FIRST_USER_OID.to_string()),
            ],
        ),
    ];
    if !wanted.functions.is_empty() {
        catalog_sql.push(sql_template::fill(
            include_str!("../../sql/global/functions.sql"),
            &[("names", &array(wanted.functions.iter()))],
        ));
    }
    if !wanted.strings.is_empty() {
        catalog_sql.push(sql_template::fill(
            include_str!("../../sql/global/objects.sql"),
            &[
                ("names", &array(wanted.strings.iter())),
                ("is_shard", &plan.layout.condition()),
            ],
        ));
    }
    catalog_sql.join(";\n")
}

pub(super) fn array<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| Literal(name).to_string()).collect();
    format!("ARRAY[{}]::pg_catalog.name[]", names.join(", "))
}

/// Costs a round trip, so only done when a table has inheritance at all, which is rare.
async fn inherited(
    connection: &Connection,
    plan: &Plan,
    wanted: &ReferencedNames,
) -> Result<Vec<InheritedTable>, FanoutError> {
    let sql = sql_template::fill(
        include_str!("../../sql/global/inheritance_overlap.sql"),
        &[
            ("names", &array(wanted.tables.iter())),
            ("is_shard", &plan.layout.condition()),
        ],
    );
    let answers = connection.simple_query(&sql).await;
    let answers = answers.map_err(|error| FanoutError::setup_failed(&error))?;
    let rows = result_rows(&answers).into_iter().flatten();
    Ok(rows
        .filter_map(|row| {
            Some(InheritedTable {
                table: row.get(0)?.to_owned(),
                shard: plan.layout.shard(row.get(1)?)?,
                of: plan.layout.shard(row.get(2)?)?,
            })
        })
        .collect())
}

fn relation(row: &SimpleQueryRow, layout: &Layout) -> Option<Relation> {
    let columns: Vec<(String, String, String, String)> = serde_json::from_str(row.get(2)?).ok()?;
    let schemas: Vec<String> = serde_json::from_str(&format!("[{}]", row.get(3)?)).ok()?;
    let shards = schemas.iter().filter_map(|schema| layout.shard(schema));
    let mut shards: Vec<_> = shards.collect();
    shards.sort_unstable();
    Some(Relation {
        name: row.get(0)?.to_owned(),
        kind: row.get(1)?.chars().next()?,
        columns: columns
            .into_iter()
            .map(|(name, type_name, identity, collation)| ColumnShape {
                name,
                type_name,
                identity,
                collation,
            })
            .collect(),
        shards,
    })
}
