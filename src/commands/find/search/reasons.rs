//! Describes what shards answered instead of rows.

use std::collections::BTreeMap;

use super::Search;
use super::unanswered::Unanswered;
use crate::commands::error::advice;
use crate::exec::explanation;
use crate::exec::failures::Failures;
use crate::find::lookup::Lookup;
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

    pub(super) fn column(self) -> Option<String> {
        match self.lookup.key {
            Key::Value { column, .. } => Some(column.column.clone()),
            Key::Origin(_) | Key::Account(_) | Key::Id(_) | Key::Listed { .. } => None,
        }
    }

    async fn describe(self, failures: &Failures, queried: usize) -> Vec<String> {
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
            described.extend(self.describe_in(lookup, &own, queried).await);
        }
        described
    }

    /// The failures of a database's shards, each reason once.
    pub(super) async fn describe_in(
        self,
        lookup: Lookup<'_>,
        failures: &Failures,
        queried: usize,
    ) -> Vec<String> {
        if failures.is_empty() {
            return Vec::new();
        }
        let explained = explanation::of_locks(failures, lookup.session, lookup.layout).await;
        failures.describe(queried, &self.plan.statement, |error| {
            explained.of(error).or_else(|| advice(error))
        })
    }
}
