//! Runs a plan in every shard and merges the answers: workers, snapshots, checks, failures.
//! What becomes of the rows is the caller's business.
pub mod cancel;
pub mod column_types;
pub mod copy;
pub mod driver;
pub mod failures;
pub mod fanout;
pub mod hints;
pub mod merge;
pub mod plan;
pub mod timing;
pub mod type_names;
pub mod unknown_name;
pub mod verb;
