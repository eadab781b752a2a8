//! Exports: files that are complete or absent, each with a manifest. Nothing here talks to a
//! server.

mod background_sync;
pub mod blocking;
pub mod columns;
mod compress;
mod count_rows;
pub mod create_table;
pub mod create_view;
pub mod dataset_dir;
pub mod draft;
pub mod encoder;
pub mod error;
pub mod excel;
pub mod file_format;
mod folder_lock;
pub mod manifest;
pub mod manifest_builder;
#[cfg(feature = "parquet")]
mod parquet;
pub(crate) mod per_shard;
pub mod progress;
pub mod provenance;
mod publish;
pub mod resume;
mod seal;
pub mod server_info;
mod sidecar;
mod single_file;
mod target;
mod text_encoder;
pub mod verify;
mod writer;
#[cfg(feature = "xlsx")]
mod xlsx;

pub use encoder::{EncoderOptions, Written};
pub use error::ExportError;
pub use file_format::{Compression, ExportFormat, FileFormat};
pub use sidecar::Sidecar;
pub(crate) use single_file::OneFile;
pub use target::ExportTarget;

/// What only the targets in `fuzz/` call from outside.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    pub use super::count_rows::{Cells, Counter, RowCounts};
    pub use super::parquet::text;
}
