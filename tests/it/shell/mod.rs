//! `shardq shell`: by pipe, compared with psql where both have the command, and on a terminal as a
//! person would use it.

mod connections;
mod frozen;
mod history;
mod included;
mod like_psql;
mod others;
mod scripts;
mod terminal;
mod typist;

use crate::support::{Db, Program, shardq};

/// A shell without its shard's column, so that results are short.
fn shell(db: &Db, script: &str) -> Program {
    shardq(["shell", "--no-shard-column"]).db(db).stdin(script)
}
