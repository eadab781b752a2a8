//! What the manifest of an export records of the databases that it read.

use futures::future::try_join_all;

use super::prepare::{Prepared, PreparedDatabase};
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::exec::plan::Plan;
use crate::export::server_info::{DatabaseInfo, ServerInfo};
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;

/// What each database reports.
pub struct ServerInfos(Vec<(Option<Database>, ServerInfo)>);

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
        first.ok_or(Error::NoDatabases("reachable".to_owned()))
    }

    /// Asks every server about itself, its snapshot, and the sizes of these shards.
    ///
    /// # Errors
    /// If a server does not answer.
    pub async fn server_infos(&self, shards: &[Shard]) -> Result<ServerInfos, Error> {
        let infos = self.databases.iter().map(|database| async {
            let session = &database.preflight.session;
            let mut info = session_setup::fetch_server_info(session, &database.plan).await?;
            // The progress estimate must not include shards that are not queried.
            info.shard_rows
                .retain(|shard, _| shards.binary_search(shard).is_ok());
            Ok::<_, Error>((database.target.database, info))
        });
        Ok(ServerInfos(try_join_all(infos).await?))
    }
}

impl ServerInfos {
    /// Of the first database, with the sizes of the shards in all.
    pub fn all(&self) -> ServerInfo {
        let first = self.0.first();
        let mut all = first.map(|(_, info)| info.clone()).unwrap_or_default();
        for (_, info) in &self.0 {
            all.shard_rows.extend(&info.shard_rows);
        }
        all
    }

    /// Each, if there are several.
    pub fn several(self) -> Vec<DatabaseInfo> {
        let databases = self.0.into_iter();
        let several = databases.filter_map(|(database, info)| {
            Some(DatabaseInfo {
                database: database?,
                info,
            })
        });
        several.collect()
    }
}
