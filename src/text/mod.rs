//! How text is shown: escaped for a terminal, aligned by display width, numbers and
//! durations for people. Pure, and at the bottom: it knows no shard and no server.
pub mod escape;
pub mod humanize;
pub mod width;
