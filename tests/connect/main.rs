//! Connecting as psql does, against real servers: psql itself says what is
//! right wherever it can.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, but not in what these share"
)]

mod failures;
mod like_psql;
mod passwords;
mod support;
mod tls;
