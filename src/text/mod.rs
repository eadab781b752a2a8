//! How text is shown: escaping, display width, numbers and durations. Pure, and the lowest
//! layer: it knows nothing of shards and servers.
pub mod escape;
pub mod humanize;
pub mod io_reason;
pub mod width;
