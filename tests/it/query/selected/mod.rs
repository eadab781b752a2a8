//! Which shards a run queries: `--exclude-shards`. `lists` is about lists in files, `having_table`
//! about `--having-table`.

mod having_table;
mod lists;

use std::fs;

use crate::support::{
    Db, Program, export, folder, has, has_all, insert, manifest, names, shardq, verify,
    with_origins,
};

fn numbers(shards: u32) -> Db {
    let db = Db::with_shards(shards);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    db
}

/// A query that prints the numbers of its shards.
fn query<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    let program = shardq([
        "query",
        "-t",
        "--tsv",
        "--no-shard-column",
        "SELECT n FROM t",
    ]);
    program.args(args).db(db)
}

#[test]
fn excluded_shards_are_neither_queried_nor_expected() {
    let db = numbers(5);
    query(&db, ["--exclude-shards", "1,3-"]).run().assert(
        0,
        "0\n2\n",
        has("2 rows · 2/2 shards of 5 · "),
    );
    query(&db, ["--exclude-shards=1", "--exclude-shards=shard_4"])
        .run()
        .assert(0, "0\n2\n3\n", has("3/3 shards"));
    query(&db, ["--shards=0-2", "--exclude-shards=shard_[0]*,?hard_1"])
        .run()
        .assert(1, "", has("no such shard: shard_[0]*; the shards are "));
    query(&db, ["--shards=0-2", "--exclude-shards=?hard_1,4"])
        .run()
        .assert(0, "0\n2\n", has("2/2 shards"));
    query(&db, ["--exclude-shards", "1,7-9"]).run().assert(
        1,
        "",
        has("no such shard: shard_7-9; the shards are shard_0-4"),
    );
    query(&db, ["--shards=1", "--exclude-shards=*"])
        .run()
        .assert(
            1,
            "",
            has("shardq: error: --exclude-shards excludes all selected shards\n"),
        );
    query(&db, ["--exclude-shards=0", "--expect-shards=4"])
        .run()
        .assert(1, "", has("expected 4 shards, found 5"));
    query(&db, ["--exclude-shards=0", "--origin=core"])
        .run()
        .assert(
            2,
            "",
            has_all(["--exclude-shards", "cannot be used with", "--origin"]),
        );
}

#[test]
fn excluded_shards_are_left_out_of_global_queries_and_exports() {
    let db = numbers(4);
    // The shard whose table is different would be refused.
    db.in_shard(2, "ALTER TABLE t ADD m int; ALTER TABLE t DROP n");
    let global = ["query", "-gt", "--tsv", "SELECT sum(n) FROM t"];
    shardq(global)
        .args(["--exclude-shards", "2"])
        .db(&db)
        .run()
        .assert(0, "4\n", has("1 row · 3/3 shards"));
    let folder = folder();
    let file = folder.path().join("t.csv");
    export(&db, "SELECT n FROM t", &file)
        .args(["--exclude-shards", "2"])
        .run()
        .assert(0, "", has("3/3 shards"));
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "shard,n\nshard_0,0\nshard_1,1\nshard_3,3\n"
    );
    assert_eq!(manifest(&file)["options"]["exclude-shards"], "2");
    assert_eq!(manifest(&file)["complete"], true);
    verify(&file).run().assert(0, "", has("3/3 shards"));
    let parts = folder.path().join("parts");
    export(&db, "SELECT n FROM t", &parts)
        .args(["--per-shard", "--exclude-shards", "1-2"])
        .run()
        .assert(0, "", has("2/2 shards"));
    assert_eq!(
        names(&parts),
        ["_manifest.json", "shard=shard_0", "shard=shard_3"]
    );
    shardq([
        "export",
        "SELECT n FROM t",
        "-o-",
        "--dry-run",
        "--exclude-shards=1-",
    ])
    .db(&db)
    .run()
    .assert(0, has("-- shard_0\n"), "");
}

/// As with `--shards`, the user vouches that these are the shards.
#[test]
fn a_list_of_excluded_shards_rules_out_doubt() {
    let db = Db::with_shards(0);
    db.create_shards([0, 1, 3]);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    db.sql("CREATE SCHEMA shard_2_old");
    let doubt = has("shards may be missing");
    query(&db, []).run().assert(3, "0\n1\n3\n", doubt);
    query(&db, ["--exclude-shards=0"])
        .run()
        .assert(0, "1\n3\n", has("2/2 shards"));
    shardq([
        "query",
        "-gt",
        "--tsv",
        "SELECT sum(n) FROM t",
        "--exclude-shards=0",
    ])
    .db(&db)
    .run()
    .assert(0, "4\n", has("2/2 shards"));
}

#[test]
fn find_searches_the_selected_shards() {
    let db = with_origins(4);
    // shard_2 is where it belongs.
    insert(&db, 1, 5, "core");
    let find = |args: &[&str]| shardq(["find", "core"]).args(args).db(&db);
    let misplaced = || has("MISPLACED: expected shard_2, found in shard_1\n");
    find(&["--exclude-shards", "0"])
        .run()
        .assert(3, misplaced(), has("3/3 shards searched"));
    find(&["--shards", "0,2-3"]).run().assert(
        1,
        "",
        has_all(["\"core\" not found", "3/3 shards searched"]),
    );
    // It may be where it was not looked for.
    find(&["--exclude-shards", "1,2"]).run().assert(
        3,
        "",
        has_all([
            "\"core\" not found",
            "shardq: warning: shard_2, where the key belongs, is not among the selected shards\n",
            "2/3 shards searched, missing: shard_2",
        ]),
    );
    find(&["--shards", "7"])
        .run()
        .assert(1, "", has("no such shard: shard_7"));
    find(&["--shards", "@-"])
        .stdin("0\n# the one where it is\n1\n")
        .run()
        .assert(3, misplaced(), has("2/3 shards searched, missing: shard_2"));
    find(&["--no-verify", "--shard-count=4", "--shards=1"])
        .run()
        .assert(2, "", has("cannot be used with"));
    db.in_shard(0, "DROP TABLE origins");
    find(&["--having-table", "Origins"]).run().assert(
        3,
        misplaced(),
        has("3/3 shards searched, 1 without table \"origins\" · "),
    );
}
