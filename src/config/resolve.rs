//! Where the settings come from, and which source wins.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::passfile::Passfile;
use super::profile::Profile;
use super::values::{connect_timeout, keepalive, parsed, positive, server_options};
use super::{
    ConnectionFlags, Environment, Password, PasswordPrompt, Server, Settings, SettingsError, Tls,
    host, secret, service,
};

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
        let mut parameters = args.server.as_ref().map(Server::first).unwrap_or_default();
        parameters.fill_defaults(&args.parameters()?);
        service::fill(&mut parameters, environment)?;
        parameters.fill_from(environment);
        let mut warnings = Vec::new();
        if let Some(server) = &args.server {
            parameters.fill_defaults(server.defaults());
        }
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
            server_label: (args.server.as_ref())
                .and_then(|server| server.label().map(str::to_owned)),
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
            require_peer: get("requirepeer").map(str::to_owned),
            require_auth: parsed(&parameters, "require_auth")?,
            channel_binding: parsed(&parameters, "channel_binding")?,
            target_session_attrs: parsed(&parameters, "target_session_attrs")?,
            load_balance_hosts: parsed(&parameters, "load_balance_hosts")?,
            warnings: warnings.into_iter().chain(warning).collect(),
            parameters,
        })
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
