//! Every promise, kept against a real server. One file per promise or command.

mod complete;
mod demo;
mod one_instant;
mod read_only;
mod sample;
mod sandbox;
mod slow_link;
mod support;
