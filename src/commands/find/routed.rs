//! Looks for a key, beginning where it belongs.

use jiff::Timestamp;

use super::lookup_plan;
use super::scope::SearchScope;
use super::search::unanswered::Unanswered;
use super::search::{Everywhere, ExpectedShardResult, Search};
use crate::commands::error::Error;
use crate::config::Settings;
use crate::find::coverage::SearchCoverage;
use crate::find::lookup::Lookup;
use crate::find::report::{FindReport, FindVerdict};
use crate::sharding::routing::key::Key;
use crate::sharding::routing::rule::{NoRoute, Route};
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::summary::{Location, SnapshotCount};

/// What came of the search.
pub struct FindOutcome {
    pub report: FindReport,
    /// Why some shards could not answer.
    pub unanswered: Option<Unanswered>,
    /// Where all shards were searched.
    pub location: Option<Location>,
    pub snapshots: SnapshotCount,
}

impl FindOutcome {
    pub fn without_search(report: FindReport) -> Self {
        Self {
            report,
            unanswered: None,
            location: None,
            snapshots: SnapshotCount::One,
        }
    }
}

/// A search, and where it begins.
pub struct Routed<'a> {
    pub search: Search<'a>,
    pub route: Result<Route, NoRoute>,
    pub now: Timestamp,
}

impl Routed<'_> {
    pub fn report(&self, verdict: FindVerdict, searched: Option<SearchCoverage>) -> FindReport {
        FindReport {
            key: self.search.lookup.key.clone(),
            route: self.route.clone(),
            verdict,
            searched,
            now: self.now,
        }
    }

    /// Of a key that no column has: its shard must exist.
    pub fn listed(&self, console: &mut Console) -> FindOutcome {
        let shard = self.route.as_ref().ok().map(|route| route.shard);
        let exists = shard.is_some_and(|shard| self.search.exists(shard, console));
        let nearest = Vec::new();
        let verdict = if exists {
            FindVerdict::Listed
        } else {
            FindVerdict::NotFound { nearest }
        };
        FindOutcome::without_search(self.report(verdict, None))
    }

    /// Looks in the shard where the key belongs, then in all selected shards.
    pub async fn look(
        &self,
        settings: &Settings,
        scope: &SearchScope<'_>,
        console: &mut Console,
    ) -> Result<FindOutcome, Error> {
        let Self { search, route, .. } = self;
        let at_home = match route {
            Ok(Route { shard, .. }) => search.in_expected_shard(*shard, console).await?,
            Err(_) => ExpectedShardResult::NotFound,
        };
        if let ExpectedShardResult::Found(hits) = at_home {
            let report = self.report(FindVerdict::Verified(hits), None);
            return Ok(FindOutcome::without_search(report));
        }
        let home = route.as_ref().ok().map(|route| route.shard);
        let everywhere = search.in_all_shards(home, console).await?;
        let Everywhere {
            hits,
            nearest,
            searched,
            unanswered,
        } = everywhere;
        let (lookup, shards) = (search.lookup, &search.selection.shards);
        if let Key::Value { column, .. } = lookup.key
            && unanswered.is_without(&column.table, shards)
        {
            return Err(Error::NoColumn {
                column: column.clone(),
                others: lookup_plan::others(lookup, settings).await,
            });
        }
        if let (ExpectedShardResult::NoTable(table), Some(shard)) = (&at_home, home)
            && unanswered.is_without(table, shards)
        {
            return Err(no_table(shard, table, lookup, settings).await);
        }
        let verdict = match (hits.is_empty(), route) {
            (true, _) => FindVerdict::NotFound { nearest },
            (false, Ok(_)) => FindVerdict::Misplaced(hits),
            (false, Err(_)) => FindVerdict::Found(hits),
        };
        Ok(FindOutcome {
            report: self.report(verdict, Some(searched)),
            unanswered: Some(unanswered),
            location: Some(scope.location()),
            snapshots: scope.snapshots(),
        })
    }
}

/// Probably the wrong database.
async fn no_table(shard: Shard, table: &str, lookup: Lookup<'_>, settings: &Settings) -> Error {
    Error::NoTable {
        shard,
        table: table.to_owned(),
        others: lookup_plan::others(lookup, settings).await,
    }
}
