//! Opens the stream to one address: a Unix socket, TCP, or TLS over TCP, with the options that
//! libpq sets. Which address, and whether to encrypt, is decided in `connect`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::endpoint::{Address, HostAddr};
use super::error::Cause;
use super::peer;
use super::tls;
use crate::config::{Keepalive, Settings, SslNegotiation};

/// A socket, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}
pub type BoxedStream = Box<dyn Stream>;

/// How a stream is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    None,
    Prefer,
    Required,
}

pub struct OpenedStream {
    pub stream: BoxedStream,
    pub encrypted: bool,
    /// What channel binding can bind to.
    pub end_point: Option<Vec<u8>>,
}

impl OpenedStream {
    fn unencrypted(stream: BoxedStream) -> Self {
        Self {
            stream,
            encrypted: false,
            end_point: None,
        }
    }
}

pub async fn open(
    settings: &Settings,
    target: &HostAddr,
    encryption: Encryption,
) -> Result<OpenedStream, Cause> {
    let address = match &target.address {
        Address::Socket(path) => {
            let stream = UnixStream::connect(socket_address(path))
                .await
                .map_err(Cause::Unreachable)?;
            if let Some(wanted) = settings.require_peer() {
                peer::require(&stream, wanted)?;
            }
            return Ok(OpenedStream::unencrypted(Box::new(stream)));
        }
        Address::Tcp(address) => address,
    };
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(Cause::Unreachable)?;
    stream.set_nodelay(true)?;
    if let Some(keepalive) = settings.keepalive() {
        probe_when_idle(&stream, keepalive)?;
    }
    if let Some(limit) = settings.tcp_user_timeout() {
        limit_unacknowledged(&stream, limit)?;
    }
    let is_encrypted = match (encryption, settings.tls().negotiation) {
        (Encryption::None, _) => false,
        (_, SslNegotiation::Direct) => true,
        (_, SslNegotiation::Postgres) => tls_offered(&mut stream, encryption).await?,
    };
    if !is_encrypted {
        return Ok(OpenedStream::unencrypted(Box::new(stream)));
    }
    let (stream, end_point) = tls::handshake(settings, target, stream).await?;
    Ok(OpenedStream {
        stream: Box::new(stream),
        encrypted: true,
        end_point,
    })
}

/// Sends the `SSLRequest` and reads exactly one byte of reply: an attacker could have injected
/// unencrypted data after it.
async fn tls_offered(stream: &mut TcpStream, encryption: Encryption) -> Result<bool, Cause> {
    /// Message length, then the code that takes the place of the protocol version.
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    stream.write_all(&SSL_REQUEST).await?;
    match stream.read_u8().await? {
        b'S' => Ok(true),
        b'N' if encryption == Encryption::Prefer => Ok(false),
        b'N' => Err(Cause::TlsNotSupported),
        b'E' => Err(Cause::Protocol(
            "server sent an error response during SSL exchange".to_owned(),
        )),
        other => Err(Cause::Protocol(format!(
            "received invalid response to SSL negotiation: {}",
            char::from(other).escape_default()
        ))),
    }
}

/// Detects a dead link within two minutes; system defaults take two hours. A statement without a
/// time limit may send nothing for that long, and only these probes tell whether the server is
/// alive.
fn probe_when_idle(stream: &TcpStream, keepalive: &Keepalive) -> std::io::Result<()> {
    const IDLE: Duration = Duration::from_secs(60);
    const INTERVAL: Duration = Duration::from_secs(10);
    const COUNT: u32 = 6;
    let probes = TcpKeepalive::new()
        .with_time(keepalive.idle.unwrap_or(IDLE))
        .with_interval(keepalive.interval.unwrap_or(INTERVAL))
        .with_retries(keepalive.count.unwrap_or(COUNT));
    let socket = SockRef::from(stream);
    socket.set_keepalive(true)?;
    socket.set_tcp_keepalive(&probes)
}

/// Only on request: it also ends a connection whose server is waiting while our reader pauses and
/// large statements of ours wait to be sent.
#[cfg(target_os = "linux")]
fn limit_unacknowledged(stream: &TcpStream, limit: Duration) -> std::io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(limit))
}

/// Ignored where the system does not support it, as in libpq.
#[cfg(not(target_os = "linux"))]
fn limit_unacknowledged(_: &TcpStream, _: Duration) -> std::io::Result<()> {
    Ok(())
}

/// libpq spells a Linux abstract socket with `@` in place of the leading NUL.
fn socket_address(path: &Path) -> PathBuf {
    match path.to_str().and_then(|path| path.strip_prefix('@')) {
        Some(name) => PathBuf::from(format!("\0{name}")),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_dead_link_is_noticed_in_minutes_unless_told_otherwise() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for (wanted, expected) in [
            (Keepalive::default(), (60, 10, 6)),
            (
                Keepalive {
                    idle: Some(Duration::from_secs(5)),
                    interval: None,
                    count: Some(3),
                },
                (5, 10, 3),
            ),
        ] {
            let stream = TcpStream::connect(address).await.unwrap();
            probe_when_idle(&stream, &wanted).unwrap();
            limit_unacknowledged(&stream, Duration::from_millis(1500)).unwrap();
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            let found = (
                socket.tcp_keepalive_time().unwrap().as_secs(),
                socket.tcp_keepalive_interval().unwrap().as_secs(),
                socket.tcp_keepalive_retries().unwrap(),
            );
            assert_eq!(found, expected);
            assert_eq!(
                socket.tcp_user_timeout().unwrap(),
                Some(Duration::from_millis(1500))
            );
        }
    }
}
