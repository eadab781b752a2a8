//! What a run must never do: write, hide rows, take memory or files that are not its own, leave
//! anything behind.

mod file_names;
mod foreign_files;
mod hostile_text;
mod memory;
mod nothing_left;
mod read_only;
mod read_only_role;
mod resources;
mod row_security;
