//! Shards in the middle of a migration: tables that differ count as one table if the statement
//! needs only what they have in common.

use shardq::global::{Colocation, Strategy};

use super::differential::{all, assert_same};
use super::world::World;
use super::{answered, generator, refused};
use crate::support::{Db, has, has_all, shardq};

/// Half of the shards have an extra column, whose name other tables have too.
fn rolling() -> Db {
    let db = Db::with_shards(4);
    db.in_each_shard(
        "CREATE TABLE jobs (id int, origin int, state text);
         CREATE TABLE origins (id int, note text);
         INSERT INTO jobs VALUES ({n}, {n}, 'done'), ({n} + 10, {n}, 'open');
         INSERT INTO origins VALUES ({n}, 'note {n}')",
    );
    db.in_shard(0, "ALTER TABLE jobs ADD note text DEFAULT 'new'");
    db.in_shard(1, "ALTER TABLE jobs ADD note text DEFAULT 'new'");
    db.in_shard(2, "ALTER TABLE origins ADD jobs int");
    db
}

const HINT: &str = "not needed: shard_2-3: \"jobs\" has no column \"note\"";

#[test]
fn a_column_that_is_not_needed_may_be_missing() {
    let db = rolling();
    for (sql, answer) in [
        ("SELECT count(*) FROM jobs", "8"),
        (
            "SELECT state, max(id) FROM jobs GROUP BY state ORDER BY 1",
            "done,3\nopen,13",
        ),
        ("SELECT j.id FROM jobs AS j ORDER BY id DESC LIMIT 1", "13"),
        (
            "SELECT o.note FROM jobs j JOIN origins o ON o.id = j.origin WHERE j.id = 13",
            "note 3",
        ),
        (
            "SELECT o.* FROM public.one o JOIN jobs j ON j.id = o.id",
            "1,x",
        ),
        ("SELECT id AS note FROM jobs ORDER BY note LIMIT 1", "0"),
        (
            "SELECT count(*) FROM origins o WHERE EXISTS (SELECT * FROM jobs j WHERE j.id = o.id)",
            "4",
        ),
        (
            "SELECT count(note) FROM (SELECT state AS note FROM jobs) AS s",
            "8",
        ),
        (
            "SELECT shard, count(*) FROM jobs GROUP BY shard ORDER BY 1 LIMIT 1",
            "shard_0,2",
        ),
    ] {
        db.sql("CREATE TABLE IF NOT EXISTS public.one AS SELECT 1 AS id, 'x'::text AS note");
        for strategy in ["auto", "one"] {
            shardq(["query", "-g", "-t", "--csv", "--strategy", strategy, sql])
                .db(&db)
                .run()
                .assert(0, &format!("{answer}\n"), has_all([HINT, "4/4 shards"]));
        }
    }
    shardq([
        "query",
        "-g",
        "-q",
        "-t",
        "--csv",
        "SELECT count(*) FROM jobs",
    ])
    .db(&db)
    .run()
    .assert(0, "8\n", "");
}

#[test]
fn what_needs_a_column_that_shards_lack_is_refused_with_the_shards() {
    let db = rolling();
    let differ = "shard_2-3: \"jobs\" has no column \"note\"";
    for (sql, why) in [
        ("SELECT note FROM jobs", "--skip-missing"),
        ("SELECT j.note FROM jobs j", "--skip-missing"),
        ("SELECT (j).note FROM jobs j", "differ"),
        ("SELECT * FROM jobs", "* means every column"),
        (
            "SELECT count(*) FROM (SELECT DISTINCT * FROM jobs) AS s",
            "* means every column",
        ),
        (
            "SELECT j.* FROM origins o JOIN jobs AS j ON true",
            "* means every column",
        ),
        ("TABLE jobs", "TABLE returns every column"),
        ("SELECT jobs FROM jobs", "a whole row"),
        ("SELECT count(DISTINCT j) FROM jobs AS j", "a whole row"),
        (
            "SELECT j::text FROM (jobs CROSS JOIN public.one) AS j",
            "a whole row",
        ),
        ("SELECT row_to_json(j) FROM jobs j", "a whole row"),
        ("SELECT j.row_to_json FROM jobs j", "a whole row"),
        ("SELECT count(*) FROM jobs NATURAL JOIN origins", "NATURAL"),
        (
            "SELECT count(*) FROM jobs JOIN public.one USING (note)",
            "differ",
        ),
        ("SELECT a FROM jobs AS j (a)", "column aliases"),
    ] {
        db.sql("CREATE TABLE IF NOT EXISTS public.one AS SELECT 1 AS id, 'x'::text AS note");
        refused(
            &db,
            sql,
            &["table definitions differ between shards", differ, why],
        );
    }
}

/// Most shards lack it, and yet it is part of a whole row.
#[test]
fn a_column_that_few_shards_have_is_part_of_whole_rows() {
    let db = rolling();
    let more = "shard_2: \"origins\" has an extra column \"jobs\"";
    for sql in [
        "SELECT * FROM origins",
        "SELECT count(DISTINCT o) FROM origins o",
        "SELECT count(*) FROM origins NATURAL JOIN public.one",
        "TABLE origins",
    ] {
        db.sql("CREATE TABLE IF NOT EXISTS public.one AS SELECT 1 AS jobs");
        refused(&db, sql, &["table definitions differ between shards", more]);
    }
    let skip = |sql: &str| {
        let args = ["query", "-g", "-t", "--csv", "--skip-missing", sql];
        shardq(args).db(&db).run()
    };
    skip("SELECT * FROM origins ORDER BY id LIMIT 1").assert(
        0,
        "0,note 0\n",
        has_all([format!("warning: left out: {more}").as_str(), "4/4 shards"]),
    );
    skip("SELECT count(*) FROM origins NATURAL JOIN public.one").assert(1, "", has(more));
    skip("SELECT jobs FROM origins").assert(
        3,
        "\n",
        has_all(["left out: shard_0-1, shard_3", "1/4"]),
    );
}

/// Without the column, each of these would silently mean something else.
#[test]
fn a_name_is_never_taken_for_something_else_where_a_column_is_left_out() {
    let db = rolling();
    db.sql(
        "CREATE FUNCTION public.note(anyelement) RETURNS text LANGUAGE sql AS 'SELECT ''function'''",
    );
    for sql in [
        "SELECT (SELECT max(note) FROM jobs WHERE id = o.id) FROM origins o",
        "SELECT o.id FROM origins o WHERE o.id IN (SELECT j.id FROM jobs j WHERE note = 'new')",
        "SELECT o.id FROM origins o, LATERAL (SELECT note FROM jobs LIMIT 1) AS s",
        "SELECT j.note FROM jobs j",
        "SELECT note(j) FROM jobs j",
        "SELECT max(id), state AS note FROM jobs GROUP BY state, note",
        "SELECT note FROM jobs JOIN origins USING (id)",
    ] {
        refused(
            &db,
            sql,
            &[
                "table definitions differ between shards",
                "shard_2-3: \"jobs\"",
            ],
        );
    }
}

#[test]
fn errors_of_the_statement_itself_stay_what_they_are() {
    let db = rolling();
    for (sql, error) in [
        (
            "SELECT nosuch FROM jobs",
            "42703: column \"nosuch\" does not exist",
        ),
        (
            "SELECT id FROM jobs JOIN origins ON true",
            "42702: column reference \"id\" is ambiguous",
        ),
        (
            "SELECT count(*) FROM jobs, nosuch",
            "\"nosuch\" does not exist",
        ),
    ] {
        refused(&db, sql, &[error]);
    }
}

#[test]
fn a_column_shard_that_some_shards_have_is_not_mistaken_for_the_name_of_the_shard() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (id int); INSERT INTO t VALUES ({n})");
    db.in_shard(1, "ALTER TABLE t ADD shard text DEFAULT 'mine'");
    refused(
        &db,
        "SELECT shard FROM t",
        &["shard_0: \"t\" has no column \"shard\""],
    );
    answered(&db, "SELECT count(*) FROM t", "2");
}

#[test]
fn lengths_and_precisions_may_differ() {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE t (v varchar(10), n numeric(10, 2), c char(3), a varchar(5)[], b bit(3));
         INSERT INTO t VALUES ('v{n}', {n}.25, 'c{n}', '{a{n}}', B'101')",
    );
    db.in_shard(
        1,
        "ALTER TABLE t ALTER v TYPE varchar(20), ALTER n TYPE numeric(12, 4), ALTER c TYPE char(5),
             ALTER a TYPE varchar(9)[]; UPDATE t SET v = 'fifteen letters'",
    );
    answered(&db, "SELECT v FROM t ORDER BY v", "fifteen letters\nv0\nv2");
    answered(&db, "SELECT n FROM t ORDER BY n", "0.25\n1.2500\n2.25");
    answered(
        &db,
        "SELECT c, a FROM t ORDER BY c",
        "c0   ,{a0}\nc1   ,{a1}\nc2   ,{a2}",
    );
    answered(&db, "SELECT count(*) FROM (SELECT * FROM t) AS s", "3");
    db.in_shard(2, "ALTER TABLE t ALTER b TYPE bit(4) USING B'1010'");
    refused(
        &db,
        "SELECT b FROM t",
        &["shard_2: column \"b\" of \"t\" is bit(4), but bit(3) in most shards"],
    );
    answered(&db, "SELECT count(v) FROM t", "3");
}

#[test]
fn types_made_of_a_shards_own_are_matched_by_what_they_are_made_of() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE DOMAIN amount AS int CHECK (value >= 0);
         CREATE TYPE pair AS (n int, mood mood, word text); CREATE TYPE span AS RANGE (subtype = numeric);
         CREATE DOMAIN moods AS mood[];
         CREATE TABLE t (id int, m mood[], a amount[], p pair, ps pair[], s span, d moods);
         INSERT INTO t VALUES ({n}, '{{bad,NULL},{ok,ok}}', '[2:3]={1,7}', '(1,bad,\"a,\")',
             '{\"(2,ok,)\",NULL}', '[1,7.50]', '{ok}'); INSERT INTO t (id) VALUES ({n} + 10)",
    );
    let row = "\"{{bad,NULL},{ok,ok}}\",\"[2:3]={1,7}\",\"(1,bad,\"\"a,\"\")\",\"{\"\"(2,ok,)\"\",NULL}\",\"[1,7.50]\",{ok}";
    answered(
        &db,
        "SELECT m, a, p, ps, s, d FROM t ORDER BY id",
        &format!("{row}\n{row}\n,,,,,\n,,,,,"),
    );
    answered(
        &db,
        "SELECT count(*), count(DISTINCT m), count(DISTINCT p), count(DISTINCT s), max(m[1][1]) FROM t",
        "4,1,1,1,bad",
    );
    db.in_shard(1, "ALTER TYPE mood ADD VALUE 'good'");
    answered(&db, "SELECT sum(id) FROM t", "22");
    refused(&db, "SELECT p FROM t", &["column \"p\" of \"t\""]);
}

#[test]
fn a_type_that_cannot_be_matched_hinders_only_what_needs_it() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE at AS (t timestamptz); CREATE TABLE t (id int, at at);
         INSERT INTO t VALUES ({n}, ROW('2024-01-01 00:00Z'))",
    );
    shardq(["query", "-g", "-t", "--csv", "SELECT sum(id) FROM t"])
        .db(&db)
        .run()
        .assert(
            0,
            "1\n",
            has("not needed: shard_0-1: column \"at\" of \"t\" is at"),
        );
    for extra in ["--quiet", "--skip-missing"] {
        shardq(["query", "-g", "SELECT at FROM t", extra])
            .db(&db)
            .run()
            .assert(
                1,
                "",
                has_all([
                    "each shard defines itself",
                    "--shards N",
                    "without --global",
                ]),
            );
    }
    shardq([
        "query",
        "-g",
        "-t",
        "--csv",
        "--shards",
        "1",
        "SELECT id, (at).t IS NULL FROM t",
    ])
    .db(&db)
    .run()
    .assert(0, "1,f\n", has("1/1 shards"));
}

#[test]
fn an_answer_that_lacks_shards_exits_3_and_names_each_once() {
    let db = Db::with_shards(5);
    db.in_each_shard("CREATE TABLE t (id int, a int, b int); INSERT INTO t VALUES ({n}, 1, 2)");
    db.in_shard(1, "ALTER TABLE t DROP a, DROP b");
    db.in_shard(2, "ALTER TABLE t DROP a, DROP b");
    db.in_shard(3, "DROP TABLE t");
    let query = |sql: &str| {
        shardq(["query", "-g", "-t", "--csv", "--skip-missing", sql])
            .db(&db)
            .run()
    };
    query("SELECT sum(id + a - a + b - b) FROM t").assert(
        3,
        "4\n",
        has_all([
            "warning: left out: shard_1-2: \"t\" has no column \"a\"\n",
            "warning: left out: shard_3: no table \"t\"\n",
            "1 row · 2/5 shards",
        ]),
    );
    query("SELECT * FROM t ORDER BY id").assert(3, "0,1,2\n4,1,2\n", has("2/5 shards"));
    let ran = query("SELECT sum(id) FROM t");
    let warnings = ran.stderr.lines().filter(|line| line.contains("warning"));
    assert_eq!(warnings.count(), 1, "{}", ran.stderr);
    ran.assert(3, "7\n", has_all(["not needed: shard_1-2", "4/5 shards"]));
    db.in_shard(3, "CREATE TABLE t (id int)");
    query("SELECT sum(id) FROM t").assert(0, "7\n", has("5/5 shards"));
}

/// Statements that are answered match a single table with the common columns.
#[test]
fn drifted_tables_answer_like_one_table_of_what_they_have_in_common() {
    let world = World::drifted(4, "id % 4");
    let thousand = [all(), generator::thousand()].concat();
    for (strategy, asked, least) in [
        (Strategy::One, thousand, 900),
        (Strategy::Partial, all(), 200),
    ] {
        let answered = assert_same(&world, &asked, strategy, Colocation::Unknown);
        assert!(answered > least, "only {answered} were answered");
    }
}
