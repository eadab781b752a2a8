//! Global queries: SQL answered as if all shards were one set of tables.
//!
//! Postgres does the work. The user's text stays as it is; in front of it go CTEs
//! that put each sharded table together from its shards. A lexer finds which
//! tables the text names; what they look like comes from the catalog. What cannot
//! be answered exactly is refused.

mod by_name;
pub mod catalog;
mod check;
pub mod compose;
pub mod deviation;
pub mod drift;
mod estimate;
pub mod lexer;
pub mod look;
mod lookups;
mod meaning;
pub mod names;
mod need;
mod nesting;
mod objects;
mod own_types;
pub mod partial;
mod reads;
pub mod refusal;
mod rows;
#[cfg(test)]
mod tests;
mod way;

pub use by_name::check as check_strings;
pub use catalog::{Catalog, Differing, FloatSums, Joined, Table};
pub use check::{Checked, Refused};
pub use compose::Composed;
pub use lexer::{Encoding, Strings};
pub use look::{Look, Wanted};
pub use names::Text;
pub use need::{Found, agree};
pub use refusal::{Refusal, check};
pub use way::{InParts, Way};
