//! Every promise, kept against a real server. One file per promise or command.

mod demo;
mod sample;
mod sandbox;
mod slow_link;
mod support;
