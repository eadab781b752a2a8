//! Connections that outlive a run: those of a shell, in which one run follows another. Between runs
//! they are idle, outside of any transaction, and without locks. Nothing else of the process knows
//! about them: a run takes its connections from its pool as ever.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use deadpool_postgres::{Object, Pool, StatementCache};
use futures::future::join_all;
use tokio::time::timeout;

use super::link::Link;
use crate::config::Settings;
use crate::pg::sql_template::fill;

/// Per process, like its connections; set by whatever runs several statements.
static KEPT: OnceLock<Mutex<Vec<KeptPool>>> = OnceLock::new();

/// Connections to each database that are lent for longer than a run.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// As long as it lives, one connection to each database is lent, beside those of runs.
#[derive(Debug)]
pub struct Held(());

impl Held {
    pub fn one() -> Self {
        HELD.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long an idle connection may take to close.
const GOODBYE: Duration = Duration::from_millis(200);

/// A connection that the pool knows by its statement cache.
type KnownLink = (Weak<StatementCache>, Arc<Link>);

/// The connections to one database.
#[derive(Clone)]
pub(super) struct KeptPool {
    settings: Settings,
    pub pool: Pool,
    links: Arc<Mutex<Vec<KnownLink>>>,
}

/// From now on, connections are kept.
pub fn keep_connections() {
    KEPT.get_or_init(Mutex::default);
}

/// Closes those that have not been used for so long.
pub fn close_idle(limit: Duration) {
    for kept in all() {
        drop(kept.pool.retain(|_, metrics| metrics.last_used() < limit));
    }
}

/// Whether some were lost that no run has replaced yet.
pub fn have_lost_some() -> bool {
    all().iter().any(KeptPool::has_lost_some)
}

/// How many databases have connections that are kept.
pub fn databases() -> usize {
    KEPT.get().map_or(0, |all| lock(all).len())
}

/// Closes those to all databases but the first so many.
pub fn close_beyond(databases: usize) {
    if let Some(all) = KEPT.get() {
        let mut all = lock(all);
        let kept = databases.min(all.len());
        for other in all.drain(kept..) {
            other.pool.close();
        }
    }
}

/// Closes all of them, and waits until they are.
pub async fn close_kept() {
    let kept = all();
    for kept in &kept {
        kept.pool.close();
    }
    let links = kept.iter().flat_map(|kept| lock(&kept.links).clone());
    let closed = links.map(|(_, link)| async move { link.closed.cancelled().await });
    // The server notices otherwise.
    let _ = timeout(GOODBYE, join_all(closed)).await;
}

fn all() -> Vec<KeptPool> {
    KEPT.get().map(|all| lock(all).clone()).unwrap_or_default()
}

/// The connections to this database, if connections are kept. `new` makes their pool.
pub(super) fn pool<E>(
    settings: &Settings,
    new: impl FnOnce() -> Result<Pool, E>,
) -> Option<Result<KeptPool, E>> {
    let mut all = lock(KEPT.get()?);
    if let Some(known) = all.iter().find(|it| it.settings.is_same_server(settings)) {
        return Some(Ok(known.clone()));
    }
    Some(new().map(|pool| {
        let kept = KeptPool {
            settings: settings.clone(),
            pool,
            links: Arc::default(),
        };
        all.push(kept.clone());
        kept
    }))
}

/// The settings with which this database was opened before: they share the password that was typed.
pub(super) fn known_settings(settings: Settings) -> Settings {
    let known = all().into_iter().map(|kept| kept.settings);
    let mut known = known.filter(|it| it.is_same_server(&settings));
    known.next().unwrap_or(settings)
}

impl KeptPool {
    /// The state of a connection that an earlier run had. `None` if it is new.
    pub fn earlier(&self, client: &Object) -> Option<Arc<Link>> {
        let key = Arc::downgrade(&client.statement_cache);
        let mut links = lock(&self.links);
        links.retain(|(key, _)| key.strong_count() > 0);
        let mut links = links.iter();
        let found = links.find(|(known, _)| known.ptr_eq(&key));
        found.map(|(_, link)| Arc::clone(link))
    }

    /// Whether the server, or the network, has closed some meanwhile.
    pub fn has_lost_some(&self) -> bool {
        let links = lock(&self.links);
        let is_lost = |(key, link): &(Weak<StatementCache>, Arc<Link>)| {
            key.strong_count() > 0 && link.closed.is_cancelled()
        };
        links.iter().any(is_lost)
    }

    /// Makes room for this many connections of a run.
    pub fn make_room(&self, connections: usize) {
        let most = self.pool.status().max_size;
        let needed = connections + HELD.load(Ordering::Relaxed);
        self.pool.resize(most.max(needed));
    }

    pub fn remember(&self, client: &Object, link: &Arc<Link>) {
        let key = Arc::downgrade(&client.statement_cache);
        lock(&self.links).push((key, Arc::clone(link)));
    }
}

/// Leaves a connection to the next run, once what was sent on it is answered and its transaction is
/// over.
pub(super) fn release(client: Arc<Object>, link: Arc<Link>) {
    // Without a runtime, the process ends.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let template = if link.in_transaction.load(Ordering::Relaxed) {
        include_str!("../../sql/session/end_transaction.sql")
    } else {
        include_str!("../../sql/session/release.sql")
    };
    let sql = fill(template, &[]);
    runtime.spawn(async move {
        match client.simple_query(&sql).await {
            // Back in the pool before anybody hears of it.
            Ok(_) if !link.is_cancelled.load(Ordering::Relaxed) => drop(client),
            // Says goodbye.
            Ok(_) => match Arc::into_inner(client) {
                Some(client) => drop(Object::take(client)),
                None => link.abort(),
            },
            Err(_) => link.abort(),
        }
        link.released.cancel();
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
