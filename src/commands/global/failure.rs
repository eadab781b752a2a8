//! Why a global query cannot be answered, with hints from a look at the server.

use tokio_postgres::error::SqlState;

use crate::client::{ConnectionPool, ServerError};
use crate::commands::error::Error;
use crate::exec::explanation::Explanations;
use crate::exec::fanout::{Session, ShardError};
use crate::exec::hints;
use crate::exec::lock_holders::{self, WaitedIn};
use crate::exec::plan::Plan;
use crate::exec::unknown_name::UnknownName;
use crate::global::{self, ExecutionPlan, PrepareError};
use crate::sharding::layout::Layout;
use crate::sharding::shard::Shard;

/// The query; or why it is refused, with the nearest name if a name was not found.
pub(super) async fn or_explanation(
    prepared: Result<global::Prepared, PrepareError>,
    session: &Session,
    plan: &Plan,
) -> Result<global::Prepared, Error> {
    let mut refused = match prepared {
        Ok(prepared) => return Ok(prepared),
        Err(refused) => refused,
    };
    if let PrepareError::Server(report) = &mut refused
        && let Some(hint) = hint(report, session, plan).await
    {
        report.advise(&hint);
    }
    Err(Error::global(refused, &plan.statement))
}

/// What a look at the server tells of a statement that could not be prepared.
async fn hint(report: &ServerError, session: &Session, plan: &Plan) -> Option<String> {
    // The failed check has aborted the transaction.
    if report.code == SqlState::LOCK_NOT_AVAILABLE {
        session.recover().await.ok()?;
        let holders = lock_holders::hint(session.connection(), WaitedIn::Anywhere).await;
        return Some(holders.unwrap_or_else(|| hints::LOCKED.to_owned()));
    }
    let unknown = UnknownName::of(report, &plan.statement)?;
    session.recover().await.ok()?;
    let found = unknown
        .candidates(session.connection(), &plan.layout, &[])
        .await?;
    found.hint(&unknown, &plan.search_path.with_default())
}

pub(super) async fn timeout_hint(
    shard: Shard,
    error: &ShardError,
    layout: &Layout,
    server: &ConnectionPool,
) -> String {
    match error {
        ShardError::Server(report) if report.code == SqlState::QUERY_CANCELED => {
            hints::cancelled_hint(report).to_owned()
        }
        _ => lock_holders::hint_on_new_connection(server, WaitedIn::Shards(&[shard], layout))
            .await
            .unwrap_or_else(|| hints::LOCKED.to_owned()),
    }
}

/// Why there is no answer, with positions in the user's text where possible.
pub(in crate::commands) fn failure(
    mut error: ShardError,
    explained: &Explanations,
    execution: &ExecutionPlan,
    plan: &Plan,
) -> Error {
    let hint = explained.of(&error);
    if let ShardError::Server(report) = &mut error {
        if report.code == SqlState::LOCK_NOT_AVAILABLE {
            report.advise(hint.as_deref().unwrap_or(hints::LOCKED));
        }
        if report.code == SqlState::QUERY_CANCELED {
            report.advise(hints::cancelled_hint(report));
        } else if report.code == SqlState::CHARACTER_NOT_IN_REPERTOIRE {
            report.advise(hints::NOT_UTF8);
        }
    }
    match (error, execution) {
        (ShardError::Server(report), ExecutionPlan::SingleStatement(checked, _)) => {
            Error::global(checked.refused(plan, report), &plan.statement)
        }
        (error, _) => Error::Incomplete(error),
    }
}
