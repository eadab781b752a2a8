//! `shardq find`.

mod in_column;
mod incomplete;
mod lookup;
