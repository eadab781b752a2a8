//! One of several databases that a run reads. A run over one database has none.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::sync::PoisonError;

/// One of several databases that a run reads: `db7:5432/builder`.
///
/// Copied all the time, so it is kept until the process ends.
#[derive(Clone, Copy)]
pub struct Database(&'static Place);

struct Place {
    /// Distinguishes databases, and orders shards of the same name.
    number: usize,
    server: String,
    name: String,
    naming: ShardNaming,
}

/// How shards are named where there are several databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShardNaming {
    /// By their schemas: no two databases have the same one.
    Schema,
    /// By their databases, each of which is a shard.
    Database,
    /// `builder/shard_3`: several databases have schemas of the same name.
    DatabaseAndSchema,
}

impl Database {
    /// `server` is a label or a host with its port.
    pub fn new(server: String, name: String, naming: ShardNaming) -> Self {
        static COUNT: Mutex<usize> = Mutex::new(0);
        let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        Self(Box::leak(Box::new(Place {
            number: *count,
            server,
            name,
            naming,
        })))
    }

    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// As the column `server` has it.
    pub fn server(self) -> &'static str {
        &self.0.server
    }

    /// As messages call it.
    pub fn place(self) -> String {
        match self.naming() {
            ShardNaming::Schema => self.server().to_owned(),
            ShardNaming::Database | ShardNaming::DatabaseAndSchema => {
                format!("{}/{}", self.server(), self.name())
            }
        }
    }

    pub fn naming(self) -> ShardNaming {
        self.0.naming
    }

    /// The name of the shard that this schema of the database is.
    pub fn shard_name(self, schema: &str) -> String {
        match self.naming() {
            ShardNaming::Schema => schema.to_owned(),
            ShardNaming::Database => self.name().to_owned(),
            ShardNaming::DatabaseAndSchema => format!("{}/{schema}", self.name()),
        }
    }

    /// The database if shards are ordered by it first.
    pub fn group(self) -> Option<&'static str> {
        match self.naming() {
            ShardNaming::Schema => None,
            ShardNaming::Database | ShardNaming::DatabaseAndSchema => Some(self.name()),
        }
    }
}

impl PartialEq for Database {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for Database {}

impl Hash for Database {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.number.hash(state);
    }
}

impl PartialOrd for Database {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Database {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.number.cmp(&other.0.number)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server(), self.name())
    }
}

/// `builder on db7:5432`
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.name(), self.server())
    }
}
