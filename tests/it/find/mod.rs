//! `shardq find`.

mod incomplete;
mod lookup;
