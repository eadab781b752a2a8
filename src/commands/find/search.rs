//! Searches for a key: in the shard where it belongs, then in all shards.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use tokio_postgres::error::SqlState;

use crate::client::ServerError;
use crate::commands::error::{Error, NotComparable, advice};
use crate::exec::explanation;
use crate::exec::failures::Failures;
use crate::exec::fanout::ShardError;
use crate::exec::plan::Plan;
use crate::find::lookup::{Lookup, LookupError, LookupResult};
use crate::find::matches::Match;
use crate::find::report::SearchCoverage;
use crate::find::tables::{self, Tables};
use crate::sharding::missing::Missing;
use crate::sharding::ranges::Ranges;
use crate::sharding::routing::key::Key;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::shard_list::ShardList;
use crate::sharding::suggest::Suggestion;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;
use crate::text::escape::one_line;

/// The search for one key at one snapshot.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    pub lookup: Lookup<'a>,
    pub plan: &'a Plan,
    pub topology: &'a Topology,
    /// The shards to search.
    pub selection: &'a Selection,
    /// The expected number of shards.
    pub shard_count: NonZeroU32,
}

/// The result of searching all shards.
#[derive(Debug)]
pub struct Everywhere {
    /// In shard order.
    pub hits: Vec<Match>,
    /// Names similar to the one that was not found.
    pub nearest: Vec<Suggestion>,
    pub searched: SearchCoverage,
    pub unanswered: Unanswered,
}

/// What the shards of one database have.
#[derive(Debug)]
pub(super) struct Found {
    pub hits: Vec<Match>,
    pub nearest: Vec<Suggestion>,
    /// Shards that could not be searched.
    pub silent: Vec<Shard>,
    pub unanswered: Unanswered,
}

impl Found {
    /// Adds what another database has.
    pub fn extend(&mut self, other: Self) {
        self.hits.extend(other.hits);
        self.hits.sort_by_key(|hit| hit.shard);
        self.nearest.extend(other.nearest);
        self.silent.extend(other.silent);
        self.silent.sort_unstable();
        let Unanswered {
            failures, lacking, ..
        } = other.unanswered;
        self.unanswered.failures.extend(failures);
        for (table, shards) in lacking {
            let known = self.unanswered.lacking.entry(table).or_default();
            known.extend(shards);
            known.sort_unstable();
        }
    }
}

/// Why shards could not be searched.
#[derive(Debug)]
pub struct Unanswered {
    failures: Vec<String>,
    /// The column that a table needs, if any table of its name will not do.
    column: Option<String>,
    lacking: BTreeMap<String, Vec<Shard>>,
}

impl Unanswered {
    /// Whether no shard at all has this table.
    pub fn is_without(&self, table: &str, shards: &[Shard]) -> bool {
        let lacking = self.lacking.get(table);
        lacking.is_some_and(|lacking| lacking.len() == shards.len())
    }

    pub fn say(&self, console: &mut Console) {
        for (table, shards) in &self.lacking {
            let column = match &self.column {
                Some(column) => format!(" with a column \"{column}\""),
                None => String::new(),
            };
            let text = one_line(&format!("no table \"{table}\"{column}"));
            console.warning(&format!("{text} in {}", Ranges::of(shards)));
        }
        for failure in &self.failures {
            console.error(failure);
        }
    }
}

/// The result of looking where the key belongs.
#[derive(Debug)]
pub enum ExpectedShardResult {
    Found(Vec<Match>),
    NotFound,
    /// The shard lacks the only table that could have the key.
    NoTable(String),
}

impl Search<'_> {
    /// # Errors
    /// Also if the shard did not answer.
    pub async fn in_expected_shard(
        self,
        shard: Shard,
        console: &mut Console,
    ) -> Result<ExpectedShardResult, Error> {
        if !self.exists(shard, console) {
            return Ok(ExpectedShardResult::NotFound);
        }
        if !self.is_selected(shard) {
            console.warning(&format!(
                "{shard}, where the key belongs, is not among the selected shards"
            ));
            return Ok(ExpectedShardResult::NotFound);
        }
        let tables = self.lookup.tables(Some(shard)).await?;
        if let (None, Some(table)) = (tables.in_shard.get(&shard), tables::home(self.lookup.key)) {
            return Ok(ExpectedShardResult::NoTable(table.to_owned()));
        }
        let found = self.lookup.search(&tables, |_| {}).await?;
        if !found.failures.is_empty() {
            let reasons = self.describe(&found.failures, 1).await.concat();
            return Err(Error::Unanswered(reasons));
        }
        if found.hits.is_empty() {
            return Ok(ExpectedShardResult::NotFound);
        }
        // A match is valid even if other tables failed; without one, all shards are searched.
        for (_, unreadable) in unreadable(&tables) {
            console.warning(&unreadable);
        }
        Ok(ExpectedShardResult::Found(found.hits))
    }

    /// Warns of a shard that does not exist.
    pub fn exists(self, shard: Shard, console: &mut Console) -> bool {
        let picked = self.topology.pick(&ShardList::single(shard));
        if let Err(missing) = &picked {
            console.warning(missing);
        }
        // A list of shards may have some that do not exist.
        let is_there = self.topology.nonexistent().binary_search(&shard).is_err();
        if !is_there {
            console.warning(&format!(
                "{shard} is listed by --schemas-from, but does not exist"
            ));
        }
        picked.is_ok() && is_there
    }

    /// Searches all selected shards. If the one where the key belongs is not among them, it is
    /// missing from the search.
    pub async fn in_all_shards(
        self,
        expected_shard: Option<Shard>,
        console: &mut Console,
    ) -> Result<Everywhere, Error> {
        let found = self.in_selected_shards(console).await?;
        Ok(self.everywhere(found, expected_shard))
    }

    /// What was found, with what it is missing from.
    pub(super) fn everywhere(self, found: Found, expected_shard: Option<Shard>) -> Everywhere {
        let Found {
            hits,
            nearest,
            silent,
            unanswered,
        } = found;
        let not_there = self.not_there(expected_shard);
        let (shards, doubt) = (&self.selection.shards, &self.selection.doubt);
        let unreachable = doubt.iter().flat_map(|doubt| &doubt.unreachable);
        let unreachable = unreachable.map(|it| it.place.clone()).collect();
        let searched = SearchCoverage {
            answered: shards.len() - silent.len(),
            expected: shards.len() + not_there.count(),
            missing: Missing::new(
                Ranges::of(&silent).union(not_there),
                doubt.as_ref().map(|doubt| &doubt.look_alikes),
            )
            .with_shards_without(self.selection.without_table.as_ref())
            .with_unreachable(unreachable, None),
        };
        Everywhere {
            hits,
            nearest,
            searched,
            unanswered,
        }
    }

    /// Searches all selected shards.
    pub(super) async fn in_selected_shards(self, console: &mut Console) -> Result<Found, Error> {
        let shards = &self.selection.shards;
        let tables = self.selected_tables().await?;
        let progress = |done| {
            console.progress(&format!("{done}/{} shards searched", shards.len()));
        };
        let LookupResult {
            hits,
            mut failures,
            answered,
        } = self.lookup.search(&tables, progress).await?;
        console.clear();
        if let (0, Key::Value { column, text, .. }) = (answered, self.lookup.key)
            && let Some(report) = not_comparable(&failures)
        {
            return Err(Error::NotComparable(Box::new(NotComparable {
                value: format!("\"{text}\""),
                column: column.clone(),
                report,
            })));
        }
        for (shard, unreadable) in unreadable(&tables) {
            failures.add(shard, unreadable);
        }
        let lacking = tables.lacking(tables::home(self.lookup.key), shards);
        // Each shard once: several of its tables may have failed.
        let unanswered: BTreeSet<_> = failures
            .iter()
            .map(|(shard, _)| shard)
            .chain(lacking.values().flatten().copied())
            .collect();
        let nearest = if hits.is_empty() {
            self.nearest(&tables).await
        } else {
            Vec::new()
        };
        Ok(Found {
            hits,
            nearest,
            silent: unanswered.into_iter().collect(),
            unanswered: self.unanswered(&failures, lacking).await,
        })
    }

    /// The tables for the key, in the selected shards.
    pub(super) async fn selected_tables(self) -> Result<Tables, LookupError> {
        let mut tables = self.lookup.tables(None).await?;
        tables.in_shard.retain(|shard, _| self.is_selected(*shard));
        tables
            .unreadable
            .retain(|shard, _| self.is_selected(*shard));
        Ok(tables)
    }

    pub(super) async fn unanswered(
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

    pub(super) fn is_selected(self, shard: Shard) -> bool {
        self.selection.shards.binary_search(&shard).is_ok()
    }

    /// Shards that would have to be searched for the search to be complete, but are not selected or
    /// do not exist. A list of shards is complete as it is.
    pub(super) fn not_there(self, expected_shard: Option<Shard>) -> Ranges {
        let all = self.topology.shards();
        let exists = |shard: &Shard| all.binary_search(shard).is_ok();
        let expected = expected_shard.filter(|shard| exists(shard) && !self.is_selected(*shard));
        let expected = Ranges::of(expected.as_slice());
        if self.plan.filter.is_by_list() {
            expected
        } else {
            expected.union(self.topology.lacking_of(self.shard_count))
        }
    }

    async fn nearest(self, tables: &Tables) -> Vec<Suggestion> {
        match self.lookup.key {
            Key::Origin(name) | Key::Account(name) => self.lookup.nearest(name, tables).await,
            Key::Id(_) | Key::Value { .. } | Key::Listed { .. } => Vec::new(),
        }
    }

    fn column(self) -> Option<String> {
        match self.lookup.key {
            Key::Value { column, .. } => Some(column.column.clone()),
            Key::Origin(_) | Key::Account(_) | Key::Id(_) | Key::Listed { .. } => None,
        }
    }

    async fn describe(self, failures: &Failures, queried: usize) -> Vec<String> {
        let Lookup {
            session, layout, ..
        } = self.lookup;
        let explained = explanation::of_locks(failures, session, layout).await;
        failures.describe(queried, &self.plan.statement, |error| {
            explained.of(error).or_else(|| advice(error))
        })
    }
}

/// The server's error if no shard can compare its column with the key. Its text differs between
/// shards if it names a type of the shard's own.
pub(super) fn not_comparable(failures: &Failures) -> Option<ServerError> {
    let of_key = |error: &ShardError| match error {
        ShardError::Server(report) => {
            let code = report.code.code();
            // Invalid or out of range for the type; no operator = for it.
            code.starts_with("22") || report.code == SqlState::UNDEFINED_FUNCTION
        }
        _ => false,
    };
    let all = failures.iter().all(|(_, error)| of_key(error));
    match failures.first().filter(|_| all)? {
        ShardError::Server(report) => Some(report.clone()),
        _ => None,
    }
}

/// A shard with such tables counts as not answered.
pub(super) fn unreadable(tables: &Tables) -> impl Iterator<Item = (Shard, ShardError)> {
    tables.unreadable.iter().map(|(&shard, names)| {
        let tables = names.iter().cloned().collect();
        (shard, ShardError::NotReadable { tables })
    })
}
