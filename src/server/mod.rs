//! One connection to one server: reaching it, TLS, passwords, cancelling, and
//! errors that say what to do. What runs on a connection is decided elsewhere.

pub mod dial;
pub mod endpoint;
pub mod error;
pub mod prompt;
mod tls;
