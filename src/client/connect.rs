//! Opens connections by libpq's rules: hosts and their addresses in order, TLS according to
//! `sslmode`, one timeout for everything up to the first query.
//!
//! tokio-postgres could connect itself, but its timeout covers TCP only and its sslmode ends at
//! `require`, so it is given a stream that is ready to use.

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, BufReader};
use tokio_postgres::config::ChannelBinding as TokioChannelBinding;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Connection};

use super::authentication::AuthRules;
use super::endpoint::{Address, Endpoint, HostAddr};
use super::error::{Cause, ConnectError, Failure};
use super::open_stream::{AlreadyOpen, OpenStream};
use super::patience::{Patience, Watched};
use super::row_description::TypedColumns;
use super::stream::{BoxedStream, Encryption, open};
use super::target_session;
use super::wire::Wire;
use crate::config::{
    ChannelBinding, Host, LoadBalanceHosts, Settings, SslMode, TargetSessionAttrs,
};

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
