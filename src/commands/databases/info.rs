//! What the manifest of an export records of the databases that it read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::exec::fanout::Session;
use crate::exec::plan::Plan;
use crate::export::server_info::{DatabaseInfo, ServerInfo};

/// What is known of several databases once they were opened, some of them in the middle of a run.
#[derive(Clone, Default)]
pub struct DatabaseInfos {
    list: Arc<Mutex<Vec<DatabaseInfo>>>,
    /// How far apart the snapshots are at most, if that is known.
    pub snapshots_within: Option<Duration>,
}

/// What a database reports of its server and its snapshot.
///
/// # Errors
/// If it does not answer.
pub async fn info_of(session: &Session, plan: &Plan) -> Result<ServerInfo, Error> {
    session_setup::fetch_server_info(session, plan).await
}

impl DatabaseInfos {
    pub fn within(snapshots_within: Option<Duration>) -> Self {
        Self {
            snapshots_within,
            ..Self::default()
        }
    }

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
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
