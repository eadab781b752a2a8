//! Opens the connections of a pool, all to the same server, and keeps track of them until they are
//! closed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use deadpool_postgres::Connect;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::{CancelToken, Client, Error};

use super::authentication::Authentication;
use super::connect::{self, Connected};
use super::endpoint::Endpoint;
use super::error::ConnectError;
use super::link::{CLOSING, ConnectionTask, Link, process_id};
use super::wire::Wire;
use crate::config::Settings;

tokio::task_local! {
    /// The connection that the pool is opening for this task.
    static OPENING: Arc<Link>;
}

/// What the pool opens connections with.
pub(super) struct Connector(pub Arc<Dialer>);

impl Connector {
    /// Runs `opening`, which asks the pool for a connection, and returns its [`Link`] too.
    pub async fn opening<T>(opening: impl Future<Output = T>) -> (Arc<Link>, T) {
        let link = Arc::new(Link::default());
        let opened = OPENING.scope(Arc::clone(&link), opening).await;
        (link, opened)
    }
}

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
pub(super) struct Dialer {
    settings: Settings,
    /// Where the first connection arrived. All others go to the same server, because only that one
    /// has the run's snapshot.
    reached: OnceLock<Endpoint>,
    /// Whether the first connection's user is a superuser, as the server reports.
    superuser: OnceLock<bool>,
    /// What the server asked the first connection for.
    authentication: OnceLock<Authentication>,
    drivers: Mutex<Vec<ConnectionTask>>,
    /// One per connection ever opened.
    wires: Mutex<Vec<Wire>>,
    /// The closing deadline, once closing has begun.
    closing: OnceLock<Instant>,
}

/// The silence limit until [`Connection::wait_at_most`] sets another.
const UNTIL_TOLD: Duration = Duration::from_secs(125);

impl Dialer {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            reached: OnceLock::new(),
            superuser: OnceLock::new(),
            authentication: OnceLock::new(),
            drivers: Mutex::default(),
            wires: Mutex::default(),
            closing: OnceLock::new(),
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn reached(&self) -> Option<&Endpoint> {
        self.reached.get()
    }

    pub fn is_superuser(&self) -> bool {
        self.superuser.get() == Some(&true)
    }

    pub fn authentication(&self) -> Option<Authentication> {
        self.authentication.get().copied()
    }

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
        if let Some(asked) = connected.wire.authentication() {
            self.authentication
                .get_or_init(|| Authentication::of_request(asked));
        }
        Ok(connected)
    }

    /// Sends one request. Its success shows on the cancelled connection.
    pub async fn cancel(&self, token: CancelToken) {
        if let Some(endpoint) = self.reached.get() {
            let _ = connect::cancel(&self.settings, endpoint, &token).await;
        }
    }

    /// The deadline for closing; starts when first called.
    pub fn closing(&self) -> Instant {
        *self.closing.get_or_init(|| Instant::now() + CLOSING)
    }

    pub fn wires(&self) -> MutexGuard<'_, Vec<Wire>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn drivers(&self) -> MutexGuard<'_, Vec<ConnectionTask>> {
        self.drivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
