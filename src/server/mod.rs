//! One server: connections to it, and what it says of errors. What runs on a
//! connection is decided elsewhere.

pub mod dial;
pub mod endpoint;
mod error;
mod link;
mod notice;
pub mod pace;
mod patience;
mod pool;
pub mod prompt;
mod report;
mod tls;
pub mod typed_columns;
mod wire;

pub use error::ConnectError;
pub use link::left_without_confirmation;
pub use notice::Notice;
pub use patience::Silence;
pub use pool::{Connection, Copied, Opened, Sent, Server, Spare};
pub use report::Report;
pub use wire::Asked;
