//! Where to connect, by libpq's rules, so that whatever works for psql works here: flags, URIs,
//! `PG*` variables, service files, passfiles.
//!
//! `resolve` merges the sources, each of which has a file here, into `Settings`. Files are read
//! while that happens; nothing here connects.

mod conninfo;
mod environment;
mod error;
mod flags;
mod host;
mod parameters;
mod passfile;
mod password;
pub mod profile;
mod require_auth;
mod resolve;
mod secret;
mod server;
mod service;
mod target_session;
mod tls;
mod uri;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use environment::Environment;
pub use error::SettingsError;
pub use flags::ConnectionFlags;
use flags::connection;
pub(crate) use host::socket_name;
pub use host::{Host, HostPlace};
pub use password::Password;
pub use require_auth::{AuthMethod, ChannelBinding, RequireAuth};
pub use secret::may_hold_password;
pub use server::Server;
pub use target_session::{LoadBalanceHosts, TargetSessionAttrs};
pub use tls::{Roots, SslMode, SslNegotiation, Tls, TlsVersion};

use parameters::Parameters;
use passfile::Passfile;
use profile::{Label, PasswordCommand};
pub(crate) use values::escape_option;

/// Everything needed to connect. Displayed in messages, without the password, as
/// `builder on /var/run/postgresql:5432 as hab`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// As given, by flags, variables and files.
    parameters: Parameters,
    hosts: Vec<Host>,
    user: String,
    database: String,
    application_name: String,
    options: Option<String>,
    /// Given or typed; used for every host and database.
    password: Option<Password>,
    /// Prints the password if none is given.
    password_command: Option<PasswordCommand>,
    /// What the environment is called.
    label: Option<Label>,
    /// What one of several servers is called.
    server_label: Option<String>,
    /// Typed for one of the connections of this process; all copies share it.
    typed: Arc<OnceLock<Password>>,
    passfile: Arc<Passfile>,
    password_prompt: PasswordPrompt,
    connect_timeout: Option<Duration>,
    keepalive: Option<Keepalive>,
    tcp_user_timeout: Option<Duration>,
    tls: Tls,
    /// The user as whom a server on a Unix socket must run.
    require_peer: Option<String>,
    require_auth: RequireAuth,
    channel_binding: ChannelBinding,
    target_session_attrs: TargetSessionAttrs,
    load_balance_hosts: LoadBalanceHosts,
    warnings: Vec<String>,
}

/// When to prompt for a password at the terminal: `-w`, neither, `-W`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPrompt {
    Never,
    IfNeeded,
    Always,
}

/// Probes of an idle TCP connection. `None` leaves the value to whoever opens the connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keepalive {
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
}

impl Settings {
    /// The same servers and user with another database. The passfile may have another password for
    /// it.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut parameters = self.parameters.clone();
        parameters.replace("dbname", name);
        Self {
            database: name.to_owned(),
            parameters,
            ..self.clone()
        }
    }

    /// Whether a connection by these settings serves the others too, whatever password each has.
    pub fn is_same_server(&self, other: &Self) -> bool {
        let with_their_password = Self {
            password: other.password.clone(),
            typed: Arc::clone(&other.typed),
            ..self.clone()
        };
        with_their_password == *other
    }

    /// The password that was typed before, so that nobody has to type it twice.
    pub fn typed_password(&self) -> Option<Password> {
        self.typed.get().cloned()
    }

    pub fn remember_password(&self, typed: &Password) {
        // The first one was accepted.
        let _ = self.typed.set(typed.clone());
    }

    #[must_use]
    pub fn with_password(&self, password: Password) -> Self {
        Self {
            password: Some(password),
            ..self.clone()
        }
    }

    /// The servers in the order to try them; never empty.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// A `key=value` string that connects to the same, without the password.
    pub fn conninfo(&self) -> String {
        let mut parameters = self.parameters.clone();
        parameters.fill_defaults(&Parameters::of_names(&self.database, &self.user));
        parameters.conninfo()
    }

    /// The same for another program, which gets the password and the options by other ways. With
    /// the directory of the socket if no host is given: that is compiled into each libpq.
    pub fn conninfo_of_client(&self) -> String {
        let mut parameters = self.parameters.clone();
        parameters.fill_defaults(&Parameters::of_names(&self.database, &self.user));
        if let [host] = &self.hosts[..]
            && let HostPlace::Socket(directory) = host.place()
        {
            parameters.replace("host", &directory.to_string_lossy());
        }
        parameters.replace("options", "");
        parameters.conninfo()
    }

    /// The same for a foreign server of another Postgres server: parameters of libpq and their
    /// values, without names, passwords and what only this process needs. Files are that server's.
    pub fn foreign_server_options(&self) -> BTreeMap<String, String> {
        let mut parameters = self.parameters.clone();
        // Of a database per tenant, the one that was given is not the one that it is.
        parameters.replace("dbname", &self.database);
        if let [host] = &self.hosts[..]
            && let HostPlace::Socket(directory) = host.place()
        {
            parameters.replace("host", &directory.to_string_lossy());
        }
        parameters.foreign_server_options()
    }

    /// A password that such a program does not find by itself: given, typed, or printed by a
    /// command.
    pub fn password_of_client(&self) -> Option<Password> {
        self.typed_password().or_else(|| self.password.clone())
    }

    pub fn application_name(&self) -> &str {
        &self.application_name
    }

    /// Options for the server process: `-c work_mem=1GB`.
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// The password for this host: given, typed, or from the passfile.
    pub fn password_for(&self, host: &Host) -> Option<Password> {
        self.password
            .clone()
            .or_else(|| self.passfile_entry(host))
            .filter(|password| !password.is_empty())
    }

    /// The passfile, if this host's password comes from it.
    pub fn passfile_for(&self, host: &Host) -> Option<&Path> {
        let from_file = self.password.is_none() && self.passfile_entry(host).is_some();
        from_file.then(|| self.passfile.path())
    }

    fn passfile_entry(&self, host: &Host) -> Option<Password> {
        host.passfile_names().into_iter().find_map(|name| {
            self.passfile
                .find(name, host.port(), &self.database, &self.user)
        })
    }

    pub fn password_command(&self) -> Option<&PasswordCommand> {
        self.password_command.as_ref()
    }

    /// What summaries call the environment.
    pub fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    /// What messages and results call one of several servers: `db7:5432` without a label.
    pub fn server_name(&self) -> String {
        let hosts = self.hosts.iter().map(Host::with_port);
        let label = self.server_label.clone();
        label.unwrap_or_else(|| hosts.collect::<Vec<_>>().join(","))
    }

    pub fn password_prompt(&self) -> PasswordPrompt {
        self.password_prompt
    }

    /// Per address that is tried. `None`: wait forever.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    /// `None`: idle connections are not probed.
    pub fn keepalive(&self) -> Option<&Keepalive> {
        self.keepalive.as_ref()
    }

    /// How long sent data may stay unacknowledged. `None`: the system's default.
    pub fn tcp_user_timeout(&self) -> Option<Duration> {
        self.tcp_user_timeout
    }

    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    pub fn require_peer(&self) -> Option<&str> {
        self.require_peer.as_deref()
    }

    /// How the server may ask who connects.
    pub fn require_auth(&self) -> &RequireAuth {
        &self.require_auth
    }

    pub fn channel_binding(&self) -> ChannelBinding {
        self.channel_binding
    }

    /// What the server must be like.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        self.target_session_attrs
    }

    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        self.load_balance_hosts
    }

    /// Problems that are not errors, such as a passfile that was ignored because others can read
    /// it.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on ", self.database)?;
        for (i, host) in self.hosts.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{host}")?;
        }
        write!(f, " as {}", self.user)
    }
}

#[cfg(test)]
mod tests;
