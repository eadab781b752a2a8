//! A folder belongs to one run: a second run fails at its start and changes nothing.

use std::fs;
use std::path::Path;

use crate::support::{ANY, Db, Running, eventually, export, folder, has, has_all, names, verify};

const SQL: &str = "SELECT n FROM t";

/// A run that waits for a lock, with the folder locked and its manifest written.
fn under_way(db: &Db, out: &Path, at: &Path, flags: &[&str]) -> Running {
    let run = export(db, SQL, out)
        .args(["--per-shard", "--lock-timeout", "0"])
        .args(flags)
        .spawn();
    let claimed = format!("process {} ", run.id());
    eventually("the folder is its own, with its manifest", || {
        let claim = fs::read_to_string(out.join(".shardq-lock"));
        claim.is_ok_and(|claim| claim.starts_with(&claimed)) && at.join("_manifest.json").exists()
    });
    run
}

/// Other runs are told which process holds the folder, whatever their flags.
fn refused(db: &Db, out: &Path, run: &Running) {
    let who = format!("(process {} on ", run.id());
    for flags in [&[][..], &["--force"], &["--resume"]] {
        export(db, "SELECT 1 AS other", out)
            .args(["--per-shard"])
            .args(flags)
            // Fails before connecting.
            .args(["-h", "/nonexistent"])
            .run()
            .assert(
                1,
                "",
                has_all([
                    "out: another export is writing there",
                    &who,
                    "wait until it ends, or write to another directory",
                ]),
            );
    }
}

#[test]
fn while_a_run_lasts_nobody_else_writes_there() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let out = folder.path().join("out");
    let replacement = out.join(".shardq-replacement");
    let mut other = db.session();
    // A new export; then a replacement, whose files are staged elsewhere.
    for (at, flags) in [(&out, &[][..]), (&replacement, &["--force"])] {
        other.run("BEGIN; LOCK TABLE shard_1.t");
        let run = under_way(&db, &out, at, flags);
        refused(&db, &out, &run);
        other.run("ROLLBACK");
        run.finish().assert(0, "", has("3 rows · 3/3 shards"));
        verify(&out).run().assert(0, "", has("3 rows · 3/3 shards"));
    }
    assert_eq!(
        names(&out),
        [
            "_manifest.json",
            "shard=shard_0",
            "shard=shard_1",
            "shard=shard_2"
        ]
    );
}

#[test]
fn a_run_that_goes_on_has_it_and_one_that_was_killed_has_it_no_more() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let out = folder.path().join("out");
    let mut other = db.session();
    other.run("BEGIN; LOCK TABLE shard_1.t");
    let run = under_way(&db, &out, &out, &[]);
    run.signal("KILL");
    run.finish().assert(137, "", ANY);

    let run = under_way(&db, &out, &out, &["--resume"]);
    refused(&db, &out, &run);
    other.run("ROLLBACK");
    run.finish().assert(0, "", has("3 rows · 3/3 shards"));
    assert!(!names(&out).contains(&".shardq-lock".to_owned()));
    verify(&out).run().assert(0, "", has("3/3 shards"));
}

#[test]
fn what_a_killed_run_was_writing_is_gone_after_the_next_whatever_that_is() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let sql = "SELECT generate_series(1, 100000000) AS n, repeat('x', 200) AS filler";
    for flags in [&["--force"][..], &["--force", "--shards", "2"]] {
        let out = folder.path().join(flags.len().to_string());
        let run = export(&db, sql, &out)
            .args(["--per-shard", "-j", "2"])
            .spawn();
        eventually("a draft is there", || {
            let shard = out.join("shard=shard_0");
            shard.exists()
                && names(&shard)
                    .iter()
                    .any(|name| name.starts_with(".part.csv"))
        });
        run.signal("KILL");
        run.finish().assert(137, "", ANY);
        export(&db, SQL, &out)
            .args(["--per-shard"])
            .args(flags)
            .run()
            .assert(0, "", ANY);
        verify(&out).run().assert(0, "", ANY);
        let left = names(&out);
        let parts = left.iter().filter(|name| name.starts_with("shard="));
        for part in parts.clone() {
            assert_eq!(names(&out.join(part)), ["part.csv"], "{part}");
        }
        let expected = if flags.len() == 1 { 3 } else { 1 };
        assert_eq!(
            (parts.count(), left.len()),
            (expected, expected + 1),
            "{left:?}"
        );
    }
}

#[test]
fn a_folder_that_was_made_for_nothing_goes() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let out = folder.path().join("outer/out");
    for (flags, reason) in [
        (&["-h", "/nonexistent"][..], "connection to server"),
        (&["--shards", "77"], "shard_77"),
        (&["--expect-shards", "4"], "expected"),
    ] {
        export(&db, SQL, &out)
            .args(["--per-shard"])
            .args(flags)
            .run()
            .assert(1, "", has(reason));
        assert_eq!(names(folder.path()), [""; 0], "{reason}");
    }
    export(&db, "SELEC 1", &out)
        .args(["--per-shard"])
        .run()
        .assert(1, "", has("syntax error"));
    assert_eq!(names(folder.path()), [""; 0]);
    // There is nothing to resume.
    export(&db, SQL, &out)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(
            1,
            "",
            has_all(["outer/out: nothing to resume", "--resume needs"]),
        );
    assert_eq!(names(folder.path()), [""; 0]);
}
