//! The address of a connection attempt, displayed as libpq does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::{fmt, io};

use crate::config::{Host, HostPlace, socket_name};

/// One address of one host. Displayed as `server at "db1" (10.0.0.1), port 5432`
/// or `server on socket "/tmp/.s.PGSQL.5432"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddr {
    pub(super) host: Host,
    pub(super) address: Address,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Socket(PathBuf),
    Tcp(SocketAddr),
}

/// What a connection reached. A cancel request must go to the same address with the same
/// encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(super) target: HostAddr,
    pub(super) encrypted: bool,
}

impl Endpoint {
    pub fn host(&self) -> &Host {
        &self.target.host
    }

    pub fn address(&self) -> &Address {
        &self.target.address
    }

    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }
}

impl HostAddr {
    /// All addresses of a host, in the resolver's order; never empty.
    ///
    /// # Errors
    /// The name cannot be resolved.
    pub(super) async fn of(host: &Host) -> io::Result<Vec<Self>> {
        let addresses = match host.place() {
            HostPlace::Socket(directory) => {
                vec![Address::Socket(directory.join(socket_name(host.port())))]
            }
            HostPlace::Tcp {
                address: Some(address),
                ..
            } => vec![Address::Tcp((*address, host.port()).into())],
            HostPlace::Tcp { name, .. } => tokio::net::lookup_host((name.as_str(), host.port()))
                .await?
                .map(Address::Tcp)
                .collect(),
        };
        if addresses.is_empty() {
            return Err(io::Error::other("it has no address"));
        }
        Ok(addresses
            .into_iter()
            .map(|address| Self {
                host: host.clone(),
                address,
            })
            .collect())
    }
}

impl fmt::Display for HostAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, self.host.name()) {
            (Address::Socket(path), _) => write!(f, "server on socket \"{}\"", path.display()),
            (Address::Tcp(address), Some(name)) if name != address.ip().to_string() => write!(
                f,
                "server at \"{name}\" ({}), port {}",
                address.ip(),
                address.port()
            ),
            (Address::Tcp(address), _) => {
                write!(f, "server at \"{}\", port {}", address.ip(), address.port())
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}
