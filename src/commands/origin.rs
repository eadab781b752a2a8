//! `--origin`: looks the origin up in the same run, so that an empty result is not mistaken for
//! that of an origin in another shard.

use std::num::NonZeroU32;
use std::sync::Arc;

use futures::TryStreamExt;
use tokio::task::JoinHandle;
use tokio_postgres::SimpleQueryMessage;

use super::session_setup::ConnectRetry;
use crate::client::ServerError;
use crate::commands::databases::Listed;
use crate::commands::error::Error;
use crate::commands::find::lookup_plan;
use crate::commands::find::scope::{LookupRequest, SearchScope};
use crate::commands::find::search::{Everywhere, SearchedShards};
use crate::exec::fanout::Session;
use crate::exec::plan::Plan;
use crate::find::matches::shards_of;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template;
use crate::sharding::ranges::Ranges;
use crate::sharding::routing::key::Key;
use crate::sharding::selected_keys::SelectedKeys;
use crate::sharding::selection::{OriginRoute, Origins, Selection};
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// Lookups that are sent ahead of the run's statements and so cost no round trip.
pub(super) struct OriginLookups(Vec<(OriginRoute, JoinHandle<Seen>)>);

/// The result of looking where the origin belongs.
enum Seen {
    There,
    NotThere,
    /// Why it is unknown.
    Unknown(String),
}

impl OriginLookups {
    /// Sends the lookups in the transaction of a session in the shard's database, without waiting
    /// for the results.
    pub async fn send<'a>(
        session: impl Fn(Shard) -> Option<&'a Session>,
        origins: Option<&Origins>,
    ) -> Self {
        let mut origin_lookups = Vec::new();
        for route in origins.iter().flat_map(|origins| &origins.routes) {
            let Some(session) = session(route.shard) else {
                continue;
            };
            let answers = session.send(&lookup_sql(route)).await;
            // Recovers from an error, and releases the table's lock.
            let recovered = session.recover().await;
            let seen = tokio::spawn(async move {
                let rows = async {
                    recovered?;
                    answers?.try_collect::<Vec<_>>().await
                };
                match rows.await {
                    Ok(rows) => seen(&rows),
                    Err(error) => Seen::Unknown(match error.as_db_error() {
                        Some(report) => ServerError::new(report, 0).summary_line(),
                        None => crate::exec::fanout::cause(&error),
                    }),
                }
            });
            origin_lookups.push((route.clone(), seen));
        }
        Self(origin_lookups)
    }

    /// The results, without origins that are where they belong.
    async fn answers(self) -> Vec<(OriginRoute, Option<String>)> {
        let mut answers = Vec::new();
        for (route, seen) in self.0 {
            let lost = |_| Seen::Unknown("the lookup was not answered".to_owned());
            match seen.await.unwrap_or_else(lost) {
                Seen::There => {}
                Seen::NotThere => answers.push((route, None)),
                Seen::Unknown(why) => answers.push((route, Some(why))),
            }
        }
        answers
    }
}

fn lookup_sql(route: &OriginRoute) -> String {
    let schema = route.shard.schema().to_owned();
    let table = format!("{}.origins", Identifier(&schema));
    sql_template::fill(
        include_str!("../../sql/find/origin.sql"),
        &[
            ("table", &table),
            ("name", &Literal(&route.name).to_string()),
        ],
    )
}

fn seen(messages: &[SimpleQueryMessage]) -> Seen {
    let is_row = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    if messages.iter().any(is_row) {
        Seen::There
    } else {
        Seen::NotThere
    }
}

/// Origins and keys that were not found where they belong.
#[derive(Default)]
pub(super) struct Located {
    origins: Vec<(OriginRoute, Whereabouts)>,
    /// Those of `--key`, which were looked for before the run.
    keys: Option<SelectedKeys>,
}

enum Whereabouts {
    /// Why its shard could not answer.
    Unverified(String),
    /// Not in its shard; all others were searched.
    Searched(Box<Everywhere>),
    /// Not in its shard; why the others could not be searched.
    NotSearched(String),
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

/// A message about an origin, and its exit status.
struct Told {
    exit: Exit,
    text: String,
}

fn tell(route: &OriginRoute, place: &Whereabouts) -> Told {
    let OriginRoute { name, shard } = route;
    let complete = |text| Told {
        exit: Exit::Complete,
        text,
    };
    let incomplete = |text| Told {
        exit: Exit::Incomplete,
        text,
    };
    let found = match place {
        Whereabouts::Unverified(why) => {
            return complete(format!(
                "could not verify that origin {name:?} is in {shard}: {why}"
            ));
        }
        Whereabouts::NotSearched(why) => {
            return incomplete(format!(
                "origin {name:?} is not in {shard}, where it belongs, and the other shards \
                 could not be searched: {why}"
            ));
        }
        Whereabouts::Searched(found) => found,
    };
    let shards = shards_of(&found.hits);
    // It was inserted after the snapshot of the run.
    if shards.contains(shard) {
        return complete(format!(
            "origin {name:?} was not in {shard} when it was queried, but is now"
        ));
    }
    if !shards.is_empty() {
        let shards = Ranges::of(&shards);
        return incomplete(format!(
            "MISPLACED: origin {name:?} belongs in {shard}, but is in {shards}; use --shards to \
             query there"
        ));
    }
    let nearest = match found.nearest.first() {
        None => String::new(),
        Some(near) => format!("; the nearest is {:?} ({})", near.name, near.shard),
    };
    if found.searched.is_complete() {
        complete(format!("no shard has an origin {name:?}{nearest}"))
    } else {
        let searched = &found.searched;
        incomplete(format!(
            "origin {name:?} is not in {shard}, where it belongs; {searched}{nearest}"
        ))
    }
}
