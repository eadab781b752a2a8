//! Names of a hub's objects.

use crate::sharding::routing::hash::fnv1a64;

/// Postgres cuts off longer names.
pub const LONGEST_NAME: usize = 63;

/// What the hub calls the server at a place: `db7`, `db7:5432/tenant_3`. A longer name is cut, and
/// told from others by a hash.
pub fn server_name(place: &str) -> String {
    shortened(place)
}

/// A name that Postgres does not cut off.
pub fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let hash = format!("_{:016x}", fnv1a64(name.as_bytes()));
    let start: Vec<_> = name
        .char_indices()
        .take_while(|(at, c)| at + c.len_utf8() + hash.len() <= LONGEST_NAME)
        .map(|(_, c)| c)
        .collect();
    start.into_iter().collect::<String>() + &hash
}
