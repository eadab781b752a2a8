//! The connections of one run: at most as many as requested, all to the same server.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Connect, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError,
};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::{CancelToken, Client, CopyOutStream, Error, Statement};

use super::connect::{self, Connected};
use super::endpoint::Endpoint;
use super::error::ConnectError;
use super::link::{CLOSING, ConnectionTask, Link, cancel_until, process_id};
use super::password_prompt;
use super::patience::Silence;
use super::wire::Wire;
use crate::client::notices::Notices;
use crate::config::{Host, HostPlace, Settings};

/// A server and a bounded number of connections to it.
#[derive(Clone)]
pub struct ConnectionPool {
    pool: Pool,
    dialer: Arc<Dialer>,
}

/// The first open connection, and those still connecting.
pub struct PoolStart {
    pub server: ConnectionPool,
    pub first: Connection,
    pub pending_connections: Vec<PendingConnection>,
    /// The error of a connection that failed before the first one succeeded.
    pub refused: Option<ConnectError>,
    /// How long somebody typed a password.
    pub typing: Duration,
}

/// A connection that is being opened while others are already in use.
pub type PendingConnection = JoinHandle<Result<Connection, ConnectError>>;

/// A response to something that was already sent.
pub type Sent<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Resolves to the rows of a COPY once the server starts to send them.
pub type CopyOutFuture = Sent<Pin<Box<CopyOutStream>>>;

/// An open connection. Dropping it closes it and rolls back its transaction.
pub struct Connection {
    client: Arc<Slot>,
    link: Arc<Link>,
    dialer: Arc<Dialer>,
    wire: Wire,
}

impl ConnectionPool {
    /// Does not connect yet.
    ///
    /// # Errors
    /// The pool cannot be set up.
    pub fn new(settings: Settings, connections: usize) -> Result<Self, ConnectError> {
        let dialer = Arc::new(Dialer {
            settings,
            reached: OnceLock::new(),
            superuser: OnceLock::new(),
            drivers: Mutex::default(),
            wires: Mutex::default(),
            closing: OnceLock::new(),
        });
        let connector = Connector(Arc::clone(&dialer));
        let config = tokio_postgres::Config::new();
        let manager = Manager::from_connect(config, connector, ManagerConfig::default());
        let pool = Pool::builder(manager)
            .max_size(connections)
            .pre_recycle(Hook::sync_fn(|_, _| {
                Err(HookError::message("a connection is not used twice"))
            }))
            .build()
            .map_err(|error| ConnectError::internal(error.to_string()))?;
        Ok(Self { pool, dialer })
    }

    /// Starts to open connections, up to that number, and returns once the first is open. Prompts
    /// for a password if needed.
    ///
    /// # Errors
    /// Why no connection could be opened.
    pub async fn open(settings: Settings, connections: usize) -> Result<PoolStart, ConnectError> {
        let mut typing = Duration::ZERO;
        let ask = |prompt: &str| {
            let asked = Instant::now();
            let typed = password_prompt::read_password(prompt);
            typing = asked.elapsed();
            typed
        };
        let opened = password_prompt::connect_with_prompt(
            settings,
            ask,
            async |settings: Settings| {
                Self::new(settings, connections)?
                    .connect_first(connections)
                    .await
            },
        );
        let opened = opened.await?;
        Ok(PoolStart { typing, ..opened })
    }

    async fn connect_first(self, connections: usize) -> Result<PoolStart, ConnectError> {
        let at_once = connections.min(match self.settings().hosts() {
            [host] => match host.place() {
                // A small job is done before more backends have started: on two cores, 128 quick
                // queries took 35 ms with two connections and 39 with four. Over a network, open
                // all at once: later is a few round trips later.
                HostPlace::Socket(_) => 2,
                HostPlace::Tcp { .. } => usize::MAX,
            },
            // The first connection decides which host the others use.
            _ => 1,
        });
        let mut opening: FuturesUnordered<_> =
            (0..at_once).map(|_| self.pending_connection()).collect();
        let mut refused = None;
        while let Some(opened) = opening.next().await {
            match opened {
                Ok(Ok(first)) => {
                    return Ok(PoolStart {
                        pending_connections: opening.into_iter().collect(),
                        server: self,
                        first,
                        refused,
                        typing: Duration::ZERO,
                    });
                }
                Ok(Err(error)) => refused = refused.or(Some(error)),
                Err(panicked) => refused = Some(ConnectError::internal(panicked.to_string())),
            }
        }
        Err(refused
            .unwrap_or_else(|| ConnectError::internal("no connection was asked for".to_owned())))
    }

    pub fn pending_connection(&self) -> PendingConnection {
        let server = self.clone();
        tokio::spawn(async move { server.connection().await })
    }

    /// The maximum number of connections.
    pub fn connections(&self) -> usize {
        self.pool.status().max_size
    }

    pub fn settings(&self) -> &Settings {
        &self.dialer.settings
    }

    /// Whether the server has reported this user to be a superuser.
    pub fn is_superuser(&self) -> bool {
        self.dialer.superuser.get() == Some(&true)
    }

    /// Opens a connection as soon as the pool has room.
    ///
    /// # Errors
    /// Why the server could not be reached.
    pub async fn connection(&self) -> Result<Connection, ConnectError> {
        let link = Arc::new(Link::default());
        let client = OPENING.scope(Arc::clone(&link), self.pool.get()).await;
        let client = client.map_err(|error| match (link.take_refusal(), error) {
            (Some(refusal), _) => refusal,
            (None, PoolError::Closed) => {
                ConnectError::internal("the server is being closed".to_owned())
            }
            (None, other) => ConnectError::internal(other.to_string()),
        })?;
        let wire = link.wire.get().cloned().unwrap_or_default();
        self.dialer.wires().push(wire.clone());
        Ok(Connection {
            client: Arc::new(Slot {
                client,
                _closer: Closer(self.pool.clone()),
            }),
            link,
            dialer: Arc::clone(&self.dialer),
            wire,
        })
    }

    /// Takes the notices of all connections; each is returned once.
    pub fn take_notices(&self) -> Notices {
        let mut notices = Notices::default();
        for wire in self.dialer.wires().iter() {
            notices.extend(wire.take_notices());
        }
        notices
    }

    /// The first connection's silence that exceeded its limit.
    pub fn silence(&self) -> Option<Silence> {
        self.dialer
            .drivers()
            .iter()
            .find_map(|driver| driver.link.silence())
    }

    /// Closes all connections that are not in use: cancels what still runs and says goodbye, since
    /// otherwise the server logs an unexpected EOF. Bounded, even if the server does not react.
    pub async fn close(&self) {
        self.pool.close();
        let drivers = std::mem::take(&mut *self.dialer.drivers());
        let deadline = self.dialer.closing();
        let cancel = |token| self.dialer.cancel(token);
        let ends = drivers
            .into_iter()
            .map(|driver| driver.end(deadline, cancel));
        futures::future::join_all(ends).await;
    }
}

impl Connection {
    pub fn client(&self) -> &Client {
        &self.client.client
    }

    /// Prepares a statement. Sent when first polled, so that other messages can follow at once.
    pub fn prepare(&self, sql: String) -> Sent<Statement> {
        let client = Arc::clone(&self.client);
        Box::pin(async move { Client::prepare(&client.client, &sql).await })
    }

    /// Runs a COPY. Sent when first polled, so that other messages can follow at once.
    pub fn copy_out(&self, copy: Statement) -> CopyOutFuture {
        let client = Arc::clone(&self.client);
        Box::pin(async move { client.client.copy_out(&copy).await.map(Box::pin) })
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The host that answered.
    pub fn host(&self) -> Option<&Host> {
        self.dialer.reached.get().map(Endpoint::host)
    }

    /// The pid reported at connection start; behind a pooler, another process serves the queries.
    pub fn process_id(&self) -> Option<i32> {
        self.link.process_id.get().copied()
    }

    /// Sets how long the server may be silent while it owes a response.
    pub fn wait_at_most(&self, limit: Option<Duration>) {
        if let Some(patience) = self.link.patience.get() {
            patience.set(limit);
        }
    }

    pub fn silence(&self) -> Option<Silence> {
        self.link.silence()
    }

    /// From now on, closing the connection must cancel what runs on it.
    pub fn mark_busy(&self) {
        self.link.is_busy.store(true, Ordering::Relaxed);
    }

    /// Nothing is left that would need to be cancelled.
    pub fn mark_done(&self) {
        self.link.is_busy.store(false, Ordering::Relaxed);
    }

    /// Sends cancel requests until `ended`, or until the closing deadline.
    pub async fn cancel_until(&self, ended: impl Future<Output = ()>) {
        let Some(token) = self.link.token.get() else {
            return;
        };
        let cancel = || self.dialer.cancel(token.clone());
        // If it fails, [`ConnectionPool::close`] reports it.
        let _ = cancel_until(ended, self.dialer.closing(), cancel).await;
    }

    /// Closes the connection at once, without waiting for responses.
    pub fn discard(self) {
        if let Some(driver) = self.link.driver.get() {
            driver.abort();
        }
    }
}

/// A place in the pool. A connection is never reused, since it may be in a transaction: the fields
/// drop in this order, back into the pool and then out of it.
struct Slot {
    client: Object,
    _closer: Closer,
}

struct Closer(Pool);

impl Drop for Closer {
    fn drop(&mut self) {
        drop(self.0.retain(|_, _| false));
    }
}

tokio::task_local! {
    /// The connection that the pool is opening for this task.
    static OPENING: Arc<Link>;
}

struct Connector(Arc<Dialer>);

type ConnectionOpening<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Connector {
    fn connect(&self, _: &tokio_postgres::Config) -> ConnectionOpening<'_> {
        Box::pin(async {
            let link = OPENING.with(Arc::clone);
            match self.0.open(Arc::clone(&link)).await {
                // The pool aborts the task it is given before the connection could say goodbye, so
                // it gets an empty one.
                Ok(client) => Ok((client, tokio::spawn(async {}))),
                Err(refusal) => {
                    link.refuse(refusal);
                    Err(placeholder())
                }
            }
        })
    }
}

/// deadpool-postgres passes on only tokio-postgres's errors, which cannot be constructed from ours.
/// Our error travels through the [`Link`]; this one is never shown.
fn placeholder() -> Error {
    loop {
        if let Err(error) = "not a setting".parse::<tokio_postgres::Config>() {
            return error;
        }
    }
}

/// Opens connections and keeps track of them.
struct Dialer {
    settings: Settings,
    /// Where the first connection arrived. All others go to the same server, because only that one
    /// has the run's snapshot.
    reached: OnceLock<Endpoint>,
    /// Whether the first connection's user is a superuser, as the server reports.
    superuser: OnceLock<bool>,
    drivers: Mutex<Vec<ConnectionTask>>,
    /// One per connection ever opened.
    wires: Mutex<Vec<Wire>>,
    /// The closing deadline, once closing has begun.
    closing: OnceLock<Instant>,
}

/// The silence limit until [`Connection::wait_at_most`] sets another.
const UNTIL_TOLD: Duration = Duration::from_secs(125);

impl Dialer {
    /// Connects inside the connection's own task, so that [`ConnectionPool::close`] knows of it
    /// from the start.
    async fn open(self: &Arc<Self>, link: Arc<Link>) -> Result<Client, ConnectError> {
        let (sender, opened) = oneshot::channel();
        let task = {
            let (dialer, link) = (Arc::clone(self), Arc::clone(&link));
            async move {
                match dialer.dial().await {
                    Ok(connected) => {
                        let token = connected.client.cancel_token();
                        if let Some(id) = process_id(&token).await {
                            link.process_id.get_or_init(|| id);
                        }
                        link.token.get_or_init(|| token);
                        connected.patience.set(Some(UNTIL_TOLD));
                        link.patience.get_or_init(|| connected.patience);
                        link.wire.get_or_init(|| connected.wire);
                        // If the receiver is gone, this closes the connection.
                        drop(sender.send(Ok(connected.client)));
                        // Its errors reach whoever waits for a response.
                        drop(connected.connection.await);
                    }
                    Err(error) => drop(sender.send(Err(error))),
                }
            }
        };
        let task = tokio::spawn(task);
        link.driver.get_or_init(|| task.abort_handle());
        self.drivers().push(ConnectionTask { task, link });
        opened.await.unwrap_or_else(|_| {
            Err(ConnectError::internal(
                "a connection ended early".to_owned(),
            ))
        })
    }

    async fn dial(&self) -> Result<Connected, ConnectError> {
        let connected = match self.reached.get() {
            Some(endpoint) => connect::connect_to(&self.settings, endpoint).await?,
            None => connect::connect(&self.settings).await?,
        };
        self.reached.get_or_init(|| connected.endpoint.clone());
        self.superuser.get_or_init(|| connected.wire.is_superuser());
        Ok(connected)
    }

    /// Sends one request. Its success shows on the cancelled connection.
    async fn cancel(&self, token: CancelToken) {
        if let Some(endpoint) = self.reached.get() {
            let _ = connect::cancel(&self.settings, endpoint, &token).await;
        }
    }

    /// The deadline for closing; starts when first called.
    fn closing(&self) -> Instant {
        *self.closing.get_or_init(|| Instant::now() + CLOSING)
    }

    fn wires(&self) -> std::sync::MutexGuard<'_, Vec<Wire>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drivers(&self) -> std::sync::MutexGuard<'_, Vec<ConnectionTask>> {
        self.drivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
