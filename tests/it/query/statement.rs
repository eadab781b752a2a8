//! Exactly one statement that returns rows, and errors shown as psql shows them.

use crate::support::{ANY, Db, eventually, has, shardq};

/// One shard, to keep the output short.
fn one_shard() -> Db {
    let db = Db::with_shards(1);
    db.in_shard(
        0,
        "CREATE TABLE t (n int, \"žluť 日本\" text); INSERT INTO t VALUES (7, 'x')",
    );
    db
}

/// The rows of a statement given in every possible way, which must agree.
#[track_caller]
fn rows(db: &Db, sql: &str) -> String {
    let ask = |args: [&str; 2]| {
        let program = shardq(["query", "-q", "--csv", "-t", "--no-shard-column"]);
        program.args(args).db(db).stdin(sql).run()
    };
    let rows = ask(["--", sql]);
    rows.assert(0, &rows.stdout, "");
    ask(["-f", "-"]).assert(0, &rows.stdout, "");
    rows.stdout
}

#[test]
fn one_statement_may_be_dressed_in_any_way() {
    let db = one_shard();
    for (sql, answer) in [
        ("SELECT 1;", "1\n"),
        ("SELECT 1 ; ; ;\n", "1\n"),
        ("SELECT 1 -- one", "1\n"),
        ("SELECT 1; -- one;", "1\n"),
        (
            "-- a comment; of two\n/* and /* a nested; */ one */ SELECT 1",
            "1\n",
        ),
        ("SELECT 1 /* one; */ ; /* two */", "1\n"),
        ("\r\n\tSELECT\r\n1\r\n", "1\n"),
        ("SELECT 'a;b', 1 AS \"c;d\"", "a;b,1\n"),
        ("SELECT $$it's; $1$$, $tag$ $$ $tag$", "it's; $1, $$ \n"),
        (r"SELECT E'\';\\', 'a\'", "';\\,a\\\n"),
        (r#"SELECT U&'\017Elu', "žluť 日本" FROM t"#, "žlu,x\n"),
        ("SELECT '-- ' || '/*' || \"n\" FROM t", "-- /*7\n"),
        (
            "SELECT '{search_path}', '{statement}'",
            "{search_path},{statement}\n",
        ),
        ("VALUES (1, 'a'), (2, 'b')", "1,a\n2,b\n"),
        ("TABLE t", "7,x\n"),
        ("(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1", "1\n2\n"),
        ("WITH a AS (SELECT n FROM t) SELECT n + 1 FROM a", "8\n"),
        ("SHOW search_path", "\"shard_0, pg_temp\"\n"),
        ("EXPLAIN (COSTS OFF) SELECT * FROM t", "Seq Scan on t\n"),
        ("SELECT * FROM t WHERE false", ""),
    ] {
        assert_eq!(rows(&db, sql), answer, "{sql}");
    }
}

#[test]
fn backslashes_mean_what_the_session_says_they_mean() {
    let db = one_shard();
    shardq(["query", "-q", "-t", "--csv", r"SELECT 'it\'s; one'"])
        .db(&db)
        .env(
            "PGOPTIONS",
            "-c standard_conforming_strings=off -c escape_string_warning=off",
        )
        .run()
        .assert(0, "shard_0,it's; one\n", "");
}

#[test]
fn two_statements_are_refused() {
    let db = one_shard();
    for sql in [
        "SELECT 1; SELECT 2",
        "SELECT 1;;SELECT 2;",
        "SELECT 1\n;\n-- two\nSELECT 2",
        "SELECT nope; SELECT 2",
        "BEGIN; SELECT 1; COMMIT",
        "COMMIT; DELETE FROM t",
        "SELECT $$;$$; DELETE FROM t",
    ] {
        shardq(["query", sql]).db(&db).run().assert(
            1,
            "",
            "shardq: error: expected one statement, got several; run them separately\n",
        );
    }
    assert_eq!(db.ask("SELECT count(*) FROM shard_0.t"), "1");
}

#[test]
fn a_statement_without_rows_is_refused() {
    let db = one_shard();
    for sql in [
        "DELETE FROM t",
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE u ()",
        "SET work_mem = '1MB'",
        "BEGIN",
        "COMMIT",
        "DO $$BEGIN END$$",
        "COPY t TO STDOUT",
        "COPY t FROM STDIN",
        "LISTEN x",
        "VACUUM",
        ";",
        "/* nothing */",
    ] {
        shardq(["query", sql]).db(&db).run().assert(
            1,
            "",
            has("shardq: error: not a query; shardq accepts SELECT"),
        );
    }
    assert_eq!(db.ask("SELECT count(*) FROM shard_0.t"), "1");
}

#[test]
fn what_is_taken_instead_is_what_the_format_takes() {
    let db = one_shard();
    let export = |sql, format| shardq(["export", sql, "-q", "-o-", "--format", format]).db(&db);
    for sql in ["COPY t TO STDOUT", "LISTEN x"] {
        let none = "shardq: error: not a query; ";
        for (format, taken) in [
            (
                "csv",
                "COPY, which writes this format, accepts SELECT, VALUES, TABLE and WITH; --format \
                 jsonl also accepts SHOW and EXPLAIN\n",
            ),
            (
                "jsonl",
                "shardq accepts SELECT, VALUES, TABLE, WITH, SHOW and EXPLAIN\n",
            ),
        ] {
            let told = format!("{none}{taken}");
            export(sql, format).run().assert(1, "", told.as_str());
        }
    }
    let shown = "{\"shard\":\"shard_0\",\"work_mem\":\"4MB\"}\n";
    export("SHOW work_mem", "jsonl").run().assert(0, shown, ANY);
    export("SHOW work_mem", "tsv").run().assert(
        1,
        "",
        has("shardq: hint: COPY accepts SELECT, VALUES, TABLE and WITH"),
    );
}

#[test]
fn a_query_without_columns_is_not_told_to_be_a_query() {
    let db = one_shard();
    db.in_shard(0, "CREATE TABLE empty ()");
    let told = "shardq: error: the result has no columns; name some columns, or count the rows: \
         SELECT count(*) FROM …\n";
    for sql in [
        "SELECT * FROM empty",
        "TABLE empty",
        "SELECT FROM t",
        "(SELECT)",
        "WITH a AS (SELECT 1) SELECT FROM a",
    ] {
        let query = shardq(["query", sql]).db(&db).run();
        query.assert(1, "", told);
        for format in ["csv", "jsonl"] {
            let export = shardq(["export", sql, "-q", "-o-", "--format", format]);
            export.db(&db).run().assert(1, "", told);
        }
    }
}

#[test]
fn an_export_of_what_changes_data_is_refused_as_a_query_of_it() {
    let db = one_shard();
    for sql in [
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t VALUES (1) RETURNING n",
        "UPDATE t SET n = 2 RETURNING n",
        "WITH d AS (DELETE FROM t RETURNING n) SELECT * FROM d",
    ] {
        let query = shardq(["query", "-q", sql]).db(&db).run();
        query.assert(1, "", has("shardq: error: "));
        for format in ["csv", "tsv", "jsonl"] {
            let export = shardq(["export", "-q", sql, "-o-", "--format", format]);
            export.db(&db).run().assert(1, "", query.stderr.as_str());
        }
    }
    assert_eq!(db.ask("SELECT count(*) FROM shard_0.t"), "1");
}

#[test]
fn two_statements_are_refused_in_one_answer_as_well() {
    let db = one_shard();
    for sql in ["SELECT 1; SELECT 2", "SELECT count(*) FROM t; SELECT 2;"] {
        shardq(["query", "-g", sql]).db(&db).run().assert(
            1,
            "",
            "shardq: error: expected one statement, got several; run them separately\n",
        );
    }
}

#[test]
fn a_statement_that_someone_cancelled_is_told_from_one_that_took_too_long() {
    let db = one_shard();
    for (command, limit) in [
        (["query", "-q"], "--timeout"),
        (["query", "-g"], "--statement-timeout"),
        (["export", "-o-"], "--statement-timeout"),
        (["export", "-go-"], "--timeout"),
    ] {
        for time in ["0", "50s"] {
            let name = format!("{}{}{time}", command[0], command[1]);
            let running = shardq(command)
                .args(["SELECT pg_sleep(59), 1 AS one", limit, time])
                .db(&db)
                .env("PGAPPNAME", &name)
                .spawn();
            let cancel = format!(
                "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
                 WHERE application_name = '{name}' AND wait_event = 'PgSleep'"
            );
            eventually("it sleeps", || db.ask(&cancel) == "1");
            let ran = running.finish();
            assert!(!ran.stderr.contains("raise"), "{}", ran.stderr);
            ran.assert(
                1,
                "",
                has("no limit of this run was reached: someone cancelled it on the server"),
            );
        }
        let ran = shardq(command)
            .args(["SELECT pg_sleep(59), 1 AS one", limit, "100ms"])
            .db(&db)
            .run();
        ran.assert(1, "", has("raise --timeout (0 for no limit)"));
    }
}

fn without_lines(start: &str, text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !line.starts_with(start)).collect()
}

/// psql's messages in our format: the SQLSTATE as in verbose mode, without the location in
/// Postgres's source.
fn errors_of_psql(db: &Db, statements: &[&str]) -> Vec<String> {
    const NEXT: &str = "== the next statement ==\n";
    let next = format!("\\warn {}", NEXT.trim_end());
    let commands = statements.iter().flat_map(|sql| ["-c", sql, "-c", &next]);
    let ran = db
        .psql_program(["-v", "VERBOSITY=verbose"])
        .env("PGOPTIONS", "-c search_path=shard_0")
        .args(commands)
        .run();
    let error = |text: &str| {
        without_lines("LOCATION:", text)
            .replacen("ERROR:  ", "ERROR ", 1)
            // Ours indents the continuation lines of a message.
            .replace("two\nlines", "two\n    lines")
            .replace("SELECT n,\n  nope", "SELECT n,\n      nope")
    };
    ran.stderr.split_terminator(NEXT).map(error).collect()
}

#[track_caller]
fn assert_errors_of_psql(db: &Db, statements: &[&str]) {
    let errors = errors_of_psql(db, statements);
    assert_eq!(errors.len(), statements.len());
    for (sql, error) in statements.iter().zip(errors) {
        let ran = shardq(["query", "-q", "--", sql]).db(db).run();
        // The preflight reports it for all shards, a shard's statement for one.
        let ours = ran
            .stderr
            .replacen("shardq: error: shard_0: ", "shardq: error: ", 1);
        let ours = without_lines("shardq: hint: ", &ours);
        assert_eq!(ours, format!("shardq: error: {error}"), "{sql}");
        ran.assert(1, "", has("ERROR"));
    }
}

#[test]
fn wrong_statements_are_pointed_at_as_in_psql() {
    let db = one_shard();
    let long = "n + ".repeat(40);
    let wide = "'日本語' || ".repeat(20);
    let statements = [
        "SELECT * frm t",
        "SELECT 1 FROM",
        "SELECT 1 +",
        "SELECT 'abc",
        "SELECT \"abc",
        "SELECT $$abc",
        "SELECT 1 /* abc",
        "SELEC 1",
        "SELECT x FROM t",
        "SELECT * FROM nowhere",
        "SELECT * FROM nowhere.t",
        "SELECT n FROM t WHERE n = 'abc'",
        "SELECT n || 1, 'a' + 1 FROM t",
        "SELECT nope(n) FROM t",
        "SELECT n::nope FROM t",
        "SELECT n, count(*) FROM t",
        "SELECT t.n FROM t AS u",
        "SELECT a.n FROM t a, t b WHERE n = 1",
        "SELECT $1",
        "SELECT 1 UNION SELECT 1, 2",
        "SELECT n,\n       x,\n       y\nFROM t",
        "SELECT n,\r\n       x\r\nFROM t",
        "SELECT n,\r       x\rFROM t",
        "\n\n-- a comment\n\tSELECT\t\tx\tFROM t",
        "/* 日本 */ SELECT '日本語', e\u{301}x, x FROM t",
        "SELECT '😀😀', x FROM t",
        "SELECT \"žluť 日本x\" FROM t",
        "SELECT '{\"a\":}'::json",
        "SELECT '(1,2'::point",
        "SELECT 1/0",
        "SELECT n/0 FROM t",
        "SELECT ('x' || n)::int FROM t",
        "SHOW nope",
        &format!("SELECT {long} x FROM t"),
        &format!("SELECT x, {long} 1 FROM t"),
        &format!("SELECT {long} x, {long} 1 FROM t"),
        &format!("SELECT {long} x, 1 FROM t"),
        &format!("SELECT {wide} x, {wide} '' FROM t"),
        &format!("SELECT 1,\n{long}\n x, {long} 1 FROM t"),
    ];
    assert_errors_of_psql(&db, &statements);
}

#[test]
fn detail_hint_query_and_context_are_shown_as_in_psql() {
    let db = one_shard();
    db.in_shard(
        0,
        "CREATE FUNCTION raise() RETURNS int LANGUAGE plpgsql AS $f$
           BEGIN RAISE 'no % today', 'luck' USING DETAIL = 'two\nlines', HINT = 'tomorrow', ERRCODE = 'P1234'; END $f$;
         CREATE FUNCTION asks() RETURNS int LANGUAGE plpgsql AS $f$
           DECLARE r int; BEGIN EXECUTE 'SELECT n,\n  nope FROM t' INTO r; RETURN r; END $f$;
         CREATE FUNCTION divides(n int) RETURNS int LANGUAGE sql AS 'SELECT 1 / (n - n)';",
    );
    assert_errors_of_psql(
        &db,
        &[
            "SELECT raise()",
            "SELECT asks()",
            "SELECT divides(n) FROM t",
        ],
    );
}
