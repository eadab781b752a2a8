//! Opens the connections of a run, all to the same server, and keeps track of them until they are
//! closed, or left to the next run.

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
use super::link::{CLOSING, Link, process_id};
use super::wire::Wire;
use crate::config::Settings;

tokio::task_local! {
    /// The connection that the pool is opening for this task, and for which run.
    static OPENING: (Arc<Link>, Arc<Dialer>);
}

/// What the pool opens connections with.
pub(super) struct Connector;

impl Connector {
    /// Runs `opening`, which asks the pool for a connection, and returns the [`Link`] that a new
    /// connection has.
    pub async fn opening<T>(
        dialer: &Arc<Dialer>,
        opening: impl Future<Output = T>,
    ) -> (Arc<Link>, T) {
        let link = Arc::new(Link::default());
        let scope = (Arc::clone(&link), Arc::clone(dialer));
        let opened = OPENING.scope(scope, opening).await;
        (link, opened)
    }
}

type ConnectionOpening<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Connector {
    fn connect(&self, _: &tokio_postgres::Config) -> ConnectionOpening<'_> {
        Box::pin(async {
            let (link, dialer) = OPENING.with(Clone::clone);
            match dialer.open(Arc::clone(&link)).await {
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
    links: Mutex<Vec<Arc<Link>>>,
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
            links: Mutex::default(),
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
            let closed = link.closed.clone().drop_guard();
            async move {
                let _closed = closed;
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
                        link.endpoint.get_or_init(|| connected.endpoint);
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
        self.links().push(link);
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
        self.note_server(&connected.endpoint, &connected.wire);
        Ok(connected)
    }

    fn note_server(&self, endpoint: &Endpoint, wire: &Wire) {
        self.reached.get_or_init(|| endpoint.clone());
        self.superuser.get_or_init(|| wire.is_superuser());
        if let Some(asked) = wire.authentication() {
            self.authentication.get_or_init(|| asked);
        }
    }

    /// Takes over a connection of an earlier run. `None` if it leads to another server than this
    /// run's others.
    pub fn adopt(&self, earlier: &Link) -> Option<Arc<Link>> {
        let (endpoint, wire) = (earlier.endpoint.get()?, earlier.wire.get()?);
        self.note_server(endpoint, wire);
        if self.reached.get() != Some(endpoint) {
            return None;
        }
        // Of the run before, after its end.
        drop(wire.take_notices());
        let link = Arc::new(earlier.of_next_run());
        self.links().push(Arc::clone(&link));
        Some(link)
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

    pub fn links(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
