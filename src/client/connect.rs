//! Opens connections by libpq's rules: hosts and their addresses in order, TLS according to
//! `sslmode`, one timeout for everything up to the first query.
//!
//! tokio-postgres could connect itself, but its timeout covers TCP only and its sslmode ends at
//! `require`, so it is given a stream that is ready to use.

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::ChannelBinding as TokioChannelBinding;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Connection};

use super::authentication::AuthRules;
use super::endpoint::{Address, Endpoint, HostAddr};
use super::error::{Cause, ConnectError, Failure};
use super::open_stream::{AlreadyOpen, OpenStream};
use super::patience::{Patience, Watched};
use super::peer;
use super::row_description::TypedColumns;
use super::target_session;
use super::tls;
use super::wire::Wire;
use crate::config::{
    ChannelBinding, Host, Keepalive, LoadBalanceHosts, Settings, SslMode, SslNegotiation,
    TargetSessionAttrs,
};

/// A socket, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}
pub type BoxedStream = Box<dyn Stream>;

/// Buffered, because tokio-postgres reads only 8 KiB at a time and [`super::read_coalescing`] lets
/// more arrive.
pub type PgStream = Watched<BufReader<BoxedStream>>;

/// Read buffer per connection, in bytes.
const READ: usize = 64 << 10;

/// An open connection. Nothing happens on it until someone polls `connection`.
pub struct Connected {
    pub client: Client,
    pub connection: Connection<PgStream, OpenStream<PgStream>>,
    /// For [`cancel`].
    pub endpoint: Endpoint,
    /// No limit until it is set.
    pub patience: Arc<Patience>,
    /// Notices and other messages beside query results.
    pub wire: Wire,
}

/// Connects to the first host that answers and is what `target_session_attrs` asks for.
///
/// Like libpq, tries the next address if one is unreachable or does not accept connections yet, but
/// not if a server rejects us.
///
/// # Errors
/// Every failed attempt, in order.
pub async fn connect(settings: &Settings) -> Result<Connected, ConnectError> {
    let mut failures = Vec::new();
    for &wanted in target_session::passes(settings.target_session_attrs()) {
        failures.clear();
        if let Some(connected) = first_of(settings, wanted, &mut failures).await? {
            return Ok(connected);
        }
    }
    Err(ConnectError::new(failures))
}

/// `None` if no host answers, or none is what is wanted.
async fn first_of(
    settings: &Settings,
    wanted: TargetSessionAttrs,
    failures: &mut Vec<Failure>,
) -> Result<Option<Connected>, ConnectError> {
    let order = settings.load_balance_hosts();
    for host in ordered(settings.hosts().iter().collect(), order) {
        let targets = match within(settings.connect_timeout(), resolve(host)).await {
            Ok(targets) => targets,
            Err(cause) => {
                failures.push(Failure::resolving(host, cause));
                continue;
            }
        };
        for target in ordered(targets, order) {
            let mut connected = match reach(settings, &target, failures).await {
                AttemptResult::Server(connected) => *connected,
                AttemptResult::TryNext => continue,
                AttemptResult::Refused => {
                    return Err(ConnectError::new(std::mem::take(failures)));
                }
            };
            let Connected {
                client, connection, ..
            } = &mut connected;
            let check = target_session::check(client, connection, wanted);
            match within(settings.connect_timeout(), check).await {
                Ok(()) => return Ok(Some(connected)),
                Err(cause) => {
                    failures.push(Failure::at(&target, cause));
                    leave(connected).await;
                }
            }
        }
    }
    Ok(None)
}

/// Says goodbye, so that the server logs nothing.
async fn leave(connected: Connected) {
    drop(connected.client);
    // It ends either way.
    let _ = connected.connection.await;
}

fn ordered<T>(mut list: Vec<T>, order: LoadBalanceHosts) -> Vec<T> {
    if order == LoadBalanceHosts::Random {
        // Its keys are random, and every value hashes differently with others.
        list.sort_by_cached_key(|_| RandomState::new().hash_one(0));
    }
    list
}

/// Connects to the endpoint that an earlier connection reached, without trying others.
///
/// # Errors
/// The failed attempt.
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

/// Sends a cancel request and waits until the server has processed it. The protocol does not report
/// whether anything was cancelled.
///
/// # Errors
/// The server could not be reached.
pub async fn cancel(
    settings: &Settings,
    endpoint: &Endpoint,
    token: &CancelToken,
) -> Result<(), ConnectError> {
    let request = async {
        let mut stream = open(settings, &endpoint.target, endpoint.encryption())
            .await?
            .stream;
        token
            .cancel_query_raw(&mut stream, AlreadyOpen::default())
            .await?;
        // The server closes once it has acted. Closing first can lose the request: with TLS 1.3,
        // unread session tickets turn our close into a reset.
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

/// The encryption to try for an address, in order.
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

/// The passfile that a rejected password came from.
fn passfile_note(settings: &Settings, target: &HostAddr, cause: &Cause) -> Option<String> {
    let wrong = cause.sqlstate() == Some(&SqlState::INVALID_PASSWORD);
    let path = settings.passfile_for(&target.host).filter(|_| wrong)?;
    Some(format!(
        "password retrieved from file \"{}\"",
        path.display()
    ))
}

/// Whether to retry with (or without) TLS: `pg_hba.conf` rejected the connection, or TLS itself
/// failed.
///
/// libpq retries after any rejection, even a wrong password. shardq does not: the second attempt
/// would send it unencrypted.
fn depends_on_encryption(cause: &Cause) -> bool {
    matches!(cause, Cause::Tls(_))
        || cause.sqlstate() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

async fn start(
    settings: &Settings,
    target: &HostAddr,
    encryption: Encryption,
) -> Result<Connected, Cause> {
    let opened = open(settings, target, encryption).await?;
    let encrypted = opened.encrypted;
    let patience = Arc::new(Patience::default());
    let wire = Wire::default().with_auth_rules(AuthRules::new(settings, encrypted));
    let stream = TypedColumns::new(BufReader::with_capacity(READ, opened.stream), wire.clone());
    let stream = Watched::new(stream, Arc::clone(&patience));
    let end_point = opened.end_point;
    let (client, connection) = startup(settings, &target.host)
        .connect_raw(stream, AlreadyOpen { end_point })
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

/// Startup parameters.
fn startup(settings: &Settings, host: &Host) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .user(settings.user())
        .dbname(settings.database())
        .application_name(settings.application_name())
        .channel_binding(match settings.channel_binding() {
            ChannelBinding::Disable => TokioChannelBinding::Disable,
            ChannelBinding::Prefer => TokioChannelBinding::Prefer,
            ChannelBinding::Require => TokioChannelBinding::Require,
        });
    AlreadyOpen::configure(&mut config);
    if let Some(options) = settings.options() {
        config.options(options);
    }
    if let Some(password) = settings.password_for(host) {
        config.password(password.as_bytes());
    }
    config
}

struct OpenedStream {
    stream: BoxedStream,
    encrypted: bool,
    /// What channel binding can bind to.
    end_point: Option<Vec<u8>>,
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

async fn open(
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
