//! The connections of one run: never more than asked for, all to one server.

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

/// One server, and a bounded number of connections to it.
#[derive(Clone)]
pub struct ConnectionPool {
    pool: Pool,
    dialer: Arc<Dialer>,
}

/// A server with a first connection, and more on their way.
pub struct PoolStart {
    pub server: ConnectionPool,
    pub first: Connection,
    pub spares: Vec<PendingConnection>,
    /// Why a connection that was tried before the first one could not be had.
    pub refused: Option<ConnectError>,
}

/// A connection that is being opened while others are used already.
pub type PendingConnection = JoinHandle<Result<Connection, ConnectError>>;

/// What was sent already, and whose answer is yet to be read.
pub type Sent<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// The lines of a COPY, once the server has begun to send them.
pub type CopyOutFuture = Sent<Pin<Box<CopyOutStream>>>;

/// One open connection. Dropping it closes it, and with it the transaction that all
/// that is done on it is done in.
pub struct Connection {
    client: Arc<Slot>,
    link: Arc<Link>,
    dialer: Arc<Dialer>,
    wire: Wire,
}

impl ConnectionPool {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// If the pool cannot be set up.
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

    /// Opens a server, for up to so many connections: asks for some of them at
    /// once, and returns with the first that stands. The password is asked for if
    /// need be.
    ///
    /// # Errors
    /// Why not one of them could be had.
    pub async fn open(settings: Settings, connections: usize) -> Result<PoolStart, ConnectError> {
        password_prompt::connect_with_prompt(
            settings,
            password_prompt::read_password,
            async |settings: Settings| {
                Self::new(settings, connections)?
                    .connect_first(connections)
                    .await
            },
        )
        .await
    }

    async fn connect_first(self, connections: usize) -> Result<PoolStart, ConnectError> {
        let at_once = connections.min(match self.settings().hosts() {
            [host] => match host.place() {
                // A small job is done before more backends have started: on two
                // cores, 128 quick queries took 35 ms with two connections and 39
                // with four. Over a network, all have to be asked for at once, for
                // later is a few round trips later.
                HostPlace::Socket(_) => 2,
                HostPlace::Tcp { .. } => usize::MAX,
            },
            // The first connection decides for all.
            _ => 1,
        });
        let mut opening: FuturesUnordered<_> = (0..at_once).map(|_| self.spare()).collect();
        let mut refused = None;
        while let Some(opened) = opening.next().await {
            match opened {
                Ok(Ok(first)) => {
                    return Ok(PoolStart {
                        spares: opening.into_iter().collect(),
                        server: self,
                        first,
                        refused,
                    });
                }
                Ok(Err(error)) => refused = refused.or(Some(error)),
                Err(panicked) => refused = Some(ConnectError::internal(panicked.to_string())),
            }
        }
        Err(refused
            .unwrap_or_else(|| ConnectError::internal("no connection was asked for".to_owned())))
    }

    pub fn spare(&self) -> PendingConnection {
        let server = self.clone();
        tokio::spawn(async move { server.connection().await })
    }

    /// How many connections there can be at most.
    pub fn connections(&self) -> usize {
        self.pool.status().max_size
    }

    pub fn settings(&self) -> &Settings {
        &self.dialer.settings
    }

    /// Whether it is known to take us for a superuser.
    pub fn is_superuser(&self) -> bool {
        self.dialer.superuser.get() == Some(&true)
    }

    /// A new connection, as soon as there is room for one.
    ///
    /// # Errors
    /// What kept the server from being reached.
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

    /// Takes what was said on the connections beside answers. Nobody is told twice.
    pub fn take_notices(&self) -> Notices {
        let mut notices = Notices::default();
        for wire in self.dialer.wires().iter() {
            notices.extend(wire.take_notices());
        }
        notices
    }

    /// The silence of the server, if it was too long on any connection.
    pub fn silence(&self) -> Option<Silence> {
        self.dialer
            .drivers()
            .iter()
            .find_map(|driver| driver.link.silence())
    }

    /// Closes what nobody holds any more, cancels what still runs there, and waits
    /// until the server has been told. Without it the server's log would blame us
    /// for an unexpected EOF. A server that does not react is not waited for.
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

    /// Has a statement parsed. Sent when first polled, so that others can follow it at
    /// once.
    pub fn prepare(&self, sql: String) -> Sent<Statement> {
        let client = Arc::clone(&self.client);
        Box::pin(async move { Client::prepare(&client.client, &sql).await })
    }

    /// Runs a COPY. Sent when first polled, so that others can follow it at once.
    pub fn copy_out(&self, copy: Statement) -> CopyOutFuture {
        let client = Arc::clone(&self.client);
        Box::pin(async move { client.client.copy_out(&copy).await.map(Box::pin) })
    }

    /// What is said on it beside answers.
    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Which of the hosts answered.
    pub fn host(&self) -> Option<&Host> {
        self.dialer.reached.get().map(Endpoint::host)
    }

    /// The server's process, as connecting has told; behind a pooler, another serves us.
    pub fn process_id(&self) -> Option<i32> {
        self.link.process_id.get().copied()
    }

    /// For how long the server may say nothing when it owes an answer.
    pub fn wait_at_most(&self, limit: Option<Duration>) {
        if let Some(patience) = self.link.patience.get() {
            patience.set(limit);
        }
    }

    /// The server's silence, if it was too long.
    pub fn silence(&self) -> Option<Silence> {
        self.link.silence()
    }

    /// From now on, what runs here has to be cancelled when the run ends.
    pub fn mark_busy(&self) {
        self.link.is_busy.store(true, Ordering::Relaxed);
    }

    /// All that had to be cancelled is answered.
    pub fn mark_done(&self) {
        self.link.is_busy.store(false, Ordering::Relaxed);
    }

    /// Has the server cancel what runs here until it has ended, or it takes too long.
    pub async fn cancel_until(&self, ended: impl Future<Output = ()>) {
        let Some(token) = self.link.token.get() else {
            return;
        };
        let cancel = || self.dialer.cancel(token.clone());
        // What goes on for too long is for whoever closes the server to tell.
        let _ = cancel_until(ended, self.dialer.closing(), cancel).await;
    }

    /// Closes the connection at once, without waiting for what it owes.
    pub fn discard(self) {
        if let Some(driver) = self.link.driver.get() {
            driver.abort();
        }
    }
}

/// A place in the pool. A connection is not used twice, since it may be in a transaction:
/// it goes back to the pool, which closes it, in this order.
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
    /// The connection that the pool is being asked for.
    static OPENING: Arc<Link>;
}

/// Opens the pool's connections.
struct Connector(Arc<Dialer>);

type ConnectionOpening<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Connector {
    fn connect(&self, _: &tokio_postgres::Config) -> ConnectionOpening<'_> {
        Box::pin(async {
            let link = OPENING.with(Arc::clone);
            match self.0.open(Arc::clone(&link)).await {
                // The pool aborts the task that it is given before the connection has
                // said goodbye, so it gets one that has nothing to do.
                Ok(client) => Ok((client, tokio::spawn(async {}))),
                Err(refusal) => {
                    link.refuse(refusal);
                    Err(placeholder())
                }
            }
        })
    }
}

/// deadpool-postgres lets no errors through but tokio-postgres's own, which cannot be made
/// from ours. Ours goes by way of the link, and this one is shown to nobody.
fn placeholder() -> Error {
    loop {
        if let Err(error) = "not a setting".parse::<tokio_postgres::Config>() {
            return error;
        }
    }
}

/// Opens connections, and remembers where they went.
struct Dialer {
    settings: Settings,
    /// Where the first connection arrived. All others go to the same server,
    /// since only there is the run's snapshot.
    reached: OnceLock<Endpoint>,
    /// Whether the first connection's user is a superuser, as the server reports it.
    superuser: OnceLock<bool>,
    drivers: Mutex<Vec<ConnectionTask>>,
    /// Of every connection that there was.
    wires: Mutex<Vec<Wire>>,
    /// Until when it has to be closed, once that has begun.
    closing: OnceLock<Instant>,
}

/// How long a server may say nothing to those who have not said how long.
const UNTIL_TOLD: Duration = Duration::from_secs(125);

impl Dialer {
    /// The connection is made in its driver's task, so that [`ConnectionPool::close`] knows
    /// of it from the beginning.
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
                        // Nobody may want it any more; it is closed then.
                        drop(sender.send(Ok(connected.client)));
                        // Its errors reach whoever waits for an answer.
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

    /// Asks once. Whether it helps, the connection that is cancelled tells.
    async fn cancel(&self, token: CancelToken) {
        if let Some(endpoint) = self.reached.get() {
            let _ = connect::cancel(&self.settings, endpoint, &token).await;
        }
    }

    /// The deadline of all that is left to do, from the first time that it is asked for.
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
