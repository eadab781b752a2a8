//! How many shards a search of all of them covered. Pure.

use std::fmt;

use crate::sharding::missing::Missing;

/// How much of a search was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchCoverage {
    pub answered: usize,
    pub expected: usize,
    pub missing: Missing,
}

impl SearchCoverage {
    pub fn is_complete(&self) -> bool {
        self.answered == self.expected && !self.missing.is_uncounted()
    }

    /// `31/32 shards`
    pub fn counted(&self) -> String {
        if self.missing.is_uncounted() {
            format!("{}/? shards", self.answered)
        } else {
            format!("{}/{} shards", self.answered, self.expected)
        }
    }
}

/// `31/32 shards searched, missing: shard_7`
impl fmt::Display for SearchCoverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} searched{}", self.counted(), self.missing)
    }
}
