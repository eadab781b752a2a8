//! One connection to one server.

pub mod typed_columns;
