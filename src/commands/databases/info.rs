//! What the manifest of an export records of the databases that it read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;

use super::prepare::{Prepared, PreparedDatabase};
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::exec::fanout::Session;
use crate::exec::plan::Plan;
use crate::export::server_info::{DatabaseInfo, ServerInfo};
use crate::sharding::shard::Shard;

/// What is known of several databases once they were opened, some of them in the middle of a run.
#[derive(Clone, Default)]
pub struct DatabaseInfos(Arc<Mutex<Vec<DatabaseInfo>>>);

impl Prepared {
    /// Has every server parse the statement as COPY accepts it. Returns the plan of the first.
    ///
    /// # Errors
    /// If COPY does not accept it.
    pub async fn prepare_copy(&mut self) -> Result<Plan, Error> {
        let prepared = self.databases.iter_mut().map(|database| async {
            let PreparedDatabase {
                plan, preflight, ..
            } = database;
            *plan = session_setup::prepare_copy(&mut preflight.session, plan).await?;
            Ok::<_, Error>(plan.clone())
        });
        let plans = try_join_all(prepared).await?;
        let first = plans.into_iter().next();
        let first = first.ok_or(Error::NoneReachable)?;
        for later in &mut self.later {
            later.plan.statement = first.statement.clone();
        }
        Ok(first)
    }

    /// Asks every server about itself, its snapshot, and the sizes of these shards. Returns what
    /// the first one says, with the sizes of the shards in all.
    ///
    /// # Errors
    /// If a server does not answer.
    pub async fn server_info(&self, shards: &[Shard]) -> Result<ServerInfo, Error> {
        let infos = self.databases.iter().map(|database| async {
            let mut info = info_of(&database.preflight.session, &database.plan).await?;
            // The progress estimate must not include shards that are not queried.
            info.shard_rows
                .retain(|shard, _| shards.binary_search(shard).is_ok());
            Ok::<_, Error>((database.target.database, info))
        });
        let infos = try_join_all(infos).await?;
        let mut all = infos
            .first()
            .map(|(_, info)| info.clone())
            .unwrap_or_default();
        for (database, info) in infos {
            all.shard_rows.extend(&info.shard_rows);
            if let Some(database) = database {
                self.infos.add(DatabaseInfo { database, info });
            }
        }
        Ok(all)
    }
}

/// What a database reports of its server and its snapshot.
///
/// # Errors
/// If it does not answer.
pub async fn info_of(session: &Session, plan: &Plan) -> Result<ServerInfo, Error> {
    session_setup::fetch_server_info(session, plan).await
}

impl DatabaseInfos {
    /// Of those that were opened so far, in order.
    pub fn so_far(&self) -> Vec<DatabaseInfo> {
        let mut infos = self.list().clone();
        infos.sort_by_key(|info| info.database);
        infos
    }

    pub fn add(&self, info: DatabaseInfo) {
        self.list().push(info);
    }

    fn list(&self) -> MutexGuard<'_, Vec<DatabaseInfo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
