//! The connections of one run: never more than asked for, all to one server.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use super::dial::{self, Connected};
use super::endpoint::Endpoint;
use super::error::ConnectError;
use crate::settings::Settings;

/// One server, and a bounded number of connections to it.
#[derive(Debug, Clone)]
pub struct Server {
    pool: Pool,
    dialer: Arc<Dialer>,
}

/// One open connection. Dropping it closes it: none is ever used twice, so that
/// no state of one borrower can reach the next.
pub struct Connection {
    client: Object,
    dialer: Arc<Dialer>,
}

impl Server {
    pub fn new(settings: Settings, connections: usize) -> Self {
        let dialer = Arc::new(Dialer {
            settings,
            reached: OnceLock::new(),
            drivers: Mutex::default(),
        });
        let manager = Manager::from_connect(
            tokio_postgres::Config::new(),
            Dial(Arc::clone(&dialer)),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::from_builder(Pool::builder(manager).max_size(connections));
        Self { pool, dialer }
    }

    pub fn settings(&self) -> &Settings {
        &self.dialer.settings
    }

    /// A new connection, as soon as one is free.
    ///
    /// # Errors
    /// What kept the server from being reached.
    pub async fn connection(&self) -> Result<Connection, ConnectError> {
        match self.pool.get().await {
            Ok(client) => Ok(Connection {
                client,
                dialer: Arc::clone(&self.dialer),
            }),
            Err(PoolError::Backend(error)) => Err(unwrapped(error)),
            Err(other) => Err(ConnectError::internal(other.to_string())),
        }
    }

    /// Waits until every connection that was dropped has taken its leave of the
    /// server. Without it the server's log would blame us for an unexpected EOF.
    pub async fn close(&self) {
        let drivers = std::mem::take(&mut *self.dialer.drivers());
        for driver in drivers {
            let _ = driver.await;
        }
    }
}

impl Connection {
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Asks the server to cancel what runs on this connection.
    pub async fn cancel(&self) -> Result<(), ConnectError> {
        match self.dialer.reached.get() {
            Some(endpoint) => {
                let token = self.client.cancel_token();
                dial::cancel(&self.dialer.settings, endpoint, &token).await
            }
            None => Ok(()),
        }
    }
}

/// Opens the pool's connections, and remembers where they went.
#[derive(Debug)]
struct Dialer {
    settings: Settings,
    /// Where the first connection arrived. All others go to the same server,
    /// since only there is the run's snapshot.
    reached: OnceLock<Endpoint>,
    drivers: Mutex<Vec<JoinHandle<()>>>,
}

struct Dial(Arc<Dialer>);

impl Dialer {
    async fn open(&self) -> Result<Client, ConnectError> {
        let connected = match self.reached.get() {
            Some(endpoint) => dial::connect_to(&self.settings, endpoint).await?,
            None => dial::connect(&self.settings).await?,
        };
        let Connected { client, connection, endpoint } = connected;
        self.reached.get_or_init(|| endpoint);
        // Its errors reach whoever waits for an answer.
        let driver = tokio::spawn(async { drop(connection.await) });
        self.drivers().push(driver);
        Ok(client)
    }

    fn drivers(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
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
    config.user("nobody").ssl_mode(tokio_postgres::config::SslMode::Disable);
    match config.connect_raw(unreachable, NoTls).await {
        Err(error) => error,
        Ok(_) => unreachable!("a stream that fails does not connect"),
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
