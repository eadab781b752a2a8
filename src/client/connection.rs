//! One open connection: every statement is sent here, and shown with `--verbose`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{
    Client, CopyOutStream, Error, Row, SimpleQueryMessage, SimpleQueryStream, Statement,
};

use super::dialer::Dialer;
use super::endpoint::Endpoint;
use super::kept;
use super::link::{Link, cancel_until};
use super::patience::Silence;
use super::wire::Wire;
use crate::config::Host;
use crate::terminal::statement_log::TARGET;

/// A response to something that was already sent.
pub type Sent<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Resolves to the rows of a COPY once the server starts to send them.
pub type CopyOutFuture = Sent<Pin<Box<CopyOutStream>>>;

/// An open connection. Dropping it closes it and rolls back its transaction.
pub struct Connection {
    slot: Arc<Slot>,
    link: Arc<Link>,
    dialer: Arc<Dialer>,
    wire: Wire,
}

impl Connection {
    pub(super) fn new(client: Object, end: SlotEnd, link: Arc<Link>, dialer: Arc<Dialer>) -> Self {
        let wire = link.wire.get().cloned().unwrap_or_default();
        dialer.wires().push(wire.clone());
        Self {
            slot: Arc::new(Slot {
                client: Arc::new(client),
                link: Arc::clone(&link),
                end,
            }),
            link,
            dialer,
            wire,
        }
    }

    /// Runs statements by the simple protocol, and collects what they return.
    ///
    /// # Errors
    /// The server's, or a lost connection's.
    pub async fn simple_query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        log(self.process_id(), "statement", sql);
        self.slot.client.simple_query(sql).await
    }

    /// Sends statements by the simple protocol, without waiting for the response.
    ///
    /// # Errors
    /// A lost connection's.
    pub async fn simple_query_raw(&self, sql: &str) -> Result<SimpleQueryStream, Error> {
        log(self.process_id(), "statement", sql);
        self.slot.client.simple_query_raw(sql).await
    }

    /// Runs a statement with parameters.
    ///
    /// # Errors
    /// The server's, or a lost connection's.
    pub async fn query_typed(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        log(self.process_id(), "statement", sql);
        self.slot.client.query_typed(sql, parameters).await
    }

    /// Prepares a statement. Sent when first polled, so that other messages can follow at once.
    pub fn prepare(&self, sql: String) -> Sent<Statement> {
        let (slot, process) = (Arc::clone(&self.slot), self.process_id());
        Box::pin(async move {
            log(process, "parse", &sql);
            Client::prepare(&slot.client, &sql).await
        })
    }

    /// Runs a COPY that was prepared from `sql`. Sent when first polled, so that other messages can
    /// follow at once.
    pub fn copy_out(&self, copy: Statement, sql: &str) -> CopyOutFuture {
        log(self.process_id(), "execute", sql);
        let slot = Arc::clone(&self.slot);
        Box::pin(async move { slot.client.copy_out(&copy).await.map(Box::pin) })
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The host that answered.
    pub fn host(&self) -> Option<&Host> {
        self.dialer.reached().map(Endpoint::host)
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

    /// What is sent next begins a transaction.
    pub fn begin_transaction(&self) {
        self.link.in_transaction.store(true, Ordering::Relaxed);
    }

    /// What is sent next ends the transaction.
    pub fn end_transaction(&self) {
        self.link.in_transaction.store(false, Ordering::Relaxed);
    }

    /// Sends cancel requests until `ended`, or until the closing deadline.
    pub async fn cancel_until(&self, ended: impl Future<Output = ()>) {
        let Some(token) = self.link.token.get() else {
            return;
        };
        let cancel = || {
            self.link.mark_cancelled();
            self.dialer.cancel(token.clone())
        };
        // If it fails, [`ConnectionPool::close`] reports it.
        let _ = cancel_until(ended, self.dialer.closing(), cancel).await;
    }

    /// Whether the server or the network has closed it.
    pub fn is_closed(&self) -> bool {
        self.link.closed.is_cancelled()
    }

    /// Closes the connection at once, without waiting for responses.
    pub fn discard(self) {
        self.link.abort();
    }
}

/// For `--verbose`. Empty statements only mark a place on the wire.
fn log(process: Option<i32>, action: &str, sql: &str) {
    if !sql.is_empty() {
        tracing::debug!(target: TARGET, process, action, sql);
    }
}

/// A place in the pool. The fields drop in this order: a connection that is not kept goes back into
/// the pool and then out of it.
struct Slot {
    client: Arc<Object>,
    end: SlotEnd,
    link: Arc<Link>,
}

/// What becomes of a connection that its run does not need any more.
pub(super) enum SlotEnd {
    /// It is closed, with the transaction that it may be in.
    Close { _closer: Closer },
    /// It waits for the next run.
    Keep,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if matches!(self.end, SlotEnd::Keep) {
            kept::release(Arc::clone(&self.client), Arc::clone(&self.link));
        }
    }
}

pub(super) struct Closer(pub Pool);

impl Drop for Closer {
    fn drop(&mut self) {
        drop(self.0.retain(|_, _| false));
    }
}
