//! Per-shard partial results: each shard computes its part, and a final statement
//! in Postgres combines the parts. Only for shapes where that is provably the
//! same; whatever is not recognised word by word is one statement.

mod aggregate;
mod apart;
mod check;
mod clauses;
mod collation;
mod columns;
mod combine;
mod express;
mod first_rows;
mod floats;
mod from;
mod gather;
mod groups;
mod joins;
mod proof;
mod recognise;
mod shadows;
mod sources;
mod words;

pub use combine::{Parts, Unfit};
pub use floats::{DIGITS_CUT, writes_floats_whole};
pub use gather::{All, Gathered, gather};
pub use joins::{APART, to_prove};
pub use proof::is_proved;
pub use recognise::{LONG, Partial, is_long, may_apply, recognise};
pub use shadows::{SHADOWED, is_shadowed};
