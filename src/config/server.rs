//! One of several servers of a run: `--server`, and `servers` of a profile.

use std::fmt;

use super::SettingsError;
use super::flags::connection;
use super::parameters::Parameters;

/// Where one of several servers is, and what messages call it.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    label: Option<String>,
    parameters: Parameters,
    source: Source,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It wins over all that is said for all servers, as `-d` does.
    Flag,
    /// Flags and variables win over it, except over where the server is.
    Profile,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// From a URI, a `key=value` string, or the name of a database.
    ///
    /// # Errors
    /// If it is not a valid connection string.
    pub fn of_flag(text: &str) -> Result<Self, SettingsError> {
        Ok(Self {
            label: None,
            parameters: connection(text)?,
            source: Source::Flag,
        })
    }

    pub(super) fn of_profile(label: Option<String>, parameters: Parameters) -> Self {
        Self {
            label,
            parameters,
            source: Source::Profile,
        }
    }

    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// What wins over flags that hold for all servers.
    pub(super) fn first(&self) -> Parameters {
        const PLACE: [&str; 5] = ["host", "hostaddr", "port", "service", "servicefile"];
        match self.source {
            Source::Flag => self.parameters.clone(),
            Source::Profile => self.parameters.only(&PLACE),
        }
    }

    /// What flags and variables win over.
    pub(super) fn defaults(&self) -> &Parameters {
        &self.parameters
    }
}
