//! Every promise, kept against a real server. One file per promise or command.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod complete;
mod completions;
mod demo;
mod find;
mod leaves_nothing;
mod render;
mod sample;
mod sandbox;
mod slow_link;
mod support;
