//! Closes connections within a bounded time: cancels what still runs, then closes the socket
//! whether or not the server reacts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::CancelToken;
use tokio_util::sync::CancellationToken;

use super::endpoint::Endpoint;
use super::error::ConnectError;
use super::open_stream::AlreadyOpen;
use super::patience::{Patience, Silence};
use super::wire::Wire;

/// Limit for closing all connections of a server, from the first cancel request to the last socket.
pub(super) const CLOSING: Duration = Duration::from_millis(1500);

/// Pause between the first two cancel requests for a connection; it doubles. One request may not be
/// enough: the server drops a request that arrives between two messages.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Limit for one cancel request.
const REQUEST: Duration = Duration::from_secs(1);

/// How long a connection may take to close once everything sent on it is answered.
const GOODBYE: Duration = Duration::from_millis(50);

/// How long a connection may take that is still waiting for its session, perhaps behind a pooler.
/// No slow statement was sent on it.
const WAITING: Duration = Duration::from_millis(300);

/// Per process: one message about it is printed at the very end, whatever the command.
static LEFT_WITHOUT_CONFIRMATION: AtomicBool = AtomicBool::new(false);

/// Whether a connection was closed while a statement may still be running: the server did not
/// confirm its end.
pub fn left_without_confirmation() -> bool {
    LEFT_WITHOUT_CONFIRMATION.load(Ordering::Relaxed)
}

/// State of one connection in one run, shared by its user and whoever closes it.
#[derive(Default)]
pub(super) struct Link {
    /// Like the fields below, unset while connecting.
    pub token: OnceLock<CancelToken>,
    /// The pid of the server process, or whatever a pooler reports.
    pub process_id: OnceLock<i32>,
    pub patience: OnceLock<Arc<Patience>>,
    pub wire: OnceLock<Wire>,
    pub endpoint: OnceLock<Endpoint>,
    /// Why connecting failed.
    refusal: Mutex<Option<ConnectError>>,
    pub driver: OnceLock<AbortHandle>,
    /// Whether anything was sent that may take the server some time.
    pub is_busy: AtomicBool,
    /// Whether a request to cancel was sent.
    pub is_cancelled: AtomicBool,
    /// Whether a transaction may be open.
    pub in_transaction: AtomicBool,
    /// The connection has closed.
    pub closed: CancellationToken,
    /// The next run may use the connection.
    pub released: CancellationToken,
}

impl Link {
    /// The state of the same connection in another run.
    pub fn of_next_run(&self) -> Self {
        Self {
            token: self.token.clone(),
            process_id: self.process_id.clone(),
            patience: self.patience.clone(),
            wire: self.wire.clone(),
            endpoint: self.endpoint.clone(),
            driver: self.driver.clone(),
            closed: self.closed.clone(),
            ..Self::default()
        }
    }

    pub fn refuse(&self, refusal: ConnectError) {
        *self.refusal() = Some(refusal);
    }

    pub fn take_refusal(&self) -> Option<ConnectError> {
        self.refusal().take()
    }

    fn refusal(&self) -> MutexGuard<'_, Option<ConnectError>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn silence(&self) -> Option<Silence> {
        self.patience.get()?.exceeded()
    }
}

impl Link {
    /// Waits until the connection has closed or is ready for the next run, either of which happens
    /// only after everything sent on it is answered; `cancel` speeds that up.
    pub async fn end<C: Future<Output = ()>>(
        &self,
        deadline: Instant,
        cancel: impl Fn(CancelToken) -> C,
    ) {
        if timeout(GOODBYE, self.left()).await.is_ok() {
            return;
        }
        // Not connected yet, so nothing is running.
        let Some(token) = self.token.get() else {
            return;
        };
        if !self.is_busy.load(Ordering::Relaxed) {
            let waited = timeout_at(deadline.min(Instant::now() + WAITING), self.left());
            if waited.await.is_err() {
                self.abort();
            }
            return;
        }
        let cancelled = cancel_until(self.left(), deadline, || {
            self.mark_cancelled();
            cancel(token.clone())
        });
        if cancelled.await.is_err() {
            self.abort();
            LEFT_WITHOUT_CONFIRMATION.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until this run has nothing to do with the connection any more.
    async fn left(&self) {
        tokio::select! {
            () = self.closed.cancelled() => {}
            () = self.released.cancelled() => {}
        }
    }

    /// A request to cancel may arrive late, and cancel the statement of another run. So this
    /// connection is not left to one.
    pub fn mark_cancelled(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Closes the connection at once.
    pub fn abort(&self) {
        if let Some(driver) = self.driver.get() {
            driver.abort();
        }
    }
}

/// The deadline has passed.
pub(super) struct TooLate;

/// Sends cancel requests, with growing pauses, until `ended` or the deadline.
pub(super) async fn cancel_until<C: Future<Output = ()>>(
    ended: impl Future<Output = ()>,
    deadline: Instant,
    cancel: impl Fn() -> C,
) -> Result<(), TooLate> {
    let requests = async {
        let mut pause = FIRST_PAUSE;
        loop {
            let _ = timeout(REQUEST, cancel()).await;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    };
    tokio::select! {
        biased;
        () = ended => Ok(()),
        () = requests => Err(TooLate),
        () = tokio::time::sleep_until(deadline) => Err(TooLate),
    }
}

/// The pid that a cancel token is for. The token does not expose it, but the request that it sends
/// does: length, code, pid, secret.
pub(super) async fn process_id(token: &CancelToken) -> Option<i32> {
    let mut request = [0; 16];
    let (near, mut far) = tokio::io::duplex(request.len());
    token
        .cancel_query_raw(near, AlreadyOpen::default())
        .await
        .ok()?;
    far.read_exact(&mut request).await.ok()?;
    request[8..].first_chunk().copied().map(i32::from_be_bytes)
}
