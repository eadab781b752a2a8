//! Finds the shard that holds a key: the lookup and the report.
pub mod batch;
pub mod coverage;
pub mod learn;
pub mod lookup;
pub mod matches;
pub mod report;
pub mod route;
pub mod tables;
