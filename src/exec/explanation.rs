//! Hints about why shards failed, from one look at the server after a run: the nearest name to one
//! that was not found, the sessions that hold a lock.

use tokio_postgres::error::SqlState;

use crate::client::{Connection, ConnectionPool};
use crate::exec::cancel::Interrupt;
use crate::exec::failures::Failures;
use crate::exec::fanout::{Session, ShardError};
use crate::exec::lock_holders::{self, PATIENCE, WaitedIn};
use crate::exec::plan::Plan;
use crate::exec::unknown_name::UnknownName;
use crate::sharding::layout::Layout;
use crate::sharding::search_path::SearchPath;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;

/// Hints for the failures of a run.
#[derive(Debug, Default)]
pub struct Explanations(Vec<(ShardError, String)>);

impl Explanations {
    /// The hint for this failure.
    pub fn of(&self, error: &ShardError) -> Option<String> {
        let found = self.0.iter().find(|(explained, _)| explained == error);
        found.map(|(_, hint)| hint.clone())
    }

    /// Adds those of another database.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

/// What a look at the server needs to know of the run.
#[derive(Debug, Clone)]
pub(crate) struct FailureLookup {
    /// The statement run per shard. `None` for a single statement over all shards, whose names are
    /// explained where it is prepared.
    statement: Option<Statement>,
    layout: Layout,
    search_path: SearchPath,
}

/// Reasons and their shards.
type Reasons<'a> = Vec<(&'a ShardError, Vec<Shard>)>;

impl FailureLookup {
    pub fn new(plan: &Plan) -> Self {
        Self {
            statement: Some(plan.statement.clone()),
            layout: plan.layout.clone(),
            search_path: plan.search_path.clone(),
        }
    }

    /// For a single statement over all shards.
    #[must_use]
    pub fn over_all_shards(self) -> Self {
        Self {
            statement: None,
            ..self
        }
    }

    /// Takes a connection of `server`; a run's session may hold the only one. Shards whose schema
    /// this user may not use get that as their reason.
    pub async fn explain(
        &self,
        failures: &mut Failures,
        server: &ConnectionPool,
        interrupt: &Interrupt,
    ) -> Explanations {
        let lookup = tokio::time::timeout(PATIENCE, self.lookup(failures, server));
        tokio::select! {
            found = lookup => found.ok().flatten().unwrap_or_default(),
            () = interrupt.requested() => Explanations::default(),
        }
    }

    /// `None` if there is nothing to explain, or no connection.
    async fn lookup(
        &self,
        failures: &mut Failures,
        server: &ConnectionPool,
    ) -> Option<Explanations> {
        let reasons = self.reasons(failures);
        let unknown = self.unknown_name(&reasons);
        if unknown.is_none() && !reasons.iter().any(|(error, _)| is_lock_timeout(error)) {
            return None;
        }
        let connection = server.connection().await.ok()?;
        let place = |shards| match self.statement {
            Some(_) => WaitedIn::Shards(shards, &self.layout),
            None => WaitedIn::Anywhere,
        };
        let mut hints = lock_hints(&reasons, &connection, place).await;
        if let Some((error, name, shards)) = unknown
            && let Some(found) = name.candidates(&connection, &self.layout, &shards).await
        {
            failures.replace(&found.denied, &error, &ShardError::SchemaDenied);
            let hint = found.hint(&name, &self.search_path);
            hints.extend(hint.map(|hint| (error, hint)));
        }
        Some(Explanations(hints))
    }

    /// The reasons of this database's shards.
    fn reasons<'a>(&self, failures: &'a Failures) -> Reasons<'a> {
        let own = |shards: &[Shard]| {
            let shards = shards.iter().copied();
            shards
                .filter(|shard| shard.database() == self.layout.of_database())
                .collect()
        };
        let reasons = failures.reasons();
        let reasons = reasons.map(|(error, shards)| (error, own(shards)));
        reasons
            .filter(|(_, shards): &(_, Vec<_>)| !shards.is_empty())
            .collect()
    }

    /// The first name that was not found, and where.
    fn unknown_name(&self, reasons: &Reasons<'_>) -> Option<(ShardError, UnknownName, Vec<Shard>)> {
        let statement = self.statement.as_ref()?;
        reasons.iter().find_map(|(error, shards)| match error {
            ShardError::Server(report) => {
                let unknown = UnknownName::of(report, statement)?;
                Some(((*error).clone(), unknown, shards.clone()))
            }
            _ => None,
        })
    }
}

/// Who holds the locks that shards waited for. The last statement of the session may have failed.
pub(crate) async fn of_locks(
    failures: &Failures,
    session: &Session,
    layout: &Layout,
) -> Explanations {
    if session.recover().await.is_err() {
        return Explanations::default();
    }
    let place = |shards| WaitedIn::Shards(shards, layout);
    let reasons = failures.reasons();
    let reasons = reasons.map(|(error, shards)| (error, shards.to_vec()));
    Explanations(lock_hints(&reasons.collect(), session.connection(), place).await)
}

async fn lock_hints<'a>(
    reasons: &'a Reasons<'_>,
    connection: &Connection,
    place: impl Fn(&'a [Shard]) -> WaitedIn<'a>,
) -> Vec<(ShardError, String)> {
    let mut hints = Vec::new();
    for (error, shards) in reasons {
        if is_lock_timeout(error) {
            let hint = lock_holders::hint(connection, place(shards)).await;
            hints.extend(hint.map(|hint| ((*error).clone(), hint)));
        }
    }
    hints
}

fn is_lock_timeout(error: &ShardError) -> bool {
    matches!(error, ShardError::Server(report) if report.code == SqlState::LOCK_NOT_AVAILABLE)
}
