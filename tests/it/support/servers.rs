//! Shards on four servers, and the profile that leads to them.

use std::fmt::Write as _;
use std::sync::LazyLock;

use shardq::sandbox::{Options, Sandbox};
use tempfile::TempDir;

use super::{Db, Program, private_server, shardq};

/// Shared by all tests, which have a database of their own on each.
static SERVERS: LazyLock<[Sandbox; 4]> =
    LazyLock::new(|| std::array::from_fn(|_| private_server(Options::default())));

/// A database on each of four servers, `db1` to `db4`.
pub struct Servers {
    pub databases: Vec<Db>,
    folder: TempDir,
}

impl Servers {
    /// Empty databases.
    pub fn empty() -> Self {
        Self::of(SERVERS.iter().map(Db::on_shared).collect())
    }

    /// `shard_0` and so on, this many on each server, one server after the other.
    pub fn with_shards(each: u32) -> Self {
        let servers = Self::empty();
        for (n, db) in (0..).zip(&servers.databases) {
            db.create_shards(n * each..(n + 1) * each);
        }
        servers
    }

    /// These databases, the first of which is on `db1`.
    pub fn of(databases: Vec<Db>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut profile = "default = \"all\"\n[all]\n[all.servers]\n".to_owned();
        for (number, db) in (1..).zip(&databases) {
            let place =
                |keyword: &str, variable: &str| format!("{keyword}='{}'", db.variable(variable));
            writeln!(
                profile,
                "db{number} = \"{} {} {} {}\"",
                place("host", "PGHOST"),
                place("port", "PGPORT"),
                place("user", "PGUSER"),
                place("dbname", "PGDATABASE"),
            )
            .unwrap();
        }
        let servers = Self { databases, folder };
        std::fs::write(servers.config(), profile).unwrap();
        servers
    }

    /// Runs SQL in every shard; `{n}` becomes the shard's number.
    pub fn in_each_shard(&self, sql: &str) -> &Self {
        for db in &self.databases {
            db.in_each_shard(sql);
        }
        self
    }

    pub fn shardq<const N: usize>(&self, args: [&str; N]) -> Program {
        shardq(args).env("SHARDQ_CONFIG", self.config())
    }

    /// A connection string for this server.
    pub fn conninfo(&self, server: usize) -> String {
        self.databases[server].conninfo()
    }

    /// Nobody answers for this server from now on.
    pub fn take_down(&self, server: usize) {
        let profile = std::fs::read_to_string(self.config()).unwrap();
        let name = format!("db{} = ", server + 1);
        let lines = profile.lines().map(|line| match line.strip_prefix(&name) {
            Some(_) => format!("{name}\"host=127.0.0.1 port=1 user=x dbname=x\""),
            None => line.to_owned(),
        });
        let lines: Vec<_> = lines.collect();
        std::fs::write(self.config(), lines.join("\n")).unwrap();
    }

    pub fn config(&self) -> std::path::PathBuf {
        self.folder.path().join("config.toml")
    }
}
