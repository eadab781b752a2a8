//! What is different on a terminal: the progress line, the pager, colour, `-x auto`.

mod color;
mod expanded;
mod hints;
mod pager;
mod progress;
mod summary;
