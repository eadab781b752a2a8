//! Per-shard partial results: each shard computes its part, and a final statement
//! in Postgres combines the parts. Only for shapes where that is provably the
//! same; whatever is not recognised word by word is one statement.

mod combine;
mod gather;
mod recognise;
mod words;

pub use combine::{Parts, TooMany};
pub use gather::{Gathered, gather};
pub use recognise::{Partial, may_apply, recognise};
