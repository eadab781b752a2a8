//! Fault suites: what can break, broken at random, and the same question each time. Was the
//! answer right, or did the run say that it is not complete?
//!
//! ```text
//! make faults                      every suite, all its runs, two at a time
//! FAULTS_SEED=7 make faults        the same, with other dice
//! cargo test --test faults         the short form: the first few runs of each suite
//! ```
//!
//! | file | what breaks |
//! | --- | --- |
//! | `connections.rs` | connections: cut, reset, half closed, stalled, delivered in pieces |
//! | `signals.rs` | the process: INT, TERM, HUP and KILL at any instant |
//! | `crashes.rs` | the server: shut down, killed, started again |
//! | `money.rs` | workers' backends, while money moves between shards |
//! | `output_files.rs` | files: a full disk, I/O errors, a size limit, interrupted calls |
//! | `tampering.rs` | exports and their manifests, after the export |
//!
//! Never allowed, in any run: a wrong or incomplete answer with exit status 0, a run that does
//! not end, and anything left behind (a backend, a file that the next run does not remove).
//! Dice decide what breaks and when, so that a seed and a run's number repeat the same fault;
//! how far the command has come by then is up to the machine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod connections;
mod crashes;
mod dice;
mod faulty_proxy;
mod job;
mod money;
mod output_files;
mod signals;
mod suite;
#[path = "../it/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the other tests, which need more of it"
)]
mod support;
mod tampering;
mod world;
