//! Global queries: SQL answered as if all shards were one set of tables.
//!
//! Postgres does the work. The user's text is left unchanged; CTEs put in front of it assemble each
//! sharded table from its shards. A lexer finds the tables that the text names; the catalog gives
//! their columns. A query that cannot be answered exactly is rejected as unsupported.

pub mod catalog;
pub mod drift;
mod estimate;
pub(crate) mod federation;
pub mod introspect;
mod lookups;
mod need;
mod objects;
mod own_types;
pub mod partial;
mod prepare;
pub mod relation;
mod resolve;
pub mod rewrite;
mod rows;
pub mod schema_diff;
pub mod several;
mod single_statement;
pub mod strategy;
mod string_names;
pub mod table;
#[cfg(test)]
mod tests;
pub mod united;
pub mod unsupported;

pub use crate::pg::lexer::{Encoding, StringSyntax};
pub use crate::pg::query_text::Text;
pub use catalog::{Catalog, Colocation, FloatAggregation, OnSchemaDrift};
pub use introspect::{Introspection, ReferencedNames};
pub use partial::in_parts::PartialPlan;
pub use prepare::{GlobalOptions, Prepared, Readings, prepare};
pub use rewrite::Composed;
pub use single_statement::{Checked, PrepareError};
pub use strategy::{ExecutionPlan, Strategy};
pub use table::Table;
pub use unsupported::UnsupportedQuery;
