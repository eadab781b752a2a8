//! A database of a topology that cannot be read.

use std::fmt;

/// A database whose shards nobody could list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// As messages call it.
    pub place: String,
    pub reason: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: its shards are missing: {}", self.place, self.reason)
    }
}
