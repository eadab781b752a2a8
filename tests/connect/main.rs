//! Connecting like psql, against real servers. Where possible, psql itself gives the expected
//! result.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, but not in what these share"
)]

mod authentication;
mod client_keys;
mod direct;
mod failures;
mod like_psql;
mod passwords;
mod support;
mod target_session;
mod tls;
mod version_1;
