//! Profiles: named sets of connection settings and flags in `~/.config/shardq/config.toml`.
//!
//! Flags win over `PG*` variables, which win over the profile. A file never holds a password, only
//! the command that prints it.

mod error;
mod file;
mod keys;
mod reader;
pub mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use error::ProfileError;
pub use file::ProfileFile;

use super::Environment;
use super::Server;
use super::parameters::Parameters;
use crate::sharding::routing::key_kinds::KeyKinds;

/// A profile with what it inherits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub label: Label,
    /// Where to connect.
    pub(super) connection: Parameters,
    /// The servers, if there are several.
    pub servers: Vec<Server>,
    pub(super) password_command: Option<PasswordCommand>,
    /// The kinds of keys.
    pub keys: KeyKinds,
    /// Statements, by name.
    pub queries: BTreeMap<String, String>,
    /// Values of command-line flags, by the flag's name.
    pub flags: Vec<(&'static str, Vec<String>)>,
}

/// How summaries call the environment, so that nobody takes one for another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    pub text: String,
    pub color: Option<LabelColor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelColor {
    Red,
    Yellow,
    Green,
    Blue,
    Magenta,
    Cyan,
}

/// A program and its arguments, run without a shell, whose output is the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordCommand {
    pub program: String,
    pub arguments: Vec<String>,
}

/// Which profile, of which file; each by a flag, else by a variable.
#[derive(Debug, Clone, Default)]
pub struct ProfileSelection {
    pub name: Option<String>,
    pub file: Option<PathBuf>,
}

impl ProfileSelection {
    /// The selected profile, or the file's default. `None` if none is selected.
    ///
    /// # Errors
    /// If the file cannot be read or is not valid, or does not have the profile.
    pub fn load(&self, environment: &Environment) -> Result<Option<Profile>, ProfileError> {
        let named = self.name.as_deref().or(environment.profile_name());
        let Some(path) = self.path(environment) else {
            return match named {
                Some(profile) => Err(ProfileError::NoFile {
                    path: PathBuf::from("~/.config/shardq/config.toml"),
                    profile: profile.to_owned(),
                }),
                None => Ok(None),
            };
        };
        let is_required = self.file.is_some() || environment.profile_file().is_some();
        let Some(file) = ProfileFile::read(&path, is_required)? else {
            return match named {
                Some(profile) => Err(ProfileError::NoFile {
                    path,
                    profile: profile.to_owned(),
                }),
                None => Ok(None),
            };
        };
        match named.or(file.default()) {
            Some(name) => file.profile(name).map(Some),
            None => Ok(None),
        }
    }

    /// `None` without a home directory.
    pub fn path(&self, environment: &Environment) -> Option<PathBuf> {
        self.file
            .clone()
            .or_else(|| environment.profile_file())
            .or_else(|| environment.configuration("shardq/config.toml"))
    }
}
