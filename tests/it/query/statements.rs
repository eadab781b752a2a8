//! Several statements in one run, as psql runs them; and SQL from a pipe.

use std::fs;

use crate::support::{
    ANY, Db, Text, folder, has, has_all, on_a_terminal, shardq, without_location,
};

/// One shard, so that psql has the same rows.
fn one_shard() -> Db {
    let db = Db::with_shards(1);
    db.in_shard(0, "CREATE TABLE t (n int); INSERT INTO t VALUES (7), (8)");
    db
}

/// Two shards, one of which has no table `u`.
fn u_is_missing_in_shard_1() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (n int); INSERT INTO t VALUES ({n})");
    db.in_shard(0, "CREATE TABLE u (n int)");
    db
}

const NOT_CONNECTED: [(&str, &str); 2] = [("PGHOST", "/nonexistent"), ("PGUSER", "nobody")];

#[track_caller]
fn assert_usage<const N: usize>(args: [&str; N], stdin: &str, stderr: Text<'_>) {
    let program = shardq(args).stdin(stdin);
    let [host, user] = NOT_CONNECTED;
    let program = program.env(host.0, host.1).env(user.0, user.1);
    program.run().assert(2, "", stderr);
}

#[test]
fn results_follow_each_other_as_in_psql() {
    let db = one_shard();
    let folder = folder();
    let file = folder.path().join("two.sql");
    fs::write(
        &file,
        "-- first; of two\nSELECT n, 'a;b' AS s FROM t ORDER BY (SELECT 1);;\n\
         /* ; */ SELECT $$x;y$$ AS \"q;\" ;\n-- the end;\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let all = [
        "-c",
        "SELECT 1 AS one",
        "-f",
        file,
        "-c",
        "SELECT n FROM t WHERE false",
    ];
    for format in [
        &[][..],
        &["-t"],
        &["-x"],
        &["--csv"],
        &["--csv", "-t"],
        &["-x", "-t"],
    ] {
        let psql = db.psql_program(["-v", "ON_ERROR_STOP=1"]);
        let psql = psql.env("PGOPTIONS", "-c search_path=shard_0");
        let theirs = psql.args(format).args(all).run().output();
        let ours = shardq(["query", "--no-shard-column"])
            .args(format)
            .args(all);
        ours.db(&db)
            .run()
            .assert(0, &theirs, has_all(["2 rows · 1/1 shards", "0 rows"]));
        let file = folder.path().join("out.txt");
        let ours = shardq(["query", "--no-shard-column", "--format=table", "-o"]);
        if format.is_empty() {
            ours.args([&file])
                .args(all)
                .db(&db)
                .run()
                .assert(0, "", ANY);
            assert_eq!(fs::read_to_string(&file).unwrap(), theirs);
        }
    }
    let two = ["-c", "SELECT 1 AS a", "-c", "SELECT 2 AS b", "-q"];
    let ours = |format| shardq(["query", format]).args(two).db(&db).run();
    ours("--jsonl").assert(
        0,
        "{\"shard\":\"shard_0\",\"a\":1}\n{\"shard\":\"shard_0\",\"b\":2}\n",
        "",
    );
    ours("--tsv").assert(0, "shard\ta\nshard_0\t1\nshard\tb\nshard_0\t2\n", "");
    ours("--markdown").assert(
        0,
        "| shard   | a |\n|---------|--:|\n| shard_0 | 1 |\n\n\
         | shard   | b |\n|---------|--:|\n| shard_0 | 2 |\n",
        "",
    );
    ours("-tg").assert(0, " 1\n\n 2\n\n", "");
}

#[test]
fn each_statement_has_its_own_summary_and_snapshot() {
    let db = one_shard();
    let snapshot = "SELECT pg_backend_pid()";
    let ran = shardq(["query", "--csv", "-t", "--no-shard-column"])
        .args(["-c", snapshot, "-c", snapshot])
        .db(&db)
        .run();
    ran.assert(0, ANY, ANY);
    assert_eq!(
        without_location(&ran.stderr)
            .matches("1 row · 1/1 shards · one snapshot")
            .count(),
        2
    );
    shardq(["query", "--dry-run", "-c", "SELECT 1", "-c", "SELECT 2"])
        .db(&db)
        .run()
        .assert(0, has_all(["SELECT 1", "\n\n", "SELECT 2"]), "");
}

#[test]
fn the_first_failure_ends_the_run_and_the_worst_status_counts() {
    let db = u_is_missing_in_shard_1();
    let run = |statements: &[&str]| {
        let flags = statements.iter().flat_map(|sql| ["-c", sql]);
        shardq(["query", "--csv", "-t"]).args(flags).db(&db).run()
    };
    let stopped = "shardq: error: stopped at statement 2 of 3; the rest did not run\n";
    run(&["SELECT n FROM t", "SELECT nope FROM t", "SELECT 9"]).assert(
        1,
        "shard_0,0\nshard_1,1\n",
        has_all(["column \"nope\" does not exist", stopped]),
    );
    run(&["SELECT n FROM t", "SELECT 1 +", "SELECT 9"]).assert(
        1,
        "shard_0,0\nshard_1,1\n",
        has_all(["ERROR 42601: syntax error", stopped]),
    );
    let incomplete = "SELECT 5 FROM u HAVING true";
    run(&[incomplete, "SELECT n FROM t"]).assert(
        3,
        "shard_0,5\nshard_0,0\nshard_1,1\n",
        has_all(["1/2 shards, missing: shard_1", "2/2 shards"]),
    );
    run(&[incomplete, "SELECT nope"]).assert(1, "shard_0,5\n", has("nope"));
    run(&["SELECT n FROM t", incomplete]).assert(3, "shard_0,0\nshard_1,1\nshard_0,5\n", ANY);
}

#[test]
fn a_file_is_written_if_every_statement_is_complete() {
    let db = u_is_missing_in_shard_1();
    let folder = folder();
    let file = folder.path().join("out.csv");
    fs::write(&file, "older").unwrap();
    let run = |second: &str| {
        let flags = [
            "-c",
            "SELECT n FROM t",
            "-c",
            second,
            "-c",
            "SELECT 9 AS x",
            "-o",
        ];
        let query = shardq(["query", "-q"]).args(flags).args([&file]);
        query.db(&db).run()
    };
    run("SELECT 5 FROM u HAVING true").assert(
        3,
        "",
        has_all(["out.csv was not written", "stopped at statement 2 of 3"]),
    );
    run("SELECT nope").assert(1, "", has("nope"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "older");
    run("SELECT 6 AS y, 7 AS z").assert(0, "", "");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "shard,n\nshard_0,0\nshard_1,1\nshard,y,z\nshard_0,6,7\nshard_1,6,7\nshard,x\nshard_0,9\nshard_1,9\n"
    );
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "nothing else is left");
}

#[test]
fn an_error_points_at_its_line_in_the_file() {
    let db = one_shard();
    let run = |sql: &str| shardq(["query", "-q", "--csv"]).db(&db).stdin(sql).run();
    run("SELECT 1 AS a;\n\n-- the second\nSELECT n,\n  nope\nFROM t;\nSELECT 3").assert(
        1,
        "shard,a\nshard_0,1\n",
        "shardq: error: shard_0: ERROR 42703: column \"nope\" does not exist\nLINE 5:   nope\n          ^\n\
         shardq: error: stopped at statement 2 of 3; the rest did not run\n",
    );
}

#[test]
fn a_reader_that_stops_ends_the_run() {
    let db = one_shard();
    let many = "SELECT * FROM generate_series(1, 1000000)";
    let ran = shardq(["query", "--csv", "-c", many, "-c", "SELECT pg_sleep(50)"])
        .db(&db)
        .run_reading(1);
    ran.assert(0, has("shard,generate_series\n"), "");
}

#[test]
fn one_array_is_not_several() {
    let told = "--json writes one array, but 2 statements give one result each; use --jsonl";
    let two = "SELECT 1; SELECT 2";
    assert_usage(
        ["query", "--json", "-c", "SELECT 1", "-c", "SELECT 2"],
        "",
        has(told),
    );
    assert_usage(["query", "-o", "a.json"], two, has(told));
    assert_usage(["query", "--format=json"], two, has(told));
    assert_usage(
        ["export", "-o-"],
        two,
        has("expected one statement, got several; run one export"),
    );
    let two = ["export", "-o-", "-c", "SELECT 1", "-c", "SELECT 2"];
    assert_usage(two, "", has("expected one statement, got several"));
    // Nothing runs if a file cannot be read.
    let missing = ["query", "-c", "SELECT 1", "-f", "/no/such.sql"];
    assert_usage(missing, "", has("/no/such.sql: No such file"));
}

#[test]
fn sql_comes_from_a_pipe_without_a_flag() {
    let db = one_shard();
    let query = shardq(["query", "--csv", "-q"]).stdin("SELECT n FROM t;\n");
    query
        .db(&db)
        .run()
        .assert(0, "shard,n\nshard_0,7\nshard_0,8\n", "");
    let export = shardq(["export", "-q", "-o-"]).stdin("SELECT 1 AS n");
    export.db(&db).run().assert(0, "shard,n\nshard_0,1\n", "");
    for stdin in ["", " \n"] {
        let told = "shardq: error: standard input: no SQL found; pass it as an argument, with -c \
                    SQL or with -f FILE, or pipe it in\n";
        assert_usage(["query"], stdin, told.into());
        assert_usage(["export", "-o-"], stdin, told.into());
    }
    // /dev/null.
    shardq(["query"])
        .run()
        .assert(2, "", has("standard input: no SQL found; pass it"));
}

#[test]
fn on_a_terminal_without_sql_there_is_a_hint() {
    let Some(query) = on_a_terminal("query") else {
        return;
    };
    query.run().assert(
        2,
        has("shardq: error: no SQL given; pass it as an argument, with -c"),
        "",
    );
}

#[test]
fn a_minus_is_standard_output() {
    let db = one_shard();
    let query = shardq(["query", "-q", "--csv", "SELECT 1 AS n", "-o", "-"]);
    query.db(&db).run().assert(0, "shard,n\nshard_0,1\n", "");
    let failed = shardq(["query", "-q", "SELECT nope", "-o-"]).db(&db).run();
    assert!(!failed.stderr.contains("not written"), "{}", failed.stderr);
}

#[test]
fn where_only_the_server_knows_where_a_string_ends_it_counts_the_statements() {
    let db = one_shard();
    let sql = r"SELECT 'it\'; SELECT 2 AS b --'";
    let query = || shardq(["query", "-q", "--csv", "-t"]).db(&db).stdin(sql);
    query()
        .run()
        .assert(1, "", has("expected one statement, got several"));
    let options = "-c standard_conforming_strings=off -c escape_string_warning=off";
    let old = query().env("PGOPTIONS", options).run();
    old.assert(0, "shard_0,it'; SELECT 2 AS b --\n", "");
}
