//! The ways to query all shards, and the server that they query.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use shardq::sandbox::Sandbox;

/// A database, and the environment that leads to it.
#[derive(Debug, Clone)]
pub struct Target {
    env: Vec<(&'static str, String)>,
    psql: PathBuf,
}

impl Target {
    pub fn socket(server: &Sandbox, database: &str) -> Self {
        Self {
            env: server.env(database).into(),
            psql: server.client("psql"),
        }
    }

    /// The same database over TCP.
    pub fn through(&self, port: u16) -> Self {
        let mut target = self.clone();
        target.set("PGHOST", "127.0.0.1");
        target.set("PGPORT", &port.to_string());
        target
    }

    fn set(&mut self, name: &str, value: &str) {
        for (known, old) in &mut self.env {
            if *known == name {
                value.clone_into(old);
            }
        }
    }

    /// Creates the database and runs scripts in it, with `PGOPTIONS` as given.
    pub fn create_database(&self, options: &str, scripts: &[&str]) {
        let mut maintenance = self.clone();
        maintenance.set("PGDATABASE", "postgres");
        let (_, name) = self.env.last().unwrap();
        maintenance.script("", &format!("CREATE DATABASE {name}"));
        self.script(options, &scripts.join("\n"));
    }

    pub fn version(&self) -> String {
        let mut psql = Command::new(&self.psql);
        psql.args(["-XAtc", "SHOW server_version"]);
        self.lead(&mut psql);
        let output = psql.output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Points a command at this database, and clears every other `PG*` variable.
    pub fn lead(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
    }

    pub fn conninfo(&self) -> String {
        let keywords = [
            ("PGHOST", "host"),
            ("PGPORT", "port"),
            ("PGUSER", "user"),
            ("PGDATABASE", "dbname"),
        ];
        let pairs = self.env.iter().filter_map(|(name, value)| {
            let (_, keyword) = keywords.iter().find(|(variable, _)| variable == name)?;
            Some(format!("{keyword}={value}"))
        });
        pairs.collect::<Vec<_>>().join(" ")
    }

    pub fn psql(&self, sql: &str) -> Command {
        let mut psql = Command::new(&self.psql);
        psql.args(["-Xqt", "--csv", "-c", sql]);
        self.lead(&mut psql);
        psql
    }

    pub fn psql_script(&self, file: &Path) -> Command {
        let mut psql = Command::new(&self.psql);
        psql.args(["-Xqt", "--csv", "-f"]).arg(file);
        self.lead(&mut psql);
        psql
    }

    pub fn shardq(&self, arguments: &[&str]) -> Command {
        let mut shardq = Command::new(env!("CARGO_BIN_EXE_shardq"));
        shardq.args(arguments);
        self.lead(&mut shardq);
        shardq
    }

    fn script(&self, options: &str, script: &str) {
        let mut psql = Command::new(&self.psql);
        psql.args(["-Xqv", "ON_ERROR_STOP=1"]).stdin(Stdio::piped());
        self.lead(&mut psql);
        let mut psql = psql.env("PGOPTIONS", options).spawn().unwrap();
        let mut stdin = psql.stdin.take().unwrap();
        stdin.write_all(script.as_bytes()).unwrap();
        drop(stdin);
        assert!(psql.wait().unwrap().success());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    Loop,
    Xargs,
    OneSession,
    UnionAll,
    Shardq,
    ShardqCsv,
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Loop => "a loop of psql",
            Self::Xargs => "`xargs -P8 psql`",
            Self::OneSession => "one psql, 128 statements",
            Self::UnionAll => "one psql, a UNION ALL",
            Self::Shardq => "**shardq**",
            Self::ShardqCsv => "**shardq --csv**",
        })
    }
}

const SELECT: &str = "SELECT 'shard_{}', name FROM shard_{}.origins";

impl Contender {
    pub const ALL: [Self; 6] = [
        Self::Loop,
        Self::Xargs,
        Self::OneSession,
        Self::UnionAll,
        Self::Shardq,
        Self::ShardqCsv,
    ];

    pub fn turns_a_round(self) -> usize {
        match self {
            Self::Loop => 1,
            Self::Xargs | Self::OneSession => 2,
            Self::UnionAll | Self::Shardq | Self::ShardqCsv => 9,
        }
    }

    pub fn command(self, target: &Target) -> Command {
        let psql = target.psql.display();
        let shell = |script: String| {
            let mut command = Command::new("bash");
            command.args(["-c", &script]);
            command
        };
        let session = |sql: String| {
            let mut command = Command::new(&target.psql);
            command.args(["-XAtc", &sql]);
            command
        };
        let shardq = |options: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_shardq"));
            command
                .args(["query", "SELECT name FROM origins"])
                .args(options);
            command
        };
        let mut command = match self {
            Self::Loop => {
                let select = SELECT.replace("{}", "$i");
                shell(format!(
                    "for i in {{0..127}}; do {psql} -XAtc \"{select}\"; done"
                ))
            }
            Self::Xargs => shell(xargs(&target.psql, 8)),
            Self::OneSession => {
                // Each -c is a round trip of its own, like the lines of a script.
                let mut command = Command::new(&target.psql);
                command.arg("-XAt");
                for select in selects() {
                    command.args(["-c", &select]);
                }
                command
            }
            Self::UnionAll => session(selects().collect::<Vec<_>>().join(" UNION ALL ")),
            Self::Shardq => shardq(&[]),
            Self::ShardqCsv => shardq(&["--csv"]),
        };
        target.lead(&mut command);
        command
    }

    /// The result as sorted pairs of shard and name, whatever the output format.
    pub fn rows(self, target: &Target) -> Vec<(String, String)> {
        let mut command = self.command(target);
        if self == Self::Xargs {
            // Eight processes writing into one pipe sometimes interleave their lines.
            command = Command::new("bash");
            command.args(["-c", &xargs(&target.psql, 1)]);
            target.lead(&mut command);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{self}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut rows: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once(['|', ',']))
            .map(|(shard, name)| (shard.trim().to_owned(), name.trim().to_owned()))
            .filter(|(shard, _)| shard.starts_with("shard_"))
            .collect();
        rows.sort();
        rows
    }
}

fn xargs(psql: &Path, at_once: u32) -> String {
    let psql = psql.display();
    format!("seq 0 127 | xargs -P{at_once} -I{{}} {psql} -XAtc \"{SELECT}\"")
}

fn selects() -> impl Iterator<Item = String> {
    (0..128).map(|shard| SELECT.replace("{}", &shard.to_string()))
}
