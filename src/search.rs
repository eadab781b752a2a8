//! The search for a key: a look where it belongs, then everywhere. Says on the
//! console how complete it was; what was found is its result.

use std::collections::BTreeSet;

use crate::console::Console;
use crate::error::{Error, advice};
use crate::failures::Failures;
use crate::fanout::ShardError;
use crate::finding::{Hit, Near, Searched, Verdict};
use crate::key::Key;
use crate::lookup::{self, Heard, Lookup, Tables};
use crate::plan::Plan;
use crate::shard::{Ranges, Shard, ShardList};
use crate::topology::Topology;

/// One key, one snapshot.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    pub lookup: Lookup<'a>,
    pub plan: &'a Plan,
    pub topology: &'a Topology,
}

/// What the look where the key belongs came to.
#[derive(Debug)]
pub enum AtHome {
    Found(Vec<Hit>),
    NotFound,
    /// The table of this name, which the shard lacks, is all that could have it.
    NoTable(&'static str),
}

impl Search<'_> {
    /// # Errors
    /// Also if the shard did not answer: nobody knows then where the key is.
    pub async fn where_it_belongs(
        self,
        shard: Shard,
        console: &mut Console,
    ) -> Result<AtHome, Error> {
        if let Err(missing) = self.topology.pick(&ShardList::single(shard)) {
            console.warning(&missing);
            return Ok(AtHome::NotFound);
        }
        let tables = self.lookup.tables(Some(shard)).await?;
        if let (None, Some(table)) = (tables.in_shard.get(&shard), self.home()) {
            return Ok(AtHome::NoTable(table));
        }
        let heard = self.lookup.look(&tables, |_| {}).await?;
        if !heard.failures.is_empty() {
            return Err(Error::Unanswered(self.describe(&heard.failures, 1)));
        }
        if heard.hits.is_empty() {
            return Ok(AtHome::NotFound);
        }
        // It is there whatever else is; where it is not, the search of all shards tells.
        for (_, unreadable) in unreadable(&tables) {
            console.warning(&unreadable);
        }
        Ok(AtHome::Found(heard.hits))
    }

    /// Looks into all shards, and says which of them did not answer.
    pub async fn everywhere(self, console: &mut Console) -> Result<(Verdict, Searched), Error> {
        let shards = self.topology.shards();
        let tables = self.lookup.tables(None).await?;
        let progress = |done| {
            console.progress(&format!("{done}/{} shards searched", shards.len()));
        };
        let Heard {
            hits, mut failures, ..
        } = self.lookup.look(&tables, progress).await?;
        console.clear();
        for (shard, unreadable) in unreadable(&tables) {
            failures.add(shard, unreadable);
        }
        let lacking = tables.lacking(shards);
        if let (Some(table), false) = (self.home(), lacking.is_empty()) {
            console.warning(&format!("no table \"{table}\" in {}", Ranges::of(&lacking)));
        }
        if !failures.is_empty() {
            console.error(&self.describe(&failures, shards.len()));
        }
        // Once each: one table may fail where another may not be read.
        let unanswered: BTreeSet<_> = failures.iter().map(|(shard, _)| shard).collect();
        let searched = Searched {
            // A shard that lacks the table lacks the key.
            answered: shards
                .iter()
                .filter(|shard| !unanswered.contains(shard))
                .count(),
            expected: shards.len(),
        };
        let verdict = if hits.is_empty() {
            let nearest = self.nearest(&tables).await;
            Verdict::NotFound { nearest }
        } else {
            Verdict::Misplaced(hits)
        };
        Ok((verdict, searched))
    }

    async fn nearest(self, tables: &Tables) -> Vec<Near> {
        match self.lookup.key {
            Key::Origin(name) | Key::Account(name) => self.lookup.nearest(name, tables).await,
            Key::Id(_) => Vec::new(),
        }
    }

    fn home(self) -> Option<&'static str> {
        lookup::home(self.lookup.key)
    }

    fn describe(self, failures: &Failures, asked: usize) -> String {
        failures.describe(asked, &self.plan.statement, advice)
    }
}

/// A shard with such tables has not answered, whatever its other tables say.
fn unreadable(tables: &Tables) -> impl Iterator<Item = (Shard, ShardError)> {
    tables.unreadable.iter().map(|(&shard, names)| {
        let tables = names.iter().cloned().collect();
        (shard, ShardError::NotReadable { tables })
    })
}
