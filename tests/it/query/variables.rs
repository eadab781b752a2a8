//! psql's variables in SQL: psql itself says what is right.

use std::fs;

use crate::support::{ANY, Db, folder, has, shardq};

const VALUES: [&str; 11] = [
    "x=it's",
    "y=a\"b",
    "n=42",
    "int=text",
    r"back=a\b",
    "empty=",
    "expr=1 + 1",
    "inner=:n",
    "loop=:loop",
    "日本=wide",
    "2=two",
];

#[test]
fn they_are_replaced_as_in_psql() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("a.sql");
    for sql in [
        "SELECT :'x'",
        "SELECT 1 AS :\"y\"",
        "SELECT :n, :n+:n, (:n)",
        "SELECT :n::int, :'n'::int, '1'::int, :n ::text",
        "SELECT :'back', :'empty', ':n', $$:n$$, $a$:'n'$a$, E':n\\':n', U&':n', \":n\" FROM (SELECT 1 AS \":n\") a",
        "SELECT 1 /* :n /* :n */ */ -- :n :'x'\n, :n",
        "SELECT :expr, :inner, :'inner', :{?n}, :{?nope}, :{?empty}",
        "SELECT (ARRAY[1,2,3])[1:3], (ARRAY[1,2,3])[ 1 : 3 ]",
        "SELECT (ARRAY[1,2,3])[1:n] FROM (SELECT 2 AS n) a",
        "SELECT :日本 FROM (SELECT 1 AS wide) a",
        "SELECT :'日本', :'2'",
        "SELECT 'a' :empty 'b'",
        "SELECT n:nope FROM (SELECT 1 AS n) a",
        "SELECT :'nope'",
        "SELECT :\"nope\"",
        "SELECT :'n",
        "SELECT :{?n, 1",
        "SELECT :loop",
        "SELECT 1 AS a, :'x' AS \"it's :n\", 'it''s :n' AS b",
        "SELECT '{\"a\": 1}'::json, '[1,2]'::jsonb->:n",
        "SELECT $1:n",
        "SELECT x:n, 3 FROM (SELECT 1 AS x) a",
        "SELECT 1:n",
    ] {
        fs::write(&file, sql).unwrap();
        let values = VALUES.iter().flat_map(|value| ["-v", value]);
        let psql = db.psql_program(["-f"]).args([&file]);
        let theirs = psql.args(values.clone()).run();
        let ours = shardq(["query", "-q", "--no-shard-column", "-f"]).args([&file]);
        let ours = ours.args(values.clone()).db(&db).run();
        ours.assert(
            i32::from(theirs.stderr.contains("ERROR")),
            &theirs.stdout,
            ANY,
        );
        let message = theirs
            .stderr
            .lines()
            .find_map(|line| line.split_once("ERROR:  "));
        if let Some((_, message)) = message {
            assert!(
                ours.stderr.contains(message),
                "{sql}\n{}{}",
                theirs.stderr,
                ours.stderr
            );
        }
        // Unlike in psql, -c has them too.
        let command = shardq(["query", "-q", "--no-shard-column", "-c", sql]);
        let command = command.args(values).db(&db).run();
        assert_eq!(
            (&command.stdout, command.status),
            (&ours.stdout, ours.status),
            "{sql}"
        );
    }
}

#[test]
fn global_queries_and_exports_have_them() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (n int); INSERT INTO t VALUES ({n}), (5)");
    let sql = "SELECT count(*) AS :\"name\" FROM :table WHERE n = :'n'";
    let values = ["--set", "n=5", "--variable=table=t", "-vname=how many"];
    let query = shardq(["query", "-gq", "--csv", sql]).args(values);
    query.db(&db).run().assert(0, "how many\n2\n", "");
    let export = shardq(["export", "-q", "-o-", sql]).args(values);
    export
        .db(&db)
        .run()
        .assert(0, "shard,how many\nshard_0,1\nshard_1,1\n", "");
    let export = shardq(["export", "-gq", "-o-", sql]).args(values);
    export.db(&db).run().assert(0, "how many\n2\n", "");
    // The last of one name counts, and a name alone makes it undefined.
    let last = shardq(["query", "-gqt", "--csv", "SELECT :n FROM t LIMIT 1"]);
    let values = ["-v", "n=1", "-v", "n", "-v", "n=3"];
    last.args(values).db(&db).run().assert(0, "3\n", "");
    for wrong in ["=1", "a-b=1", "a b", ""] {
        let query = shardq(["query", "SELECT 1", "-v", wrong]).run();
        query.assert(2, "", has("expected NAME=VALUE; a name has letters"));
    }
}

#[test]
fn a_value_may_end_a_statement_of_a_file_as_in_psql() {
    let db = Db::with_shards(1);
    let sql = "SELECT :two, 3;\nSELECT :'two' AS \"c\" :nothing;";
    let values = ["-v", "two=1 AS a; SELECT 2 AS b", "-v", "nothing=-- ;"];
    let theirs = db
        .psql_program(["-f-"])
        .args(values)
        .stdin(sql)
        .run()
        .output();
    let ours = || {
        shardq(["query", "-q", "--no-shard-column"])
            .args(values)
            .db(&db)
    };
    ours().stdin(sql).run().assert(0, &theirs, "");
    // -c and the argument are one statement, whatever a value holds.
    let one = ours().args(["-c", "SELECT :two"]).run();
    one.assert(1, "", has("expected one statement, got several"));
}

#[test]
fn an_error_points_at_the_users_own_text() {
    let db = Db::with_shards(1);
    db.in_shard(0, "CREATE TABLE t (n int)");
    let long = format!("long={}", "x".repeat(90));
    for (sql, shown) in [
        (
            "SELECT :'long',\n :n, nope FROM t",
            "LINE 2:  :n, nope FROM t\n             ^\n",
        ),
        (
            "SELECT :'long', :bad FROM t",
            "LINE 1: SELECT :'long', :bad FROM t\n                        ^\n",
        ),
        (
            "SELECT :'long', :deep, nope FROM t",
            "LINE 1: SELECT :'long', :deep, nope FROM t\n                               ^\n",
        ),
    ] {
        for command in [&["query", "-q"][..], &["query", "-gq"], &["export", "-qo-"]] {
            let ran = shardq([]).args(command).args([
                "-v",
                &long,
                "-v",
                "n=1",
                "-v",
                "bad=1, nope",
                "-v",
                "deep=:n",
                sql,
            ]);
            ran.db(&db).run().assert(1, "", has(shown));
        }
    }
}

#[test]
fn a_variable_that_may_be_in_a_string_is_refused() {
    let sql = r"SELECT 'a\' :n, ' '";
    let query = shardq(["query", sql]).args(["-v", "n=1"]);
    query.run().assert(
        2,
        "",
        has("shardq: error: the SQL argument: a backslash stands before"),
    );
    let db = Db::with_shards(1);
    let unused = shardq(["query", "-q", "-t", "--csv", r"SELECT 'a\', 1"]);
    unused
        .args(["-v", "n=1"])
        .db(&db)
        .run()
        .assert(0, "shard_0,a\\,1\n", "");
}
