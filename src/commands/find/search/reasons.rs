//! Describes what shards answered instead of rows.

use std::collections::BTreeMap;

use super::Search;
use super::unanswered::Unanswered;
use crate::commands::error::advice;
use crate::exec::explanation;
use crate::exec::failures::Failures;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;

impl Search<'_> {
    pub async fn unanswered(
        self,
        failures: &Failures,
        lacking: BTreeMap<String, Vec<Shard>>,
    ) -> Unanswered {
        Unanswered {
            failures: self.describe(failures, self.selection.shards.len()).await,
            column: self.column(),
            lacking,
        }
    }

    fn column(self) -> Option<String> {
        match self.lookup.key {
            Key::Value { column, .. } => Some(column.column.clone()),
            Key::Origin(_) | Key::Account(_) | Key::Id(_) | Key::Listed { .. } => None,
        }
    }

    pub(super) async fn describe(self, failures: &Failures, queried: usize) -> Vec<String> {
        let mut described = Vec::new();
        for (database, lookup) in self.lookups() {
            let mut own = Failures::default();
            for (shard, error) in failures.iter() {
                if shard.database() == database {
                    own.add(shard, error.clone());
                }
            }
            if own.is_empty() {
                continue;
            }
            let explained = explanation::of_locks(&own, lookup.session, lookup.layout).await;
            described.extend(own.describe(queried, &self.plan.statement, |error| {
                explained.of(error).or_else(|| advice(error))
            }));
        }
        described
    }
}
