//! `shardq find --from FILE`: many keys, from a CSV file.

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use shardq::sandbox::Options;

use super::with_citext;
use crate::support::{
    ANY, Db, eventually, has, has_all, home_of, insert, private_server, shardq, with_origins,
};

#[test]
fn rows_keep_their_order_and_get_the_shard_of_their_key() {
    let db = with_origins(4);
    assert_eq!([home_of("core", 4), home_of("ada", 4)], [2, 3]);
    insert(&db, 2, 5, "core");
    for shard in [0, 1] {
        insert(&db, shard, 6, "ada");
    }
    let input = "owner,name\r\n\"a, b\",core\nx,ada\n\"a \"\"c\"\"\",core\nx,nowhere\nx,\n";
    let missing = home_of("nowhere", 4);
    shardq(["find", "--from", "-", "--column", "name"])
        .db(&db)
        .stdin(input)
        .run()
        .assert(
            3,
            &format!(
                "owner,name,shard,expected,verified\n\
                 \"a, b\",core,shard_2,shard_2,true\n\
                 x,ada,shard_0 shard_1,shard_3,false\n\
                 \"a \"\"c\"\"\",core,shard_2,shard_2,true\n\
                 x,nowhere,,shard_{missing},false\n\
                 x,,,,false\n"
            ),
            has_all([
                "5 keys · 2 verified, 1 misplaced, 1 missing, 1 empty · 4/4 shards · ",
                " · one snapshot · ",
            ]),
        );
    // All verified, in a file with one column.
    shardq(["find", "--from", "-"])
        .db(&db)
        .stdin("name\ncore\n")
        .run()
        .assert(
            0,
            "name,shard,expected,verified\ncore,shard_2,shard_2,true\n",
            has("1 key · 1 verified · 4/4 shards · "),
        );
    shardq(["find", "--from", "-", "-q"])
        .db(&db)
        .stdin("name\n")
        .run()
        .assert(0, "name,shard,expected,verified\n", "");
}

#[test]
fn keys_are_of_all_kinds() {
    let db = Db::with_shards(4);
    db.in_each_shard(
        "CREATE TABLE origins (id bigint PRIMARY KEY, name text UNIQUE);
         CREATE TABLE keys (id bigint PRIMARY KEY);
         CREATE TABLE accounts (id bigint PRIMARY KEY, name varchar(20))",
    );
    // The low 13 bits say shard_2.
    let id = "721096797631602690";
    insert(&db, 2, id.parse().unwrap(), "core");
    db.in_shard(2, &format!("INSERT INTO keys VALUES ({id})"));
    db.in_shard(3, "INSERT INTO keys VALUES (12345)");
    let account = home_of("ada", 4);
    db.in_shard(account, "INSERT INTO accounts VALUES (1, 'ada')");
    let find = |flags: &[&str], input: &str| {
        let find = shardq(["find", "--from", "-"]).args(flags);
        find.db(&db).stdin(input).run()
    };
    find(&[], &format!("key\n{id}\ncore\n12345\n")).assert(
        0,
        &format!(
            "key,shard,expected,verified\n\
             {id},shard_2,shard_2,true\n\
             core,shard_2,shard_2,true\n\
             12345,shard_3,,true\n"
        ),
        has("3 keys · 3 verified · 4/4 shards"),
    );
    find(&["--kind", "account"], "key\nada\n").assert(
        0,
        &format!("key,shard,expected,verified\nada,shard_{account},shard_{account},true\n"),
        ANY,
    );
    find(&["--kind", "id"], "key\n5\ncore\n").assert(
        1,
        ANY,
        "shardq: error: standard input:3: invalid id 'core': an id has only digits\n",
    );
    find(&["--kind=origin"], "key\n12345\n").assert(3, has("\n12345,,shard_"), ANY);
}

#[test]
fn a_column_may_be_of_any_type_and_shards_may_have_names() {
    let db = Db::empty();
    for (tenant, mail) in [("acme", "ada"), ("beta", "eve"), ("chef", "ada")] {
        db.sql(&format!(
            "CREATE SCHEMA tenant_{tenant};
             CREATE TYPE tenant_{tenant}.mood AS ENUM ('sad', 'happy');
             CREATE TABLE tenant_{tenant}.\"Users\" (
                mail varchar(9) UNIQUE, code char(5), n numeric, tags int[],
                mood tenant_{tenant}.mood);
             INSERT INTO tenant_{tenant}.\"Users\" VALUES ('{mail}', 'x', 1.50, '{{1,2}}', 'sad')"
        ));
    }
    let find = |column: &str, input: &str| {
        let find = shardq(["find", "--from", "-", "--schemas", "tenant_{name}"]);
        find.args(["--in", column]).db(&db).stdin(input).run()
    };
    find("\"Users\".mail", "m\neve\nada\nbob\n").assert(
        3,
        "m,shard,expected,verified\n\
         eve,tenant_beta,,true\n\
         ada,tenant_acme tenant_chef,,true\n\
         bob,,,false\n",
        has("3 keys · 2 verified, 1 missing · 3/3 shards"),
    );
    let all = "tenant_acme tenant_beta tenant_chef,,true\n";
    for (column, key) in [("code", "x"), ("n", "1.5"), ("mood", "sad")] {
        let found = format!("k,shard,expected,verified\n{key},{all}");
        find(&format!("\"Users\".{column}"), &format!("k\n{key}\n")).assert(0, &found, ANY);
    }
    find("\"Users\".tags", "k\n\"{1, 2}\"\n").assert(
        0,
        &format!("k,shard,expected,verified\n\"{{1, 2}}\",{all}"),
        ANY,
    );
    find("\"Users\".n", "k\n1\nmany\n").assert(
        1,
        ANY,
        has(
            "shardq: error: a key of standard input cannot be compared with \"Users\".n: \
             ERROR 22P02: invalid input syntax for type numeric: \"many\"\n",
        ),
    );
    find("\"Users\".nmae", "k\n1\n").assert(
        1,
        "",
        has("no selected shard has a table \"Users\" with a column"),
    );
}

#[test]
fn citext_keys_are_compared_as_citext() {
    let Some(db) = with_citext() else {
        return;
    };
    shardq(["find", "--from", "-", "--in", "users.email"])
        .db(&db)
        .stdin("k\nada@example.COM\n")
        .run()
        .assert(
            0,
            "k,shard,expected,verified\nada@example.COM,shard_1,,true\n",
            ANY,
        );
}

#[test]
fn computing_alone_asks_no_server() {
    let find = |flags: &[&str]| {
        let find = shardq(["find", "--from", "-", "--no-verify"]).args(flags);
        let find = find.env("PGHOST", "/nonexistent");
        find.stdin("key\ncore\n\n721096797631602718\n\"\"\n12345\n")
            .run()
    };
    find(&["--shard-count", "128"]).assert(
        0,
        "key,shard,expected,verified\ncore,,shard_30,\n721096797631602718,,shard_30,\n,,,\n12345,,,\n",
        "",
    );
    find(&[]).assert(
        1,
        ANY,
        "shardq: error: standard input:2: --no-verify needs --shard-count N for names\n",
    );
}

#[test]
fn a_file_that_does_not_fit_is_refused_before_anything_connects() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.csv");
    let path = file.to_str().unwrap();
    let refused = |content: &str, flags: &[&str], message: &str| {
        fs::write(&file, content).unwrap();
        let find = shardq(["find", "--from", path]).args(flags);
        let find = find.env("PGHOST", "/nonexistent");
        let error = format!("shardq: error: {path}{message}\n");
        find.run().assert(2, "", &error);
    };
    let taken = |column| {
        format!(" already has a column \"{column}\", which would be added; rename or drop it first")
    };
    for column in ["shard", "expected", "verified"] {
        refused(
            &format!("name,{column}\n"),
            &["--column", "name"],
            &taken(column),
        );
    }
    refused(
        "a,b\n",
        &[],
        " has several columns; name the one with the keys with --column: a, b",
    );
    refused(
        "a,b\n",
        &["--column", "c"],
        ": no column \"c\"; its columns are a, b",
    );
    refused(
        "a,a\n",
        &["--column", "a"],
        ": several columns are named \"a\"",
    );
    refused(
        "",
        &[],
        ": no header; expected CSV whose first line names the columns",
    );
    fs::remove_file(&file).unwrap();
    shardq(["find", "--from", path])
        .run()
        .assert(2, "", has("No such file or directory"));
    for flags in [&["core"][..], &["--json"], &["--short"]] {
        let ran = shardq(["find", "--from", "-"]).args(flags).run();
        ran.assert(2, "", has("cannot be used with"));
    }
    shardq(["find", "--from", "-", "--shards", "@-"])
        .run()
        .assert(2, "", has("standard input has the keys"));
    shardq(["find"]).run().assert(2, "", has("<KEY>"));
}

#[test]
fn a_row_with_too_few_fields_is_an_error() {
    let db = with_origins(1);
    shardq(["find", "--from", "-", "--column", "a"])
        .db(&db)
        .stdin("a,b\n1,2\n3\n")
        .run()
        .assert(
            1,
            "",
            "shardq: error: standard input:3: expected 2 fields as in the header, found 1\n",
        );
}

/// Names and their shards, in an input with one column.
fn many(db: &Db, shards: u32, count: usize) -> String {
    let mut input = "name\n".to_owned();
    let mut values: Vec<String> = vec![String::new(); shards as usize];
    for n in 0..count {
        let name = format!("origin-{n}");
        let _ = writeln!(input, "{name}");
        let values = &mut values[home_of(&name, shards) as usize];
        let comma = if values.is_empty() { "" } else { "," };
        let _ = write!(values, "{comma}({n},'{name}')");
    }
    for (shard, values) in (0..).zip(values) {
        db.in_shard(
            shard,
            &format!("INSERT INTO origins VALUES {values}; ANALYZE origins"),
        );
    }
    input
}

#[test]
fn a_hundred_thousand_keys_take_few_statements() {
    // Alone on its server, which logs the statements.
    let server = private_server(Options {
        settings: vec![("log_statement".to_owned(), "all".to_owned())],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..8);
    db.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text UNIQUE)");
    let mut input = many(&db, 8, 99_999);
    input += "nowhere\n";
    let began = Instant::now();
    let ran = shardq(["find", "--from", "-"]).db(&db).stdin(input).run();
    let took = began.elapsed();
    assert_eq!(ran.status, 3, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("100,000 keys · 99,999 verified, 1 missing · 8/8 shards · "),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout.lines().count(), 100_001);
    assert!(
        ran.stdout
            .ends_with(&format!("nowhere,,shard_{},false\n", home_of("nowhere", 8)))
    );
    // A debug build, on a machine that is busy.
    assert!(took.as_secs() < 30, "{took:?}");
    // Two chunks, and another for the key that is nowhere.
    let statements = server.log().matches("WITH ORDINALITY").count();
    assert_eq!(statements, 3 * 8);
}

#[test]
fn shards_that_are_asked_for_the_same_keys_share_a_statement() {
    // Alone on its server, which logs the statements.
    let server = private_server(Options {
        settings: vec![("log_statement".to_owned(), "all".to_owned())],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..8);
    // Two of another type, and two of a domain, whose index serves only as such.
    db.sql("CREATE DOMAIN short AS varchar(9)");
    db.in_each_shard("CREATE TABLE t AS SELECT '{n}'::text AS k UNION ALL SELECT 'all'");
    for shard in [3, 4] {
        db.in_shard(shard, "ALTER TABLE t ALTER k TYPE varchar(9)");
    }
    for shard in [6, 7] {
        db.in_shard(shard, "ALTER TABLE t ALTER k TYPE public.short");
    }
    let find = |flags: &[&str]| {
        let find = shardq(["find", "--from", "-", "--in", "t.k"]).args(flags);
        find.db(&db).stdin("k\nall\n4\n7\nx\n0\n").run()
    };
    find(&[]).assert(
        3,
        "k,shard,expected,verified\n\
         all,shard_0 shard_1 shard_2 shard_3 shard_4 shard_5 shard_6 shard_7,,true\n\
         4,shard_4,,true\n7,shard_7,,true\nx,,,false\n0,shard_0,,true\n",
        has("5 keys · 4 verified, 1 missing · 8/8 shards"),
    );
    // shard_0 to 2, 3 and 4, 5, 6, 7.
    let statements = server.log().matches("WITH ORDINALITY").count();
    assert_eq!(statements, 5);
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_1.t");
    find(&["--lock-timeout", "10ms"]).assert(
        3,
        has("\nall,shard_0 shard_2 shard_3 shard_4 shard_5 shard_6 shard_7,,true\n"),
        has_all(["7/8 shards, missing: shard_1", "shard_1"]),
    );
}

#[test]
fn shards_that_cannot_be_searched_are_named() {
    let db = with_origins(4);
    insert(&db, 2, 5, "core");
    let name = (0..100)
        .map(|n| n.to_string() + "x")
        .find(|name| home_of(name, 4) == 3)
        .unwrap();
    insert(&db, 3, 6, &name);
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_3.origins");
    let find = |flags: &[&str]| {
        let find = shardq(["find", "--from", "-", "--lock-timeout", "10ms"]).args(flags);
        find.db(&db).stdin(format!("name\ncore\n{name}\n")).run()
    };
    let output =
        format!("name,shard,expected,verified\ncore,shard_2,shard_2,true\n{name},,shard_3,\n");
    find(&[]).assert(
        3,
        &output,
        has_all([
            "shardq: error: shard_3: ERROR 55P03: canceling statement due to lock timeout\n",
            "2 keys · 1 verified, 1 not looked up · 3/4 shards, missing: shard_3 · ",
        ]),
    );
    find(&["--exclude-shards", "3"]).assert(
        3,
        &output,
        has("2 keys · 1 verified, 1 not looked up · 3/4 shards, missing: shard_3 · "),
    );
    migration.run("ROLLBACK");
    db.in_shard(3, "ALTER TABLE origins RENAME TO sources");
    find(&[]).assert(
        3,
        &output,
        has_all([
            "shardq: warning: no table \"origins\" in shard_3\n",
            " · 3/4 shards, missing: shard_3 · ",
        ]),
    );
}

#[test]
fn a_rewritten_table_makes_it_retry() {
    let db = with_origins(2);
    let mut migration = db.session();
    let shard = home_of("core", 2);
    insert(&db, shard, 5, "core");
    migration.run(&format!(
        "BEGIN; TRUNCATE shard_{shard}.origins; INSERT INTO shard_{shard}.origins VALUES (6, 'core')"
    ));
    let find = shardq(["find", "--from", "-", "--lock-timeout", "0"]).stdin("name\ncore\n");
    let run = find.db(&db).spawn();
    db.until_waiting("Lock", 1);
    migration.run("COMMIT");
    run.finish().assert(
        0,
        &format!("name,shard,expected,verified\ncore,shard_{shard},shard_{shard},true\n"),
        has_all([
            "was rewritten, renamed or created after the snapshot was taken\n",
            "retrying at a new snapshot\n",
        ]),
    );
}

#[test]
fn a_reader_that_stops_early_ends_it_quietly() {
    let db = with_origins(2);
    let input = "name\n".to_owned() + &"core\n".repeat(400_000);
    let find = shardq(["find", "--from", "-", "-q"]).db(&db).stdin(input);
    let ran = find.run_reading(1);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
}

#[test]
fn an_interrupt_while_the_input_is_silent_ends_it() {
    let db = with_origins(2);
    let mut run = shardq(["find", "--from", "-"]).db(&db).spawn_interactive();
    run.feed("name\n");
    // It handles signals before it reads.
    eventually("it listens", || run.catches_interrupts());
    run.signal("INT");
    eventually("it ends", || run.has_ended());
    let ran = run.finish();
    assert_eq!(ran.status, 130, "{}", ran.stderr);
}
