//! An export in one line, from its manifest alone: rows, shards, which are missing, how many
//! snapshots.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::Manifest;
use crate::sharding::discovered::Discovered;
use crate::sharding::layout::Layout;
use crate::sharding::missing::{Missing, WithoutTable};
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::terminal::summary::{ResultSummary, SnapshotCount};

impl Manifest {
    pub fn extent(&self) -> ResultSummary {
        ResultSummary {
            rows: self.rows,
            answered: self.shards_answered,
            expected: self.shards_expected,
            missing: self.lacking(),
            origins: None,
            keys: None,
            instants: self.instants(),
        }
    }

    /// Which schemas are shards, from the options.
    fn layout(&self) -> Layout {
        if self.options.contains_key("schemas-from") {
            return Layout::any();
        }
        let patterns = |option: &str| {
            let listed = self.options.get(option).and_then(Value::as_array);
            let patterns = listed.into_iter().flatten().filter_map(Value::as_str);
            patterns
                .filter_map(|pattern| pattern.parse().ok())
                .collect()
        };
        Layout::new(patterns("schemas"), patterns("exclude-schemas"))
    }

    fn lacking(&self) -> Missing {
        let names = self.missing.iter().map(|entry| entry.shard.as_str());
        let lacking = Discovered::new(&self.layout(), names);
        let without = self.options.get("having-table").and_then(Value::as_str);
        let without = without.map(|table| WithoutTable {
            table: table.to_owned(),
            shards: self
                .without_table
                .iter()
                .map(|it| Shard::named(it))
                .collect(),
        });
        Missing::new(Ranges::of(&lacking.shards), Some(&lacking.look_alikes))
            .with_shards_without(without.as_ref())
    }

    /// Counts only runs whose data is still in the export: others read nothing, or only what was
    /// read again later.
    fn instants(&self) -> SnapshotCount {
        let read: BTreeSet<_> = self.shards.iter().map(|shard| shard.run).collect();
        let of = match read.len() {
            // A result over all shards, or no rows.
            0 => self.runs.last(),
            1 => read.first().and_then(|&run| self.runs.get(run)),
            runs => return SnapshotCount::Runs(runs),
        };
        if of.is_some_and(|run| !run.behind_hub.is_empty()) {
            return SnapshotCount::EachServer;
        }
        let in_databases = of.into_iter().flat_map(|run| &run.databases);
        let in_databases = in_databases.filter(|database| database.snapshot.is_some());
        match (
            in_databases.count(),
            of.and_then(|run| run.snapshot.as_ref()),
        ) {
            (databases @ 1.., _) => {
                let within = of.and_then(|run| run.snapshots_within_microseconds);
                SnapshotCount::of_databases(databases, within.map(Duration::from_micros))
            }
            (_, Some(_)) => SnapshotCount::One,
            (_, None) => SnapshotCount::EachShard,
        }
    }
}
