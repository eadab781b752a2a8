//! The process environment as a value, so that the rules that read it can be tested without
//! touching the real one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::SettingsError;

fn is_read(name: &str) -> bool {
    name.starts_with("PG") || name.starts_with("SHARDQ_") || name == "XDG_CONFIG_HOME"
}

#[derive(Clone, Default)]
pub struct Environment {
    /// `PG*` and `SHARDQ_*` variables, and `XDG_CONFIG_HOME`.
    variables: HashMap<String, String>,
    home: Option<PathBuf>,
    user: Option<String>,
}

impl Environment {
    /// # Errors
    /// If a variable that is read is not UTF-8.
    pub fn of_process() -> Result<Self, SettingsError> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = name.into_string().ok().filter(|name| is_read(name))?;
                Some(match value.into_string() {
                    Ok(value) => Ok((name, value)),
                    Err(_) => Err(SettingsError::NotUtf8(name)),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            variables,
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            user: whoami::username().ok(),
        })
    }

    pub fn new(variables: &[(&str, &str)]) -> Self {
        Self {
            variables: variables
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            ..Self::default()
        }
    }

    /// Without what says where and as whom to connect: for a database other than the one that these
    /// variables are meant for. Files with profiles, services and passwords are still found.
    #[must_use]
    pub fn without_connection(mut self) -> Self {
        const FILES: [&str; 3] = ["PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR"];
        self.variables
            .retain(|name, _| !name.starts_with("PG") || FILES.contains(&name.as_str()));
        self
    }

    #[must_use]
    pub fn with_user(self, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            ..self
        }
    }

    #[must_use]
    pub fn with_home(self, home: &Path) -> Self {
        Self {
            home: Some(home.to_owned()),
            ..self
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    pub(super) fn at_home(&self, file: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(file))
    }

    /// `SHARDQ_PROFILE`.
    pub(super) fn profile_name(&self) -> Option<&str> {
        self.variable("SHARDQ_PROFILE")
            .filter(|name| !name.is_empty())
    }

    /// `SHARDQ_CONFIG`.
    pub(super) fn profile_file(&self) -> Option<PathBuf> {
        let path = self.variable("SHARDQ_CONFIG");
        path.filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// A file in the user's configuration, by the XDG base directory specification: a relative
    /// `XDG_CONFIG_HOME` does not count.
    pub(super) fn configuration(&self, file: &str) -> Option<PathBuf> {
        let directory = self.variable("XDG_CONFIG_HOME").map(PathBuf::from);
        directory
            .filter(|directory| directory.is_absolute())
            .or_else(|| self.at_home(".config"))
            .map(|directory| directory.join(file))
    }

    /// The operating system's name of the effective user.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}
