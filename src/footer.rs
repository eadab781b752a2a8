//! The last line of a run: how complete it is. On stderr, so that results stay
//! results.

use std::fmt;
use std::time::Duration;

use crate::discovered::LookAlikes;
use crate::plan::Instant;
use crate::selection::Origins;
use crate::shard::Ranges;

/// `20,001 rows · 128/128 shards · one snapshot · 21 ms`
#[derive(Debug, Clone)]
pub struct Footer {
    pub rows: u64,
    pub answered: usize,
    pub expected: usize,
    pub missing: Missing,
    /// By which rule these shards were asked, if they are those of origins.
    pub origins: Option<Origins>,
    pub instant: Instant,
    pub elapsed: Duration,
}

impl fmt::Display for Footer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = Extent {
            rows: self.rows,
            answered: self.answered,
            expected: self.expected,
            missing: self.missing.clone(),
            origins: self.origins.clone(),
            instants: self.instant.into(),
        };
        write!(f, "{extent} · {}", Elapsed(self.elapsed))
    }
}

/// What a result is of: `20,001 rows · 128/128 shards · one snapshot`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    pub rows: u64,
    pub answered: usize,
    pub expected: usize,
    pub missing: Missing,
    pub origins: Option<Origins>,
    pub instants: Instants,
}

/// At how many instants a result was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instants {
    One,
    EachShard,
    /// By several runs, one after the other.
    Runs(usize),
}

impl From<Instant> for Instants {
    fn from(instant: Instant) -> Self {
        match instant {
            Instant::Shared => Self::One,
            Instant::PerShard => Self::EachShard,
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} · {}/{} shards{}",
            Grouped(self.rows),
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

/// What an answer lacks, said behind the number of its shards:
/// `, missing: shard_4, shard_7-9`. Nothing if it lacks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    shards: Ranges,
    look_alikes: LookAlikes,
}

impl Missing {
    pub fn new(shards: Ranges, look_alikes: Option<&LookAlikes>) -> Self {
        Self {
            shards,
            look_alikes: look_alikes.cloned().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.shards.is_empty() {
            write!(f, ", missing: {}", self.shards.brief())?;
        }
        if !self.look_alikes.is_empty() {
            write!(f, ", not asked: {}", self.look_alikes)?;
        }
        Ok(())
    }
}

impl fmt::Display for Instants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("one snapshot"),
            Self::EachShard => f.write_str("no snapshot, each shard at its own instant"),
            Self::Runs(runs) => write!(f, "{runs} runs, so not of one instant"),
        }
    }
}

/// `1,234,567`
#[derive(Debug, Clone, Copy)]
pub struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// `21 ms`, `12.3 s`, `4 min 05 s`
#[derive(Debug, Clone, Copy)]
pub struct Elapsed(pub Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds >= 60 {
            write!(f, "{} min {:02} s", seconds / 60, seconds % 60)
        } else if seconds >= 10 {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else {
            write!(f, "{} ms", self.0.as_millis())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::Shard;

    #[test]
    fn it_states_rows_completeness_instant_and_time() {
        let footer = Footer {
            rows: 20_001,
            answered: 128,
            expected: 128,
            missing: Missing::default(),
            origins: None,
            instant: Instant::Shared,
            elapsed: Duration::from_millis(21),
        };
        assert_eq!(
            footer.to_string(),
            "20,001 rows · 128/128 shards · one snapshot · 21 ms"
        );
        let footer = Footer {
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

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(Grouped(0).to_string(), "0");
        assert_eq!(Grouped(1_234_567).to_string(), "1,234,567");
        assert_eq!(Elapsed(Duration::from_millis(12_345)).to_string(), "12.3 s");
        assert_eq!(Elapsed(Duration::from_secs(245)).to_string(), "4 min 05 s");
    }
}
