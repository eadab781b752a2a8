//! `--origin`: looks the origin up in the same run, so that an empty result is not mistaken for
//! that of an origin in another shard.

mod lookups;
mod whereabouts;

use std::num::NonZeroU32;
use std::sync::Arc;

pub(super) use self::lookups::OriginLookups;
use self::whereabouts::{Whereabouts, tell};
use super::session_setup::ConnectRetry;
use crate::commands::databases::Listed;
use crate::commands::error::Error;
use crate::commands::find::lookup_plan;
use crate::commands::find::scope::{LookupRequest, SearchScope};
use crate::commands::find::search::{Everywhere, SearchedShards};
use crate::exec::plan::Plan;
use crate::sharding::routing::key::Key;
use crate::sharding::selected_keys::SelectedKeys;
use crate::sharding::selection::{OriginRoute, Selection};
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// Origins and keys that were not found where they belong.
#[derive(Default)]
pub(super) struct Located {
    origins: Vec<(OriginRoute, Whereabouts)>,
    /// Those of `--key`, which were looked for before the run.
    keys: Option<SelectedKeys>,
}

/// Where to search for an origin that is not where it belongs.
#[derive(Clone, Copy)]
pub(super) struct KeyLocations<'a> {
    pub databases: &'a [Listed<'a>],
    pub topology: &'a Topology,
    pub shard_count: NonZeroU32,
    /// That of the run.
    pub plan: &'a Plan,
}

impl Located {
    /// Waits for the lookups, and searches all shards for origins that are not where they belong,
    /// in the same transaction.
    pub async fn by(
        origin_lookups: OriginLookups,
        places: KeyLocations<'_>,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let mut located = Vec::new();
        for (route, unknown) in origin_lookups.answers().await {
            let place = match unknown {
                Some(why) => Whereabouts::Unverified(why),
                None => Whereabouts::Searched(Box::new(search(&route, places, console).await?)),
            };
            located.push((route, place));
        }
        Ok(Self {
            origins: located,
            keys: None,
        })
    }

    /// The same on new connections, for a run whose sessions are closed. A failed search does not
    /// void the run's result. `None` if interrupted.
    pub async fn anew(
        origin_lookups: OriginLookups,
        shard_count: NonZeroU32,
        request: LookupRequest<'_>,
        console: &mut Console,
    ) -> Option<Self> {
        let mut located = Vec::new();
        for (route, unknown) in origin_lookups.answers().await {
            let place = if let Some(why) = unknown {
                Whereabouts::Unverified(why)
            } else {
                match search_anew(&route, shard_count, request, console).await {
                    Ok(Some(found)) => Whereabouts::Searched(Box::new(found)),
                    Ok(None) => return None,
                    Err(error) => Whereabouts::NotSearched(error.to_string()),
                }
            };
            located.push((route, place));
        }
        Some(Self {
            origins: located,
            keys: None,
        })
    }

    pub fn of_keys(keys: Option<&SelectedKeys>) -> Self {
        Self {
            origins: Vec::new(),
            keys: keys.cloned(),
        }
    }

    /// Whether one is, or may be, in another shard.
    pub fn is_elsewhere(&self) -> bool {
        self.keys.as_ref().is_some_and(SelectedKeys::is_doubtful)
            || self
                .origins
                .iter()
                .any(|(route, place)| tell(route, place).exit == Exit::Incomplete)
    }

    pub fn say(&self, console: &mut Console) {
        for (route, place) in &self.origins {
            if let Whereabouts::Searched(found) = place {
                found.unanswered.say(console);
            }
            let told = tell(route, place);
            match told.exit {
                Exit::Complete => console.warning(&told.text),
                _ => console.error(&told.text),
            }
        }
        let Some(keys) = &self.keys else {
            return;
        };
        for misplaced in keys.misplaced() {
            console.error(&misplaced);
        }
        match keys.missing() {
            Some(missing) if keys.unsearched.is_some() => console.error(&missing),
            Some(missing) => console.warning(&missing),
            None => {}
        }
    }

    /// For commands that answer completely or not at all.
    ///
    /// # Errors
    /// If an origin or a key is, or may be, in another shard.
    pub fn or_refuse(self, console: &mut Console) -> Result<(), Error> {
        if let Some(keys) = self.keys.as_ref().filter(|keys| keys.is_doubtful()) {
            let unsearched = keys.unsearched.as_ref();
            let missing = unsearched.and_then(|_| keys.missing());
            let texts: Vec<_> = keys.misplaced().into_iter().chain(missing).collect();
            return Err(Error::OriginElsewhere(texts.join("\n")));
        }
        let (refused, fine): (Vec<_>, Vec<_>) = self
            .origins
            .into_iter()
            .partition(|(route, place)| tell(route, place).exit == Exit::Incomplete);
        let fine = Self {
            origins: fine,
            keys: self.keys,
        };
        fine.say(console);
        let mut texts = Vec::new();
        for (route, place) in &refused {
            if let Whereabouts::Searched(found) = place {
                found.unanswered.say(console);
            }
            texts.push(tell(route, place).text);
        }
        if texts.is_empty() {
            Ok(())
        } else {
            Err(Error::OriginElsewhere(texts.join("\n")))
        }
    }
}

async fn search(
    route: &OriginRoute,
    places: KeyLocations<'_>,
    console: &mut Console,
) -> Result<Everywhere, Error> {
    let key = Key::Origin(route.name.clone());
    let (limits, layout) = (places.plan.limits, places.plan.layout.clone());
    let plan = lookup_plan::plan(limits, layout, Arc::default(), &key)?;
    let shards = SearchedShards {
        databases: places.databases,
        waiting: &[],
        plan: &plan,
        topology: places.topology,
        selection: &Selection::filtered(places.topology, &plan.filter)?,
        shard_count: Some(places.shard_count),
    };
    let search = shards.search(&key)?;
    search.in_all_shards(Some(route.shard), console).await
}

async fn search_anew(
    route: &OriginRoute,
    shard_count: NonZeroU32,
    request: LookupRequest<'_>,
    console: &mut Console,
) -> Result<Option<Everywhere>, Error> {
    let key = Key::Origin(route.name.clone());
    let (limits, layout) = (request.plan.limits, request.plan.layout.clone());
    let plan = lookup_plan::plan(limits, layout, Arc::default(), &key)?;
    let request = LookupRequest {
        plan: &plan,
        ..request
    };
    let work = async |scope: &SearchScope<'_>, console: &mut Console| {
        let places = KeyLocations {
            databases: &scope.databases(),
            topology: &scope.prepared.topology,
            shard_count,
            plan: &plan,
        };
        search(route, places, console).await
    };
    request
        .once(ConnectRetry::ServerRestarting, console, work)
        .await
}
