//! `shardq shards`: what is in each shard, estimated or counted, as a table and as a map.

use std::fs;

use crate::support::{Db, Program, Ran, Terminal, has, has_all, shardq};

/// Shards of 1,000, 2,000 and 60,000 rows, analyzed.
fn uneven() -> Db {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int, text text); CREATE INDEX ON t (n)");
    for (shard, rows) in [(0, 1_000), (1, 2_000), (2, 60_000)] {
        db.in_shard(
            shard,
            &format!(
                "INSERT INTO t SELECT n, 'text' FROM generate_series(1, {rows}) AS n; ANALYZE t"
            ),
        );
    }
    db
}

fn shards<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    shardq(["shards"]).args(args).db(db)
}

/// What the server measures.
fn size(db: &Db, shard: u32) -> String {
    db.ask(&format!("SELECT pg_total_relation_size('shard_{shard}.t')"))
}

/// The first columns of CSV: the others are times.
fn first_columns(ran: &Ran, count: usize) -> Vec<String> {
    let lines = ran.stdout.lines();
    let first = |line: &str| line.split(',').take(count).collect::<Vec<_>>().join(",");
    lines.map(first).collect()
}

#[test]
fn estimates_are_those_of_the_last_analyze() {
    let db = uneven();
    // Not seen before the next ANALYZE.
    db.in_shard(
        0,
        "INSERT INTO t SELECT n, '' FROM generate_series(1, 9000) AS n",
    );
    let ran = shards(&db, ["--csv"]).run();
    let pages = |shard: u32| {
        db.ask(&format!(
            "SELECT sum(relpages) * 8192 FROM pg_class, (SELECT 'shard_{shard}.t'::regclass) AS t (id)
             WHERE oid = t.id
                 OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = t.id)
                 OR relname ~ ('^pg_toast_' || t.id::oid || '(_index)?$')"
        ))
    };
    assert_eq!(
        first_columns(&ran, 4),
        [
            "shard,tables,rows,size".to_owned(),
            format!("shard_0,1,1000,{}", pages(0)),
            format!("shard_1,1,2000,{}", pages(1)),
            format!("shard_2,1,60000,{}", pages(2)),
        ]
    );
    assert_eq!(ran.status, 0);
    let summary = [
        "about ",
        " · median ",
        " · largest shard_2 ",
        " · 3/3 shards · ",
    ];
    assert!(
        summary.iter().all(|part| ran.stderr.contains(part)),
        "{}",
        ran.stderr
    );
}

#[test]
fn exact_counts_every_row_once_and_measures_the_files() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t (n int PRIMARY KEY, big text);
         CREATE TABLE \"T, \"\"2\"\" <n>7</n>\" (n int);
         INSERT INTO \"T, \"\"2\"\" <n>7</n>\" VALUES (1);
         CREATE TABLE child () INHERITS (t);
         CREATE TABLE p (n int) PARTITION BY RANGE (n);
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
         CREATE MATERIALIZED VIEW m AS SELECT 1 AS n;
         CREATE VIEW v AS SELECT * FROM t",
    );
    db.in_shard(
        1,
        "INSERT INTO t SELECT n, repeat('x', 50000) || n FROM generate_series(1, 100) AS n;
         ALTER TABLE t ALTER big SET STORAGE EXTERNAL; UPDATE t SET big = big || 'y';
         INSERT INTO child VALUES (1); INSERT INTO p VALUES (1), (2)",
    );
    let measured = |shard| {
        db.ask(&format!(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class
             WHERE relnamespace = 'shard_{shard}'::regnamespace AND relkind IN ('r', 'm')"
        ))
    };
    let ran = shards(&db, ["--exact", "--csv"]).run();
    assert_eq!(
        first_columns(&ran, 4),
        [
            "shard,tables,rows,size".to_owned(),
            format!("shard_0,5,2,{}", measured(0)),
            format!("shard_1,5,105,{}", measured(1)),
        ]
    );
    assert!(ran.stderr.contains(" · 2/2 shards · "), "{}", ran.stderr);
    assert!(!ran.stderr.contains("about"), "{}", ran.stderr);
}

#[test]
fn a_shard_that_cannot_be_counted_is_named_and_has_no_numbers() {
    let db = uneven();
    let mut lock = db.session();
    lock.run("BEGIN; LOCK TABLE shard_1.t");
    let args = ["--exact", "--csv", "--lock-timeout", "50ms"];
    let ran = shards(&db, args).run();
    assert_eq!(ran.status, 3, "{}", ran.stderr);
    let rows = first_columns(&ran, 4);
    assert_eq!(rows[1], format!("shard_0,1,1000,{}", size(&db, 0)));
    assert_eq!(rows[2], "shard_1,1,,");
    let stderr = [
        "shardq: error: shard_1: ",
        "lock timeout",
        " · 2/3 shards, missing: shard_1 · ",
    ];
    assert!(
        stderr.iter().all(|part| ran.stderr.contains(part)),
        "{}",
        ran.stderr
    );
    // An estimate opens no table.
    assert_eq!(shards(&db, ["--csv"]).run().status, 0);
}

#[test]
fn a_policy_that_hides_rows_is_an_error_rather_than_a_wrong_count() {
    let db = uneven();
    db.in_shard(2, "ALTER TABLE t ENABLE ROW LEVEL SECURITY");
    let role = format!("counts_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN"));
    for n in 0..3 {
        db.sql(&format!(
            "GRANT USAGE ON SCHEMA shard_{n} TO {role}; GRANT SELECT ON shard_{n}.t TO {role}"
        ));
    }
    let ran = shards(&db, ["--exact", "--csv", "-U", &role]).run();
    assert_eq!(first_columns(&ran, 4)[3], "shard_2,1,,");
    assert_eq!(ran.status, 3);
    assert!(ran.stderr.contains("row-level security"), "{}", ran.stderr);
}

#[test]
fn tables_that_were_never_analyzed_are_reported() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int); CREATE TABLE u (n int)");
    db.in_shard(
        1,
        "INSERT INTO t VALUES (1); INSERT INTO u VALUES (1); ANALYZE t, u",
    );
    let warning = "shardq: warning: 4 tables in shard_0, shard_2 were never analyzed, so sizes and \
                   rows lack them; run ANALYZE there, or use --exact\n";
    let ran = shards(&db, ["--csv", "-q"]).run();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, warning));
    let ran = shards(&db, ["--csv", "-q", "--exact"]).run();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn the_largest_come_first_and_the_summary_is_of_all() {
    let db = uneven();
    let names = |args: &[&str]| {
        let ran = shards(&db, ["--csv"]).args(args).run();
        assert!(ran.stderr.contains(" · 3/3 shards · "), "{}", ran.stderr);
        let rows = first_columns(&ran, 1).into_iter().skip(1);
        rows.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&["--top", "2"]), "shard_2 shard_1");
    assert_eq!(names(&["--top", "1", "--by", "rows"]), "shard_2");
    assert_eq!(names(&["--top", "1", "--sort", "name"]), "shard_0");
    assert_eq!(names(&["--sort", "rows"]), "shard_2 shard_1 shard_0");
    shards(&db, ["--by", "rows", "--csv"]).run().assert(
        0,
        has(",0.952381,"),
        has("about 63,000 rows · median 2,000 · largest shard_2 60,000, 30.0 times the median · "),
    );
}

#[test]
fn sizes_are_for_people_in_a_table_and_bytes_for_programs() {
    let db = uneven();
    let bar = "█".repeat(20);
    shards(&db, []).run().assert(
        0,
        has_all(["|  rows  |", " MB | ", &bar]),
        has("3/3 shards"),
    );
    shards(&db, ["--json"]).run().assert(
        0,
        has_all([
            "\"rows\":60000,\"size\":",
            ",\"share\":0.9",
            ",\"vacuumed\":null",
        ]),
        has("3/3 shards"),
    );
    shards(&db, ["--markdown"])
        .run()
        .assert(0, has_all([" MB |", " % |"]), has("3/3 shards"));
}

#[test]
fn a_map_shows_the_hot_shard() {
    let db = uneven();
    let map = |program: Program| Terminal::start(program, 100, 30).finish();
    shards(&db, ["--map"]).run().assert(
        0,
        has_all(["0 ", "@@\n\nsize: ", "(logarithmic)\n"]),
        has(" · largest shard_2 "),
    );
    let red = "\x1b[48;2;215;25;28m  \x1b[0m";
    let colored = map(shards(&db, ["--map"]).env("COLORTERM", "truecolor"));
    assert!(
        colored.stdout.contains(&format!("{red}\n\nsize: ")),
        "{colored:?}"
    );
    let sixteen = map(shards(&db, ["--map"]).env("TERM", "xterm"));
    assert!(
        sixteen.stdout.contains("\x1b[41m  \x1b[0m\n\nsize"),
        "{sixteen:?}"
    );
    let plain = map(shards(&db, ["--map"]).env("NO_COLOR", "1"));
    assert!(plain.stdout.contains("@@\n\nsize"), "{plain:?}");
}

#[test]
fn a_picture_has_a_tooltip_per_shard() {
    let db = uneven();
    db.sql("CREATE SCHEMA \"shard_<&\"");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("map.svg");
    let path = file.to_str().unwrap();
    let args = [
        "--svg",
        path,
        "--by",
        "rows",
        "--csv",
        "--schemas",
        "shard_*",
    ];
    shards(&db, args)
        .run()
        .assert(0, has("shard_0,1,1000,"), has("4/4 shards"));
    let svg = fs::read_to_string(&file).unwrap();
    assert!(
        svg.contains("<title>shard_2: rows 60,000, 95.2 % of all, 1 table, "),
        "{svg}"
    );
    assert!(
        svg.contains("<title>shard_&lt;&amp;: rows 0, 0.0 % of all, 0 tables, "),
        "{svg}"
    );
    let missing = folder.path().join("no/map.svg");
    shards(&db, ["--svg", missing.to_str().unwrap()])
        .run()
        .assert(1, "", has("the directory does not exist"));
}

#[test]
fn selected_shards_with_names() {
    let db = Db::empty();
    for tenant in ["acme", "beta", "chef"] {
        db.sql(&format!(
            "CREATE SCHEMA tenant_{tenant}; CREATE TABLE tenant_{tenant}.t AS SELECT 1 AS n;
             ANALYZE tenant_{tenant}.t"
        ));
    }
    let args = [
        "--schemas",
        "tenant_{name}",
        "--shards",
        "acme,chef",
        "--csv",
    ];
    let ran = shards(&db, args).run();
    assert_eq!(
        first_columns(&ran, 3),
        ["shard,tables,rows", "tenant_acme,1,1", "tenant_chef,1,1"]
    );
    assert!(
        ran.stderr.contains(" · 2/2 shards of 3 · "),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let db = Db::empty();
    let usage = |args: &[&str], reason| {
        let ran = shards(&db, []).args(args).run();
        ran.assert(2, "", has(reason));
    };
    usage(&["--map", "--csv"], "--map");
    usage(&["--map", "--top", "3"], "--map");
    usage(&["--top", "0"], "--top");
    shards(&db, []).run().assert(1, "", has("has no shards"));
}

#[test]
fn a_query_measures_each_shard() {
    let db = uneven();
    let by = ["--by", "count(*) FILTER (WHERE n > 1000) FROM t"];
    let ran = shards(&db, ["--csv", "--sort", "value"]).args(by).run();
    let values: Vec<_> = ran.stdout.lines().skip(1).collect();
    let of = |line: &str| {
        let columns: Vec<_> = line.split(',').collect();
        [columns[0], columns[4], columns[5]].join(" ")
    };
    assert_eq!(
        values.iter().map(|line| of(line)).collect::<Vec<_>>(),
        [
            "shard_2 59000 0.983333",
            "shard_1 1000 0.016667",
            "shard_0 0 0.000000"
        ]
    );
    ran.assert(
        0,
        has("shard,tables,rows,size,value,share,dead_rows,"),
        has("total 60,000 · median 1,000 · largest shard_2 59,000, 59.0 times the median · 3/3 shards"),
    );
    let query = "SELECT avg(n) / 1e6 AS mean FROM t WHERE n > 1000";
    shards(&db, ["--json", "--by", query, "--top", "1"])
        .run()
        .assert(0, has("\"value\":0.0305"), has("3/3 shards"));
    let map = shards(&db, ["--map", "--by", query]).run();
    map.assert(
        0,
        has_all(["?", "SELECT avg(n) / 1e6 AS mean FROM t WHERE n > 1000: 0"]),
        has("3/3 shards"),
    );
}

#[test]
fn a_measure_is_one_number() {
    let db = uneven();
    for (by, reason) in [
        ("SELECT n FROM t", "shard_0: --by returned 1000 rows"),
        ("SELECT 1, 2", "shard_0: --by returned 2 columns"),
        (
            "SELECT min(text) FROM t",
            "shard_0: --by returned \"text\", not one number",
        ),
        (
            "SELECT -1",
            "returned \"-1\", not one number that is 0 or more",
        ),
    ] {
        shards(&db, ["--by", by]).run().assert(1, "", has(reason));
    }
    shards(&db, ["--by", "sise"])
        .run()
        .assert(2, "", has("expected size, rows, dead or a query"));
    shards(&db, ["--by", "count(*) FROM nothing"]).run().assert(
        1,
        has("(3 rows)"),
        has_all([
            "relation \"nothing\" does not exist",
            "nothing counted · 0/3 shards",
        ]),
    );
    // Some shards alone cannot answer.
    db.in_shard(1, "ALTER TABLE t RENAME TO u");
    shards(&db, ["--csv", "--by", "count(*) FROM t"])
        .run()
        .assert(
            3,
            has("shard_1,1,2000,"),
            has_all([
                "shard_1: ",
                "relation \"t\" does not exist",
                "2/3 shards, missing: shard_1",
            ]),
        );
}
