//! A private, throwaway Postgres server for `shardq demo`, the tests and the benchmarks.
//!
//! It has its own folder and Unix socket, trusts everyone who can reach it, trades durability
//! for speed, and is removed however its owner ends. Not for data that matters.

pub mod sample;
mod server_binaries;
mod supervisor;
mod unprivileged_user;

use std::fmt::{self, Write};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use supervisor::Keeper;

use crate::text::io_reason::io_reason;

/// Turns off what throwaway data does not need, and what would make runs differ.
const SETTINGS: &str = "
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
timezone = 'UTC'
log_timezone = 'UTC'
";

#[derive(Debug, Clone)]
pub struct Options {
    pub superuser: String,
    pub listen: Listen,
    /// For `postgresql.conf`: names and unquoted values.
    pub settings: Vec<(String, String)>,
    /// Replaces `pg_hba.conf`, which otherwise trusts everyone.
    pub hba: Option<String>,
    /// More files for the data folder, such as certificates: names and contents.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            superuser: "postgres".to_owned(),
            listen: Listen::Socket,
            settings: Vec::new(),
            hba: None,
            files: Vec::new(),
        }
    }
}

/// Where the server accepts connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Only on its Unix socket, in a folder that only its user can enter.
    Socket,
    /// Also on a free port of 127.0.0.1, open to every user of the machine.
    Loopback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Ends sessions with an error (57P01).
    Fast,
    /// Like a crash: sessions lose their connection.
    Immediate,
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "fast",
            Self::Immediate => "immediate",
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "no PostgreSQL server programs on this machine: initdb, pg_ctl and postgres are needed\n\
         shardq: hint: in a checkout of shardq, `make demo` installs them. By hand:\n  \
         Debian, Ubuntu  apt-get install postgresql\n  \
         Fedora, RHEL    dnf install postgresql-server\n  \
         SUSE            zypper install postgresql-server\n  \
         Alpine          apk add postgresql\n  \
         Arch            pacman -S postgresql\n  \
         macOS           brew install postgresql@17"
    )]
    NoServer,
    #[error(
        "Postgres refuses to run as root, and there is no user 'postgres' or 'nobody' to run it as"
    )]
    NoAccount,
    #[error("{}: {}", path.display(), io_reason(error))]
    Folder { path: PathBuf, error: io::Error },
    #[error("cannot start sh: {}", io_reason(.0))]
    Shell(io::Error),
    #[error("no free port on 127.0.0.1: {}", io_reason(.0))]
    NoPort(io::Error),
    #[error("the process that supervises the throwaway server has exited, and the server with it")]
    KeeperGone,
    #[error("the throwaway server failed to {order}; its log:\n{log}")]
    Failed { order: String, log: String },
}

/// A data folder made by `initdb`, to be copied: 80 ms per server instead of 450.
#[derive(Debug)]
pub struct InitdbTemplate {
    keeper: Keeper,
    parent: PathBuf,
    superuser: String,
}

impl InitdbTemplate {
    /// In a folder of `parent`, as are the servers that are started from it.
    pub fn create(parent: &Path, superuser: &str) -> Result<Self, SandboxError> {
        let mut keeper = Keeper::start(&server_binaries::find()?, parent, superuser)?;
        keeper.order("init")?;
        Ok(Self {
            keeper,
            parent: parent.to_owned(),
            superuser: superuser.to_owned(),
        })
    }

    /// Starts a server on a copy. The superuser is the template's.
    pub fn start(&self, options: Options) -> Result<Sandbox, SandboxError> {
        let from = self.keeper.data_dir();
        let options = Options {
            superuser: self.superuser.clone(),
            ..options
        };
        Sandbox::start_from(&format!("copy {}", from.display()), &self.parent, options)
    }
}

/// A running server. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub struct Sandbox {
    keeper: Keeper,
    bindir: PathBuf,
    superuser: String,
    port: u16,
}

impl Sandbox {
    pub fn start(options: Options) -> Result<Self, SandboxError> {
        Self::start_from("init", &std::env::temp_dir(), options)
    }

    fn start_from(origin: &str, parent: &Path, options: Options) -> Result<Self, SandboxError> {
        let bindir = server_binaries::find()?;
        let mut keeper = Keeper::start(&bindir, parent, &options.superuser)?;
        keeper.order(origin)?;
        let port = match options.listen {
            Listen::Socket => 5432,
            Listen::Loopback => free_port().map_err(SandboxError::NoPort)?,
        };
        let configuration = configuration(keeper.folder(), port, &options);
        keeper.write("postgresql.auto.conf", configuration.as_bytes())?;
        if let Some(hba) = &options.hba {
            keeper.write("pg_hba.conf", hba.as_bytes())?;
        }
        for (name, contents) in &options.files {
            keeper.write(name, contents)?;
        }
        keeper.order("start")?;
        Ok(Self {
            keeper,
            bindir,
            superuser: options.superuser,
            port,
        })
    }

    /// For `PGHOST` and `psql -h`.
    pub fn socket_dir(&self) -> &Path {
        self.keeper.folder()
    }

    /// The port of the socket, and of 127.0.0.1 for [`Listen::Loopback`].
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn superuser(&self) -> &str {
        &self.superuser
    }

    pub fn data_dir(&self) -> PathBuf {
        self.keeper.data_dir()
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        self.keeper.log()
    }

    /// A client program (such as `psql`) of the server's version, or the one on the PATH if the
    /// server's package has none.
    pub fn client(&self, name: &str) -> PathBuf {
        let path = self.bindir.join(name);
        if path.is_file() {
            path
        } else {
            PathBuf::from(name)
        }
    }

    /// Environment variables that connect libpq programs to a database of this server.
    pub fn env(&self, database: &str) -> [(&'static str, String); 4] {
        [
            ("PGHOST", self.socket_dir().display().to_string()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", self.superuser.clone()),
            ("PGDATABASE", database.to_owned()),
        ]
    }

    /// Stops the server and keeps its data, for [`Self::start_again`].
    pub fn stop(&mut self, shutdown: Shutdown) -> Result<(), SandboxError> {
        self.keeper.order(&format!("stop {shutdown}"))
    }

    pub fn start_again(&mut self) -> Result<(), SandboxError> {
        self.keeper.order("start")
    }
}

fn configuration(socket_dir: &Path, port: u16, options: &Options) -> String {
    let listen = match options.listen {
        Listen::Socket => "",
        Listen::Loopback => "127.0.0.1",
    };
    let socket_dir = socket_dir.display().to_string();
    let port = port.to_string();
    let own = [
        ("unix_socket_directories", socket_dir.as_str()),
        ("listen_addresses", listen),
        ("port", &port),
    ];
    let given = options.settings.iter();
    let all = own
        .into_iter()
        .chain(given.map(|(name, value)| (name.as_str(), value.as_str())));
    let mut text = SETTINGS.to_owned();
    for (name, value) in all {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
    }
    text
}

/// A port that was free a moment ago. If another process takes it first, the server fails to
/// start, and its log says why.
fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
