//! The folders of `--per-shard` are named `shard=shard_30`, which readers turn into a column, so
//! the query must not have a column of that name.

use std::fs;
use std::path::Path;

use crate::support::{ANY, Db, Program, export, folder, has, has_all, names, verify};

fn parts(db: &Db, sql: &str, out: &Path) -> Program {
    export(db, sql, out).args(["--per-shard"])
}

#[test]
fn a_column_that_readers_would_not_see_is_refused() {
    let db = Db::with_shards(2);
    let folder = folder();
    for (sql, column) in [
        ("SELECT 'mine' AS shard", "shard"),
        ("SELECT 'mine' AS \"Shard\"", "Shard"),
    ] {
        for format in ["csv", "jsonl", "parquet"] {
            let out = folder.path().join(format!("{column}.{format}"));
            parts(&db, sql, &out)
                .args(["--format", format])
                .run()
                .assert(
                    1,
                    "",
                    has_all([
                        &format!("the query already has a column \"{column}\""),
                        "with --shard-column NAME",
                        "is not complete; change the statement as described above",
                    ]),
                );
            assert_eq!(names(&out), ["_manifest.json"]);
        }
    }
}

#[test]
fn folders_can_have_another_key() {
    let db = Db::with_shards(2);
    let folder = folder();
    let out = folder.path().join("out");
    let sql = "SELECT 'mine' AS shard";
    let of = |key: &str| parts(&db, sql, &out).args(["--shard-column", key]);
    of("from").run().assert(0, "", has("2/2 shards"));
    assert_eq!(
        names(&out),
        ["_manifest.json", "from=shard_0", "from=shard_1"]
    );
    let part = out.join("from=shard_1/part.csv");
    assert_eq!(fs::read_to_string(&part).unwrap(), "shard\nmine\n");
    verify(&out).run().assert(0, "", has("2/2 shards"));

    fs::remove_file(&part).unwrap();
    of("of")
        .args(["--resume"])
        .run()
        .assert(1, "", has("--shard-column differs"));
    of("from")
        .args(["--resume"])
        .run()
        .assert(0, "", has("2/2 shards"));
    assert!(part.exists());

    // The replacement leaves nothing of the old export for a reader to find.
    of("of").args(["--force"]).run().assert(0, "", ANY);
    assert_eq!(names(&out), ["_manifest.json", "of=shard_0", "of=shard_1"]);
    verify(&out).run().assert(0, "", has("2/2 shards"));
}

#[test]
fn a_key_that_is_no_name_of_a_folder_is_refused() {
    let db = Db::with_shards(1);
    let folder = folder();
    for key in ["", "a/b", "a=b", ".a", "_a", "a%20b", "a\nb"] {
        let out = folder.path().join("out");
        let refused = parts(&db, "SELECT 1", &out).args(["--shard-column", key]);
        refused
            .run()
            .assert(2, "", has("--shard-column with --per-shard"));
        assert!(!out.exists());
    }
}
