//! Where to connect, by libpq's rules, so that whatever works for psql works here: flags, URIs,
//! `PG*` variables, service files, passfiles.
//!
//! Files are read while the settings are resolved; nothing here connects.

mod conninfo;
mod environment;
mod error;
mod host;
mod parameters;
mod passfile;
mod password;
pub mod profile;
mod secret;
mod service;
mod target_session;
mod tls;
mod uri;
mod values;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use environment::Environment;
pub use error::SettingsError;
pub(crate) use host::socket_name;
pub use host::{Host, HostPlace};
pub use password::Password;
pub use secret::may_hold_password;
pub use target_session::{LoadBalanceHosts, TargetSessionAttrs};
pub use tls::{Roots, SslMode, Tls, TlsVersion};

use parameters::Parameters;
use passfile::Passfile;
use profile::{Label, PasswordCommand, Profile};
pub(crate) use values::escape_option;
use values::{connect_timeout, keepalive, parsed, positive, server_options};

/// psql's connection flags, as given. Values stay text: libpq's lists (`-h a,b -p 5432,5433`) are
/// parsed later, with everything else that names a server.
// Not `Debug`: a URI may contain a password.
#[derive(Clone, Default)]
pub struct ConnectionFlags {
    pub host: Option<String>,
    pub port: Option<String>,
    pub username: Option<String>,
    /// All values given, so that duplicates are noticed.
    pub dbname: Vec<String>,
    pub no_password: bool,
    pub password: bool,
    pub prefer_standby: bool,
    pub profile: Option<Profile>,
}

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
    /// Typed for one of the connections of this process; all copies share it.
    typed: Arc<OnceLock<Password>>,
    passfile: Arc<Passfile>,
    password_prompt: PasswordPrompt,
    connect_timeout: Option<Duration>,
    keepalive: Option<Keepalive>,
    tcp_user_timeout: Option<Duration>,
    tls: Tls,
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
    /// Precedence as in libpq's `conninfo_add_defaults`: what is given, then the service file, then
    /// `PG*` variables, then the profile, then the defaults.
    ///
    /// # Errors
    /// What libpq would reject, and what it would accept but we cannot honour.
    pub fn resolve(
        args: &ConnectionFlags,
        environment: &Environment,
    ) -> Result<Self, SettingsError> {
        let mut parameters = given(args)?;
        service::fill(&mut parameters, environment)?;
        parameters.fill_from(environment);
        let mut warnings = Vec::new();
        if let Some(profile) = &args.profile {
            warnings.extend(overrides(profile, environment));
            parameters.fill_defaults(&profile.connection);
            if profile.connection.mentions("service") {
                service::fill(&mut parameters, environment)?;
            }
        }
        parameters.check_supported()?;
        secret::check_names(&parameters)?;

        let get = |keyword| parameters.get(keyword);
        let user = get("user")
            .or(environment.user())
            .ok_or(SettingsError::NoUser)?;
        let password = get("password").map(Password::from);
        let passfile = get("passfile").map_or_else(
            || environment.at_home(".pgpass"),
            |path| Some(PathBuf::from(path)),
        );
        let password_command = args.profile.as_ref();
        let password_command = password_command.and_then(|it| it.password_command.clone());
        // As in libpq, the passfile is not read if a password is given.
        let (passfile, warning) = match passfile {
            Some(path) if password.is_none() && password_command.is_none() => Passfile::read(&path),
            _ => (Passfile::default(), None),
        };
        Ok(Self {
            hosts: host::hosts(&parameters)?,
            user: user.to_owned(),
            database: get("dbname").unwrap_or(user).to_owned(),
            application_name: get("application_name")
                .or(get("fallback_application_name"))
                .unwrap_or("shardq")
                .to_owned(),
            options: server_options(get("options"), environment),
            password_command,
            label: args.profile.as_ref().map(|profile| profile.label.clone()),
            password,
            typed: Arc::default(),
            passfile: Arc::new(passfile),
            password_prompt: match (args.no_password, args.password) {
                (true, _) => PasswordPrompt::Never,
                (_, true) => PasswordPrompt::Always,
                _ => PasswordPrompt::IfNeeded,
            },
            connect_timeout: connect_timeout(&parameters)?,
            keepalive: keepalive(&parameters)?,
            tcp_user_timeout: positive(&parameters, "tcp_user_timeout")?
                .map(|milliseconds| Duration::from_millis(milliseconds.into())),
            tls: Tls::new(&parameters, environment)?,
            target_session_attrs: parsed(&parameters, "target_session_attrs")?,
            load_balance_hosts: parsed(&parameters, "load_balance_hosts")?,
            warnings: warnings.into_iter().chain(warning).collect(),
            parameters,
        })
    }

    /// The same servers and user with another database. The passfile may have another password for
    /// it.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        Self {
            database: name.to_owned(),
            ..self.clone()
        }
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

/// A variable that is set for another environment could send a query there.
fn overrides(profile: &Profile, environment: &Environment) -> Option<String> {
    let variables = profile.connection.overridden_by(environment);
    let name = &profile.name;
    (!variables.is_empty()).then(|| {
        format!(
            "shardq: warning: {} overrides profile \"{name}\"",
            variables.join(", ")
        )
    })
}

/// The flags and the content of `-d`. As in psql, a connection string in `-d` overrides the other
/// flags, and an empty flag counts as not given.
fn given(args: &ConnectionFlags) -> Result<Parameters, SettingsError> {
    let mut parameters = Parameters::default();
    let flags = [
        ("host", &args.host),
        ("port", &args.port),
        ("user", &args.username),
    ];
    for (keyword, value) in flags {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            parameters.set(keyword, value)?;
        }
    }
    if args.prefer_standby {
        parameters.set("target_session_attrs", "prefer-standby")?;
    }
    let targets: BTreeSet<_> = args.dbname.iter().filter(|it| !it.is_empty()).collect();
    if targets.len() > 1 {
        return Err(SettingsError::SeveralDatabases("-d is"));
    }
    let Some(target) = targets.first() else {
        return Ok(parameters);
    };
    parameters.replace_with(connection(target)?);
    Ok(parameters)
}

/// A URI, a `key=value` string, or the name of a database.
fn connection(text: &str) -> Result<Parameters, SettingsError> {
    if let Some(uri) = uri::strip_scheme(text) {
        return uri::parse(uri);
    }
    if secret::is_broken_uri(text) {
        return Err(SettingsError::NotAUri);
    }
    if text.contains('=') {
        return conninfo::parse(text);
    }
    let mut parameters = Parameters::default();
    parameters.set("dbname", text)?;
    Ok(parameters)
}

#[cfg(test)]
mod tests;
