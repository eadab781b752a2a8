//! Every promise, kept against a real server. One file per promise or command.

<<<<<<< HEAD
mod demo;
=======
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod render;
>>>>>>> answers
mod sample;
mod sandbox;
mod slow_link;
mod support;
