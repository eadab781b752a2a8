//! Opens connections by libpq's rules: hosts and their addresses in order, TLS
//! as `sslmode` says, one timeout for everything up to the first query.
//!
//! tokio-postgres would do this itself, but its timeout covers TCP only and
//! its sslmode ends at `require`; so it gets a stream that is ready to speak.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::SslMode as TokioSslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{CancelToken, Client, Connection, NoTls};

use super::endpoint::{Address, Endpoint, HostAddr};
use super::error::{Cause, ConnectError, Failure};
use super::patience::{Patience, Watched};
use super::row_description::TypedColumns;
use super::tls;
use super::wire::Wire;
use crate::config::{Host, Keepalive, Settings, SslMode};

/// A socket, with TLS around it or not.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}
pub type BoxedStream = Box<dyn Stream>;

/// tokio-postgres reads 8 KiB at a time; what has gathered is more: [`super::read_coalescing`].
pub type PgStream = Watched<BufReader<BoxedStream>>;

/// In bytes, for each connection.
const READ: usize = 64 << 10;

/// An open connection. Nothing happens on it until someone polls `connection`.
pub struct Connected {
    pub client: Client,
    pub connection: Connection<PgStream, NoTlsStream>,
    /// For [`cancel`].
    pub endpoint: Endpoint,
    /// Without end, until it is set.
    pub patience: Arc<Patience>,
    /// What is said on it beside answers.
    pub wire: Wire,
}

/// Connects to the first host that answers.
///
/// Like libpq, goes on to the next address when one cannot be reached or is
/// not accepting connections yet, but not when a server refuses us.
///
/// # Errors
/// Every attempt that was made, in order.
pub async fn connect(settings: &Settings) -> Result<Connected, ConnectError> {
    let mut failures = Vec::new();
    for host in settings.hosts() {
        let targets = match within(settings.connect_timeout(), resolve(host)).await {
            Ok(targets) => targets,
            Err(cause) => {
                failures.push(Failure::resolving(host, cause));
                continue;
            }
        };
        for target in targets {
            match reach(settings, &target, &mut failures).await {
                AttemptResult::Server(connected) => return Ok(*connected),
                AttemptResult::TryNext => {}
                AttemptResult::Refused => return Err(ConnectError::new(failures)),
            }
        }
    }
    Err(ConnectError::new(failures))
}

/// Connects to where another connection arrived, and nowhere else.
///
/// # Errors
/// The attempt that failed.
pub async fn connect_to(
    settings: &Settings,
    endpoint: &Endpoint,
) -> Result<Connected, ConnectError> {
    let encryption = endpoint.encryption();
    within(
        settings.connect_timeout(),
        start(settings, &endpoint.target, encryption),
    )
    .await
    .map_err(|cause| ConnectError::new(vec![Failure::at(&endpoint.target, cause)]))
}

/// Asks the server to stop what runs on a connection, and waits until it has
/// taken note. Whether something was running it does not say.
///
/// # Errors
/// The server could not be reached again.
pub async fn cancel(
    settings: &Settings,
    endpoint: &Endpoint,
    token: &CancelToken,
) -> Result<(), ConnectError> {
    let request = async {
        let (mut stream, _) = open(settings, &endpoint.target, endpoint.encryption()).await?;
        token.cancel_query_raw(&mut stream, NoTls).await?;
        // The server hangs up once it has acted. To hang up first can lose the
        // request: with TLS 1.3 unread session tickets turn our close into a reset.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        Ok(())
    };
    within(settings.connect_timeout(), request)
        .await
        .map_err(|cause| ConnectError::new(vec![Failure::at(&endpoint.target, cause)]))
}

enum AttemptResult {
    Server(Box<Connected>),
    TryNext,
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    Prefer,
    Required,
}

impl Endpoint {
    fn encryption(&self) -> Encryption {
        if self.encrypted {
            Encryption::Required
        } else {
            Encryption::None
        }
    }
}

/// The ways to try an address, in order.
fn encryptions(mode: SslMode, address: &Address) -> &'static [Encryption] {
    use Encryption::{None, Prefer, Required};
    match (mode, address) {
        (_, Address::Socket(_)) | (SslMode::Disable, _) => &[None],
        (SslMode::Allow, _) => &[None, Required],
        (SslMode::Prefer, _) => &[Prefer, None],
        (SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull, _) => &[Required],
    }
}

async fn reach(
    settings: &Settings,
    target: &HostAddr,
    failures: &mut Vec<Failure>,
) -> AttemptResult {
    for &encryption in encryptions(settings.tls().mode, &target.address) {
        let attempt = start(settings, target, encryption);
        let cause = match within(settings.connect_timeout(), attempt).await {
            Ok(connected) => return AttemptResult::Server(Box::new(connected)),
            Err(cause) => cause,
        };
        let on_encryption = depends_on_encryption(&cause);
        let try_next =
            cause.is_unreachable() || cause.sqlstate() == Some(&SqlState::CANNOT_CONNECT_NOW);
        let note = passfile_note(settings, target, &cause);
        failures.push(Failure::at(target, cause).with_note(note));
        if try_next {
            return AttemptResult::TryNext;
        }
        if !on_encryption {
            return AttemptResult::Refused;
        }
    }
    AttemptResult::Refused
}

/// A wrong password that nobody typed: say where it came from.
fn passfile_note(settings: &Settings, target: &HostAddr, cause: &Cause) -> Option<String> {
    let wrong = cause.sqlstate() == Some(&SqlState::INVALID_PASSWORD);
    let path = settings.passfile_for(&target.host).filter(|_| wrong)?;
    Some(format!(
        "password retrieved from file \"{}\"",
        path.display()
    ))
}

/// Whether the other way, with or without TLS, might be welcome: the server's
/// host-based rules told us off, or TLS itself failed.
///
/// libpq tries again after any refusal, a wrong password included. We do not:
/// it was wrong, and the second time it would travel unencrypted.
fn depends_on_encryption(cause: &Cause) -> bool {
    matches!(cause, Cause::Tls(_))
        || cause.sqlstate() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

async fn start(
    settings: &Settings,
    target: &HostAddr,
    encryption: Encryption,
) -> Result<Connected, Cause> {
    let (stream, encrypted) = open(settings, target, encryption).await?;
    let patience = Arc::new(Patience::default());
    let wire = Wire::default();
    let stream = TypedColumns::new(BufReader::with_capacity(READ, stream), wire.clone());
    let (client, connection) = startup(settings, &target.host)
        .connect_raw(Watched::new(stream, Arc::clone(&patience)), NoTls)
        .await?;
    Ok(Connected {
        client,
        connection,
        patience,
        endpoint: Endpoint {
            target: target.clone(),
            encrypted,
        },
        wire,
    })
}

/// Who we are, for the server. TLS is done by now, hence `Disable`.
fn startup(settings: &Settings, host: &Host) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .user(settings.user())
        .dbname(settings.database())
        .application_name(settings.application_name())
        .ssl_mode(TokioSslMode::Disable);
    if let Some(options) = settings.options() {
        config.options(options);
    }
    if let Some(password) = settings.password_for(host) {
        config.password(password.as_bytes());
    }
    config
}

/// The stream, and whether it is encrypted.
async fn open(
    settings: &Settings,
    target: &HostAddr,
    encryption: Encryption,
) -> Result<(BoxedStream, bool), Cause> {
    let address = match &target.address {
        Address::Socket(path) => {
            let stream = UnixStream::connect(socket_address(path))
                .await
                .map_err(Cause::Unreachable)?;
            return Ok((Box::new(stream), false));
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
    if encryption == Encryption::None || !tls_offered(&mut stream, encryption).await? {
        return Ok((Box::new(stream), false));
    }
    let stream = tls::handshake(settings.tls(), target, stream).await?;
    Ok((Box::new(stream), true))
}

/// Sends the `SSLRequest` and reads the one byte that answers it. Not a byte
/// more: what came after it unencrypted could be an attacker's.
async fn tls_offered(stream: &mut TcpStream, encryption: Encryption) -> Result<bool, Cause> {
    /// Its length, then the number that stands where a protocol version would.
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

/// A dead link is noticed within two minutes, where the system would take two hours: a
/// statement without a time limit may say nothing for as long, and only these probes tell
/// whether its server is still there.
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

/// Only if asked: it also ends a connection whose server waits for a reader of ours that
/// pauses, while large statements wait for the server.
#[cfg(target_os = "linux")]
fn limit_unacknowledged(stream: &TcpStream, limit: Duration) -> std::io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(limit))
}

/// As in libpq, where the system has no such thing.
#[cfg(not(target_os = "linux"))]
fn limit_unacknowledged(_: &TcpStream, _: Duration) -> std::io::Result<()> {
    Ok(())
}

/// libpq writes Linux's abstract sockets with an `@` where the NUL byte is.
fn socket_address(path: &Path) -> PathBuf {
    match path.to_str().and_then(|path| path.strip_prefix('@')) {
        Some(name) => PathBuf::from(format!("\0{name}")),
        None => path.to_owned(),
    }
}

async fn resolve(host: &Host) -> Result<Vec<HostAddr>, Cause> {
    HostAddr::of(host).await.map_err(Cause::Resolve)
}

async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, work)
            .await
            .unwrap_or(Err(Cause::Timeout(limit))),
        None => work.await,
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
