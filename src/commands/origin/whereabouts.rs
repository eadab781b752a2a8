//! Where an origin is, and what a message says of it.

use crate::commands::find::search::Everywhere;
use crate::find::matches::shards_of;
use crate::sharding::ranges::Ranges;
use crate::sharding::selection::OriginRoute;
use crate::terminal::exit_status::Exit;

/// The result of looking for an origin that is not where it belongs.
pub enum Whereabouts {
    /// Why its shard could not answer.
    Unverified(String),
    /// Not in its shard; all others were searched.
    Searched(Box<Everywhere>),
    /// Not in its shard; why the others could not be searched.
    NotSearched(String),
}

/// A message about an origin, and its exit status.
pub struct Told {
    pub exit: Exit,
    pub text: String,
}

pub fn tell(route: &OriginRoute, place: &Whereabouts) -> Told {
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
