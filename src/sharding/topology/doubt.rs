//! Why a complete answer cannot be promised: shards that are missing, or may be.

use std::fmt;

use crate::sharding::discovered::LookAlikes;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::sharding::unreachable::Unreachable;

/// Why shards are or may be missing: the numbering has gaps, and schemas that look like shards may
/// hold the missing data; or `--schemas-from` lists schemas that do not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubt {
    pub nonexistent: Vec<Shard>,
    pub look_alikes: LookAlikes,
    pub unreachable: Vec<Unreachable>,
    pub(super) lacking: Ranges,
    pub(super) present: Vec<Shard>,
}

impl Doubt {
    /// These shards do not exist.
    pub fn without(nonexistent: Vec<Shard>) -> Self {
        Self {
            nonexistent,
            ..Self::default()
        }
    }

    /// The shards of these databases are unknown.
    pub fn unreachable(unreachable: Vec<Unreachable>) -> Self {
        Self {
            unreachable,
            ..Self::default()
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, unreachable) in self.unreachable.iter().enumerate() {
            let line_break = if i > 0 { "\n" } else { "" };
            write!(f, "{line_break}{unreachable}")?;
        }
        if !self.unreachable.is_empty() {
            return Ok(());
        }
        if !self.nonexistent.is_empty() {
            return write!(
                f,
                "shards are missing: {}, which --schemas-from lists; leave out with \
                 --exclude-shards, or correct the list",
                Ranges::of(&self.nonexistent).brief()
            );
        }
        let present = &self.present;
        write!(
            f,
            "shards may be missing: there is no {}, but these schemas look like shards: {}; if {} are all the shards, add \
             --expect-shards {}",
            self.lacking.brief(),
            self.look_alikes,
            Ranges::of(present).brief(),
            present.len()
        )
    }
}
