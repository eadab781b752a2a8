//! Lets bytes gather while a server streams.
//!
//! A server sends 8 KiB at a time. To be woken for each of them costs both sides
//! more than the bytes do: an export of 100 MB took 120 ms of processor time less
//! with a nap in front of every wait. A run that waits for round trips is not held
//! up, for their answers are short.

use std::cell::Cell;
use std::time::Duration;

/// What a server sends at once when it has more than that to say.
const STREAMING: usize = 8 << 10;

/// A local socket holds some 200 KB, which a server needs a millisecond to make.
const NAP: Duration = Duration::from_micros(200);

/// After so many naps in which nothing has arrived, the stream is over.
const PATIENCE: u32 = 3;

thread_local! {
    static ARRIVED: Cell<usize> = const { Cell::new(0) };
    static NAPS_LEFT: Cell<u32> = const { Cell::new(0) };
}

/// A server has sent something.
pub(super) fn record_bytes(bytes: usize) {
    ARRIVED.set(ARRIVED.get() + bytes);
}

/// For the runtime to call when it has nothing left to do.
pub fn coalesce_reads() {
    if ARRIVED.replace(0) >= STREAMING {
        NAPS_LEFT.set(PATIENCE);
    }
    if let Some(left) = NAPS_LEFT.get().checked_sub(1) {
        NAPS_LEFT.set(left);
        std::thread::sleep(NAP);
    }
}
