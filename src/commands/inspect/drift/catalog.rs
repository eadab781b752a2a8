//! Reads the shape of all shards, with one statement.

use super::shape::Shape;
use crate::cli::drift::ComparedArgs;
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::session::InspectSession;
use crate::pg::sql_template;

/// Which objects come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that not all shards have alike.
    Differing,
    All,
}

/// The shape of the session's shards.
pub async fn shape(
    session: &InspectSession,
    compared: &ComparedArgs,
    scope: Scope,
) -> Result<Shape, InspectError> {
    let sql = statement(session, compared, scope);
    let rows = match session.query(&sql).await {
        // A table was locked after the locks were listed; now it is on the list.
        Err(error) if error.is_lock_timeout() => session.query(&sql).await?,
        rows => rows?,
    };
    Ok(Shape::new(rows, session.shards()))
}

fn statement(session: &InspectSession, compared: &ComparedArgs, scope: Scope) -> String {
    let sql = |is_on: bool| if is_on { "true" } else { "false" };
    let compression = match session.version {
        140_000.. => {
            "CASE WHEN a.attcompression <> '' THEN 'COMPRESSION ' || a.attcompression::text END"
        }
        _ => "NULL",
    };
    sql_template::fill(
        include_str!("../../../../sql/inspect/drift.sql"),
        &[
            ("shards", &session.shards_sql()),
            ("compression", compression),
            ("owners", sql(!compared.no_owner)),
            ("privileges", sql(!compared.no_privileges)),
            ("comments", sql(!compared.no_comments)),
            ("differs", sql(scope == Scope::All)),
        ],
    )
}
