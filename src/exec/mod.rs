//! Runs a plan in every shard and merges the results: workers, snapshots, checks, failures. What
//! happens to the rows is up to the caller.

pub mod cancel;
pub mod column_types;
pub mod copy;
pub(crate) mod databases;
pub mod driver;
pub mod explanation;
pub mod failures;
pub mod fanout;
pub mod hints;
pub mod lock_holders;
pub mod merge;
pub mod plan;
pub mod row_sink;
pub mod run_report;
pub mod timing;
pub mod type_names;
pub mod unknown_name;
pub mod verb;
