//! `shardq find`.

mod from_file;
mod in_column;
mod incomplete;
mod lookup;
