//! How the rows of the tables are distributed over the shards.

use std::collections::BTreeMap;

use crate::sharding::shard::Shard;

/// Upper bounds of each shard's rows. Empty if they do not matter.
#[derive(Debug, Clone, Default)]
pub struct RowShares {
    rows: BTreeMap<Shard, f64>,
    total: f64,
}

impl RowShares {
    pub fn new(rows: BTreeMap<Shard, f64>) -> Self {
        let total = rows.values().sum();
        Self { rows, total }
    }

    pub fn rows_of(&self, shard: Shard) -> f64 {
        self.rows.get(&shard).copied().unwrap_or_default()
    }

    /// How many rows all shards are likely to return, if tables with this many rows returned these.
    pub fn extrapolate(&self, returned: f64, read: f64) -> f64 {
        if read > 0.0 {
            returned * self.total / read
        } else {
            returned
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_grow_with_the_tables() {
        let of = |rows: [f64; 3]| {
            let shares = RowShares::new((0..3).map(Shard::new).zip(rows).collect());
            shares.extrapolate(10.0, shares.rows_of(Shard::new(0)))
        };
        assert!((of([100.0, 100.0, 100.0]) - 30.0).abs() < 1e-9);
        assert!((of([100.0, 1.0, 1.0]) - 10.2).abs() < 1e-9);
        assert!((of([0.0, 5.0, 5.0]) - 10.0).abs() < 1e-9);
        let unknown = RowShares::default();
        let unknown = unknown.extrapolate(10.0, unknown.rows_of(Shard::new(0)));
        assert!((unknown - 10.0).abs() < 1e-9);
    }
}
