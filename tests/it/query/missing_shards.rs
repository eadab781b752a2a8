//! Missing shards, and schemas that only look like shards, are not dropped from the count.

use std::fs;

use serde_json::Value;

use crate::support::{ANY, Db, has, has_all, shardq, without_location};

/// Shards with one row each, and schemas that look like shards.
fn with_look_alikes(shards: impl IntoIterator<Item = u32>, look_alikes: &[&str]) -> Db {
    let db = Db::empty();
    db.create_shards(shards);
    for schema in look_alikes {
        db.sql(&format!("CREATE SCHEMA \"{schema}\""));
    }
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    db
}

/// Numbers with leading zeros, except at the end.
fn padded() -> Db {
    let names: Vec<_> = (0..8).map(|n| format!("shard_00{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    with_look_alikes([100, 101], &names)
}

const PADDED: &str = "shard_000, shard_001, shard_002, shard_003, shard_004 and 3 more";

#[test]
fn what_looks_like_a_shard_is_named() {
    let names = [
        "shard_007",
        "Shard_2",
        "shard_2_old",
        "shard_",
        "SHARD_3",
        "shard-4",
    ];
    let db = with_look_alikes([0, 1], &names);
    for schema in ["shard_map", "sharding", "my_shard_9", "public_1"] {
        db.sql(&format!("CREATE SCHEMA \"{schema}\""));
    }
    shardq(["query", "-qt", "--csv", "SELECT n FROM t"])
        .db(&db)
        .run()
        .assert(
            0,
            "shard_0,0\nshard_1,1\n",
            "shardq: warning: not queried, because shards are named shard_0, shard_1, …: SHARD_3, \
             Shard_2, shard-4, shard_, shard_007 and 1 more\n",
        );
}

#[test]
fn a_numbering_that_starts_late_is_said() {
    let start = "shardq: warning: shard numbers start at shard_2, not at shard_0 or shard_1\n";
    let run = |db: &Db| shardq(["query", "-qt", "--csv", "SELECT 1"]).db(db).run();
    run(&with_look_alikes([2, 3], &[])).assert(0, "shard_2,1\nshard_3,1\n", start);
    run(&with_look_alikes([1, 2], &[])).assert(0, "shard_1,1\nshard_2,1\n", "");
}

#[test]
fn an_answer_that_may_lack_shards_is_not_called_complete() {
    let db = padded();
    let query = || shardq(["query", "-t", "--csv", "SELECT n FROM t"]).db(&db);
    let rows = "shard_100,100\nshard_101,101\n";
    let footer = format!("2 rows · 2/10 shards, not queried: {PADDED} · one snapshot · ");
    query().run().assert(
        3,
        rows,
        has_all([
            "shardq: error: shards may be missing: there is no shard_0-99, but these schemas look \
             like shards: shard_000, ",
            "if shard_100-101 are all the shards, add --expect-shards 2\n",
            footer.as_str(),
        ]),
    );
    // Naming the shards or their number overrides the doubt.
    for vouched in ["--expect-shards=2", "--shards=100-101"] {
        query()
            .args([vouched])
            .run()
            .assert(0, rows, has("2 rows · 2/2 shards · one snapshot"));
    }
    query()
        .args(["--expect-shards", "10"])
        .run()
        .assert(1, "", has("expected 10 shards, found 2"));
    // The same with a gap in the middle.
    shardq(["query", "-qt", "--csv", "SELECT n FROM t"])
        .db(&with_look_alikes([0, 2], &["shard_1_old"]))
        .run()
        .assert(3, "shard_0,0\nshard_2,2\n", has("there is no shard_1, "));
}

#[test]
fn a_file_of_an_answer_that_may_lack_shards_does_not_appear() {
    let db = padded();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv");
    shardq(["query", "--csv", "SELECT n FROM t", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(3, "", has("t.csv was not written"));
    assert!(!file.exists());
    for flags in [&[][..], &["--per-shard"], &["-g"]] {
        shardq(["export", "SELECT n FROM t", "-o"])
            .args([&file])
            .args(flags)
            .db(&db)
            .run()
            .assert(
                1,
                "",
                has_all([
                    "shardq: error: not answered, because shards may be missing: there is no \
                     shard_0-99",
                    "--expect-shards 2",
                ]),
            );
        assert!(!file.exists());
    }
    shardq(["export", "SELECT n FROM t", "--allow-partial", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(
            3,
            "",
            has_all([
                "shards may be missing",
                "2 rows · 2/10 shards, not queried: shard_000",
            ]),
        );
    let partial = folder.path().join("t.partial.csv");
    let manifest = fs::read(folder.path().join("t.partial.csv.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["complete"], false);
    assert_eq!(manifest["shards_expected"], 10);
    assert_eq!(manifest["missing"].as_array().unwrap().len(), 8);
    assert_eq!(manifest["missing"][0]["shard"], "shard_000");
    shardq(["verify"]).args([&partial]).run().assert(
        0,
        "",
        has("2/10 shards, not queried: shard_000"),
    );
}

#[test]
fn one_answer_of_all_shards_is_refused_where_some_may_be_missing() {
    let db = padded();
    let query = |flags: &[&str]| {
        shardq(["query", "-gtq", "SELECT count(*) FROM t"])
            .args(flags)
            .db(&db)
            .run()
    };
    query(&[]).assert(1, "", has("not answered, because shards may be missing"));
    query(&["--expect-shards", "2"]).assert(0, "     2\n\n", ANY);
}

#[test]
fn a_key_is_not_nowhere_where_shards_may_be_missing() {
    let db = padded();
    db.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text)");
    shardq(["find", "core"]).db(&db).run().assert(
        3,
        "",
        has_all([
            "not found in the searched shards",
            "2/102 shards searched, missing: shard_0-99, not queried: shard_000",
        ]),
    );
}

#[test]
fn a_database_with_look_alikes_alone_has_no_shards() {
    let db = Db::empty();
    db.sql("CREATE SCHEMA shard_00; CREATE SCHEMA shard_01");
    shardq(["query", "SELECT 1"]).db(&db).run().assert(
        1,
        "",
        has(
            "no schema is named shard_0, shard_1, …; these only look similar: shard_00, shard_01\n\
             ",
        ),
    );
}

#[test]
fn failures_come_behind_the_last_row_and_the_summary_names_the_shards() {
    let db = Db::with_shards(6);
    db.in_each_shard("CREATE TABLE t AS SELECT generate_series(1, 50) AS n");
    db.sql("DROP TABLE shard_4.t");
    // Both outputs in one file, as on a terminal.
    let both = tempfile::NamedTempFile::new().unwrap();
    let command = format!(
        "exec '{}' query --csv 'SELECT n FROM t' >>'{1}' 2>>'{1}'",
        env!("CARGO_BIN_EXE_shardq"),
        both.path().display()
    );
    crate::support::Program::new("sh")
        .args(["-c", &command])
        .db(&db)
        .run()
        .assert(3, "", "");
    let text = without_location(&fs::read_to_string(both.path()).unwrap());
    let (result, said) = text.split_at(text.find("shardq: error: ").unwrap());
    assert_eq!(result.lines().count(), 251, "{text}");
    assert!(
        said.starts_with("shardq: error: shard_4: ERROR 42P01")
            && said.contains("\n250 rows · 5/6 shards, missing: shard_4 · one snapshot · "),
        "{said}"
    );
}

#[test]
fn a_failure_is_said_to_whoever_pauses() {
    let db = Db::with_shards(3);
    // More than the pipe buffers, less than what may wait before it.
    let sql = "SELECT repeat('x', 1000), 1 / (current_schema() <> 'shard_2')::int \
               FROM generate_series(1, 80)";
    let query = shardq(["query", "--csv", sql]).db(&db).spawn_unread();
    query.wait_for_stderr(|text| text.contains("shard_2: ERROR 22012: division by zero"));
    query.signal("INT");
    query.finish().assert(130, "", has("division by zero"));
}
