//! Files that an investigation can stand on: whole or absent, with a record of
//! what they are. Nothing here talks to a server.

mod beside;
pub mod check;
mod claim;
pub mod columns;
mod count;
pub mod create_table;
pub mod error;
pub mod excel;
pub mod folder;
pub mod kind;
pub mod manifest;
mod one_file;
mod pack;
#[cfg(feature = "parquet")]
mod parquet;
pub(crate) mod per_shard;
pub mod progress;
mod publication;
pub mod record;
pub mod resume;
mod seal;
mod settle;
mod target;
mod text_file;
mod writer;

pub use beside::Beside;
pub use error::ExportError;
pub use kind::{Compression, FileFormat, Kind};
pub(crate) use one_file::OneFile;
pub use target::Target;
pub use writer::{Text, Written};
