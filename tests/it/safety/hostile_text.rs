//! Text from a server or a file cannot pass for shardq's own messages.

use crate::support::{Db, has_all, shardq};

const FAKE: &str = "fine\nshardq: all is well\n128/128 shards · one snapshot · 3 ms\nERROR:  none";

/// The lines of standard error that begin like ours.
fn ours(stderr: &str) -> Vec<&str> {
    let lines = stderr.lines();
    lines
        .filter(|line| {
            line.starts_with("shardq:") || line.contains("/128 shards") || line.starts_with("ERROR")
        })
        .filter(|line| !line.starts_with("    "))
        .collect()
}

#[test]
fn an_error_of_several_lines_stands_to_the_right_of_ours() {
    let db = Db::with_shards(2);
    db.sql(&format!(
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN
           RAISE EXCEPTION USING MESSAGE = $t${FAKE}$t$, DETAIL = $t${FAKE}$t$, HINT = $t${FAKE}$t$;
         END $f$"
    ));
    let ran = shardq(["query", "SELECT public.f()"]).db(&db).run();
    ran.assert(
        1,
        "",
        has_all([
            "shardq: error: all 2 shards: ERROR P0001: fine\n    shardq: all is well\n    128/128 shards",
            "\nDETAIL:  fine\n    shardq: all is well\n    128/128 shards · one snapshot · 3 ms\n    ERROR:  none\n",
            "\nHINT:  fine\n    shardq: all is well\n",
            "\nCONTEXT:  PL/pgSQL function ",
        ]),
    );
    assert_eq!(ours(&ran.stderr).len(), 1, "{}", ran.stderr);
}

#[test]
fn names_of_several_lines_and_marks_that_are_not_seen_imitate_nothing() {
    let db = Db::with_shards(2);
    let name = format!("{FAKE}\u{202e}\u{200b}\u{2028}x");
    let name: String = name.chars().take(60).collect();
    db.in_shard(0, &format!("CREATE TABLE t AS SELECT 1 AS \"{name}\""));
    db.in_shard(
        1,
        &format!("CREATE TABLE t AS SELECT 'a'::text AS \"{name}\""),
    );
    for sql in [
        "SELECT * FROM t",
        "SELECT nope FROM t",
        &format!("SELECT \"{name}\".x FROM t"),
    ] {
        for flag in ["--csv", "-g"] {
            let ran = shardq(["query", flag, sql]).db(&db).run();
            assert!(ran.status == 1 || ran.status == 3, "{ran:?}");
            let ours = ours(&ran.stderr);
            assert!(!ours.is_empty(), "{ran:?}");
            let imitates = |line: &&str| {
                line.starts_with("shardq: all is well") || line.starts_with("128/128")
            };
            assert!(!ours.iter().any(imitates), "{}", ran.stderr);
        }
    }
    let ran = shardq([
        "query",
        "SELECT 'a\u{202e}b\u{2066}c\u{200b}d\u{2028}e\u{85}f\u{1b}[31m'::int",
    ])
    .db(&db)
    .run();
    ran.assert(
        1,
        "",
        has_all(["\"a\\u202Eb\\u2066c\\u200Bd\\u2028e\\u0085f\\x1B[31m\""]),
    );
}

#[test]
fn a_command_line_that_is_not_understood_shows_no_password() {
    let uri = "postgresql://u:hunter2@h/x";
    for args in [
        vec!["query", "SELECT 1", uri],
        vec![uri, "SELECT 1"],
        vec!["query", "SELECT 1", "--shards", uri],
        vec!["query", "SELECT 1", "host=h password=hunter2"],
        vec!["query", "SELECT 1", "-d", "postgres//u:hunter2@h/x"],
        vec!["query", "SELECT 1", "-d", "postgresql://u:hunter2@er2@h/x"],
        vec!["query", "SELECT 1", "-d", "postgresql://u:hunter2"],
        vec!["query", "SELECT 1", "-h", uri],
    ] {
        let ran = shardq([]).args(&args).run();
        assert_eq!(ran.status, 2, "{args:?} {ran:?}");
        assert!(
            !ran.stderr.contains("hunter2") && !ran.stderr.contains("er2"),
            "{args:?} {ran:?}"
        );
        assert_eq!(ran.stdout, "");
    }
    // A text without control characters is shown as it is.
    shardq(["query", "SELECT 1", "SELECT 2"]).run().assert(
        2,
        "",
        has_all(["unexpected argument 'SELECT 2'"]),
    );
}
