//! One file per shard: each is whole or absent, and an interrupted export can be resumed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{
    ANY, Db, eventually, export, folder, folder_manifest, has, has_all, names, shardq, verify,
};

#[test]
fn each_shard_has_its_file_and_no_shard_column() {
    let db = Db::with_shards(12);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n FROM generate_series(1, {n})");
    let folder = folder();
    let out = folder.path().join("out");
    export(&db, "SELECT n FROM t", &out)
        .args(["--per-shard"])
        .run()
        .assert(0, "", has_all(["66 rows · 12/12 shards · one snapshot"]));
    for n in 0..12 {
        let text = fs::read_to_string(out.join(format!("shard=shard_{n}/part.csv"))).unwrap();
        assert_eq!(text, format!("n\n{}", format!("{n}\n").repeat(n)));
    }
    assert_eq!(names(&out).len(), 13);
    verify(&out)
        .run()
        .assert(0, "", has_all(["66 rows", "12/12 shards"]));
    fs::write(out.join("shard=shard_3/part.csv"), "n\n3\n3\n4\n").unwrap();
    verify(&out).run().assert(
        1,
        "",
        has_all(["shard=shard_3/part.csv: does not match its manifest"]),
    );
    export(&db, "SELECT n FROM t", &out)
        .args(["--per-shard"])
        .run()
        .assert(1, "", has_all(["is not empty", "--force", "--resume"]));
    export(&db, "SELECT n FROM t", &out)
        .args([
            "--per-shard",
            "--force",
            "--shards",
            "0-3",
            "--format",
            "jsonl.gz",
        ])
        .run()
        .assert(0, "", has("4/4 shards"));
    assert_eq!(
        names(&out),
        [
            "_manifest.json",
            "shard=shard_0",
            "shard=shard_1",
            "shard=shard_2",
            "shard=shard_3"
        ]
    );
    assert_eq!(names(&out.join("shard=shard_3")), ["part.jsonl.gz"]);
    verify(&out).run().assert(0, "", has("4/4 shards"));
}

#[test]
fn a_killed_export_goes_on_with_what_is_missing() {
    let db = Db::with_shards(6);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let folder = folder();
    let out = folder.path().join("out");
    let sql = "SELECT n FROM t";
    let mut other = db.session();
    other.run("BEGIN; LOCK TABLE shard_4.t");
    let killed = export(&db, sql, &out)
        .args(["--per-shard", "--lock-timeout", "0", "-j", "2"])
        .spawn();
    eventually("the manifest knows the others", || {
        told_or_null(&out)["shards_answered"].as_u64() >= Some(4)
    });
    killed.signal("KILL");
    killed.finish();
    other.run("ROLLBACK");
    verify(&out)
        .run()
        .assert(1, "", has_all(["not finished", "--resume"]));

    export(&db, "SELECT n + 1 AS n FROM t", &out)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(
            1,
            "",
            has_all(["--resume continues only the same export", "statement"]),
        );
    export(&db, sql, &out)
        .args(["--per-shard", "--resume", "--shards", "0-3"])
        .run()
        .assert(1, "", has("the shards differ: 6 then, 4 now"));
    export(&db, sql, &out)
        .args(["--per-shard", "--resume", "--null", "NULL"])
        .run()
        .assert(1, "", has("--null differs"));

    let kept = fs::metadata(out.join("shard=shard_0/part.csv"))
        .unwrap()
        .modified()
        .unwrap();
    export(&db, sql, &out)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(0, "", has_all(["6 rows · 6/6 shards", "2 runs"]));
    let now = fs::metadata(out.join("shard=shard_0/part.csv"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(kept, now, "what was there is not exported again");
    let manifest = folder_manifest(&out);
    assert_eq!(manifest["complete"], true);
    assert_eq!(manifest["shards"][0]["run"], 0);
    assert_eq!(manifest["shards"][4]["run"], 1);
    verify(&out).run().assert(
        0,
        "",
        has_all(["6/6 shards", "2 runs, so no common snapshot"]),
    );
    export(&db, sql, &out)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(0, "", has("6/6 shards"));
}

/// An export of one row per shard, and its contents for comparison.
fn older(db: &Db, out: &Path) -> Vec<String> {
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    export(db, "SELECT n FROM t", out)
        .args(["--per-shard"])
        .run()
        .assert(0, "", has("4/4 shards"));
    contents(out)
}

/// The path and contents of every file below a folder, except hidden ones.
fn contents(folder: &Path) -> Vec<String> {
    let mut contents = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            let below = self::contents(&path);
            contents.extend(below.into_iter().map(|line| format!("{name}/{line}")));
        } else {
            contents.push(format!("{name}: {}", fs::read_to_string(path).unwrap()));
        }
    }
    contents
}

#[test]
fn an_older_export_stays_as_it_was_whatever_becomes_of_the_new_one() {
    let db = Db::with_shards(4);
    let folder = folder();
    let out = folder.path().join("out");
    let before = older(&db, &out);
    let replace = |sql: &str| export(&db, sql, &out).args(["--per-shard", "--force"]);

    let replacement = out.join(".shardq-replacement");

    // No server, no such table, a failing shard, a kill.
    replace("SELECT 1")
        .args(["-p", "1"])
        .run()
        .assert(1, "", has("connection to server"));
    assert!(!replacement.exists());
    replace("SELECT 1 FROM nothing_like_it")
        .run()
        .assert(1, "", has("nothing_like_it"));
    assert_eq!(contents(&out), before);
    db.in_shard(2, "UPDATE t SET n = 0");
    replace("SELECT 100 / n AS n FROM t WHERE current_schema() <> 'shard_0'")
        .run()
        .assert(
            3,
            "",
            has_all(["shard_2: ERROR 22012", "out is unchanged", "--resume"]),
        );
    assert_eq!(contents(&out), before);
    verify(&out).run().assert(0, "", has("4 rows · 4/4 shards"));
    let mut other = db.session();
    other.run("BEGIN; LOCK TABLE shard_3.t");
    let sql = "SELECT n + 10 AS n FROM t";
    let killed = replace(sql).args(["--lock-timeout", "0"]).spawn();
    eventually("the manifest knows the others", || {
        let told = told_or_null(&replacement);
        told["statement"] == sql && told["shards_answered"] == 3
    });
    killed.signal("KILL");
    killed.finish().assert(137, "", ANY);
    other.run("ROLLBACK");
    assert_eq!(contents(&out), before);
    verify(&out).run().assert(0, "", has("4 rows · 4/4 shards"));

    // A killed export is resumed, and then takes its place.
    export(&db, sql, &out)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(0, "", has_all(["4 rows · 4/4 shards", "2 runs"]));
    for (n, value) in [(0, 10), (1, 11), (2, 10), (3, 13)] {
        let text = fs::read_to_string(out.join(format!("shard=shard_{n}/part.csv"))).unwrap();
        assert_eq!(text, format!("n\n{value}\n"));
    }
    assert!(!replacement.exists());
    verify(&out)
        .run()
        .assert(0, "", has_all(["4 rows · 4/4 shards", "2 runs"]));
}

#[test]
fn a_replacement_leaves_what_is_not_ours_and_no_part_of_the_export_before() {
    let db = Db::with_shards(4);
    let folder = folder();
    let out = folder.path().join("out");
    older(&db, &out);
    fs::write(out.join("README"), "mine").unwrap();
    fs::write(out.join("shard=shard_3/notes.txt"), "mine").unwrap();
    export(&db, "SELECT n FROM t", &out)
        .args([
            "--per-shard",
            "--force",
            "--format",
            "tsv",
            "--shards",
            "0,1",
        ])
        .run()
        .assert(0, "", has("2/2 shards"));
    let left: Vec<_> = contents(&out)
        .into_iter()
        .filter(|line| !line.starts_with("_manifest"))
        .collect();
    assert_eq!(
        left,
        [
            "README: mine",
            "shard=shard_0/part.tsv: n\n0\n",
            "shard=shard_1/part.tsv: n\n1\n",
            "shard=shard_3/notes.txt: mine"
        ]
    );
    verify(&out).run().assert(0, "", has("2/2 shards"));
}

#[test]
fn a_replacement_that_ends_half_way_is_told_and_completed() {
    let db = Db::with_shards(4);
    let folder = folder();
    let out = folder.path().join("out");
    older(&db, &out);
    // A folder where a file must go.
    let part = out.join("shard=shard_3/part.csv");
    fs::remove_file(&part).unwrap();
    fs::create_dir(&part).unwrap();
    let sql = "SELECT n + 10 AS n FROM t";
    export(&db, sql, &out)
        .args(["--per-shard", "--force"])
        .run()
        .assert(
            1,
            "",
            has_all([
                "shard=shard_3/part.csv: Is a directory",
                "out now holds files of two exports; use --resume",
            ]),
        );
    verify(&out).run().assert(
        1,
        "",
        has("shard=shard_0/part.csv: does not match its manifest"),
    );
    fs::remove_dir(&part).unwrap();
    export(&db, sql, &out)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(0, "", has("4 rows · 4/4 shards"));
    assert_eq!(fs::read_to_string(&part).unwrap(), "n\n13\n");
    verify(&out).run().assert(0, "", has("4/4 shards"));
}

fn told_or_null(folder: &Path) -> Value {
    fs::read(folder.join("_manifest.json"))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

#[test]
fn a_shard_that_fails_has_no_file_and_the_others_have_theirs() {
    let db = Db::with_shards(4);
    let folder = folder();
    let out = folder.path().join("out");
    let sql = "SELECT n, 1 / (n - CASE current_schema() WHEN 'shard_2' THEN 3000 ELSE 0 END) AS x \
               FROM generate_series(1, 6000) AS n";
    export(&db, sql, &out).args(["--per-shard"]).run().assert(
        3,
        "",
        has_all([
            "shard_2: ERROR 22012",
            "18,000 rows · 3/4 shards",
            "--resume",
        ]),
    );
    assert!(!out.join("shard=shard_2/part.csv").exists());
    assert!(out.join("shard=shard_3/part.csv").exists());
    assert_eq!(folder_manifest(&out)["missing"][0]["shard"], "shard_2");
    shardq(["verify"])
        .args([&out])
        .run()
        .assert(0, "", has("3/4 shards"));
    eventually("no backend is left", || db.backends("shardq").is_empty());
}
