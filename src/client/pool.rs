//! The connections of one run: at most as many as requested, all to the same server. New ones, or
//! those that earlier runs left (`kept`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolBuilder, PoolError,
};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::task::JoinHandle;

use super::authentication::Authentication;
use super::connection::{Closer, Connection, SlotEnd};
use super::dialer::{Connector, Dialer};
use super::endpoint::Endpoint;
use super::error::ConnectError;
use super::kept::{self, KeptPool};
use super::password_prompt;
use super::patience::Silence;
use crate::client::notices::Notices;
use crate::config::{Host, HostPlace, LoadBalanceHosts, Settings, TargetSessionAttrs};

/// A server and a bounded number of connections to it.
#[derive(Clone)]
pub struct ConnectionPool {
    pool: Pool,
    /// If connections are kept, the pool is that of all runs.
    kept: Option<KeptPool>,
    connections: usize,
    has_lost_some: bool,
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

impl ConnectionPool {
    /// Does not connect yet.
    ///
    /// # Errors
    /// The pool cannot be set up.
    pub fn new(settings: Settings, connections: usize) -> Result<Self, ConnectError> {
        let builder = || {
            let config = tokio_postgres::Config::new();
            let manager = Manager::from_connect(config, Connector, ManagerConfig::default());
            Pool::builder(manager).max_size(connections)
        };
        let build = |builder: PoolBuilder| {
            let built = builder.build();
            built.map_err(|error| ConnectError::internal(error.to_string()))
        };
        let kept = kept::pool(&settings, || build(builder())).transpose()?;
        let pool = match &kept {
            Some(kept) => {
                kept.make_room(connections);
                kept.pool.clone()
            }
            None => build(builder().pre_recycle(Hook::sync_fn(|_, _| {
                Err(HookError::message("a connection is not used twice"))
            })))?,
        };
        Ok(Self {
            has_lost_some: kept.as_ref().is_some_and(KeptPool::has_lost_some),
            pool,
            kept,
            connections,
            dialer: Arc::new(Dialer::new(settings)),
        })
    }

    /// Starts to open connections, up to that number, and returns once the first is open. Prompts
    /// for a password if needed.
    ///
    /// # Errors
    /// Why no connection could be opened.
    pub async fn open(settings: Settings, connections: usize) -> Result<PoolStart, ConnectError> {
        let settings = kept::known_settings(settings);
        let mut typing = Duration::ZERO;
        let ask = |prompt: &str| {
            let started = Instant::now();
            let typed = password_prompt::read_password(prompt);
            typing = started.elapsed();
            typed
        };
        let opened =
            password_prompt::connect_with_prompt(settings, ask, async |settings: Settings| {
                Self::new(settings, connections)?
                    .connect_first(connections)
                    .await
            });
        let opened = opened.await?;
        Ok(PoolStart { typing, ..opened })
    }

    async fn connect_first(self, connections: usize) -> Result<PoolStart, ConnectError> {
        let settings = self.settings();
        let is_any = settings.target_session_attrs() == TargetSessionAttrs::Any
            && settings.load_balance_hosts() == LoadBalanceHosts::Disable;
        let at_once = connections.min(match settings.hosts() {
            [host] if is_any => match host.place() {
                // A small job is done before more backends have started: on two cores, 128 quick
                // queries took 35 ms with two connections and 39 with four. Over a network, open
                // all at once: later is a few round trips later.
                HostPlace::Socket(_) => 2,
                HostPlace::Tcp { .. } => usize::MAX,
            },
            // The first connection decides which server the others use.
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
        self.connections
    }

    pub fn settings(&self) -> &Settings {
        self.dialer.settings()
    }

    /// The host that answered.
    pub fn host(&self) -> Option<&Host> {
        self.dialer.reached().map(Endpoint::host)
    }

    /// Whether connections that an earlier run left were lost since.
    pub fn has_lost_some(&self) -> bool {
        self.has_lost_some
    }

    /// Whether the server has reported this user to be a superuser.
    pub fn is_superuser(&self) -> bool {
        self.dialer.is_superuser()
    }

    /// What the server asked the first connection for, as far as that was seen.
    pub fn authentication(&self) -> Option<Authentication> {
        self.dialer.authentication()
    }

    /// Opens a connection as soon as the pool has room.
    ///
    /// # Errors
    /// Why the server could not be reached.
    pub async fn connection(&self) -> Result<Connection, ConnectError> {
        loop {
            let (link, client) = Connector::opening(&self.dialer, self.pool.get()).await;
            let client = client.map_err(|error| match (link.take_refusal(), error) {
                (Some(refusal), _) => refusal,
                (None, PoolError::Closed) => {
                    ConnectError::internal("the server is being closed".to_owned())
                }
                (None, other) => ConnectError::internal(other.to_string()),
            })?;
            let dialer = Arc::clone(&self.dialer);
            let Some(kept) = &self.kept else {
                let end = SlotEnd::Close {
                    _closer: Closer(self.pool.clone()),
                };
                return Ok(Connection::new(client, end, link, dialer));
            };
            let link = if let Some(earlier) = kept.earlier(&client) {
                let Some(link) = dialer.adopt(&earlier) else {
                    drop(Object::take(client));
                    continue;
                };
                link
            } else {
                kept.remember(&client, &link);
                link
            };
            return Ok(Connection::new(client, SlotEnd::Keep, link, dialer));
        }
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
        self.dialer.links().iter().find_map(|link| link.silence())
    }

    /// Closes all connections that are not in use: cancels what still runs and says goodbye, since
    /// otherwise the server logs an unexpected EOF. Those that are kept are only left. Bounded, even
    /// if the server does not react.
    pub async fn close(&self) {
        if self.kept.is_none() {
            self.pool.close();
        }
        let links = std::mem::take(&mut *self.dialer.links());
        let deadline = self.dialer.closing();
        let cancel = |token| self.dialer.cancel(token);
        let ends = links.iter().map(|link| link.end(deadline, cancel));
        futures::future::join_all(ends).await;
    }
}
