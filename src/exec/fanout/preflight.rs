//! The one round trip before the shards are read: the server's parser checks the statement, the
//! snapshot is taken, and the shards are listed. It uses the connection that becomes the first
//! worker.

use std::time::{Duration, Instant};

use tokio_postgres::SimpleQueryRow;
use tokio_postgres::error::SqlState;

use super::listed::{OpenTransaction, list_shards};
use super::results::{exported, results};
use super::session::{Exported, Session};
use super::{FanoutError, error};
use crate::client::{Connection, ServerError};
use crate::exec::plan::{ChildTables, Consistency, Plan, TableName};
use crate::exec::type_names::TypeNames;
use crate::pg::sql_template;
use crate::sharding::discovered::Discovered;

pub struct Preflight {
    pub session: Session,
    /// Every shard of the database, and schemas that look like one.
    pub shards: Discovered,
    /// Names of user-defined types, if the statement may return any.
    pub types: TypeNames,
    /// Duration of the preflight: a round trip and the server's work.
    pub round_trip: Duration,
}

impl Preflight {
    /// Sends three messages together: the probe (in its own transaction, so that an error in it
    /// does not cost the snapshot), the check of the statement, and the run's transaction with the
    /// catalog query. If the run's transaction is open already, all are in it.
    pub async fn take(
        connection: Connection,
        plan: &Plan,
        open: Option<OpenTransaction>,
    ) -> Result<Self, FanoutError> {
        connection.mark_busy();
        connection.begin_transaction();
        connection.wait_at_most(plan.limits.patience_at_first());
        let client = &connection;
        let (locked, listed) = open_early(&connection, plan, open).await?;
        let preflight = match &listed {
            Some(_) => plan.rest_of_preflight(),
            None => plan.preflight(&locked),
        };
        let probe = match &listed {
            Some(_) => plan.probe_in_transaction(),
            None => plan.probe(),
        };
        let began = Instant::now();
        let (probed, checked, opened) = futures::join!(
            client.simple_query(&probe),
            client.prepare(plan.statement.as_str().to_owned()),
            client.simple_query(&preflight),
        );
        let round_trip = began.elapsed();

        // In a failed transaction the check proves nothing, not even that the statement returns
        // rows.
        probed.map_err(|error| FanoutError::setup_failed(&error))?;
        let verdict = classify_result(&checked)?;
        let opened = match opened {
            // Without the locks, a rewrite is not prevented but still detected.
            Err(error)
                if listed.is_none() && !locked.is_empty() && error.as_db_error().is_some() =>
            {
                client.simple_query(&plan.preflight(&[])).await
            }
            opened => opened,
        };
        let opened = opened.map_err(|error| FanoutError::setup_failed(&error))?;
        let mut results = results(&opened).into_iter();
        let (snapshot, shards) = parse_opening(plan, listed, &mut results);

        let types = match verdict {
            ResultTypes::Builtin => TypeNames::default(),
            ResultTypes::UserDefined(names) => types(&connection, plan, Some(&names)).await?,
            ResultTypes::Unresolved => types(&connection, plan, None).await?,
        };
        Ok(Self {
            session: Session::after_preflight(connection, snapshot),
            shards,
            types,
            round_trip,
        })
    }
}

/// The tables to lock when the run's transaction is opened, and that transaction if it is open by
/// now: it was before, or the user's statement lists the shards in it.
pub(crate) async fn open_early(
    connection: &Connection,
    plan: &Plan,
    open: Option<OpenTransaction>,
) -> Result<(Vec<TableName>, Option<OpenTransaction>), FanoutError> {
    if open.is_some() {
        return Ok((Vec::new(), open));
    }
    let locked = lockable_tables(connection, plan).await?;
    let listed = list_shards(connection, plan, &locked).await?;
    Ok((locked, listed))
}

/// The tables of [`Plan::lock`] that exist, to be locked before the snapshot is taken. An empty
/// list costs no round trip.
pub(crate) async fn lockable_tables(
    connection: &Connection,
    plan: &Plan,
) -> Result<Vec<TableName>, FanoutError> {
    if plan.lock.is_empty() {
        return Ok(Vec::new());
    }
    let sql = plan.lockable_tables();
    let rows = connection.simple_query(&sql).await;
    let rows = rows.map_err(|error| FanoutError::setup_failed(&error))?;
    Ok(results(&rows)
        .into_iter()
        .flatten()
        .filter_map(|row| {
            Some(TableName {
                schema: row.get(0)?.to_owned(),
                name: row.get(1)?.to_owned(),
            })
        })
        .collect())
}

/// Parses the results that every run begins with: the snapshot (if shared, and not known from
/// listing the shards), then the shards.
pub(crate) fn parse_opening<'a>(
    plan: &Plan,
    listed: Option<OpenTransaction>,
    results: &mut impl Iterator<Item = Vec<&'a SimpleQueryRow>>,
) -> (Option<Exported>, Discovered) {
    let exported = match (listed, plan.instant) {
        (Some(listed), _) => listed.snapshot,
        (None, Consistency::SharedSnapshot) => results.next().and_then(|rows| exported(&rows)),
        (None, Consistency::PerShard) => None,
    };
    let schemas = results.next().unwrap_or_default();
    let snapshot = exported.map(|exported| Exported {
        child_tables: match schemas.first().and_then(|row| row.get(1)) {
            Some("t") => ChildTables::Present,
            _ => ChildTables::Absent,
        },
        ..exported
    });
    let mut shards = Discovered::new(&plan.layout, schemas.iter().filter_map(|row| row.get(0)));
    let lacking = schemas.iter().filter(|row| row.get(2) == Some("f"));
    let lacking = lacking.filter_map(|row| plan.layout.shard(row.get(0)?));
    shards.without_table = lacking.collect();
    shards.without_table.sort_unstable();
    (snapshot, shards)
}

/// What is known about the column types.
enum ResultTypes {
    Builtin,
    /// Types of these names, which each shard may define differently.
    UserDefined(Vec<String>),
    /// Unknown in the probed shard; other shards may tell.
    Unresolved,
}

/// Interprets the check of the statement. The server parsed it on its own, so it is exactly one
/// statement and cannot affect the SQL around it.
fn classify_result(
    checked: &Result<tokio_postgres::Statement, tokio_postgres::Error>,
) -> Result<ResultTypes, FanoutError> {
    match checked {
        Ok(statement) if statement.columns().is_empty() => Err(FanoutError::NotAQuery),
        Ok(statement) => {
            let custom: Vec<_> = statement
                .columns()
                .iter()
                .filter(|column| column.type_().oid() >= crate::exec::type_names::FIRST_USER_OID)
                .map(|column| column.type_().name().to_owned())
                .collect();
            Ok(if custom.is_empty() {
                ResultTypes::Builtin
            } else {
                ResultTypes::UserDefined(custom)
            })
        }
        Err(error) => match error.as_db_error() {
            None => Err(FanoutError::Lost(error::cause(error))),
            Some(report) if ServerError::is_fatal(report) => Err(FanoutError::setup_failed(error)),
            Some(report) if !is_about_the_statement(report.code()) => {
                Err(FanoutError::setup_failed(error))
            }
            Some(report) if report.code() == &SqlState::SYNTAX_ERROR => {
                // Only this syntax error does not come from the grammar. Its text depends on the
                // server's language.
                Err(match report.routine() {
                    Some("exec_parse_message") => FanoutError::SeveralStatements,
                    _ => FanoutError::Statement(ServerError::new(report, 0)),
                })
            }
            // The probed shard may lack a table, for example. Other shards report for themselves.
            Some(_) => Ok(ResultTypes::Unresolved),
        },
    }
}

/// Whether an error shows that the statement was analyzed. If the server was short of something or
/// the probe had failed, the statement is unchecked: it could return no rows, and such statements
/// are not all read-only (`COPY … TO`).
fn is_about_the_statement(code: &SqlState) -> bool {
    /// Invalid transaction state, insufficient resources, operator intervention, system error,
    /// internal error.
    const NOT: [&str; 5] = ["25", "53", "57", "58", "XX"];
    !NOT.iter().any(|class| code.code().starts_with(class))
}

async fn types(
    connection: &Connection,
    plan: &Plan,
    names: Option<&[String]>,
) -> Result<TypeNames, FanoutError> {
    use crate::pg::quote::Literal;

    let names = match names {
        None => "NULL::pg_catalog.name[]".to_owned(),
        Some(names) => {
            let names: Vec<_> = names.iter().map(|name| Literal(name).to_string()).collect();
            format!("ARRAY[{}]::pg_catalog.name[]", names.join(", "))
        }
    };
    let sql = sql_template::fill(
        include_str!("../../../sql/exec/types.sql"),
        &[("names", &names)],
    );
    let rows = connection
        .simple_query(&sql)
        .await
        .map_err(|error| FanoutError::setup_failed(&error))?;
    let mut types = TypeNames::default();
    for row in results(&rows).into_iter().flatten() {
        if let (Some(Ok(oid)), Some(schema), Some(name)) =
            (row.get(0).map(str::parse), row.get(1), row.get(2))
        {
            // Every shard has its own type of that name.
            let name = match plan.layout.shard(schema) {
                Some(_) => name.to_owned(),
                None => format!("{schema}.{name}"),
            };
            types.add(oid, name);
        }
    }
    Ok(types)
}
