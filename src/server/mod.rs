//! One server: connections to it, and what it says of errors.

mod pool;
mod report;
pub mod typed_columns;

pub use pool::{Connection, Server};
pub use report::Report;

#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ConnectError(pub String);
impl ConnectError {
    pub fn is_transient(&self) -> bool {
        false
    }
}
