//! The commands. Each reads like a table of contents.

pub mod demo;
