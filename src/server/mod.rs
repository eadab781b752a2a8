//! One server: connections to it, and what it says of errors. What runs on a
//! connection is decided elsewhere.

pub mod dial;
pub mod endpoint;
mod error;
pub mod pace;
mod pool;
pub mod prompt;
mod report;
mod tls;
pub mod typed_columns;

pub use error::ConnectError;
pub use pool::{Connection, Copied, Opened, Server, Spare};
pub use report::Report;
