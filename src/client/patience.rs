//! Limits how long a server may be silent while it owes a response.
//!
//! A dropped link, a message with a garbled length and a server that waits for something we never
//! send all look the same: silence. It is detected in the stream that all bytes pass through, so
//! that every wait for a response is bounded. Time during which our own reader pauses does not
//! count, because the stream is not polled meanwhile.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::row_description::TypedColumns;

/// The limit for one connection, and whether it was exceeded.
#[derive(Debug, Default)]
pub struct Patience {
    /// In milliseconds; 0 is no limit.
    limit: AtomicU64,
    is_over: AtomicBool,
}

impl Patience {
    pub fn set(&self, limit: Option<Duration>) {
        let limit = limit.map_or(0, |limit| limit.as_millis().max(1));
        self.limit
            .store(u64::try_from(limit).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn limit(&self) -> Option<Duration> {
        match self.limit.load(Ordering::Relaxed) {
            0 => None,
            limit => Some(Duration::from_millis(limit)),
        }
    }

    pub fn exceeded(&self) -> Option<Silence> {
        let is_over = self.is_over.load(Ordering::Relaxed);
        self.limit().filter(|_| is_over).map(Silence)
    }
}

/// The limit that a silent server exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent nothing for {} s, so the connection was closed", .0.as_secs())]
pub struct Silence(Duration);

/// A stream that fails if a response is due and no bytes arrive in time.
pub struct Watched<S> {
    inner: TypedColumns<S>,
    patience: Arc<Patience>,
    requests: Requests,
    /// When the current wait began, and how many bytes had been received by then.
    waiting_since: Option<(Instant, u64)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub fn new(inner: TypedColumns<S>, patience: Arc<Patience>) -> Self {
        Self {
            inner,
            patience,
            requests: Requests::default(),
            waiting_since: None,
            timer: None,
        }
    }

    fn is_answer_due(&self) -> bool {
        self.requests.sent > self.inner.answered()
    }

    /// Whether a response is overdue. If not yet, the timer wakes the task.
    fn is_too_late(&mut self, cx: &mut Context<'_>) -> bool {
        let limit = self.patience.limit().filter(|_| self.is_answer_due());
        let Some(limit) = limit else {
            self.waiting_since = None;
            return false;
        };
        // Bytes may have arrived that cannot be forwarded yet.
        let heard = self.inner.heard();
        let since = match self.waiting_since {
            Some((since, before)) if before == heard => since,
            _ => Instant::now(),
        };
        self.waiting_since = Some((since, heard));
        let Some(due) = since.checked_add(limit) else {
            return false;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        // A timer that fires early is reset then, which is cheaper than resetting it for each wait.
        if timer.is_elapsed() || timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return true;
            }
            timer.as_mut().reset(due);
        }
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(cx, buf) {
            this.waiting_since = None;
            return Poll::Ready(read);
        }
        if this.is_too_late(cx) {
            this.patience.is_over.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(&mut this.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = written {
            let was_due = this.is_answer_due();
            this.requests.wrote(&buf[..count]);
            // The last read happened when nothing was due, so no timer is set yet.
            if !was_due && this.is_answer_due() {
                cx.waker().wake_by_ref();
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Counts the messages that the server ends with a `ReadyForQuery`: the startup message, each
/// simple query and each Sync.
#[derive(Debug, Default)]
struct Requests {
    sent: u64,
    /// The part received of the current message's header.
    header: Vec<u8>,
    /// Bytes of the current message's body still to come.
    body: usize,
}

impl Requests {
    /// Size of the length field, which counts itself. All messages but the first have a tag before
    /// it.
    const LENGTH: usize = 4;

    fn wrote(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let step = self.body.min(bytes.len());
            self.body -= step;
            bytes = &bytes[step..];
            let tag = usize::from(self.sent > 0);
            let missing = tag + Self::LENGTH - self.header.len();
            let step = missing.min(bytes.len());
            self.header.extend_from_slice(&bytes[..step]);
            bytes = &bytes[step..];
            if step < missing {
                return;
            }
            if let Some(length) = self.header[tag..].first_chunk() {
                let length = u32::from_be_bytes(*length) as usize;
                self.body = length.saturating_sub(Self::LENGTH);
            }
            if tag == 0 || matches!(self.header[0], b'Q' | b'S') {
                self.sent += 1;
            }
            self.header.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::wire::Wire;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    const LIMIT: Duration = Duration::from_secs(10);

    fn message(tag: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [tag, &length.to_be_bytes(), body].concat()
    }

    /// An open session: the server's end and ours.
    async fn session() -> (DuplexStream, Watched<DuplexStream>) {
        let (mut far, near) = tokio::io::duplex(1 << 10);
        let patience = Arc::new(Patience::default());
        let mut near = Watched::new(
            TypedColumns::new(near, Wire::default()),
            Arc::clone(&patience),
        );
        near.write_all(&message(b"", b"user\0me\0\0"))
            .await
            .unwrap();
        let ready = message(b"Z", b"I");
        far.write_all(&ready).await.unwrap();
        near.read_exact(&mut vec![0; ready.len()]).await.unwrap();
        patience.set(Some(LIMIT));
        (far, near)
    }

    fn run(work: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(work);
    }

    #[test]
    fn a_server_that_owes_an_answer_may_be_silent_for_so_long() {
        run(async {
            let (mut far, mut near) = session().await;
            near.write_all(&message(b"Q", b"SELECT 1\0")).await.unwrap();
            // Every byte received restarts the limit.
            tokio::time::sleep(LIMIT / 2).await;
            far.write_all(&message(b"D", b"a row")).await.unwrap();
            near.read_exact(&mut [0; 10]).await.unwrap();
            let began = Instant::now();
            let silence = near.read_u8().await.unwrap_err();
            assert_eq!(silence.kind(), io::ErrorKind::TimedOut);
            assert_eq!(began.elapsed().as_secs(), LIMIT.as_secs());
            assert_eq!(near.patience.exceeded(), Some(Silence(LIMIT)));
        });
    }

    #[test]
    fn a_server_that_owes_nothing_may_be_silent_for_ever() {
        run(async {
            let (_far, mut near) = session().await;
            let waited = tokio::time::timeout(LIMIT * 1000, near.read_u8()).await;
            assert!(waited.is_err());
            assert_eq!(near.patience.exceeded(), None);
        });
    }

    #[test]
    fn time_in_which_nobody_reads_does_not_count() {
        run(async {
            let (mut far, mut near) = session().await;
            near.write_all(&message(b"Q", b"SELECT 1\0")).await.unwrap();
            let first = tokio::time::timeout(LIMIT / 2, near.read_u8()).await;
            assert!(first.is_err());
            far.write_all(&message(b"D", b"a row")).await.unwrap();
            // The reader pauses.
            tokio::time::sleep(LIMIT * 5).await;
            near.read_exact(&mut [0; 10]).await.unwrap();
            let second = tokio::time::timeout(LIMIT / 2, near.read_u8()).await;
            assert!(second.is_err());
        });
    }

    proptest! {
        #[test]
        fn requests_are_counted_however_they_are_written(
            tags in prop::collection::vec(prop::sample::select(b"QSPBEDp".to_vec()), 0..20),
            bodies in prop::collection::vec(any::<u8>(), 0..30),
            pieces in prop::collection::vec(1usize..20, 1..5),
        ) {
            let mut bytes = message(b"", b"startup");
            for tag in &tags {
                bytes.extend(message(&[*tag], &bodies));
            }
            let mut requests = Requests::default();
            let mut rest = &bytes[..];
            for piece in pieces.iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(*piece));
                requests.wrote(now);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            let expected = tags.iter().filter(|tag| b"QS".contains(tag)).count() + 1;
            prop_assert_eq!(requests.sent, expected as u64);
        }
    }
}
