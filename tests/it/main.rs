//! Every promise, tested against a real server. One file per promise or command.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod architecture;
mod complete;
mod completions;
mod csv_round_trip;
mod delimiter;
mod demo;
mod documentation;
mod export;
mod export_again;
mod export_claim;
mod export_faults;
mod export_flags;
mod export_folder_key;
mod export_global;
mod export_null;
mod export_parquet;
mod export_per_shard;
mod export_progress;
mod export_publishing;
mod export_resume;
mod export_settings;
mod export_targets;
mod export_types;
mod export_users;
mod export_verify;
mod faults;
mod file;
mod file_names;
mod find;
mod find_incomplete;
mod flags;
mod foreign_files;
mod global;
mod hostile_text;
mod liveness;
mod memory;
mod missing_shards;
mod names;
mod nothing_left;
mod notices;
mod one_instant;
mod origin;
mod pooler;
mod psql_equal;
mod psql_habits;
mod read_only;
mod read_only_role;
mod render;
mod repeated_flags;
mod resources;
mod rewritten;
mod row_security;
mod sample;
mod sandbox;
mod slow_link;
mod statement;
mod support;
mod unknown_names;
