//! What makes a test read as a scenario: a database, a command, what came out.
//!
//! ```text
//! let db = Db::with_shards(2);
//! db.in_each_shard("CREATE TABLE t (n int); INSERT INTO t VALUES ({n})");
//! shardq(["query", "--csv", "SELECT n FROM t"])
//!     .db(&db)
//!     .run()
//!     .assert(0, "shard,n\nshard_0,0\nshard_1,1\n", has("2/2 shards"));
//! ```

use std::process::Command;

mod db;
mod exports;
mod faulty_link;
mod origins;
mod parquet;
mod pgbouncer;
mod postmaster;
mod process;
mod profile;
mod proxy;
mod servers;
mod session;
mod terminal;
mod transcript;
pub mod types;

pub use db::{Db, private_server};
pub use exports::{
    export, folder, folder_manifest, lose_a_part_and_resume, manifest, names, verify,
};
pub use faulty_link::{Fault, FaultyLink};
pub use origins::{home_of, insert, searched, with_origins};
pub use parquet::read_parquet;
pub use pgbouncer::{PgBouncer, PoolMode};
pub use postmaster::Postmaster;
pub use process::{ANY, Program, Ran, Running, Text, eventually, has, has_all, without_location};
pub use profile::Profile;
pub use proxy::Proxy;
pub use servers::Servers;
pub use session::Session;
pub use terminal::Terminal;
pub use transcript::Transcript;

/// The command under test on a terminal provided by `script`, whose standard output has all its
/// output. `None` if `script` is not installed.
#[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
pub fn on_a_terminal(args: &str) -> Option<Program> {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: no script(1) here to lend a terminal");
        return None;
    }
    let command = format!("'{}' {args}", env!("CARGO_BIN_EXE_shardq"));
    Some(Program::new("script").args(["-qefc", &command, "/dev/null"]))
}

/// The command under test, in a clean environment.
pub fn shardq<const N: usize>(args: [&str; N]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_shardq")).args(args)
}
