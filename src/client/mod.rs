//! Connections to one server, and the errors and notices that it sends. What runs on a connection
//! is decided elsewhere.

mod authentication;
pub mod connect;
mod connection;
mod dialer;
pub mod endpoint;
mod error;
pub mod kept;
mod link;
mod notice;
pub mod notices;
mod open_stream;
mod password_command;
pub mod password_prompt;
mod patience;
mod peer;
mod pool;
pub mod read_coalescing;
pub mod row_description;
mod server_error;
mod stream;
mod target_session;
mod tls;
mod typed_name;
mod wire;

pub use authentication::Authentication;
pub use connection::{Connection, CopyOutFuture, Sent};
pub use error::ConnectError;
pub use link::left_without_confirmation;
pub use notice::Notice;
pub use patience::Silence;
pub use pool::{ConnectionPool, PendingConnection, PoolStart};
pub use server_error::ServerError;
pub use wire::Expected;
