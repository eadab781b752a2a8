//! The command line, the documentation and the layout of the code.

mod architecture;
mod completions;
mod demo;
mod documentation;
mod flags;
mod profiles;
mod psql_habits;
mod repeated_flags;
mod sandbox;
mod verbose;
