//! Reads the shape of all shards, with one statement if the server has room for its locks.

use super::shape::Shape;
use crate::cli::drift::ComparedArgs;
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::session::{InspectSession, array_sql};
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::shard::Shard;

/// Which objects come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Those that not all shards have alike.
    Differing,
    All,
    /// This table and its parts.
    Table(&'a str),
}

impl Scope<'_> {
    /// What is read of each shard, so that the shapes of several groups of shards can be united.
    fn without_comparison(self) -> Self {
        match self {
            Self::Differing => Self::All,
            other => other,
        }
    }
}

/// The shape of the session's shards.
///
/// A view takes a lock, and one for each relation that it reads, and a server has room for 6,400
/// unless it is configured otherwise. If that is too little, statements over fewer shards follow.
pub async fn shape(
    session: &InspectSession<'_>,
    compared: &ComparedArgs,
    scope: Scope<'_>,
) -> Result<Shape, InspectError> {
    let scope = match session.database() {
        Some(_) => scope.without_comparison(),
        None => scope,
    };
    let mut rest = session.shards();
    let mut at_once = rest.len();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (shards, behind) = rest.split_at(at_once.min(rest.len()));
        let is_whole = shards.len() == session.shards().len();
        let scope = if is_whole {
            scope
        } else {
            scope.without_comparison()
        };
        match part(session, shards, compared, scope).await {
            Err(error) if error.is_out_of_locks() && at_once > 1 => at_once = at_once.div_ceil(2),
            Ok(shape) if is_whole => return Ok(shape),
            shape => {
                parts.push(shape?);
                rest = behind;
            }
        }
    }
    Ok(Shape::union(parts))
}

async fn part(
    session: &InspectSession<'_>,
    shards: &[Shard],
    compared: &ComparedArgs,
    scope: Scope<'_>,
) -> Result<Shape, InspectError> {
    let sql = statement(session.version, shards, compared, scope);
    let rows = match session.query(&sql).await {
        // A table was locked after the locks were listed; now it is on the list.
        Err(error) if error.is_lock_timeout() => session.query(&sql).await?,
        rows => rows?,
    };
    Ok(Shape::new(rows, shards))
}

fn statement(version: u32, shards: &[Shard], compared: &ComparedArgs, scope: Scope<'_>) -> String {
    let sql = |is_on: bool| if is_on { "true" } else { "false" };
    let compression = match version {
        140_000.. => {
            "CASE WHEN a.attcompression <> '' THEN 'COMPRESSION ' || a.attcompression::text END"
        }
        _ => "NULL",
    };
    let (published, published_schemas) = match version {
        150_000.. => (
            include_str!("../../../../sql/inspect/published_table.sql"),
            include_str!("../../../../sql/inspect/published_schemas.sql"),
        ),
        _ => ("''", ""),
    };
    let [published, published_schemas] =
        [published, published_schemas].map(|part| sql_template::fill(part, &[]));
    let relation = match scope {
        Scope::Table(name) => format!("c.relname = {}", Literal(name)),
        _ => "true".to_owned(),
    };
    sql_template::fill(
        include_str!("../../../../sql/inspect/drift.sql"),
        &[
            ("shards", &array_sql(shards)),
            ("compression", compression),
            ("published", &published),
            ("published_schemas", &published_schemas),
            ("owners", sql(!compared.no_owner)),
            ("privileges", sql(!compared.no_privileges)),
            ("comments", sql(!compared.no_comments)),
            ("differs", sql(scope != Scope::Differing)),
            ("relation", &relation),
            ("whole", sql(!matches!(scope, Scope::Table(_)))),
        ],
    )
}
