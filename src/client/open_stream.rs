//! A stream whose TLS is done already, for tokio-postgres, which would do it itself: it learns from
//! here only which certificate a password can be bound to.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Hands the stream back as it is.
#[derive(Default)]
pub(super) struct AlreadyOpen {
    /// The hash of the server's certificate: `tls-server-end-point` of RFC 5929.
    pub end_point: Option<Vec<u8>>,
}

impl AlreadyOpen {
    /// Makes tokio-postgres call [`TlsConnect::connect`] at once, for cancel requests too.
    pub fn configure(config: &mut Config) {
        config
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsConnect<S> for AlreadyOpen {
    type Stream = OpenStream<S>;
    type Error = Infallible;
    type Future = Ready<Result<OpenStream<S>, Infallible>>;

    fn connect(self, stream: S) -> Self::Future {
        ready(Ok(OpenStream {
            inner: stream,
            end_point: self.end_point,
        }))
    }
}

pub struct OpenStream<S> {
    inner: S,
    end_point: Option<Vec<u8>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for OpenStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.end_point
            .clone()
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for OpenStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OpenStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
