//! The connections of one run: never more than asked for, all to one server.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod,
};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, CopyOutStream, NoTls, Statement};

use super::dial::{self, Connected};
use super::endpoint::Endpoint;
use super::error::ConnectError;
use super::prompt;
use crate::settings::{Host, Place, Settings};

/// One server, and a bounded number of connections to it.
#[derive(Clone)]
pub struct Server {
    pool: Pool,
    dialer: Arc<Dialer>,
}

/// A server with a first connection, and more on their way.
pub struct Opened {
    pub server: Server,
    pub first: Connection,
    pub spares: Vec<Spare>,
    /// Why a connection that was tried before the first one could not be had.
    pub refused: Option<ConnectError>,
}

/// A connection that is being opened while others are used already.
pub type Spare = JoinHandle<Result<Connection, ConnectError>>;

/// The lines of a COPY, once the server has begun to send them.
pub type Copied =
    Pin<Box<dyn Future<Output = Result<Pin<Box<CopyOutStream>>, tokio_postgres::Error>> + Send>>;

/// One open connection. All that is done on it is done inside a transaction, so
/// the pool's `ROLLBACK` takes back whatever one borrower left for the next.
pub struct Connection {
    client: Arc<Object>,
    dialer: Arc<Dialer>,
}

impl Server {
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
        });
        let manager = Manager::from_connect(
            tokio_postgres::Config::new(),
            Dial(Arc::clone(&dialer)),
            ManagerConfig {
                recycling_method: RecyclingMethod::Custom("ROLLBACK".to_owned()),
            },
        );
        let pool = Pool::builder(manager)
            .max_size(connections)
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
    pub async fn open(settings: Settings, connections: usize) -> Result<Opened, ConnectError> {
        prompt::asking(settings, prompt::at_terminal, async |settings: Settings| {
            Self::new(settings, connections)?
                .first_of(connections)
                .await
        })
        .await
    }

    async fn first_of(self, connections: usize) -> Result<Opened, ConnectError> {
        let at_once = connections.min(match self.settings().hosts() {
            [host] => match host.place() {
                // A small job is done before more backends have started: on two
                // cores, 128 quick queries took 35 ms with two connections and 39
                // with four. Over a network, all have to be asked for at once, for
                // later is a few round trips later.
                Place::Socket(_) => 2,
                Place::Tcp { .. } => usize::MAX,
            },
            // The first connection decides for all.
            _ => 1,
        });
        let mut opening: FuturesUnordered<_> = (0..at_once).map(|_| self.spare()).collect();
        let mut refused = None;
        while let Some(opened) = opening.next().await {
            match opened {
                Ok(Ok(first)) => {
                    return Ok(Opened {
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

    pub fn spare(&self) -> Spare {
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

    /// A new connection, as soon as one is free.
    ///
    /// # Errors
    /// What kept the server from being reached.
    pub async fn connection(&self) -> Result<Connection, ConnectError> {
        match self.pool.get().await {
            Ok(client) => Ok(Connection {
                client: Arc::new(client),
                dialer: Arc::clone(&self.dialer),
            }),
            Err(PoolError::Backend(error)) => Err(unwrapped(error)),
            Err(other) => Err(ConnectError::internal(other.to_string())),
        }
    }

    /// Closes what nobody holds any more, cancels what still runs there, and waits
    /// until the server has been told. Without it the server's log would blame us
    /// for an unexpected EOF.
    pub async fn close(&self) {
        /// A network that swallows our goodbyes is not waited for.
        const PATIENCE: Duration = Duration::from_secs(5);
        self.pool.close();
        let drivers = std::mem::take(&mut *self.dialer.drivers());
        let ends = drivers.into_iter().map(|driver| self.dialer.end(driver));
        let _ = tokio::time::timeout(PATIENCE, futures::future::join_all(ends)).await;
    }
}

impl Connection {
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a COPY. Sent when first polled, so that others can follow it at once.
    pub fn copy_out(&self, copy: Statement) -> Copied {
        let client = Arc::clone(&self.client);
        Box::pin(async move { client.copy_out(&copy).await.map(Box::pin) })
    }

    /// Which of the hosts answered.
    pub fn host(&self) -> Option<&Host> {
        self.dialer.reached.get().map(Endpoint::host)
    }

    /// Asks the server to cancel what runs on this connection.
    pub async fn cancel(&self) -> Result<(), ConnectError> {
        self.dialer.cancel(&self.client.cancel_token()).await
    }
}

/// Opens the pool's connections, and remembers where they went.
struct Dialer {
    settings: Settings,
    /// Where the first connection arrived. All others go to the same server,
    /// since only there is the run's snapshot.
    reached: OnceLock<Endpoint>,
    /// Whether the first connection's user is a superuser, as the server reports it.
    superuser: OnceLock<bool>,
    drivers: Mutex<Vec<Driver>>,
}

/// What moves a connection's bytes, from the first one on.
struct Driver {
    task: JoinHandle<()>,
    /// None while it is still connecting.
    token: Arc<OnceLock<CancelToken>>,
}

struct Dial(Arc<Dialer>);

impl Dialer {
    /// The connection is made in its driver's task, so that [`Server::close`] knows
    /// of it from the beginning.
    async fn open(self: &Arc<Self>) -> Result<Client, ConnectError> {
        let token = Arc::new(OnceLock::new());
        let (sender, client) = oneshot::channel();
        let task = {
            let (dialer, token) = (Arc::clone(self), Arc::clone(&token));
            async move {
                match dialer.dial().await {
                    Ok(connected) => {
                        token.get_or_init(|| connected.client.cancel_token());
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
        self.drivers().push(Driver { task, token });
        client.await.unwrap_or_else(|_| {
            Err(ConnectError::internal(
                "a connection ended early".to_owned(),
            ))
        })
    }

    async fn dial(&self) -> Result<Connected, ConnectError> {
        let connected = match self.reached.get() {
            Some(endpoint) => dial::connect_to(&self.settings, endpoint).await?,
            None => dial::connect(&self.settings).await?,
        };
        self.reached.get_or_init(|| connected.endpoint.clone());
        self.superuser
            .get_or_init(|| connected.connection.parameter("is_superuser") == Some("on"));
        Ok(connected)
    }

    async fn cancel(&self, token: &CancelToken) -> Result<(), ConnectError> {
        match self.reached.get() {
            Some(endpoint) => dial::cancel(&self.settings, endpoint, token).await,
            None => Ok(()),
        }
    }

    /// Waits until a connection has closed. It does not before what was sent on it
    /// is answered, which a cancel request hastens.
    async fn end(&self, mut driver: Driver) {
        const PATIENCE: Duration = Duration::from_millis(50);
        while tokio::time::timeout(PATIENCE, &mut driver.task)
            .await
            .is_err()
        {
            let cancelled = match driver.token.get() {
                Some(token) => self.cancel(token).await.is_ok(),
                // Nothing of ours runs where we do not stand yet.
                None => false,
            };
            if !cancelled {
                return;
            }
        }
    }

    fn drivers(&self) -> std::sync::MutexGuard<'_, Vec<Driver>> {
        self.drivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Opening<'a> = Pin<
    Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>,
>;

impl Connect for Dial {
    fn connect(&self, _: &tokio_postgres::Config) -> Opening<'_> {
        Box::pin(async {
            match self.0.open().await {
                // The pool aborts the task it is given before the connection has
                // said goodbye, so it gets one that has nothing to do.
                Ok(client) => Ok((client, tokio::spawn(async {}))),
                Err(error) => Err(wrapped(error).await),
            }
        })
    }
}

/// deadpool-postgres lets no errors through but tokio-postgres's own, and those
/// cannot be made. A connection over a stream that fails with ours can.
async fn wrapped(error: ConnectError) -> tokio_postgres::Error {
    let unreachable = Unreachable(Some(error));
    let mut config = tokio_postgres::Config::new();
    config
        .user("nobody")
        .ssl_mode(tokio_postgres::config::SslMode::Disable);
    match config.connect_raw(unreachable, NoTls).await {
        Err(error) => error,
        // A stream that fails does not connect.
        Ok(_) => tokio_postgres::Error::__private_api_timeout(),
    }
}

/// Fails at the first byte, with the reason why there is nothing to write to.
struct Unreachable(Option<ConnectError>);

impl Unreachable {
    fn reason(&mut self) -> io::Error {
        match self.0.take() {
            Some(error) => io::Error::other(error),
            None => io::ErrorKind::NotConnected.into(),
        }
    }
}

impl AsyncRead for Unreachable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.reason()))
    }
}

impl AsyncWrite for Unreachable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(self.reason()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn unwrapped(error: tokio_postgres::Error) -> ConnectError {
    let text = error.to_string();
    error
        .into_source()
        .and_then(|source| source.downcast::<io::Error>().ok())
        .and_then(|io| io.into_inner())
        .and_then(|inner| inner.downcast::<ConnectError>().ok())
        .map_or_else(|| ConnectError::internal(text), |error| *error)
}
