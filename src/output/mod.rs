//! Where results go: formats, the writer thread, files that are complete or absent.
pub mod atomic_file;
pub mod file_name;
pub mod format;
pub mod open_file;
pub mod sink;
