//! Output on stderr (messages, the progress line, the summary) and the exit status.
pub mod console;
pub mod exit_status;
pub mod statement_log;
pub mod summary;
