//! The servers to try: libpq's `host`, `hostaddr` and `port` lists.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{Parameters, SettingsError, may_hold_password};

const DEFAULT_PORT: u16 = 5432;

/// Where builds of libpq expect a local server's socket: Debian's, then all others'. Without a
/// host, the first directory that has one is used.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One server to try. Displayed as `db1:5432` or `/var/run/postgresql:5432`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    place: HostPlace,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPlace {
    /// A directory, or with a leading `@` an abstract name.
    Socket(PathBuf),
    /// `address` is the value of `hostaddr`: with it, no name is resolved.
    Tcp {
        name: String,
        address: Option<IpAddr>,
    },
}

impl Host {
    pub fn place(&self) -> &HostPlace {
        &self.place
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name used for TLS and in messages; none for a socket.
    pub fn name(&self) -> Option<&str> {
        match &self.place {
            HostPlace::Socket(_) => None,
            HostPlace::Tcp { name, .. } => Some(name),
        }
    }

    /// For people: `db1`, `db1:5433`, `local socket`, `local socket:5433`. Only a socket that is
    /// elsewhere than usual is named by its directory, as `/srv/pg`.
    pub fn brief(&self) -> String {
        let name = match &self.place {
            HostPlace::Socket(directory) if is_usual(directory) => "local socket".into(),
            _ => self.shown_name(),
        };
        if self.port == DEFAULT_PORT {
            name.into_owned()
        } else {
            format!("{name}:{}", self.port)
        }
    }

    /// `db1:5432`, `/var/run/postgresql:5432`
    pub fn with_port(&self) -> String {
        format!("{}:{}", self.shown_name(), self.port)
    }

    fn shown_name(&self) -> Cow<'_, str> {
        match &self.place {
            HostPlace::Socket(directory) => directory.to_string_lossy(),
            HostPlace::Tcp { name, .. } if name.contains(':') => format!("[{name}]").into(),
            HostPlace::Tcp { name, .. } => Cow::Borrowed(name.as_str()),
        }
    }

    /// The host names under which a passfile may list it.
    pub(super) fn passfile_names(&self) -> Vec<&str> {
        match &self.place {
            HostPlace::Tcp { name, .. } => vec![name],
            HostPlace::Socket(directory) => {
                let localhost = is_usual(directory).then_some("localhost");
                directory.to_str().into_iter().chain(localhost).collect()
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            HostPlace::Socket(directory) => write!(f, "{}:{}", directory.display(), self.port),
            HostPlace::Tcp { name, .. } if name.contains(':') => {
                write!(f, "[{name}]:{}", self.port)
            }
            HostPlace::Tcp { name, .. } => write!(f, "{name}:{}", self.port),
        }
    }
}

/// The hosts in the order to try them; never empty.
pub(super) fn hosts(parameters: &Parameters) -> Result<Vec<Host>, SettingsError> {
    let list = |keyword| {
        parameters
            .get(keyword)
            .map(|list| list.split(',').collect::<Vec<_>>())
    };
    // A password with a comma would be split, and an entry shown alone would not look like one.
    let whole = |keyword| parameters.get(keyword).filter(|it| may_hold_password(it));
    if let Some(addresses) = whole("hostaddr") {
        return Err(SettingsError::host_addr(addresses));
    }
    if let Some(ports) = whole("port") {
        return Err(SettingsError::port(ports));
    }
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));

    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    let names = names.unwrap_or_else(|| vec![""; count]);
    if names.len() != count {
        return Err(SettingsError::HostAddrCount {
            hosts: names.len(),
            addresses: count,
        });
    }
    let addresses = addresses.unwrap_or_else(|| vec![""; count]);
    let ports = match ports.unwrap_or_else(|| vec![""]) {
        one if one.len() == 1 => vec![one[0]; count],
        several if several.len() == count => several,
        several => {
            return Err(SettingsError::PortCount {
                ports: several.len(),
                hosts: count,
            });
        }
    };

    std::iter::zip(names, addresses)
        .zip(ports)
        .map(|((name, address), port)| {
            let port = parse_port(port)?;
            let place = parse_place(name, address, port)?;
            Ok(Host { place, port })
        })
        .collect()
}

fn parse_place(name: &str, address: &str, port: u16) -> Result<HostPlace, SettingsError> {
    if !address.is_empty() {
        let parsed = address
            .parse()
            .map_err(|_| SettingsError::host_addr(address))?;
        let name = if name.is_empty() { address } else { name };
        return Ok(HostPlace::Tcp {
            name: name.to_owned(),
            address: Some(parsed),
        });
    }
    Ok(if name.is_empty() {
        HostPlace::Socket(default_socket_directory(port))
    } else if name.starts_with(['/', '@']) {
        HostPlace::Socket(PathBuf::from(name))
    } else {
        HostPlace::Tcp {
            name: name.to_owned(),
            address: None,
        }
    })
}

fn is_usual(directory: &Path) -> bool {
    SOCKET_DIRECTORIES
        .iter()
        .any(|usual| directory == Path::new(usual))
}

fn default_socket_directory(port: u16) -> PathBuf {
    let mut directories = SOCKET_DIRECTORIES.iter().map(Path::new);
    directories
        .clone()
        .find(|directory| directory.join(socket_name(port)).exists())
        .or_else(|| directories.find(|directory| directory.is_dir()))
        .unwrap_or(Path::new("/tmp"))
        .to_owned()
}

/// The file name, in a socket directory, of a server on this port.
pub(crate) fn socket_name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

fn parse_port(text: &str) -> Result<u16, SettingsError> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    let number: i64 = text
        .trim()
        .parse()
        .map_err(|_| SettingsError::not_an_integer("port", text))?;
    u16::try_from(number)
        .ok()
        .filter(|&port| port != 0)
        .ok_or_else(|| SettingsError::port(text))
}
