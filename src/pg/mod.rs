//! Postgres's language, without a connection: quoting, the lexer, SQL templates, batches of rows,
//! variables, error positions. Pure.
pub mod column_name;
pub mod error_position;
pub mod lexer;
pub(crate) mod nesting;
pub mod query_text;
pub mod quote;
pub(crate) mod references;
pub mod row_batch;
pub mod source_map;
pub mod split;
pub mod sql_template;
pub mod variables;
