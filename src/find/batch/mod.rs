//! Many keys at once, from a CSV file: read, looked up in few statements, and written back with the
//! shard of each.
pub mod annotate;
pub mod input;
pub mod key_array;
pub mod key_list;
pub mod key_state;
pub mod keys;
pub mod lookup;
mod statements;
