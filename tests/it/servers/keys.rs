//! Many keys, and keys that select shards, over four servers.

use std::fmt::Write as _;

use crate::support::{ANY, Servers, eventually, folder, has, has_all, home_of, manifest};

/// `shard_0` to `shard_15`, four per server, each with its own origins of `origin-0` and so on.
fn with_origins(names: u32) -> Servers {
    let servers = Servers::with_shards(4);
    servers.in_each_shard("CREATE TABLE origins (id bigint, name text UNIQUE)");
    for (server, db) in (0..).zip(&servers.databases) {
        let homes = (0..names).map(|n| (n, home_of(&name(n), 16)));
        let own = homes.filter(|(_, shard)| shard / 4 == server);
        let inserts = own.map(|(n, shard)| {
            format!(
                "INSERT INTO shard_{shard}.origins VALUES ({n}, '{}');",
                name(n)
            )
        });
        db.sql(&inserts.collect::<String>());
    }
    servers
}

fn name(n: u32) -> String {
    format!("origin-{n}")
}

fn insert(servers: &Servers, shard: u32, n: u32) {
    let sql = format!("INSERT INTO origins VALUES ({n}, '{}')", name(n));
    servers.databases[shard as usize / 4].in_shard(shard, &sql);
}

fn server_of(shard: u32) -> String {
    format!("db{}", shard / 4 + 1)
}

/// The first name that belongs on this server, by number.
fn on_server(server: u32) -> u32 {
    (0..1000)
        .find(|n| home_of(&name(*n), 16) / 4 == server)
        .unwrap()
}

fn column(names: impl IntoIterator<Item = u32>) -> String {
    let lines = names.into_iter().map(|n| name(n) + "\n");
    format!("name\n{}", lines.collect::<String>())
}

#[test]
fn keys_of_all_servers_keep_the_order_of_the_input() {
    let servers = with_origins(60);
    let mut expected = "name,server,shard,expected,verified\n".to_owned();
    for n in 0..60 {
        let (name, shard) = (name(n), home_of(&name(n), 16));
        let server = server_of(shard);
        writeln!(expected, "{name},{server},shard_{shard},shard_{shard},true").unwrap();
    }
    servers
        .shardq(["find", "--from", "-"])
        .stdin(column(0..60))
        .run()
        .assert(
            0,
            expected.as_str(),
            has_all([
                "60 keys · 60 verified · 16/16 shards · ",
                "all 4 servers · 4 snapshots within ",
            ]),
        );
}

#[test]
fn a_key_on_another_server_is_misplaced_and_one_in_several_shards_is_named_with_all() {
    let servers = with_origins(0);
    let (first, last) = (on_server(0), on_server(3));
    insert(&servers, 14, first);
    let home = home_of(&name(first), 16);
    for shard in [0, 5] {
        insert(&servers, shard, last);
    }
    let nowhere = on_server(1);
    servers
        .shardq(["find", "--from", "-"])
        .stdin(column([first, last, nowhere]))
        .run()
        .assert(
            3,
            format!(
                "name,server,shard,expected,verified\n\
                 {},db4,shard_14,shard_{home},false\n\
                 {},db1 db2,shard_0 shard_5,shard_{},false\n\
                 {},,,shard_{},false\n",
                name(first),
                name(last),
                home_of(&name(last), 16),
                name(nowhere),
                home_of(&name(nowhere), 16),
            )
            .as_str(),
            has("3 keys · 0 verified, 2 misplaced, 1 missing · 16/16 shards"),
        );
}

#[test]
fn keys_in_a_column_are_looked_for_on_every_server() {
    let servers = with_origins(20);
    let ran = servers
        .shardq(["find", "--from", "-", "--in", "origins.name"])
        .stdin(column([0, 7, 99]))
        .run();
    let row = |n| {
        let shard = home_of(&name(n), 16);
        format!("{},{},shard_{shard},,true\n", name(n), server_of(shard))
    };
    ran.assert(
        3,
        format!(
            "name,server,shard,expected,verified\n{}{}origin-99,,,,false\n",
            row(0),
            row(7)
        )
        .as_str(),
        has("3 keys · 2 verified, 1 missing · 16/16 shards"),
    );
}

#[test]
fn keys_of_a_server_that_is_down_are_not_looked_up_rather_than_missing() {
    let servers = with_origins(0);
    let (up, gone, down) = (on_server(0), on_server(1), on_server(2));
    insert(&servers, home_of(&name(up), 16), up);
    servers.take_down(2);
    let ran = servers
        .shardq(["find", "--from", "-", "--shard-count", "16"])
        .stdin(column([up, gone, down]))
        .run();
    let shard = |n| home_of(&name(n), 16);
    ran.assert(
        3,
        format!(
            "name,server,shard,expected,verified\n\
             {},db1,shard_{},shard_{},true\n{},,,shard_{},false\n{},,,shard_{},\n",
            name(up),
            shard(up),
            shard(up),
            name(gone),
            shard(gone),
            name(down),
            shard(down),
        )
        .as_str(),
        has_all([
            "db3: its shards are missing: ",
            "3 keys · 1 verified, 1 not found, 1 not looked up · 12/? shards, missing: ",
            "all on db3",
        ]),
    );
    // Without their number, nobody knows where names belong.
    servers
        .shardq(["find", "--from", "-"])
        .stdin(column([up, down]))
        .run()
        .assert(
            3,
            format!(
                "name,server,shard,expected,verified\n{},db1,shard_{},,true\n{},,,,\n",
                name(up),
                shard(up),
                name(down)
            )
            .as_str(),
            has("2 keys · 1 verified, 1 not found · 12/? shards, missing: "),
        );
    servers.shardq(["find", &name(up), "--short"]).run().assert(
        3,
        format!("shard_{}\n", shard(up)).as_str(),
        has("all on db3"),
    );
}

#[test]
fn a_misplaced_origin_is_found_on_another_server() {
    let servers = with_origins(0);
    let n = on_server(0);
    let (home, origin) = (home_of(&name(n), 16), name(n));
    insert(&servers, 13, n);
    let elsewhere = format!(
        "MISPLACED: origin \"{origin}\" belongs in shard_{home}, but is in shard_13; use --shards \
         to query there"
    );
    let count = "SELECT count(*) FROM origins";
    servers
        .shardq(["query", "-tq", "--csv", count, "--origin", &origin])
        .run()
        .assert(3, format!("shard_{home},0\n").as_str(), has(&elsewhere));
    servers
        .shardq(["query", "-gtq", count, "--origin", &origin])
        .run()
        .assert(3, "", has(&format!("not answered: {elsewhere}")));
    let folder = folder();
    let file = folder.path().join("t.csv");
    servers
        .shardq(["export", count, "--origin", &origin, "-o"])
        .args([&file])
        .run()
        .assert(3, "", has(&format!("not answered: {elsewhere}")));
    assert!(!file.exists());
    servers.databases[3].in_shard(13, "DELETE FROM origins");
    servers
        .shardq(["query", "-tq", "--csv", count, "--origin", &origin])
        .run()
        .assert(
            0,
            format!("shard_{home},0\n").as_str(),
            has(&format!("no shard has an origin \"{origin}\"")),
        );
    servers.take_down(3);
    servers
        .shardq(["query", "-tq", "--csv", count, "--origin", &origin])
        .run()
        .assert(
            3,
            "",
            has_all([
                "a server that is down may have more shards",
                "--expect-shards N",
                "db4",
            ]),
        );
}

#[test]
fn keys_select_shards_of_several_servers() {
    let servers = with_origins(0);
    let (one, two, three) = (on_server(0), on_server(2), on_server(3));
    let shard = |n| home_of(&name(n), 16);
    insert(&servers, shard(one), one);
    insert(&servers, shard(two), two);
    // Misplaced.
    insert(&servers, 1, three);
    let count = "SELECT count(*) FROM origins WHERE id >= 0";
    let both = format!(
        "server,shard,count\ndb1,shard_{},1\ndb3,shard_{},1\n",
        shard(one),
        shard(two)
    );
    let keys = [name(one), name(two)];
    servers
        .shardq([
            "query", "--csv", count, "--key", &keys[0], "--key", &keys[1],
        ])
        .run()
        .assert(
            0,
            both.as_str(),
            has_all(["2/2 shards of 16 · 2 keys", "2 snapshots within "]),
        );
    servers
        .shardq(["query", "--csv", count, "--key-from", "-"])
        .stdin(format!("{}\n{}\n", keys[1], keys[0]))
        .run()
        .assert(0, both.as_str(), has("2 keys"));
    servers
        .shardq([
            "query", "-gt", "--csv", count, "--key", &keys[0], "--key", &keys[1],
        ])
        .run()
        .assert(0, "2\n", has("2/2 shards of 16"));
    let folder = folder();
    let file = folder.path().join("t.csv");
    servers
        .shardq(["export", count, "--key", &keys[0], "--key", &keys[1], "-o"])
        .args([&file])
        .run()
        .assert(0, "", has("2/2 shards of 16"));
    assert_eq!(manifest(&file)["shards"].as_array().unwrap().len(), 2);
    servers
        .shardq(["query", "-tq", "--csv", count, "--key", &name(three)])
        .run()
        .assert(
            3,
            "shard_1,1\n",
            has(&format!(
                "MISPLACED: origin \"{}\" belongs in shard_{}, but is in shard_1",
                name(three),
                shard(three)
            )),
        );
    servers.take_down(2);
    servers
        .shardq([
            "query", "-t", "--csv", count, "--key", &keys[0], "--key", &keys[1],
        ])
        .run()
        .assert(
            3,
            format!("shard_{},1\n", shard(one)).as_str(),
            has_all([&format!("\"{}\" was not found; ", name(two)), "all on db3"]),
        );
}

#[test]
fn a_rule_is_learned_from_the_keys_of_all_servers() {
    let servers = with_origins(300);
    servers
        .shardq(["find", "--learn", "origins.name"])
        .run()
        .assert(
            0,
            "[all.keys.origins]\nhash = \"fnv1a64\"\nmodulo = 16\nin = \"origins.name\"\n",
            has_all(["300 keys of 16 shards · 300 fit", "4 snapshots within "]),
        );
    servers.take_down(1);
    // Still learned: the other servers have enough keys.
    servers
        .shardq(["find", "--learn", "origins.name"])
        .run()
        .assert(0, has("modulo = 16\n"), has("db2: its shards are missing"));
}

#[test]
fn a_lost_server_makes_all_of_them_retry() {
    let servers = with_origins(40);
    let db = &servers.databases[1];
    let mut migration = db.session();
    migration.run(
        "BEGIN; CREATE TABLE kept AS TABLE shard_4.origins; TRUNCATE shard_4.origins;
         INSERT INTO shard_4.origins TABLE kept",
    );
    let find = servers
        .shardq(["find", "--from", "-", "--lock-timeout", "0"])
        .stdin(column(0..40));
    let run = find.spawn();
    let waits = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("find waits", || db.ask(waits) == "1");
    migration.run("COMMIT");
    run.finish().assert(
        0,
        ANY,
        has_all([
            "retrying at a new snapshot",
            "40 keys · 40 verified · 16/16 shards",
        ]),
    );
}
