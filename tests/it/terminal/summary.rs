//! The summary names the database and its host, as far as the terminal has room for them.

use std::path::Path;
use std::time::Duration;

use crate::support::{Db, Proxy, Terminal, has, has_all, shardq};

#[test]
fn every_command_names_the_database_and_its_host() {
    let db = Db::with_numbers(3);
    let on = format!("{} on {}", db.name(), db.variable("PGHOST"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let all = format!("3 rows · 3/3 shards · {on} · one snapshot · ");
    let query = shardq(["query", "-t", "--csv", "SELECT n FROM t"]).db(&db);
    let rows = "shard_0,0\nshard_1,1\nshard_2,2\n";
    query.run().assert(0, rows, has(&all));
    let global = shardq(["query", "-g", "-t", "--csv", "SELECT count(*) FROM t"]).db(&db);
    let one = format!("1 row · 3/3 shards · {on} · one snapshot · ");
    global.run().assert(0, "3\n", has(&one));
    let export = shardq(["export", "SELECT n FROM t", "-o", &at("t.csv")]).db(&db);
    export.run().assert(0, "", has(&all));
    let global = shardq(["export", "-g", "SELECT count(*) FROM t", "-o", &at("g.csv")]).db(&db);
    global.run().assert(0, "", has(&one));
    let folder = ["export", "SELECT n FROM t", "-o", &at("t"), "--per-shard"];
    shardq(folder).db(&db).run().assert(0, "", has(&all));
}

#[test]
fn a_server_on_another_port_is_named_with_it() {
    let db = Db::with_numbers(3);
    let socket = Path::new(db.variable("PGHOST"));
    let local = db.variable("PGPORT").parse().unwrap();
    let proxy = Proxy::to_socket(socket, local, Duration::ZERO);
    let port = proxy.port();
    let on = format!("{} on 127.0.0.1:{port} · ", db.name());
    shardq(["query", "-t", "SELECT 1", "--shards", "0", "--csv"])
        .db(&db)
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", port.to_string())
        .run()
        .assert(0, "shard_0,1\n", has(&on));
}

#[test]
fn a_selection_states_how_many_shards_there_are() {
    let db = Db::with_numbers(3);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv").display().to_string();
    let query = ["query", "--csv", "-t", "SELECT n FROM t", "--shards", "1-2"];
    let rows = "shard_1,1\nshard_2,2\n";
    let some = has("2 rows · 2/2 shards of 3 · ");
    shardq(query).db(&db).run().assert(0, rows, some);
    let global = [
        "query",
        "-g",
        "-t",
        "SELECT sum(n) FROM t",
        "--shards",
        "1-2",
        "--csv",
    ];
    let one = has("1 row · 2/2 shards of 3 · ");
    shardq(global).db(&db).run().assert(0, "3\n", one);
    let export = ["export", "SELECT n FROM t", "--shards", "1-2", "-o", &file];
    let some = has_all(["2 rows · 2/2 shards of 3 · "]);
    shardq(export).db(&db).run().assert(0, "", some);
    db.in_shard(2, "DROP TABLE t");
    let lacking = has("1 row · 1/2 shards of 3, missing: shard_2 · ");
    shardq(query)
        .db(&db)
        .run()
        .assert(3, "shard_1,1\n", lacking);
}

#[test]
fn on_a_terminal_the_location_is_as_long_as_the_line_has_room_for() {
    let db = Db::with_numbers(3);
    let (name, host) = (db.name(), db.variable("PGHOST"));
    let whole = format!("3 rows · 3/3 shards · {name} on {host} · one snapshot · ");
    let shorter = format!("3 rows · 3/3 shards · {name} · one snapshot · ");
    let shortest = "3 rows · 3/3 shards · one snapshot · ".to_owned();
    // The time takes 4 to 6 columns.
    let wide = |line: &str| u16::try_from(line.chars().count()).unwrap();
    for (columns, line) in [
        (wide(&whole) + 8, &whole),
        (wide(&whole), &shorter),
        (wide(&shorter), &shortest),
    ] {
        let query = shardq(["query", "--csv", "SELECT n FROM t"]).db(&db);
        let ran = Terminal::start(query, columns, 24).finish();
        let summary = ran.stdout.lines().last().unwrap();
        assert!(summary.starts_with(line), "{columns}: {summary}");
        assert_eq!(ran.status, 0);
    }
}
