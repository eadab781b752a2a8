//! The last line of a run: how complete the result is. On stderr, to keep stdout for results.

use std::fmt;
use std::time::Duration;

use crate::sharding::missing::Missing;
use crate::sharding::selection::Origins;
use crate::text::humanize::{HumanDuration, ThousandsSeparated};

/// `20,001 rows · 128/128 shards · one snapshot · 21 ms`
#[derive(Debug, Clone)]
pub struct Summary {
    pub rows: u64,
    pub answered: usize,
    pub expected: usize,
    pub missing: Missing,
    /// How these shards were selected, if by origin.
    pub origins: Option<Origins>,
    pub instants: SnapshotCount,
    pub elapsed: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = ResultSummary {
            rows: self.rows,
            answered: self.answered,
            expected: self.expected,
            missing: self.missing.clone(),
            origins: self.origins.clone(),
            instants: self.instants,
        };
        write!(f, "{extent} · {}", HumanDuration(self.elapsed))
    }
}

/// What a result covers: `20,001 rows · 128/128 shards · one snapshot`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultSummary {
    pub rows: u64,
    pub answered: usize,
    pub expected: usize,
    pub missing: Missing,
    pub origins: Option<Origins>,
    pub instants: SnapshotCount,
}

/// Number of snapshots that a result was read at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotCount {
    One,
    EachShard,
    /// One per run, for several runs.
    Runs(usize),
}

impl fmt::Display for ResultSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} · {}/{} shards{}",
            ThousandsSeparated(self.rows),
            if self.rows == 1 { "row" } else { "rows" },
            self.answered,
            self.expected,
            self.missing,
        )?;
        if let Some(origins) = &self.origins {
            write!(f, " · {origins}")?;
        }
        write!(f, " · {}", self.instants)
    }
}

impl fmt::Display for SnapshotCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("one snapshot"),
            Self::EachShard => f.write_str("no common snapshot: each shard read at its own moment"),
            Self::Runs(runs) => write!(f, "{runs} runs, so no common snapshot"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::ranges::Ranges;
    use crate::sharding::shard::Shard;

    #[test]
    fn it_states_rows_completeness_instant_and_time() {
        let footer = Summary {
            rows: 20_001,
            answered: 128,
            expected: 128,
            missing: Missing::default(),
            origins: None,
            instants: SnapshotCount::One,
            elapsed: Duration::from_millis(21),
        };
        assert_eq!(
            footer.to_string(),
            "20,001 rows · 128/128 shards · one snapshot · 21 ms"
        );
        let footer = Summary {
            rows: 1,
            answered: 127,
            missing: Missing::new(Ranges::of(&[Shard::new(4)]), None),
            ..footer
        };
        assert_eq!(
            footer.to_string(),
            "1 row · 127/128 shards, missing: shard_4 · one snapshot · 21 ms"
        );
    }
}
