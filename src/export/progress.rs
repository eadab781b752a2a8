//! How far an export is, and how long it may still take.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::footer::{Elapsed, Grouped};
use crate::shard::Shard;

/// What has been read, against the catalog's row estimates. Those are of tables
/// and not of the query: they serve as the shards' weights, no more.
#[derive(Debug, Default)]
pub struct Progress {
    weights: BTreeMap<Shard, u64>,
    rows: u64,
    bytes: u64,
    /// Of the shards that have not ended: rows and bytes.
    underway: BTreeMap<Shard, (u64, u64)>,
    answered_rows: u64,
    answered_weight: u64,
}

impl Progress {
    pub fn new(weights: BTreeMap<Shard, u64>) -> Self {
        Self {
            weights,
            ..Self::default()
        }
    }

    pub fn add(&mut self, shard: Shard, rows: u64, bytes: usize) {
        let bytes = bytes as u64;
        let (of_rows, of_bytes) = self.underway.entry(shard).or_default();
        (*of_rows, *of_bytes) = (*of_rows + rows, *of_bytes + bytes);
        self.rows += rows;
        self.bytes += bytes;
    }

    /// What came of a shard is void.
    pub fn take_back(&mut self, shard: Shard) {
        let (rows, bytes) = self.underway.remove(&shard).unwrap_or_default();
        self.rows -= rows;
        self.bytes -= bytes;
    }

    pub fn answered(&mut self, shard: Shard, rows: u64) {
        self.underway.remove(&shard);
        self.answered_rows += rows;
        self.answered_weight += self.weights.get(&shard).copied().unwrap_or(0);
    }

    /// `1,234 rows · 56.7 MB · 12.3 MB/s · some 40 s left`
    pub fn describe(&self, elapsed: Duration) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.bytes as f64 / elapsed.as_secs_f64().max(0.001);
        let left = match self.left(elapsed) {
            Some(left) => format!(" · some {} left", Elapsed(left)),
            None => String::new(),
        };
        format!(
            "{} rows · {} · {}/s{left}",
            Grouped(self.rows),
            Bytes(self.bytes),
            Bytes::of(rate),
        )
    }

    /// The rest at the pace so far. None before enough is known to guess.
    fn left(&self, elapsed: Duration) -> Option<Duration> {
        #![expect(clippy::cast_precision_loss, reason = "a guess for people")]
        let total: u64 = self.weights.values().sum();
        if self.answered_rows == 0 || self.answered_weight == 0 || self.rows == 0 {
            return None;
        }
        let expected = self.answered_rows as f64 / self.answered_weight as f64 * total as f64;
        let done = self.rows as f64 / expected.max(self.rows as f64);
        Duration::try_from_secs_f64(elapsed.as_secs_f64() * (1.0 - done) / done).ok()
    }
}

/// `512 B`, `56.7 MB`
#[derive(Debug, Clone, Copy)]
pub struct Bytes(pub u64);

impl Bytes {
    fn of(bytes: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and far from 2^64"
        )]
        Self(bytes as u64)
    }
}

impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
        if self.0 < 1000 {
            return write!(f, "{} B", self.0);
        }
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let mut value = self.0 as f64 / 1000.0;
        let mut unit = 0;
        while value >= 999.95 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_by_the_weight_of_the_shards() {
        let weights = (0..4).map(|n| (Shard::new(n), 100)).collect();
        let mut progress = Progress::new(weights);
        assert_eq!(progress.left(Duration::from_secs(1)), None);
        progress.add(Shard::new(0), 50, 1_000_000);
        progress.answered(Shard::new(0), 50);
        let ten = Duration::from_secs(10);
        assert_eq!(progress.left(ten), Some(Duration::from_secs(30)));
        assert_eq!(
            progress.describe(ten),
            "50 rows · 1.0 MB · 100.0 kB/s · some 30.0 s left"
        );
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(Bytes(999).to_string(), "999 B");
        assert_eq!(Bytes(93_400_000).to_string(), "93.4 MB");
        assert_eq!(Bytes(999_999_999).to_string(), "1.0 GB");
    }
}
