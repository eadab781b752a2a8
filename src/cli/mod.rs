//! The command line: clap structs only. Doc comments are the help.

pub mod connection;
