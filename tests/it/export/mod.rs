//! `shardq export` and `shardq verify`.

mod again;
mod faults;
mod flags;
mod folder_key;
mod folder_lock;
mod global;
mod null;
mod one_file;
mod parquet;
mod per_shard;
mod progress;
mod publishing;
mod resume;
mod settings;
mod targets;
mod types;
mod users;
mod verify;
mod xlsx;
