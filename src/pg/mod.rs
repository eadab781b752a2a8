//! Postgres itself, without a connection: quoting, the lexer, the SQL files, batches of rows,
//! where in a statement an error is. Pure.
pub mod error_position;
pub mod lexer;
pub(crate) mod nesting;
pub mod query_text;
pub mod quote;
pub(crate) mod references;
pub mod row_batch;
pub mod sql_template;
