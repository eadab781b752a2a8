//! Where a key is: the lookup in the catalog and the tables, and the report.
pub mod lookup;
pub mod report;
