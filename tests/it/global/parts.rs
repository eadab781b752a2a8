//! When a statement is answered with partials, when not, and why: with `--strategy` and
//! `--colocated`, and where the partials turn out to be unsuitable.

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
fn a_foreign_key_proves_a_join_unless_shards_have_ids_in_common() {
    let db = db();
    let why = ["-- partial results", "no two shards share an id"];
    explains(&db, &[JOIN], &why);
    answers(&db, &[JOIN], "31");
    db.in_shard(1, "INSERT INTO a (id) VALUES (12)");
    is_not_had_in_parts(&db, JOIN, "share ids");
    // Joins b in shard 0 with a in shard 1.
    answers(&db, &[JOIN], "32");
    db.in_shard(1, "DELETE FROM a WHERE id = 12");
    explains(&db, &[JOIN], &why);
}

#[test]
fn names_that_look_like_places_in_our_own_sql_prove_a_join_as_well() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        r#"CREATE TABLE "x{schemas}'""{table}" ("{schema}'""{table}" bigint PRIMARY KEY);
           CREATE TABLE b (a_id bigint REFERENCES "x{schemas}'""{table}");
           INSERT INTO "x{schemas}'""{table}" SELECT 2 * i + {n} FROM generate_series(1, 20) AS i;
           INSERT INTO b TABLE "x{schemas}'""{table}""#,
    );
    let join =
        r#"SELECT count(*) FROM "x{schemas}'""{table}" JOIN b ON a_id = "{schema}'""{table}""#;
    explains(
        &db,
        &[join],
        &["-- partial results", "no two shards share an id"],
    );
    answers(&db, &[join], "40");
}

#[test]
fn only_a_foreign_key_that_holds_in_every_shard_proves_a_join() {
    for change in [
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey",
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey; INSERT INTO b VALUES (1, 12);
         ALTER TABLE b ADD FOREIGN KEY (a_id) REFERENCES a NOT VALID",
        "CREATE TABLE heir () INHERITS (b); INSERT INTO heir VALUES (1, 12)",
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey; ALTER TABLE b ADD FOREIGN KEY (id) REFERENCES a",
    ] {
        let db = db();
        db.in_shard(1, change);
        is_not_had_in_parts(&db, JOIN, "a foreign key that every shard has");
        let stray = if change.contains("VALUES") {
            "32"
        } else {
            "31"
        };
        answers(&db, &[JOIN], stray);
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

#[test]
fn parts_that_are_too_large_are_one_statement() {
    let db = db();
    db.in_each_shard(
        "CREATE TABLE large (id int, x text);
         INSERT INTO large SELECT i, repeat('x', 1000000) FROM generate_series(1, 20) AS i",
    );
    let sql = "SELECT x FROM large ORDER BY id LIMIT 20";
    explains(&db, &[sql], &["-- partial results"]);
    is_not_had_in_parts(&db, sql, "too large to be worth");
    shardq(["query", "-gt", "--csv", sql])
        .db(&db)
        .run()
        .assert(0, ANY, has("20 rows"));
}

#[test]
fn parts_that_turn_out_too_many_are_given_up_early() {
    let db = Db::with_shards(8);
    // All of them together would not be too many: only the first shards' look like it.
    db.in_each_shard(
        "CREATE TABLE visits AS
             SELECT CASE WHEN {n} = 0 THEN i ELSE 1 END AS visitor FROM generate_series(1, 40000) AS i;
         ALTER TABLE visits ALTER visitor SET (n_distinct = 10);
         ANALYZE visits",
    );
    let sql = "SELECT visitor, count(*) FROM visits GROUP BY visitor ORDER BY visitor LIMIT 1";
    explains(&db, &[sql], &["-- partial results"]);
    for (strategy, how) in [
        ("auto", "one statement ran over"),
        ("partial", "per shard: median"),
    ] {
        shardq([
            "query",
            "-gt",
            "--csv",
            "--timing",
            "--strategy",
            strategy,
            sql,
        ])
        .db(&db)
        .run()
        .assert(0, "1,280001\n", has_all(["1 row · 8/8 shards", how]));
    }
}

#[test]
fn a_shard_that_waits_too_long_is_waited_for_once() {
    let db = db();
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_1.a");
    let asked = std::time::Instant::now();
    shardq([
        "query",
        "-g",
        "SELECT count(*) FROM a",
        "--lock-timeout",
        "2s",
    ])
    .db(&db)
    .run()
    .assert(
        1,
        "",
        has_all(["55P03", "shardq: hint: shard_1.a is locked by process"]),
    );
    assert!(asked.elapsed().as_secs_f64() < 3.9, "{:?}", asked.elapsed());
}

#[test]
fn colocated_is_believed() {
    let db = db();
    db.in_shard(
        1,
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey; INSERT INTO b VALUES (1, 12)",
    );
    explains(
        &db,
        &[JOIN, "--colocated"],
        &["-- partial results", "as --colocated asserts"],
    );
    answers(&db, &[JOIN], "32");
    answers(&db, &[JOIN, "--colocated"], "31");
    answers(&db, &[JOIN, "--colocated", "--strategy", "one"], "32");
    answers(
        &db,
        &[
            "SELECT count(*) FROM a JOIN b ON a.id = b.a_id AND a.shard = b.shard",
            "--strategy",
            "partial",
        ],
        "31",
    );
}

/// India's time zone is abbreviated `IST`, which reads back as Israel's.
#[test]
fn times_that_cannot_be_read_back_are_not_sent_back() {
    let db = db();
    let sql = "SELECT max(at) FROM a";
    let styled = |program: crate::support::Program| {
        program
            .env("PGDATESTYLE", "Postgres, DMY")
            .env("PGTZ", "Asia/Kolkata")
            .db(&db)
            .run()
    };
    styled(shardq(["query", "-g", "-t", "--csv", sql])).assert(
        0,
        "Tue 02 Jan 20:00:00 2024 IST\n",
        has("2/2 shards"),
    );
    styled(shardq(["query", "-g", "--strategy", "partial", sql])).assert(1, "", has("DateStyle"));
    answers(
        &db,
        &["--strategy", "partial", sql],
        "2024-01-02 14:30:00+00",
    );
}

#[test]
fn parts_of_too_many_rows_are_given_up_for_one_statement() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT 2 * i + {n} AS i FROM generate_series(1, 100001) AS i",
    );
    let sql = "SELECT count(DISTINCT i), count(*) FROM t";
    answers(&db, &[sql], "200002,200002");
    is_not_had_in_parts(&db, sql, "too large to be worth");
}

#[test]
fn sums_that_numeric_may_not_hold_are_given_up_for_one_statement() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT 10::numeric ^ 70000 AS x, 1e-9000::numeric * {n} AS y",
    );
    for (sql, answer) in [
        ("SELECT var_pop(x) FROM t", "0"),
        ("SELECT var_pop(y) > 0 FROM t", "f"),
    ] {
        answers(&db, &[sql], answer);
        shardq(["query", "-g", "--strategy", "partial", sql])
            .db(&db)
            .run()
            .assert(1, "", has("--strategy partial"));
    }
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

/// The analyzer cannot be sure about some syntax. If the server rejects the partial, the single
/// statement is used silently.
#[test]
fn parts_that_the_server_does_not_take_are_given_up_for_one_statement() {
    let db = db();
    let sql = "SELECT n end, count(*) FROM a GROUP BY n ORDER BY n LIMIT 1";
    let why = "the server types the partial result differently";
    explains(&db, &[sql], &["one statement", why]);
    answers(&db, &[sql], "1,2");
    is_not_had_in_parts(&db, sql, why);
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

/// `session_replication_role` lets such rows in, and the constraint still counts as valid.
#[test]
fn a_foreign_key_is_not_believed_of_rows_that_it_does_not_hold_for() {
    let db = db();
    explains(&db, &[JOIN], &["-- partial results"]);
    db.in_shard(
        1,
        "SET session_replication_role = replica; INSERT INTO b VALUES (1, 12);
         SET session_replication_role = origin",
    );
    is_not_had_in_parts(&db, JOIN, "share ids");
    answers(&db, &[JOIN], "32");
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
