//! The shards that failed, and why. Equal reasons are grouped.

use std::fmt::Write as _;

use crate::exec::fanout::ShardError;
use crate::sharding::ranges::whose;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;

/// Failed shards by reason, in the order in which the reasons first appeared.
#[derive(Debug, Default, Clone)]
pub struct Failures(Vec<(ShardError, Vec<Shard>)>);

impl Failures {
    pub fn add(&mut self, shard: Shard, error: ShardError) {
        match self.0.iter_mut().find(|(known, _)| *known == error) {
            Some((_, shards)) => shards.push(shard),
            None => self.0.push((error, vec![shard])),
        }
    }

    /// Adds those of other shards.
    pub fn extend(&mut self, others: &Self) {
        for (shard, error) in others.iter() {
            self.add(shard, error.clone());
        }
    }

    pub fn first(&self) -> Option<&ShardError> {
        self.0.first().map(|(error, _)| error)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Shard, &ShardError)> {
        self.0
            .iter()
            .flat_map(|(error, shards)| shards.iter().map(move |shard| (*shard, error)))
    }

    /// Each reason with its shards.
    pub fn reasons(&self) -> impl Iterator<Item = (&ShardError, &[Shard])> {
        self.0
            .iter()
            .map(|(error, shards)| (error, shards.as_slice()))
    }

    /// Replaces the reason of some of the shards that failed for `reason`.
    pub fn replace(&mut self, shards: &[Shard], reason: &ShardError, by: &ShardError) {
        for (known, failed) in &mut self.0 {
            if known == reason {
                failed.retain(|shard| !shards.contains(shard));
            }
        }
        self.0.retain(|(_, failed)| !failed.is_empty());
        for shard in shards {
            self.add(*shard, by.clone());
        }
    }

    /// Number of failed shards.
    pub fn shards(&self) -> usize {
        self.0.iter().map(|(_, shards)| shards.len()).sum()
    }

    /// The messages for a run over `queried` shards, one per reason.
    pub fn describe(
        &self,
        queried: usize,
        statement: &Statement,
        hint: impl Fn(&ShardError) -> Option<String>,
    ) -> Vec<String> {
        let message = |(error, shards): &(ShardError, Vec<Shard>)| {
            let mut shards = shards.clone();
            shards.sort_unstable();
            let mut text = format!("{}: {error}\n", whose(&shards, queried));
            if let ShardError::Server(report) = error {
                text += &report.particulars(statement);
            }
            for hint in hint(error).iter().flat_map(|it| it.lines()) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "shardq: hint: {hint}");
            }
            text
        };
        self.0.iter().map(message).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_reason_replaces_that_of_some_shards_only() {
        let mut failures = Failures::default();
        for number in [1, 2, 3] {
            failures.add(Shard::new(number), ShardError::NotAQuery);
        }
        let denied = [Shard::new(1), Shard::new(3)];
        failures.replace(&denied, &ShardError::NotAQuery, &ShardError::SchemaDenied);
        let found: Vec<_> = failures
            .iter()
            .map(|(shard, error)| (shard, error.clone()))
            .collect();
        assert_eq!(
            found,
            [
                (Shard::new(2), ShardError::NotAQuery),
                (Shard::new(1), ShardError::SchemaDenied),
                (Shard::new(3), ShardError::SchemaDenied),
            ]
        );
        failures.replace(
            &[Shard::new(2)],
            &ShardError::NotAQuery,
            &ShardError::NotAsked,
        );
        assert_eq!(failures.shards(), 3);
        assert_eq!(
            failures.reasons().count(),
            2,
            "a reason without shards is gone"
        );
    }

    #[test]
    fn equal_errors_are_one_line_with_their_shards_as_ranges() {
        let mut failures = Failures::default();
        for number in [9, 3, 8, 7] {
            failures.add(Shard::new(number), ShardError::NotAsked);
        }
        failures.add(Shard::new(1), ShardError::NotAQuery);
        let statement = Statement::new("SELECT 1").unwrap();
        assert_eq!(failures.shards(), 5);
        assert_eq!(
            failures.describe(128, &statement, |_| None),
            [
                "shard_3, shard_7-9 (4 shards): not queried: the run was stopped\n",
                "shard_1: not a query: the statement returned no result set\n"
            ]
        );
    }
}
