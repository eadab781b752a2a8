//! Output on stderr (messages, the progress line, the summary), color, the pager, and the exit
//! status.
pub mod color;
pub mod color_depth;
pub mod console;
pub mod exit_status;
pub mod pager;
pub mod progress_line;
pub mod size;
pub mod statement_log;
pub mod summary;
