//! A streaming standby among several servers: read instead of its primary, and as it is there.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use shardq::sandbox::{Options, Sandbox, Shutdown};

use crate::support::{
    ANY, Db, Program, eventually, folder, has, has_all, private_server, shardq, verify,
};

/// A primary with shards 0 to 3, its standby, and another server with shards 4 to 7.
struct Replicated {
    primary: Sandbox,
    standby: Sandbox,
    other: Sandbox,
    db: Db,
    other_db: Db,
}

fn replicating() -> Sandbox {
    let settings = [("wal_level", "replica"), ("max_wal_senders", "4")];
    private_server(Options {
        settings: settings
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        hba: Some("local all all trust\nlocal replication all trust".to_owned()),
        ..Options::default()
    })
}

impl Replicated {
    fn new() -> Self {
        let (mut primary, mut standby) = (replicating(), replicating());
        let db = Db::on(&primary);
        db.create_shards(0..4);
        db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
        primary.stop(Shutdown::Fast).unwrap();
        standby.stop(Shutdown::Fast).unwrap();
        copy(&primary.data_dir(), &standby.data_dir());
        primary.start_again().unwrap();
        let conninfo = format!(
            "host={} port={} user=postgres",
            primary.socket_dir().display(),
            primary.port()
        );
        let file = standby.data_dir().join("postgresql.auto.conf");
        let mut settings = fs::read_to_string(&file).unwrap();
        writeln!(settings, "primary_conninfo = '{conninfo}'").unwrap();
        fs::write(file, settings).unwrap();
        fs::write(standby.data_dir().join("standby.signal"), "").unwrap();
        standby.start_again().unwrap();
        let other = private_server(Options::default());
        let other_db = Db::on(&other);
        other_db.create_shards(4..8);
        other_db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
        let replicated = Self {
            primary,
            standby,
            other,
            db,
            other_db,
        };
        eventually("it streams", || {
            replicated.db.ask("SELECT state FROM pg_stat_replication") == "streaming"
        });
        replicated
    }

    /// Waits until the standby has all that the primary wrote.
    fn catch_up(&self) {
        let sql = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_flush_lsn()";
        eventually("it has caught up", || self.db.ask(sql) == "1");
    }

    /// The primary is first in the list, and the standby is preferred.
    fn run(&self, args: &[&str]) -> Program {
        let (primary, standby) = (&self.primary, &self.standby);
        let pair = format!(
            "host={},{} port={},{} user=postgres dbname={} target_session_attrs=prefer-standby",
            primary.socket_dir().display(),
            standby.socket_dir().display(),
            primary.port(),
            standby.port(),
            self.db.name()
        );
        let other = self.other_db.conninfo();
        shardq([])
            .args(args)
            .args(["--server", &pair, "--server", &other])
    }
}

/// The files of a server that is stopped, without its settings.
fn copy(from: &Path, to: &Path) {
    let own = [
        "postgresql.conf",
        "postgresql.auto.conf",
        "pg_hba.conf",
        "postmaster.opts",
    ];
    for entry in fs::read_dir(to).unwrap() {
        let entry = entry.unwrap();
        if own.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let mut copy = Command::new("cp");
    copy.args(["-a", "-n"]).arg(from.join(".")).arg(to);
    assert!(copy.status().unwrap().success());
}

#[test]
fn a_streaming_standby_is_one_of_the_servers() {
    let replicated = Replicated::new();
    replicated
        .db
        .in_each_shard("INSERT INTO t VALUES (100 + {n})");
    replicated.catch_up();
    let sql = "SELECT n, pg_is_in_recovery() AS standby FROM t ORDER BY n";
    let ran = replicated.run(&["query", "--csv", "-t", sql]).run();
    ran.assert(
        0,
        has_all([
            ",shard_0,0,t\n",
            ",shard_0,100,t\n",
            ",shard_3,103,t\n",
            ",shard_4,4,f\n",
            ",shard_7,7,f\n",
        ]),
        has("12 rows · 8/8 shards"),
    );
    // The parts are combined on the first server, which is the standby.
    let global = [
        "query",
        "-g",
        "--csv",
        "-t",
        "SELECT count(*), sum(n) FROM t",
    ];
    replicated
        .run(&global)
        .run()
        .assert(0, "12,434\n", has("8/8 shards"));
    replicated
        .run(&["find", "103", "--in", "t.n"])
        .run()
        .assert(0, has("shard_3"), has("8/8 shards searched"));
    let folder = folder();
    let file = folder.path().join("t.csv");
    let export = ["export", "SELECT n FROM t", "-o", file.to_str().unwrap()];
    replicated
        .run(&export)
        .run()
        .assert(0, "", has("8/8 shards"));
    verify(&file).run().assert(0, ANY, has("shards"));
}

/// The standby goes away between two runs: the primary answers.
#[test]
fn without_its_standby_the_primary_answers() {
    let mut replicated = Replicated::new();
    replicated.standby.stop(Shutdown::Immediate).unwrap();
    let sql = "SELECT n, pg_is_in_recovery() AS standby FROM t";
    replicated.run(&["query", "--csv", "-t", sql]).run().assert(
        0,
        has_all([",shard_0,0,f\n", ",shard_7,7,f\n"]),
        has("8/8 shards"),
    );
    replicated.primary.stop(Shutdown::Immediate).unwrap();
    let ran = replicated.run(&["query", "--csv", "-t", sql]).run();
    ran.assert(3, has("shard_7,7,f\n"), ANY);
    assert!(!ran.stdout.contains("shard_0"), "{}", ran.stdout);
    let _ = replicated.other.port();
}
