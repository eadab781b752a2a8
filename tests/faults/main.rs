//! Fault suites: each breaks something at random and asks the same question. The answer must be
//! right, or reported as incomplete.
//!
//! ```text
//! make faults                      every suite, all runs, two at a time
//! FAULTS_SEED=7 make faults        the same, with another seed
//! cargo test --test faults         the short form: the first runs of each suite
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
//! Never allowed: a wrong or incomplete answer with exit status 0, a run that does not end, and
//! anything left behind (a backend, a file that the next run does not remove). The seed and the
//! run's number determine the fault; how far the command has come by then depends on the machine.

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
