//! Progress of an export, and the estimated time left.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::sharding::shard::Shard;
use crate::text::humanize::{Bytes, HumanDuration, ThousandsSeparated};

/// What has been read, compared to the catalog's row estimates. Those are for tables, not for
/// the query, so they serve only as relative weights of the shards.
#[derive(Debug, Default)]
pub struct Progress {
    weights: BTreeMap<Shard, u64>,
    rows: u64,
    bytes: u64,
    /// Rows and bytes of the shards that have not ended.
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

    /// Discards what was counted for a shard.
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

    /// `1,234 rows · 56.7 MB · 12.3 MB/s · about 40 s left`
    pub fn describe(&self, elapsed: Duration) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.bytes as f64 / elapsed.as_secs_f64().max(0.001);
        let left = match self.left(elapsed) {
            Some(left) if left < Duration::from_secs(60) => {
                format!(" · about {} s left", left.as_secs().max(1))
            }
            Some(left) => format!(" · about {} left", HumanDuration(left)),
            None => String::new(),
        };
        format!(
            "{} rows · {} · {}/s{left}",
            ThousandsSeparated(self.rows),
            Bytes(self.bytes),
            Bytes::of(rate),
        )
    }

    /// Extrapolated from the pace so far. None until enough is known.
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
            "50 rows · 1.0 MB · 100.0 kB/s · about 30 s left"
        );
        let text = progress.describe(Duration::from_millis(200));
        assert!(text.ends_with(" · about 1 s left"), "{text}");
    }
}
