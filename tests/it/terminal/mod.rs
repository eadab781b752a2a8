//! What is different on a terminal: the progress line, the pager, colour, `-x auto`.

mod color;
mod expanded;
mod hints;
mod pager;
mod picture;
mod progress;
mod summary;
