//! `shardq query`: summaries, and what a shard, the server or the statement did wrong.

use std::path::Path;

use shardq::sandbox::Options;

use crate::support::{Db, Program, Transcript, folder, private_server, shardq};

fn query<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    shardq(["query"]).args(args).db(db)
}

/// Over one connection, so that shards fail in their order.
fn query_in_turn<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    query(db, args).args(["-j", "1"])
}

#[test]
fn summaries() {
    let db = Db::with_rows(2);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let file = file.to_str().unwrap();
    Transcript::of(&db)
        .in_folder(folder.path())
        .run(query(&db, ["SELECT * FROM t"]))
        .run(query(&db, ["SELECT count(*) FROM t"]))
        .run(query(&db, ["SELECT * FROM t", "--shards", "1", "-x"]))
        .run(query(&db, ["SELECT * FROM t", "--no-snapshot", "--csv"]))
        .run(query(&db, ["SELECT * FROM t WHERE n > 9", "--json"]))
        .run(query(&db, ["SELECT * FROM t", "-q", "--markdown"]))
        .run(query(&db, ["SELECT * FROM t", "-o", file]))
        .run(query(&db, ["SHOW search_path"]))
        .run(query(&db, ["EXPLAIN (COSTS off) SELECT * FROM t"]))
        .assert("query_summaries");
}

#[test]
fn statements_that_every_shard_refuses() {
    let db = Db::with_rows(2);
    db.sql("CREATE TABLE public.settings (name text)");
    Transcript::of(&db)
        .run(query(&db, ["SELECT 1 FORM t"]))
        .run(query(&db, ["SELECT nn FROM t"]))
        .run(query(&db, ["SELECT * FROM tt"]))
        .run(query(&db, ["SELECT * FROM settings"]))
        .run(query(&db, ["SELECT 1; SELECT 2"]))
        .run(query(&db, ["DELETE FROM t"]))
        .run(query(&db, ["DELETE FROM t RETURNING n"]))
        .run(query(&db, ["SELECT FROM t"]))
        .run(query(&db, ["COPY t TO STDOUT"]))
        .run(query(&db, [r"SELECT n FROM t \gx"]))
        .run(query(&db, ["SELECT 1 / n FROM t", "--shards", "0"]))
        .assert("query_statement_errors");
}

#[test]
fn shards_that_fail() {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE t (n int, v text); INSERT INTO t VALUES ({n}, 'v{n}')");
    db.in_shard(1, "DROP TABLE t");
    db.in_shard(2, "ALTER TABLE t ALTER n TYPE text");
    db.in_shard(3, "ALTER TABLE t RENAME v TO value");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let file = file.to_str().unwrap();
    Transcript::of(&db)
        .in_folder(folder.path())
        .run(query_in_turn(&db, ["SELECT * FROM t"]))
        .run(query_in_turn(&db, ["SELECT v FROM t", "--csv"]))
        .run(query_in_turn(
            &db,
            ["SELECT v FROM t", "--on-error", "stop"],
        ))
        .run(query_in_turn(&db, ["SELECT v FROM t", "-q", "-o", file]))
        .run(query_in_turn(
            &db,
            ["SELECT 1 / (n - 3) FROM t", "--shards", "0,3"],
        ))
        .assert("query_failed_shards");
}

#[test]
fn locks_and_timeouts() {
    let db = Db::with_rows(2);
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_1.t");
    Transcript::of(&db)
        .run(query(&db, ["SELECT * FROM t", "--lock-timeout", "10ms"]))
        .run(query(&db, ["SELECT pg_sleep(60)", "--timeout", "250ms"]))
        .run(query(
            &db,
            ["-g", "SELECT n FROM t", "--lock-timeout", "10ms"],
        ))
        .run(query(
            &db,
            ["-g", "SELECT pg_sleep(60)", "--timeout", "250ms"],
        ))
        .assert("query_timeouts");
}

#[test]
fn roles_that_may_not_read() {
    let db = Db::with_rows(2);
    let role = format!("guest {}", db.name());
    let role = &role[..role.len().min(60)];
    db.sql(&format!("CREATE ROLE \"{role}\" LOGIN"));
    db.in_shard(0, &format!("GRANT USAGE ON SCHEMA shard_0 TO \"{role}\""));
    let as_guest = |program: Program| program.args(["-U", role]);
    let denied = as_guest(query_in_turn(&db, ["SELECT * FROM t"])).run();
    db.in_each_shard(&format!(
        "GRANT USAGE ON SCHEMA shard_{{n}} TO \"{role}\"; GRANT SELECT ON t TO \"{role}\";
         ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    ));
    Transcript::of(&db)
        .hiding(role, "guest")
        .with("shardq query 'SELECT * FROM t' -j 1 -U guest", &denied)
        .run(as_guest(query_in_turn(&db, ["SELECT * FROM t"])))
        .run(as_guest(query_in_turn(&db, ["-g", "SELECT * FROM t"])))
        .run(as_guest(query_in_turn(
            &db,
            ["SELECT * FROM t", "--row-security"],
        )))
        .assert("query_roles");
}

#[test]
fn which_shards_there_are() {
    // Databases of other tests would be suggested.
    let server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards([2, 4]);
    db.sql("CREATE SCHEMA shard_003");
    let none = Db::on(&server);
    none.sql("CREATE SCHEMA shard_old");
    Transcript::of(&db)
        .hiding(none.name(), "[EMPTY]")
        .run(query(&db, ["SELECT 1 AS n"]))
        .run(query(&db, ["SELECT 1 AS n", "--expect-shards", "2"]))
        .run(query(&db, ["SELECT 1 AS n", "--expect-shards", "5"]))
        .run(query(&db, ["SELECT 1 AS n", "--shards", "0-2,9-"]))
        .run(query(&db, ["SELECT 1 AS n", "--origin", "core"]))
        .run(query(&none, ["SELECT 1"]))
        .run(query(&none, ["SELECT 1", "-d", "postgres", "-q"]))
        .assert("query_shards");
}

#[test]
fn origins() {
    let db = Db::with_sample(4);
    let count = "SELECT count(*) FROM origin_packages";
    db.in_shard(2, "UPDATE origins SET name = 'moved' WHERE name = 'core'");
    let nowhere = query(&db, [count, "--origin", "core"]).run();
    db.in_shard(0, "INSERT INTO origins (id, name) SELECT 5, 'core'");
    Transcript::of(&db)
        .with(&format!("shardq query '{count}' --origin core"), &nowhere)
        .run(query(&db, [count, "--origin", "core"]))
        .run(query(&db, ["-g", count, "--origin", "core"]))
        .assert("query_origins");
}

#[test]
fn lost_connections() {
    let db = Db::with_rows(2);
    let killed = "SELECT n, pg_terminate_backend(pg_backend_pid()) FROM t WHERE n = 1";
    Transcript::of(&db)
        .run(query_in_turn(&db, [killed]))
        .run(query_in_turn(&db, ["-g", killed]))
        .assert("query_lost");
}

#[test]
fn interrupts() {
    let db = Db::with_rows(2);
    let query = query(&db, ["SELECT pg_sleep(60)"]);
    let command = query.command_line();
    let running = query.spawn();
    db.until_waiting("PgSleep", 1);
    running.signal("INT");
    Transcript::of(&db)
        .with(&format!("{command}   # Ctrl-C"), &running.finish())
        .assert("query_interrupted");
}

#[test]
fn bytes_that_are_not_text() {
    let server = private_server(Options::default());
    let main = Db::on(&server);
    main.sql(
        "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    let script = r"CREATE SCHEMA shard_0; CREATE TABLE shard_0.t AS SELECT E'\xff' AS v";
    let psql = main.psql_program(["-d", "bytes", "-v", "ON_ERROR_STOP=1", "-c", script]);
    psql.run().output();
    Transcript::of(&main)
        .run(query(&main, ["SELECT v FROM t", "-d", "bytes"]))
        .assert("query_bytes");
}

#[test]
fn notices() {
    let db = Db::with_rows(2);
    db.sql(
        "CREATE FUNCTION public.warns(n int) RETURNS int LANGUAGE plpgsql AS
           $$ BEGIN RAISE WARNING 'n is %', n USING HINT = 'Use another n.'; RETURN n; END $$",
    );
    Transcript::of(&db)
        .run(query_in_turn(&db, ["SELECT public.warns(n) FROM t"]))
        .run(query_in_turn(&db, ["SELECT public.warns(7)", "--csv"]))
        .assert("query_notices");
}

#[test]
fn files_that_cannot_be_written() {
    let db = Db::with_rows(2);
    let folder = folder();
    let to = |file: &str| query(&db, ["SELECT * FROM t", "--csv", "-o"]).args([file]);
    let missing = folder.path().join("missing/t.csv");
    Transcript::of(&db)
        .in_folder(folder.path())
        .run(to(missing.to_str().unwrap()))
        .run(to(folder.path().to_str().unwrap()))
        .run(to("/dev/full"))
        .assert("query_files");
    assert!(!Path::new(&missing).exists());
}
