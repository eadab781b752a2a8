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

mod db;
mod postmaster;
mod process;
mod proxy;
mod session;
pub mod types;

pub use db::{Db, private_server};
pub use postmaster::Postmaster;
pub use process::{ANY, Program, Ran, Running, Text, eventually, has, has_all};
pub use proxy::Proxy;
pub use session::Session;

/// The command under test, in an environment with nothing of ours in it.
pub fn shardq<const N: usize>(args: [&str; N]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_shardq")).args(args)
}
