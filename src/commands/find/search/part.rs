//! What each database contributes to a search of all shards, and all of them together.

use std::collections::BTreeSet;

use crate::exec::failures::Failures;
use crate::find::lookup::LookupResult;
use crate::find::matches::Match;
use crate::find::tables::Tables;
use crate::sharding::shard::Shard;
use crate::sharding::suggest::Suggestion;

/// Of one database.
#[derive(Default)]
pub struct Part {
    pub tables: Tables,
    pub found: LookupResult,
    /// Shards that could not be searched because the database could not be opened.
    pub not_opened: BTreeSet<Shard>,
    /// Names similar to the key, if it was not found here.
    pub nearest: Vec<Suggestion>,
    /// Why shards failed.
    pub failures: Vec<String>,
}

/// Of all databases.
#[derive(Default)]
pub struct Gathered {
    pub tables: Tables,
    pub hits: Vec<Match>,
    pub answered: usize,
    /// Those of statements.
    pub failures: Failures,
    /// Shards that did not answer for all of their tables.
    pub silent: BTreeSet<Shard>,
    pub not_opened: BTreeSet<Shard>,
    pub nearest: Vec<Suggestion>,
    pub described: Vec<String>,
}

impl Gathered {
    pub fn add(&mut self, part: Part) {
        self.hits.extend(part.found.hits);
        self.answered += part.found.answered;
        self.failures.extend(&part.found.failures);
        self.silent
            .extend(part.found.failures.iter().map(|(shard, _)| shard));
        self.silent.extend(part.tables.unreadable.keys());
        self.silent.extend(&part.not_opened);
        self.not_opened.extend(part.not_opened);
        self.tables.in_shard.extend(part.tables.in_shard);
        self.tables.unreadable.extend(part.tables.unreadable);
        self.nearest.extend(part.nearest);
        self.described.extend(part.failures);
    }
}
