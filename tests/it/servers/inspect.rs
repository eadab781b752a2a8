//! The commands that inspect shards, over four servers.

use crate::support::{ANY, Program, Servers, eventually, has, has_all, shardq};

/// Two shards on each server, with a table of rows, analyzed.
fn servers() -> Servers {
    let servers = Servers::with_shards(2);
    servers.in_each_shard(
        "CREATE TABLE t (id int PRIMARY KEY, text text);
         INSERT INTO t SELECT g, 'text' FROM generate_series(1, 100 * (1 + {n})) AS g; ANALYZE t",
    );
    servers
}

/// Those on the first two servers, and one that is down.
fn with_one_down(servers: &Servers, args: &[&str]) -> Program {
    let [one, other] = [0, 1].map(|server| servers.conninfo(server));
    shardq([]).args(args).args([
        "--server",
        &one,
        "--server",
        &other,
        "--server",
        "host=127.0.0.1 port=1 user=x dbname=x",
    ])
}

const DOWN: &str = "shardq: error: 127.0.0.1:1: its shards are missing: ";

/// Chosen columns of CSV.
fn columns(csv: &str, chosen: &[&str]) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let place = |name: &&str| headers.iter().position(|it| it == *name).unwrap();
    let places: Vec<_> = chosen.iter().map(place).collect();
    let records = reader.records().map(|record| record.unwrap());
    let rows = records.map(|record| {
        let values: Vec<_> = places.iter().map(|place| &record[*place]).collect();
        values.join(",")
    });
    rows.collect()
}

#[test]
fn shards_of_all_servers_have_one_total_and_one_median() {
    let servers = servers();
    let ran = servers.shardq(["shards", "--csv", "--by", "rows"]).run();
    ran.assert(
        0,
        has("server,shard,tables,rows,"),
        has_all([
            "about 3,600 rows · median 450 · largest shard_7 800",
            "8/8 shards · all 4 servers · 4 snapshots",
        ]),
    );
    let rows = columns(&ran.stdout, &["server", "shard", "rows"]);
    assert_eq!(
        rows[..3],
        ["db1,shard_0,100", "db1,shard_1,200", "db2,shard_2,300"]
    );
    assert_eq!(rows[7], "db4,shard_7,800");
    servers
        .shardq(["shards", "--map", "--by", "rows"])
        .run()
        .assert(0, ANY, has("8/8 shards"));
}

#[test]
fn rows_are_counted_on_every_server() {
    let servers = servers();
    servers.databases[3].in_shard(7, "DELETE FROM t WHERE id > 1");
    let ran = servers.shardq(["shards", "--exact", "--csv"]).run();
    ran.assert(0, has("db4,shard_7,1,1,"), has("8/8 shards"));
    let ran = servers.shardq(["tables", "--exact", "--csv"]).run();
    let rows = columns(&ran.stdout, &["table", "shards", "rows", "drift"]);
    assert_eq!(rows, ["t,8,2801,none"], "{}", ran.stderr);
}

#[test]
fn one_server_alone_needs_no_column() {
    let servers = servers();
    let ran = servers.shardq(["shards", "--csv", "--shards", "2-3"]).run();
    ran.assert(0, has("shard,tables,"), has("2/2 shards of 8 · all "));
    assert!(!ran.stdout.contains("server"), "{}", ran.stdout);
}

#[test]
fn a_table_is_one_row_over_all_servers() {
    let servers = servers();
    servers.databases[1].in_shard(2, "CREATE TABLE only_here (n int)");
    let ran = servers.shardq(["tables", "--csv"]).run();
    let rows = columns(
        &ran.stdout,
        &["table", "shards", "rows", "largest", "drift"],
    );
    assert_eq!(rows, ["only_here,1,0,,extra", "t,8,3600,shard_7,none"]);
    ran.assert(
        0,
        ANY,
        has_all(["2 tables, about 3,600 rows, ", "8/8 shards"]),
    );
}

#[test]
fn the_norm_is_what_most_shards_of_all_servers_have() {
    let servers = servers();
    // On its server, this is what all shards have.
    for shard in [6, 7] {
        servers.databases[3].in_shard(shard, "ALTER TABLE t ADD COLUMN more int DEFAULT 0");
    }
    servers.databases[0].in_shard(
        0,
        "CREATE INDEX by_text ON t (text); DROP TABLE IF EXISTS u",
    );
    let ran = servers.shardq(["drift", "--csv"]).run();
    ran.assert(
        1,
        "server,shards,kind,object,has,expected\n\
         db4,shard_6-7,column,t.more,integer DEFAULT 0,\n\
         db1,shard_0,index,t.by_text,CREATE INDEX by_text ON t USING btree (text),\n",
        has_all(["2 differences · 8/8 shards · all 4 servers · 4 snapshots"]),
    );
    let sql = servers.shardq(["drift", "--sql", "-q"]).run();
    sql.assert(1, has("\n-- shard_0, database "), "");
    assert!(sql.stdout.contains(" on db4\nBEGIN;"), "{}", sql.stdout);
}

#[test]
fn equal_shards_of_several_servers_have_no_drift() {
    let servers = servers();
    // Referring to the shard itself, and with a table that some lack.
    servers.in_each_shard(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM shard_{n}.t'",
    );
    servers
        .shardq(["drift"])
        .run()
        .assert(0, has("(0 rows)"), has("no drift · 8/8 shards"));
    let one = servers.conninfo(0);
    servers
        .shardq(["drift", "-q", "--against", "all", "-d", &one])
        .run()
        .assert(0, has("(0 rows)"), "");
}

#[test]
fn a_table_is_described_over_all_servers() {
    let servers = servers();
    servers.databases[2].in_shard(5, "ALTER TABLE t ALTER COLUMN text SET NOT NULL");
    let ran = servers.shardq(["describe", "t", "--csv"]).run();
    ran.assert(
        0,
        has_all([
            "server,kind,name,definition,shards\n",
            "\"db1, db2, db3, db4\",column,text,text,\"shard_0-4, shard_6-7\"\n",
            "db3,column,text,text NOT NULL,shard_5\n",
        ]),
        has("differs in 1 shard · 8/8 shards"),
    );
    servers.databases[2].in_shard(4, "CREATE TABLE here (n int)");
    servers
        .shardq(["describe", "here", "-q"])
        .run()
        .assert(0, has("shard_4"), "");
    servers.shardq(["describe", "nowhere", "-q"]).run().assert(
        1,
        "",
        has("no selected shard has a table \"nowhere\""),
    );
}

#[test]
fn who_blocks_whom_is_shown_with_the_server() {
    let servers = servers();
    let mut holder = servers.databases[2].session();
    holder.run("BEGIN; LOCK TABLE shard_4.t");
    let waiting = servers.databases[2]
        .psql_program(["-c", "SELECT count(*) FROM shard_4.t"])
        .spawn();
    eventually("it waits", || {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = \
                     (SELECT oid FROM pg_database WHERE datname = current_database())";
        servers.databases[2].ask(waits) == "1"
    });
    let ran = servers.shardq(["activity", "--csv"]).run();
    let rows = columns(&ran.stdout, &["server", "holds", "waits_for"]);
    assert_eq!(
        rows,
        [
            "db3,ACCESS EXCLUSIVE in shard_4,",
            "db3,,ACCESS SHARE on shard_4.t",
        ]
    );
    ran.assert(
        0,
        ANY,
        has("2 processes, 1 waiting, 1 blocking · 8/8 shards"),
    );
    holder.run("COMMIT");
    waiting.finish().assert(0, ANY, "");
}

#[test]
fn a_server_that_is_down_leaves_out_its_shards_alone() {
    let servers = servers();
    for args in [
        &["shards", "--csv"][..],
        &["tables", "--csv"],
        &["drift", "--csv"],
        &["describe", "t", "--csv"],
        &["activity", "--csv"],
    ] {
        with_one_down(&servers, args).run().assert(
            3,
            ANY,
            has_all([DOWN, "4/? shards, missing: all on 127.0.0.1:1"]),
        );
    }
    let ran = with_one_down(&servers, &["shards", "--csv"]).run();
    assert_eq!(columns(&ran.stdout, &["shard"]).len(), 4, "{}", ran.stdout);
    with_one_down(&servers, &["databases", "-q"]).run().assert(
        3,
        has("yes"),
        has("shardq: error: 127.0.0.1:1: "),
    );
    with_one_down(&servers, &["doctor", "-q"])
        .run()
        .assert(1, has("failure  connection"), "");
}

#[test]
fn doctor_checks_each_server_and_finds_duplicates() {
    let servers = servers();
    let ran = servers.shardq(["doctor", "--csv"]).run();
    let rows = columns(&ran.stdout, &["server", "check", "status"]);
    for server in ["db1", "db2", "db3", "db4"] {
        assert!(rows.contains(&format!("{server},version,ok")), "{rows:?}");
        assert!(rows.contains(&format!("{server},shards,ok")), "{rows:?}");
    }
    for check in ["shards", "duplicates", "drift"] {
        assert!(
            rows.contains(&format!("all servers,{check},ok")),
            "{rows:?}"
        );
    }
    ran.assert(0, ANY, has("all 4 servers"));
    servers.databases[3].create_shards([1]);
    let ran = servers.shardq(["doctor", "-q"]).run();
    ran.assert(
        1,
        has_all([
            "\ndb4\n",
            "\nall servers\nfailure  duplicates         several servers (db1 and db4) have shard_1, \
             whose rows would count twice; --prefer db4",
        ]),
        "",
    );
    servers
        .shardq(["doctor", "-q", "--prefer", "db4"])
        .run()
        .assert(0, has("none, with --prefer db4"), "");
}

#[test]
fn databases_are_listed_server_by_server() {
    let servers = servers();
    let ran = servers.shardq(["databases", "--csv"]).run();
    let rows = columns(&ran.stdout, &["server", "database", "shards"]);
    for (n, db) in (1..).zip(&servers.databases) {
        let row = format!("db{n},{},2", db.name());
        assert!(rows.contains(&row), "{row}: {rows:?}");
    }
    ran.assert(0, ANY, has("all 4 servers"));
}

#[test]
fn psql_starts_on_the_server_of_the_shard() {
    let servers = Servers::with_shards(32);
    servers.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text)");
    servers.databases[0].in_shard(30, "INSERT INTO origins VALUES (1, 'core')");
    let programs = servers.databases[0].programs().display().to_string();
    let psql = |args: &[&str]| {
        let program = servers.shardq(["psql"]).args(args);
        let program = program.env("PATH", format!("{programs}:/bin:/usr/bin"));
        program.args(["--", "-XAtc", "SELECT current_database(), current_schema()"])
    };
    let expected =
        |server: usize, shard: &str| format!("{}|{shard}\n", servers.databases[server].name());
    psql(&["--shards", "100"]).run().assert(
        0,
        expected(3, "shard_100").as_str(),
        "shard_100 on db4, read-only (--write to change data)\n",
    );
    psql(&["core"])
        .run()
        .assert(0, expected(0, "shard_30").as_str(), has("shard_30 on db1"));
}

#[test]
fn ctrl_c_cancels_an_inspection_on_every_server() {
    let servers = servers();
    let running = servers
        .shardq(["activity", "--watch", "1s"])
        .env("PGAPPNAME", "inspects")
        .spawn();
    running.wait_for_stderr(|text| text.contains("8/8 shards"));
    running.signal("INT");
    running.finish().assert(130, ANY, ANY);
    for db in &servers.databases {
        eventually("nothing is left", || db.backends("inspects").is_empty());
    }
}
