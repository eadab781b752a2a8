//! The end of a connection, which takes no longer than a person waits: what runs on
//! it is cancelled, and the socket is closed whether or not the server reacts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::{CancelToken, NoTls};

use super::error::ConnectError;
use super::patience::{Patience, Silence};
use super::wire::Wire;

/// For all connections of a server together, from the first thing that is cancelled to
/// the last socket that is closed.
pub(super) const CLOSING: Duration = Duration::from_millis(1500);

/// Between the first two cancel requests for one connection; the pause doubles. The
/// server drops a request that arrives between two messages, so one may not do.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// For one cancel request.
const REQUEST: Duration = Duration::from_secs(1);

/// How long a connection may take to end after the last that was asked on it was
/// answered.
const GOODBYE: Duration = Duration::from_millis(50);

/// How long one may take that waits for its session, behind a pooler maybe. Nothing
/// that takes the server any time was asked on it.
const WAITING: Duration = Duration::from_millis(300);

/// Of this process. There is one message about it, at the very end, whatever the
/// command was and wherever it ended.
static LEFT_WITHOUT_CONFIRMATION: AtomicBool = AtomicBool::new(false);

/// Whether a connection was closed on which something may still run: the server has
/// not said that it has stopped.
pub fn left_without_confirmation() -> bool {
    LEFT_WITHOUT_CONFIRMATION.load(Ordering::Relaxed)
}

/// One connection, as whoever uses it and whoever closes it share it.
#[derive(Default)]
pub(super) struct Link {
    /// None while it is still connecting, as are the others.
    pub token: OnceLock<CancelToken>,
    /// Of the server's process that it came to, or of whatever a pooler says.
    pub process_id: OnceLock<i32>,
    pub patience: OnceLock<Arc<Patience>>,
    pub wire: OnceLock<Wire>,
    /// Why it could not be had.
    refusal: Mutex<Option<ConnectError>>,
    pub driver: OnceLock<AbortHandle>,
    /// Whether anything was asked that may take the server some time.
    pub is_busy: AtomicBool,
}

impl Link {
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

/// What moves a connection's bytes, from the first one on.
pub(super) struct ConnectionTask {
    pub task: JoinHandle<()>,
    pub link: Arc<Link>,
}

impl ConnectionTask {
    /// Waits until the connection has closed. It does not before what was sent on it
    /// is answered, which `cancel` hastens.
    pub async fn end<C: Future<Output = ()>>(
        mut self,
        deadline: Instant,
        cancel: impl Fn(CancelToken) -> C,
    ) {
        if timeout(GOODBYE, &mut self.task).await.is_ok() {
            return;
        }
        // Nothing of ours runs where we do not stand yet.
        let Some(token) = self.link.token.get().cloned() else {
            return;
        };
        if !self.link.is_busy.load(Ordering::Relaxed) {
            let waited = timeout_at(deadline.min(Instant::now() + WAITING), &mut self.task);
            if waited.await.is_err() {
                self.task.abort();
            }
            return;
        }
        let ended = async { drop((&mut self.task).await) };
        let cancelled = cancel_until(ended, deadline, || cancel(token.clone()));
        if cancelled.await.is_err() {
            self.task.abort();
            LEFT_WITHOUT_CONFIRMATION.store(true, Ordering::Relaxed);
        }
    }
}

/// The deadline has passed.
pub(super) struct TooLate;

/// Asks for cancellation until what runs has ended: few times, and not for ever.
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
        () = ended => Ok(()),
        () = requests => Err(TooLate),
        () = tokio::time::sleep_until(deadline) => Err(TooLate),
    }
}

/// Which process a token is for. It does not tell, but for what it would send: the length,
/// a code, the process, and the secret.
pub(super) async fn process_id(token: &CancelToken) -> Option<i32> {
    let mut request = [0; 16];
    let (near, mut far) = tokio::io::duplex(request.len());
    token.cancel_query_raw(near, NoTls).await.ok()?;
    far.read_exact(&mut request).await.ok()?;
    request[8..].first_chunk().copied().map(i32::from_be_bytes)
}
