//! When a statement is answered with partials, when not, and why: with `--strategy`. `joins` is about
//! what proves a join, `given_up` about partials that turn out to be unsuitable.

mod given_up;
mod joins;

use crate::support::{ANY, Db, has, has_all, shardq};

/// Two shards with a table and another that references it. Ids belong to one shard: even in shard
/// 0, odd in shard 1.
fn db() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE a (id bigint PRIMARY KEY, name text, at timestamptz, n numeric, f float8);
         INSERT INTO a SELECT 2 * i + {n}, 'a' || i, timestamptz '2024-01-01 18:30Z' + i * interval '1 h', i, i
         FROM generate_series(1, 20) AS i;
         CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint REFERENCES a (id));
         INSERT INTO b SELECT id, id FROM a WHERE id > 10",
    );
    db
}

const JOIN: &str = "SELECT count(*) FROM a JOIN b ON a.id = b.a_id";

#[track_caller]
fn answers(db: &Db, args: &[&str], answer: &str) {
    shardq(["query", "-g", "-t", "--csv"])
        .args(args)
        .db(db)
        .run()
        .assert(0, format!("{answer}\n").as_str(), has("2/2 shards"));
}

#[track_caller]
fn explains(db: &Db, args: &[&str], parts: &[&str]) {
    shardq(["query", "-g", "--explain"])
        .args(args)
        .db(db)
        .run()
        .assert(0, has_all(parts), ANY);
}

#[track_caller]
fn is_not_had_in_parts(db: &Db, sql: &str, why: &str) {
    shardq(["query", "-g", "--strategy", "partial", sql])
        .db(db)
        .run()
        .assert(1, "", has_all(["--strategy partial", why]));
}

#[test]
fn a_semicolon_at_the_end_changes_nothing() {
    let db = db();
    for sql in [
        "SELECT count(*), max(name) FROM a;",
        "SELECT count(*), max(name) FROM a ; -- all of them",
    ] {
        answers(&db, &["--strategy", "partial", sql], "40,a9");
    }
}

#[test]
fn why_a_statement_is_not_had_in_parts_is_said() {
    let db = db();
    for (sql, why) in [
        ("SELECT stddev(n) FROM a", "the last digit of stddev"),
        (
            "SELECT variance(f) FROM a",
            "floating-point variance depend on the order",
        ),
        ("SELECT count(DISTINCT f) FROM a", "come back unchanged"),
        (
            "SELECT count(DISTINCT id), count(DISTINCT name) FROM a",
            "over different values",
        ),
        (
            "SELECT DISTINCT count(*) FROM a GROUP BY n",
            "DISTINCT outside",
        ),
        (
            "SELECT count(*) FROM a CROSS JOIN b",
            "something other than",
        ),
        (
            "SELECT count(*) FROM a RIGHT JOIN b USING (id)",
            "something other than",
        ),
        ("SELECT count(*) FROM a JOIN b ON a.n = b.id", "--colocated"),
    ] {
        is_not_had_in_parts(&db, sql, why);
        explains(&db, &[sql], &["one statement", why]);
    }
}

#[test]
fn floats_are_added_up_shard_by_shard_where_that_is_asked_for() {
    const FLAG: &str = "--float-sums-in-parts";
    const SUMS: &str = "SELECT sum(d), avg(d), sum(d) FILTER (WHERE d > 2), sum(r) FROM f";
    let db = db();
    db.in_each_shard("CREATE TABLE f (d double precision, r real)");
    db.in_shard(
        0,
        "INSERT INTO f VALUES (9007199254740992, 1.5), (NULL, NULL)",
    );
    db.in_shard(
        1,
        "INSERT INTO f VALUES (1, 2.25), (-9007199254740992, NULL)",
    );
    is_not_had_in_parts(&db, SUMS, FLAG);
    // Added one after the other, and shard 1 separately.
    answers(&db, &[SUMS], "0,0,9.007199254740992e+15,3.75");
    explains(&db, &[SUMS, FLAG], &["-- partial results"]);
    answers(
        &db,
        &[SUMS, FLAG],
        "1,0.3333333333333333,9.007199254740992e+15,3.75",
    );
    answers(
        &db,
        &["SELECT sum(d), avg(d) FROM f WHERE d = 5", FLAG],
        ",",
    );
    for (sql, why) in [
        ("SELECT avg(r) FROM f", "avg() of real"),
        ("SELECT variance(d) FROM f", "floating-point variance"),
    ] {
        explains(&db, &[sql, FLAG], &["one statement", why]);
    }
    shardq(["query", "-g", "--explain", SUMS, FLAG])
        .db(&db)
        .env("PGOPTIONS", "-c extra_float_digits=0")
        .run()
        .assert(0, has_all(["one statement", "extra_float_digits"]), ANY);
}

/// Each shard's connection would have its own time.
#[test]
fn what_differs_between_connections_is_had_in_one_statement() {
    let db = db();
    let why = "may mean something different in another session";
    for sql in [
        "SELECT current_timestamp, count(*) FROM a GROUP BY 1",
        "SELECT current_timestamp, id FROM a ORDER BY id LIMIT 9",
        "SELECT localtimestamp, count(*) FROM a GROUP BY 1",
        "SELECT current_date, count(*) FROM a",
        "SELECT max(id), current_user FROM a GROUP BY 2",
        "SELECT \"now\"(), count(*) FROM a GROUP BY 1",
        "SELECT \"random\"(), id FROM a ORDER BY id LIMIT 1",
    ] {
        explains(&db, &[sql], &["one statement", why]);
    }
    for sql in [
        r"SELECT count(*) FROM a WHERE at < E'\x6eow'",
        r"SELECT count(*) FROM a WHERE at < U&'n\006fw'",
        "SELECT count(*) FROM a WHERE at < 'no'\n'w'",
    ] {
        explains(&db, &[sql], &["one statement", "the current time"]);
        answers(&db, &[sql], "40");
    }
}

#[test]
fn labels_and_columns_called_like_modifiers_are_had_in_parts() {
    let db = db();
    db.in_each_shard("ALTER TABLE a ADD last int; UPDATE a SET last = id");
    for (sql, answer) in [
        ("SELECT count(*) n FROM a", "40"),
        ("SELECT n > 0 \"any\", count(*) c FROM a GROUP BY 1", "t,40"),
        ("SELECT id i FROM a ORDER BY last LIMIT 1", "2"),
        (
            "SELECT last FROM a ORDER BY last DESC NULLS LAST LIMIT 1",
            "41",
        ),
    ] {
        answers(&db, &["--strategy", "partial", sql], answer);
    }
}

/// Postgres calls the best match, in whatever schema it is.
#[test]
fn functions_and_operators_of_public_are_called_in_one_statement() {
    let db = db();
    db.in_each_shard("ALTER TABLE a ADD v varchar; UPDATE a SET v = name");
    let [max, plain] = ["SELECT max(v) FROM a", "SELECT min(v) FROM a"];
    explains(&db, &[max], &["-- partial results"]);
    db.sql(
        "CREATE FUNCTION public.first(varchar, varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$ SELECT 'mine'::varchar $$;
         CREATE AGGREGATE public.max(varchar) (sfunc = public.first, stype = varchar, initcond = 'none');
         CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$;
         CREATE FUNCTION public.never(varchar, varchar) RETURNS bool LANGUAGE sql AS $$ SELECT false $$;
         CREATE OPERATOR public.= (leftarg = varchar, rightarg = varchar, function = public.never)",
    );
    for (sql, answer) in [
        (max, "mine"),
        ("SELECT lower(v), count(*) FROM a GROUP BY 1", "mine,40"),
        ("SELECT count(*) FROM a WHERE v = v", "0"),
        ("SELECT count(*) FROM a WHERE v IN (v, v)", "0"),
    ] {
        explains(&db, &[sql], &["one statement", "outside pg_catalog"]);
        answers(&db, &[sql], answer);
    }
    explains(
        &db,
        &[plain.replace("(v)", "(id)").as_str()],
        &["-- partial results"],
    );
}

#[test]
fn timing_is_of_the_parts() {
    let db = db();
    let timed = |flags: &[&str], shown: &[&str]| {
        shardq([
            "query",
            "-gt",
            "--csv",
            "--timing",
            "SELECT count(*) FROM a",
        ])
        .args(flags)
        .db(&db)
        .run()
        .assert(0, "40\n", has_all(shown));
    };
    timed(
        &[],
        &[
            "shard_0 | ",
            "shard_1 | ",
            "per shard: median",
            "2/2 shards",
        ],
    );
    timed(
        &["--strategy", "one"],
        &["one statement ran over all shards", "2/2 shards"],
    );
}

#[test]
fn a_null_of_a_part_stays_one() {
    let db = db();
    db.in_shard(
        1,
        "INSERT INTO a (id, name) VALUES (100, NULL), (101, 'NULL')",
    );
    let sql = "SELECT name, count(*) FROM a WHERE id >= 100 GROUP BY name ORDER BY name";
    let off = |flags: &[&str]| {
        shardq(["query", "-gt", "--csv", sql])
            .args(flags)
            .db(&db)
            .env("PGOPTIONS", "-c array_nulls=off")
    };
    answers(&db, &[sql], "NULL,1\n,1");
    off(&[]).run().assert(0, "NULL,1\n,1\n", ANY);
    off(&["--explain"])
        .run()
        .assert(0, has("array_nulls is off"), ANY);
    off(&["--strategy", "partial"])
        .run()
        .assert(1, "", has("array_nulls is off"));
}
