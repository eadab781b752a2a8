//! What can be wrong with a profile, with the file and the line.

use std::path::PathBuf;

use crate::config::SettingsError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    #[error("could not read profiles from \"{}\": {reason}", .path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error(
        "no profile \"{profile}\": there is no file \"{}\"; `shardq profiles init {profile} -d …` \
         writes one", .path.display()
    )]
    NoFile { path: PathBuf, profile: String },
    #[error("no profile \"{profile}\" in \"{}\"{}", .path.display(), there_are(.known))]
    NoProfile {
        path: PathBuf,
        profile: String,
        known: Vec<String>,
    },
    #[error("\"{}\", line {line}: {fault}", .path.display())]
    At {
        path: PathBuf,
        line: usize,
        fault: Fault,
    },
}

/// What is wrong in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Syntax(String),
    #[error("unknown key \"{key}\"{suggestion}")]
    UnknownKey { key: String, suggestion: String },
    #[error("{key} must be {expected}")]
    WrongType {
        key: &'static str,
        expected: &'static str,
    },
    #[error("{0}")]
    Connection(#[from] SettingsError),
    #[error(
        "a password does not belong in this file; use password_command, a passfile (~/.pgpass) or \
         PGPASSWORD"
    )]
    Password,
    #[error("no profile \"{0}\" to inherit")]
    NoParent(String),
    #[error("profile \"{0}\" inherits itself")]
    InheritsItself(String),
}

fn there_are(known: &[String]) -> String {
    if known.is_empty() {
        return ", which has none".to_owned();
    }
    format!("; it has {}", known.join(", "))
}
