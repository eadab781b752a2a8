//! psql's connection flags, and the connection string that `-d` or a profile may hold in place of a
//! database's name.

use std::collections::BTreeSet;

use super::parameters::Parameters;
use super::profile::Profile;
use super::{Server, SettingsError, conninfo, secret, uri};

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
    /// One of several servers.
    pub server: Option<Server>,
}

impl ConnectionFlags {
    /// Whether they say where the server is.
    ///
    /// # Errors
    /// If they are not valid.
    pub fn names_a_host(&self) -> Result<bool, SettingsError> {
        let given = self.parameters()?;
        let is_given = |keyword: &&str| given.get(keyword).is_some();
        Ok(["host", "hostaddr", "service"].iter().any(is_given))
    }

    /// What they set, and the content of `-d`. As in psql, a connection string in `-d` overrides the
    /// other flags, and an empty flag counts as not given.
    pub(super) fn parameters(&self) -> Result<Parameters, SettingsError> {
        let mut parameters = Parameters::default();
        let flags = [
            ("host", &self.host),
            ("port", &self.port),
            ("user", &self.username),
        ];
        for (keyword, value) in flags {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                parameters.set(keyword, value)?;
            }
        }
        if self.prefer_standby {
            parameters.set("target_session_attrs", "prefer-standby")?;
        }
        let targets: BTreeSet<_> = self.dbname.iter().filter(|it| !it.is_empty()).collect();
        if targets.len() > 1 {
            return Err(SettingsError::SeveralDatabases("-d is"));
        }
        let Some(target) = targets.first() else {
            return Ok(parameters);
        };
        parameters.replace_with(connection(target)?);
        Ok(parameters)
    }
}

/// A URI, a `key=value` string, or the name of a database.
pub(super) fn connection(text: &str) -> Result<Parameters, SettingsError> {
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
