//! Messages that accompany results (NOTICE, WARNING) are shown, with their shard.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ANY, Db, Program, has, has_all, shardq};

/// A table with one row per shard, and functions that raise messages.
fn talking(shards: u32) -> Db {
    let db = Db::with_shards(shards);
    db.in_each_shard(
        "CREATE TABLE t (n int); INSERT INTO t VALUES ({n});
         CREATE FUNCTION says(n int) RETURNS int LANGUAGE plpgsql AS $f$
           BEGIN RAISE NOTICE 'row %', n; RETURN n; END $f$;
         CREATE FUNCTION warns() RETURNS int LANGUAGE plpgsql AS $f$
           BEGIN RAISE WARNING 'old function' USING DETAIL = 'two\nlines', HINT = 'use another';
           RETURN 1; END $f$;",
    );
    db
}

/// stderr without the summary, which contains times.
fn said(stderr: &str) -> String {
    let lines = stderr.split_inclusive('\n');
    lines.filter(|line| !line.contains(" · ")).collect()
}

#[test]
fn a_warning_is_printed_as_psql_prints_it() {
    let db = talking(1);
    let escaped = r"SELECT 'a\\b', warns(), length('ž日本') AS";
    for sql in [
        "SELECT warns()",
        "SELECT says(n) FROM t",
        r"SELECT '日本', 'a\\b'",
        r"SELECT 1
  , 'a\\b'",
        &format!("{escaped} {}", "long".repeat(20)),
    ] {
        let options = "-c search_path=shard_0 -c standard_conforming_strings=off";
        let psql = db.psql_program(["-c", sql]);
        let psql = psql.env("PGOPTIONS", options).run();
        let ran = shardq(["query", "--no-shard-column", sql])
            .db(&db)
            .env("PGOPTIONS", options)
            .run();
        let ours = said(&ran.stderr).replace("shard_0: ", "");
        // Ours indents the continuation lines of a message.
        let theirs = psql.stderr.replace("two\nlines", "two\n    lines");
        assert_eq!(ours, theirs, "{sql}");
        assert!(!ours.is_empty(), "{sql}");
        ran.assert(0, &psql.stdout, ANY);
    }
}

#[test]
fn equal_messages_are_one_with_their_shards_also_when_quiet() {
    let db = talking(8);
    db.in_shard(
        5,
        "CREATE OR REPLACE FUNCTION warns() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    let sql = "SELECT says(n / 4), warns() FROM t";
    shardq(["query", "-q", "-t", "--csv", "--no-shard-column", sql])
        .db(&db)
        .run()
        .assert(
            0,
            "0,1\n0,1\n0,1\n0,1\n1,1\n1,1\n1,1\n1,1\n",
            has_all([
                "shard_0-3 (4 shards): NOTICE:  row 0\n",
                "shard_4-7 (4 shards): NOTICE:  row 1\n",
                "shard_0-4, shard_6-7 (7 shards): WARNING:  old function\n\
                 DETAIL:  two\n    lines\nHINT:  use another\n",
            ]),
        );
    let quieter = shardq(["query", "-q", "-t", "--csv", "--no-shard-column", sql]);
    quieter
        .db(&db)
        .env("PGOPTIONS", "-c client_min_messages=error")
        .run()
        .assert(0, "0,1\n0,1\n0,1\n0,1\n1,1\n1,1\n1,1\n1,1\n", "");
}

#[test]
fn each_message_is_of_its_own_shard_over_any_connections_and_past_errors() {
    let db = talking(64);
    db.in_shard(
        9,
        "CREATE OR REPLACE FUNCTION says(n int) RETURNS int LANGUAGE sql AS 'SELECT 1/(n - n)'",
    );
    let answered = || (0..19).filter(|n| *n != 9);
    let rows: Vec<_> = answered().map(|n| format!("shard_{n},{n}\n")).collect();
    for connections in ["1", "4"] {
        let ran = shardq(["query", "-t", "--csv", "-j", connections])
            .args(["SELECT says(n) FROM t WHERE n < 19"])
            .db(&db)
            .run();
        for n in answered() {
            let line = format!("shard_{n}: NOTICE:  row {n}\n");
            assert!(ran.stderr.contains(&line), "{line}{}", ran.stderr);
        }
        assert_eq!(ran.stderr.matches("NOTICE").count(), 18);
        ran.assert(3, rows.concat().as_str(), has("shard_9: ERROR 22012"));
    }
}

#[test]
fn what_is_too_much_is_counted() {
    let db = talking(1);
    db.in_shard(0, "INSERT INTO t SELECT g FROM generate_series(1, 1999) g");
    let ran = shardq(["query", "-q", "SELECT count(says(n)) FROM t"])
        .db(&db)
        .run();
    assert_eq!(ran.stderr.matches("NOTICE:  row").count(), 20);
    ran.assert(0, ANY, has("… and 1,980 more messages from the server\n"));
}

#[test]
fn an_export_shows_them_and_counts_its_warnings() {
    let db = talking(4);
    let dir = TempDir::new().unwrap();
    let warnings = |path: &str| {
        let manifest = std::fs::read_to_string(dir.path().join(path)).unwrap();
        serde_json::from_str::<Value>(&manifest).unwrap()["runs"][0]["warnings"].clone()
    };
    for name in ["t.csv", "t.tsv", "t.jsonl", "t.parquet"] {
        let file = dir.path().join(name);
        shardq(["export", "SELECT warns(), says(1) FROM t", "-o"])
            .args([&file])
            .db(&db)
            .run()
            .assert(
                0,
                "",
                has_all([
                    "all 4 shards: WARNING:  old function\nDETAIL:  two\n    lines\nHINT:  use another\n",
                    "all 4 shards: NOTICE:  row 1\n",
                ]),
            );
        assert_eq!(warnings(&format!("{name}.manifest.json")), 4, "{name}");
    }
    let folder = dir.path().join("parts");
    shardq(["export", "--per-shard", "SELECT warns() FROM t", "-o"])
        .args([&folder])
        .db(&db)
        .run()
        .assert(0, "", has("all 4 shards: WARNING:  old function\n"));
    assert_eq!(warnings("parts/_manifest.json"), 4);
    let file = dir.path().join("quiet.csv");
    shardq(["export", "SELECT n FROM t", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(0, "", ANY);
    assert_eq!(warnings("quiet.csv.manifest.json"), 0);
}

#[test]
fn one_answer_of_all_shards_has_messages_of_no_shard() {
    let db = talking(4);
    db.sql(
        "CREATE FUNCTION public.says(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$
           BEGIN RAISE NOTICE 'here %', n; RETURN n; END $f$",
    );
    let args = ["query", "-q", "-g", "-t", "--csv", "--strategy"];
    shardq(args)
        .args(["one", "SELECT sum(public.says(n)) FROM t WHERE n > 1"])
        .db(&db)
        .run()
        .assert(0, "5\n", "NOTICE:  here 2\nNOTICE:  here 3\n");
    // From the partials, and from the final statement.
    shardq(args)
        .args([
            "partial",
            r"SELECT count(*) FROM t WHERE 'a\\b' <> '' AND n > 1",
        ])
        .db(&db)
        .env("PGOPTIONS", "-c standard_conforming_strings=off")
        .run()
        .assert(
            0,
            "2\n",
            "all 4 shards: WARNING:  nonstandard use of \\\\ in a string literal\n\
             HINT:  Use the escape string syntax for backslashes, e.g., E'\\\\'.\n",
        );
}

/// The server's side of connection startup, up to where it may send notices.
fn let_in(client: &mut TcpStream) {
    let mut length = [0; 4];
    client.read_exact(&mut length).unwrap();
    let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut rest).unwrap();
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// A server that sends something and then rejects the connection, and a client with little memory.
fn refused_after(said: impl Fn(&mut TcpStream) + Send + 'static) -> Program {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let_in(&mut client);
            said(&mut client);
            let refusal = b"SFATAL\0VFATAL\0C28000\0Mno entry\0\0";
            let _ = client.write_all(&message(b'E', refusal));
        }
    });
    // 200 MiB of address space; an idle shardq uses 80.
    let limited = format!(
        "ulimit -v 204800; exec '{}' query 'SELECT 1' -j 1",
        env!("CARGO_BIN_EXE_shardq")
    );
    Program::new("sh")
        .args(["-c", &limited])
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", port)
        .env("PGUSER", "nobody")
        .env("PGSSLMODE", "disable")
}

#[test]
fn a_server_that_talks_without_end_before_it_lets_us_in_fills_no_memory() {
    for (tag, start) in [(b'N', "SNOTICE\0VNOTICE\0M"), (b'S', "name")] {
        let flood = refused_after(move |client| {
            for number in 0..600_u32 {
                let body = format!("{start}{number} {}\0\0", "x".repeat(1 << 20));
                if client.write_all(&message(tag, body.as_bytes())).is_err() {
                    return;
                }
            }
        });
        flood.run().assert(1, "", has("FATAL:  no entry"));
    }
}

#[test]
fn a_message_that_is_no_greeting_ends_the_connection() {
    let large = refused_after(|client| {
        let _ = client.write_all(&message(b'R', &vec![0; 1 << 20]));
    });
    large.run().assert(
        1,
        "",
        has("a message of 1048576 bytes before the connection is open"),
    );
}
