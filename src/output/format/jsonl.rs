//! JSON lines: one object per line, one line per row.

use super::json::Objects;
use super::{RenderError, RenderOptions};
use crate::pg::row_batch::Column;

#[derive(Debug)]
pub struct Jsonl {
    objects: Objects,
}

impl Jsonl {
    pub fn new(options: &RenderOptions) -> Self {
        Self {
            objects: Objects::new(options),
        }
    }

    pub fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        self.objects.begin(columns)
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
        self.objects.row(values, out);
        out.push(b'\n');
    }
}
