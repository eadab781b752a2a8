//! Every promise, kept against a real server. One file per promise or command.

mod global;
mod sample;
mod sandbox;
mod slow_link;
mod support;
