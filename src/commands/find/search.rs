//! Searches for a key: in the shard where it belongs, then in all shards.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use futures::future::try_join_all;
use tokio_postgres::error::SqlState;

use super::in_turn::{Part, WaitingDatabase};
use crate::client::ServerError;
use crate::commands::databases::Listed;
use crate::commands::error::{Error, NotComparable, advice};
use crate::exec::explanation;
use crate::exec::failures::Failures;
use crate::exec::fanout::ShardError;
use crate::exec::plan::Plan;
use crate::find::lookup::{Lookup, LookupError};
use crate::find::matches::Match;
use crate::find::report::SearchCoverage;
use crate::find::tables::{self, Tables};
use crate::sharding::database::Database;
use crate::sharding::missing::Missing;
use crate::sharding::ranges::Ranges;
use crate::sharding::routing::key::Key;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::shard_list::ShardList;
use crate::sharding::suggest::{self, Suggestion};
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;
use crate::text::escape::one_line;

/// The search for one key, at one snapshot per database.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// In the first database, for what every server can tell.
    pub lookup: Lookup<'a>,
    /// The databases that have the shards, each with a session.
    databases: &'a [Listed<'a>],
    /// Others, which are opened in their turn.
    waiting: &'a [WaitingDatabase<'a>],
    pub plan: &'a Plan,
    pub topology: &'a Topology,
    /// The shards to search.
    pub selection: &'a Selection,
    /// Over how many shards names are hashed; `None` if a server that may have more is down.
    pub shard_count: Option<NonZeroU32>,
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

/// What a search needs to know of the shards.
#[derive(Clone, Copy)]
pub struct SearchedShards<'a> {
    pub databases: &'a [Listed<'a>],
    pub waiting: &'a [WaitingDatabase<'a>],
    pub plan: &'a Plan,
    pub topology: &'a Topology,
    pub selection: &'a Selection,
    /// If it is given.
    pub shard_count: Option<NonZeroU32>,
}

impl<'a> SearchedShards<'a> {
    /// # Errors
    /// If no database could be reached.
    pub fn search(self, key: &'a Key) -> Result<Search<'a>, Error> {
        let Self {
            databases,
            waiting,
            plan,
            topology,
            selection,
            shard_count,
        } = self;
        let is_known = topology.unreachable().is_empty();
        let counted = is_known.then(|| topology.shard_count());
        let first = databases.first().ok_or(Error::NoneReachable)?;
        Ok(Search {
            lookup: lookup_in(first, key),
            databases,
            waiting,
            plan,
            topology,
            selection,
            shard_count: shard_count.or(counted),
        })
    }
}

pub(super) fn lookup_in<'a>(database: &'a Listed<'a>, key: &'a Key) -> Lookup<'a> {
    Lookup {
        key,
        layout: &database.plan.layout,
        session: &database.preflight.session,
    }
}

impl<'a> Search<'a> {
    /// The same search for another key.
    pub fn of<'b>(self, key: &'b Key) -> Search<'b>
    where
        'a: 'b,
    {
        Search {
            lookup: Lookup { key, ..self.lookup },
            ..self
        }
    }

    /// A lookup in each database.
    pub(super) fn lookups(self) -> impl Iterator<Item = (Option<Database>, Lookup<'a>)> {
        let lookup = move |database: &'a Listed<'a>| {
            (
                database.target.database,
                lookup_in(database, self.lookup.key),
            )
        };
        self.databases.iter().map(lookup)
    }

    pub(super) fn databases(self) -> impl Iterator<Item = &'a Listed<'a>> {
        self.databases.iter()
    }

    pub(super) fn waiting(self) -> impl Iterator<Item = &'a WaitingDatabase<'a>> {
        self.waiting.iter()
    }

    fn lookup_of(self, shard: Shard) -> Option<Lookup<'a>> {
        let mut lookups = self.lookups();
        let own = lookups.find(|(database, _)| *database == shard.database());
        own.map(|(_, lookup)| lookup)
    }

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
        if let Some(lookup) = self.lookup_of(shard) {
            return self.in_shard(lookup, shard, console).await;
        }
        let mut waiting = self.waiting();
        let own = waiting.find(|it| it.database.target.database == shard.database());
        let Some(own) = own else {
            return Ok(ExpectedShardResult::NotFound);
        };
        let look = async |database: &Listed<'_>| {
            let lookup = lookup_in(database, self.lookup.key);
            Ok(self.in_shard(lookup, shard, console).await)
        };
        own.visit(look).await??
    }

    async fn in_shard(
        self,
        lookup: Lookup<'_>,
        shard: Shard,
        console: &mut Console,
    ) -> Result<ExpectedShardResult, Error> {
        let tables = lookup.tables(Some(shard)).await?;
        if let (None, Some(table)) = (tables.in_shard.get(&shard), tables::home(lookup.key)) {
            return Ok(ExpectedShardResult::NoTable(table.to_owned()));
        }
        let found = lookup.search(&tables, |_| {}).await?;
        if !found.failures.is_empty() {
            let reasons = self.describe_in(lookup, &found.failures, 1).await.concat();
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
        let shards = &self.selection.shards;
        let progress = SearchProgress::new(shards.len(), console);
        let parts = self.parts(&progress).await?;
        console.clear();
        let mut all = Gathered::default();
        for part in parts {
            all.add(part);
        }
        if let (0, Key::Value { column, text, .. }) = (all.answered, self.lookup.key)
            && let Some(report) = not_comparable(&all.failures)
        {
            return Err(Error::NotComparable(Box::new(NotComparable {
                value: format!("\"{text}\""),
                column: column.clone(),
                report,
            })));
        }
        let opened = shards.iter().filter(|it| !all.not_opened.contains(it));
        let opened: Vec<_> = opened.copied().collect();
        let lacking = all.tables.lacking(tables::home(self.lookup.key), &opened);
        // Each shard once: several of its tables may have failed.
        let silent: BTreeSet<_> = all
            .silent
            .into_iter()
            .chain(lacking.values().flatten().copied())
            .collect();
        let nearest = match self.lookup.key {
            Key::Origin(name) | Key::Account(name) if all.hits.is_empty() => {
                suggest::nearest_of(name, all.nearest.into_iter())
            }
            _ => Vec::new(),
        };
        all.hits.sort_by_key(|hit| hit.shard);
        Ok(Everywhere {
            hits: all.hits,
            nearest,
            searched: self.coverage(&silent, self.not_there(expected_shard)),
            unanswered: Unanswered {
                failures: all.described,
                column: self.column(),
                lacking,
            },
        })
    }

    /// A search of the selected shards without these.
    pub(super) fn coverage(self, silent: &BTreeSet<Shard>, not_there: Ranges) -> SearchCoverage {
        let silent: Vec<_> = silent.iter().copied().collect();
        let shards = &self.selection.shards;
        let doubt = self.selection.doubt.as_ref();
        let unreachable = doubt.iter().flat_map(|doubt| &doubt.unreachable);
        let unreachable = unreachable.map(|it| it.place.clone()).collect();
        SearchCoverage {
            answered: shards.len() - silent.len(),
            expected: shards.len() + not_there.count(),
            missing: Missing::new(
                Ranges::of(&silent).union(not_there),
                doubt.map(|doubt| &doubt.look_alikes),
            )
            .with_shards_without(self.selection.without_table.as_ref())
            .with_unreachable(unreachable, None),
        }
    }

    /// The tables for the key, in the selected shards.
    pub(super) async fn selected_tables(self) -> Result<Tables, LookupError> {
        let listed = self.lookups().map(|(_, lookup)| lookup.tables(None));
        let mut tables = Tables::default();
        for Tables {
            in_shard,
            unreadable,
        } in try_join_all(listed).await?
        {
            tables.in_shard.extend(in_shard);
            tables.unreadable.extend(unreadable);
        }
        Ok(self.selected(tables))
    }

    /// Those of the selected shards.
    pub(super) fn selected(self, mut tables: Tables) -> Tables {
        let is_selected = |shard: &Shard| self.is_selected(*shard);
        tables.in_shard.retain(|shard, _| is_selected(shard));
        tables.unreadable.retain(|shard, _| is_selected(shard));
        tables
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
            return expected;
        }
        let lacking = match self.shard_count {
            Some(count) => self.topology.lacking_of(count),
            None => self.topology.lacking(),
        };
        expected.union(lacking)
    }

    fn column(self) -> Option<String> {
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

/// What all databases contribute.
#[derive(Default)]
struct Gathered {
    tables: Tables,
    hits: Vec<Match>,
    answered: usize,
    /// Those of statements.
    failures: Failures,
    /// Shards that did not answer for all of their tables.
    silent: BTreeSet<Shard>,
    not_opened: BTreeSet<Shard>,
    nearest: Vec<Suggestion>,
    described: Vec<String>,
}

impl Gathered {
    fn add(&mut self, part: Part) {
        self.hits.extend(part.found.hits);
        self.answered += part.found.answered;
        for (shard, error) in part.found.failures.iter() {
            self.failures.add(shard, error.clone());
            self.silent.insert(shard);
        }
        self.silent.extend(part.tables.unreadable.keys());
        self.silent.extend(&part.not_opened);
        self.not_opened.extend(part.not_opened);
        self.tables.in_shard.extend(part.tables.in_shard);
        self.tables.unreadable.extend(part.tables.unreadable);
        self.nearest.extend(part.nearest);
        self.described.extend(part.failures);
    }
}

/// `31/32 shards searched`, over several databases.
pub(super) struct SearchProgress<'a> {
    all: usize,
    done: RefCell<(usize, &'a mut Console)>,
}

impl<'a> SearchProgress<'a> {
    pub fn new(all: usize, console: &'a mut Console) -> Self {
        Self {
            all,
            done: RefCell::new((0, console)),
        }
    }

    pub fn add(&self, shards: usize) {
        let (done, console) = &mut *self.done.borrow_mut();
        *done += shards;
        console.progress(&format!("{done}/{} shards searched", self.all));
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
