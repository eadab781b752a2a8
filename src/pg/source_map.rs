//! Where the parts of a statement are in the text that the user wrote: variables and the other
//! statements of a file move them, and an error must point at the user's own text.

/// For one text made from another. Offsets are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMap {
    written: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// The first byte in the new text.
    start: usize,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Copied from here on.
    Copied(usize),
    /// The value of a variable, which is named here.
    Value(usize),
}

impl SourceMap {
    pub fn new(written: &str) -> Self {
        Self {
            written: written.to_owned(),
            pieces: Vec::new(),
        }
    }

    /// From `start` in the new text on, it is what is written from `from` on.
    pub fn copied(&mut self, start: usize, from: usize) {
        self.pieces.push(Piece {
            start,
            origin: Origin::Copied(from),
        });
    }

    /// From `start` in the new text on, it is the value of the variable that is named at `name`.
    pub fn value(&mut self, start: usize, name: usize) {
        self.pieces.push(Piece {
            start,
            origin: Origin::Value(name),
        });
    }

    pub fn written(&self) -> &str {
        &self.written
    }

    /// The position in the written text (in characters, from 1) of a byte of the new text.
    pub fn position(&self, at: usize) -> usize {
        let behind = self.pieces.partition_point(|piece| piece.start <= at);
        let piece = behind.checked_sub(1).and_then(|last| self.pieces.get(last));
        let byte = match piece.map(|piece| (piece.start, piece.origin)) {
            Some((start, Origin::Copied(from))) => from + (at - start),
            Some((_, Origin::Value(name))) => name,
            None => at,
        };
        let before = self.written.get(..byte).unwrap_or(&self.written);
        before.chars().count() + 1
    }
}
