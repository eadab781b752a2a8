//! The progress of a search over several databases.

use std::cell::RefCell;

use crate::terminal::console::Console;

/// `31/32 shards searched`, over several databases.
pub struct SearchProgress<'a> {
    all: usize,
    done: RefCell<(usize, &'a mut Console)>,
}

impl<'a> SearchProgress<'a> {
    pub fn new(all: usize, console: &'a mut Console) -> Self {
        Self {
            all,
            done: RefCell::new((0, console)),
        }
    }

    pub fn add(&self, shards: usize) {
        let (done, console) = &mut *self.done.borrow_mut();
        *done += shards;
        console.progress(&format!("{done}/{} shards searched", self.all));
    }
}
