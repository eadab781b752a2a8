//! What is different on a terminal: the progress line, the pager, colour, `-x auto`.

mod hints;
mod progress;
mod summary;
