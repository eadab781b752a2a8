//! What can be wrong with a profile, with the file and the line.

use std::path::PathBuf;

use crate::config::SettingsError;
use crate::pg::column_name::ColumnNameError;
use crate::sharding::routing::server_rule::KeySqlError;

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
    #[error("keys of kind \"{kind}\": {fault}")]
    KeyKind { kind: String, fault: KeyFault },
    #[error("no profile \"{0}\" to inherit")]
    NoParent(String),
    #[error("profile \"{0}\" inherits itself")]
    InheritsItself(String),
}

/// Why a kind of key makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("their shard must follow from hash, sql, lookup or id")]
    NoRule,
    #[error("their shard must follow from only one of hash, sql, lookup and id")]
    SeveralRules,
    #[error("add in = \"TABLE.COLUMN\", the column in which a key is verified")]
    NoColumn,
    #[error("modulo and offset do not go with {0}")]
    NoBuckets(&'static str),
    #[error("id must have shard = {{ bits = …, shift = … }}")]
    NoShardBits,
    #[error("an id has 63 bits, and a field from 1 to 32 of them")]
    Bits,
    #[error("in: {0}")]
    Column(ColumnNameError),
    #[error("SQL: {0}")]
    Sql(#[from] KeySqlError),
}

fn there_are(known: &[String]) -> String {
    if known.is_empty() {
        return ", which has none".to_owned();
    }
    format!("; it has {}", known.join(", "))
}
