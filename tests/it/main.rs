//! Every promise, tested against a real server. One file per promise or command.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod cli;
mod export;
mod faults;
mod find;
mod global;
mod inspect;
mod query;
mod safety;
mod servers;
mod shell;
mod support;
mod terminal;
mod transcripts;
