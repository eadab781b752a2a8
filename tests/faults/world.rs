//! The database under test, and psql's expected results.

use std::fmt::Write;
use std::sync::LazyLock;

use shardq::sandbox::{Options, Sandbox, sample};

use crate::job::Command;
use crate::support::{Db, private_server};

pub const SHARDS: u32 = 16;

/// Shared by all suites that do not break the server. It ends with this process.
static SERVER: LazyLock<Sandbox> = LazyLock::new(|| {
    private_server(Options {
        settings: vec![("max_connections".into(), "200".into())],
        ..Options::default()
    })
});

pub fn server() -> &'static Sandbox {
    &SERVER
}

/// What to ask: rows from every shard, a global result, and a key.
#[derive(Debug, Clone)]
pub struct Question {
    pub rows: String,
    /// The rows' columns, without the shard column.
    pub columns: &'static [&'static str],
    pub global: String,
    pub key: &'static str,
}

/// Knows the right answer.
pub trait Truth {
    /// Checks a complete result. Rows are CSV with a header.
    fn check_whole(&self, command: Command, answer: &str) -> Result<(), String>;

    /// Checks that each of these rows is right; rows may be missing.
    fn check_part(&self, command: Command, answer: &str) -> Result<(), String>;
}

/// A small sample of Habitat's tables that never changes.
#[derive(Debug)]
pub struct World {
    pub db: Db,
    rows: String,
    global: String,
}

impl World {
    pub fn shared() -> Self {
        Self::on(&SERVER)
    }

    pub fn on(server: &Sandbox) -> Self {
        let db = Db::on(server);
        let size =
            format!("SET demo.shards = {SHARDS}; SET demo.origins = 64; SET demo.packages = 1200;");
        db.sql(&format!("{size}\n{}", sample::PARTS.join("\n")));
        // A crash loses what is not on disk yet.
        db.sql("CHECKPOINT");
        let question = Self::question();
        let all = |columns: &str| {
            let mut sql = String::new();
            for n in 0..SHARDS {
                let union = if n == 0 { "" } else { "UNION ALL" };
                write!(
                    sql,
                    " {union} SELECT {n} AS number, 'shard_{n}' AS shard, {columns} \
                     FROM shard_{n}.origin_packages"
                )
                .unwrap();
            }
            sql
        };
        let columns = question.columns.join(", ");
        let copy = |sql: &str| {
            db.psql([
                "--command",
                &format!("COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)"),
            ])
        };
        let rows = copy(&format!(
            "SELECT shard, {columns} FROM ({}) AS p ORDER BY number, id",
            all(&columns)
        ));
        let global = copy(
            &question
                .global
                .replace("origin_packages", &format!("({}) AS p", all("target, id"))),
        );
        Self { db, rows, global }
    }

    pub fn question() -> Question {
        Question {
            rows: "SELECT id, name, checksum FROM origin_packages ORDER BY id".to_owned(),
            columns: &["id", "name", "checksum"],
            global: "SELECT target, count(*) AS packages, sum(id) AS ids \
                     FROM origin_packages GROUP BY target ORDER BY target"
                .to_owned(),
            key: "core",
        }
    }

    fn expected(&self, command: Command) -> &str {
        match command {
            Command::GlobalOne | Command::GlobalPartial => &self.global,
            // FNV-1a modulo 128 is 30.
            Command::Find => "shard_14\n",
            _ => &self.rows,
        }
    }
}

impl Truth for World {
    fn check_whole(&self, command: Command, answer: &str) -> Result<(), String> {
        let expected = self.expected(command);
        if answer == expected {
            return Ok(());
        }
        let differs = answer
            .lines()
            .zip(expected.lines())
            .position(|(a, b)| a != b);
        Err(format!(
            "{} lines, psql has {}; the first that differs: {differs:?}",
            answer.lines().count(),
            expected.lines().count()
        ))
    }

    fn check_part(&self, command: Command, answer: &str) -> Result<(), String> {
        let mut expected = self.expected(command).lines();
        for line in answer.lines() {
            if !expected.any(|known| known == line) {
                return Err(format!("a row that is not there, or twice: {line}"));
            }
        }
        Ok(())
    }
}
