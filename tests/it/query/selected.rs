//! Which shards a run queries: `--exclude-shards`, lists in files, `--having-table`.

use std::fs;
use std::path::Path;

use serde_json::Value;

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

fn manifest_of_parts(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("_manifest.json")).unwrap()).unwrap()
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

#[test]
fn a_list_is_read_from_a_file_or_from_standard_input() {
    let db = numbers(12);
    let folder = folder();
    let file = folder.path().join("broken shards.txt");
    fs::write(
        &file,
        "\u{feff}# since Monday\r\n\r\n 1, shard_3-5,\r\n0\r\n#2\r\n_1?",
    )
    .unwrap();
    let all = format!("@{}", file.display());
    let error = has("no such shard: _1?; the shards are shard_0-11");
    query(&db, ["--shards", &all]).run().assert(1, "", error);
    fs::write(
        &file,
        "\u{feff}# since Monday\r\n\r\n 1, shard_3-5,\r\n0\r\n#2\r\n*_1?",
    )
    .unwrap();
    query(&db, ["--shards", &all])
        .run()
        .assert(0, "0\n1\n3\n4\n5\n10\n11\n", has("7/7 shards"));
    query(&db, ["--exclude-shards", &all, "--exclude-shards=2"])
        .run()
        .assert(0, "6\n7\n8\n9\n", has("4/4 shards"));
    query(&db, ["--shards=@-", "--exclude-shards", &all])
        .stdin("1\n2\n")
        .run()
        .assert(0, "2\n", has("1/1 shards"));
    query(&db, ["--exclude-shards=@-"])
        .stdin("# none today\n")
        .run()
        .assert(0, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", has("12/12"));
    shardq([
        "query",
        "-gt",
        "--tsv",
        "SELECT sum(n) FROM t",
        "--shards=@-",
    ])
    .db(&db)
    .stdin("1\n10\n")
    .run()
    .assert(0, "11\n", has("2/2 shards"));
    let exported = folder.path().join("t.csv");
    export(&db, "SELECT n FROM t", &exported)
        .args(["--shards", &all])
        .run()
        .assert(0, "", has("7/7 shards"));
    assert_eq!(
        manifest(&exported)["options"]["shards"],
        "1,shard_3-5,0,*_1?"
    );
}

#[test]
fn a_list_that_cannot_be_read_is_a_usage_error() {
    let folder = folder();
    let path = folder.path().join("list");
    let name = path.display().to_string();
    let listed = |flag: &str, list: &str| {
        let program = shardq(["query", "SELECT 1", flag, list]);
        program.env("PGHOST", "/nonexistent")
    };
    let from_file = |text: &[u8]| {
        fs::write(&path, text).unwrap();
        listed("--shards", &format!("@{name}")).run()
    };
    for (text, error) in [
        (&b"1\n\n7,9-3\n"[..], ":3: range \"9-3\" is reversed\n"),
        (b"1\n2,,3", ":2: empty item in shard list"),
        (b"1\n+2", ":2: invalid shard list \"+2\""),
        (b"1\n2\na\xff\n", ":3: invalid UTF-8\n"),
        (b"# none\n", ": lists no shards\n"),
    ] {
        from_file(text).assert(2, "", has(&format!("shardq: error: {name}{error}")));
    }
    fs::remove_file(&path).unwrap();
    for flag in ["--shards", "--exclude-shards"] {
        listed(flag, &format!("@{name}")).run().assert(
            2,
            "",
            &*format!("shardq: error: {name}: No such file or directory\n"),
        );
        listed(flag, "@").run().assert(
            2,
            "",
            has("expected a file after @, or @- for standard input"),
        );
        listed(flag, "@-").stdin("1\n5-2\n").run().assert(
            2,
            "",
            "shardq: error: standard input:2: range \"5-2\" is reversed\n",
        );
        listed(flag, "@-").args(["--shards", "@-"]).run().assert(
            2,
            "",
            has("standard input can hold only one list"),
        );
        for command in ["query", "export"] {
            for sql in [&[][..], &["-f", "-"]] {
                shardq([command, flag, "@-"])
                    .args(if command == "export" {
                        &["-o-"][..]
                    } else {
                        &[]
                    })
                    .args(sql)
                    .stdin("SELECT 1")
                    .run()
                    .assert(
                        2,
                        "",
                        has(
                            "@- reads a list of shards from standard input, so the SQL cannot come \
                             from there",
                        ),
                    );
            }
        }
    }
}

/// Three of six shards have a table `Jobs`, of different kinds.
fn some_with_jobs() -> Db {
    let db = numbers(6);
    db.in_shard(1, "CREATE TABLE \"Jobs\" AS SELECT 1 AS n");
    db.in_shard(2, "CREATE VIEW \"Jobs\" AS SELECT 2 AS n");
    db.in_shard(3, "CREATE MATERIALIZED VIEW \"Jobs\" AS SELECT 3 AS n");
    db.in_shard(4, "CREATE TABLE jobs (n int); CREATE SEQUENCE \"Jobs\"");
    // A table elsewhere is none of the shard's.
    db.sql("CREATE TABLE public.\"Jobs\" AS SELECT 9 AS n");
    db
}

#[test]
fn shards_without_a_table_are_left_out_and_counted() {
    let db = some_with_jobs();
    let jobs = |args: &[&str]| {
        let program = shardq(["query", "-t", "--tsv", "SELECT n FROM \"Jobs\""]);
        program
            .args(["--having-table", "\"Jobs\""])
            .args(args)
            .db(&db)
    };
    let rows = "shard_1\t1\nshard_2\t2\nshard_3\t3\n";
    let summary = has("3 rows · 3/3 shards of 6, 3 without table \"Jobs\"");
    jobs(&[]).run().assert(0, rows, summary);
    jobs(&["--no-snapshot"]).run().assert(
        0,
        rows,
        has("3/3 shards of 6, 3 without table \"Jobs\""),
    );
    jobs(&["--shards", "0-2", "--exclude-shards=1"])
        .run()
        .assert(
            0,
            "shard_2\t2\n",
            has("1/1 shards of 6, 1 without table \"Jobs\""),
        );
    jobs(&["--shards", "1-2"]).run().assert(
        0,
        "shard_1\t1\nshard_2\t2\n",
        has("2 rows · 2/2 shards of 6 · "),
    );
    // A global query reads tables only.
    shardq(["query", "-gt", "--tsv", "SELECT sum(n) FROM \"Jobs\""])
        .args(["--having-table", "\"Jobs\"", "--exclude-shards=2-3"])
        .db(&db)
        .run()
        .assert(0, "1\n", has("1/1 shards of 6, 3 without table \"Jobs\""));
    // Unquoted, it is another name.
    shardq(["query", "-t", "--tsv", "SELECT n FROM jobs"])
        .args(["--having-table", "Jobs"])
        .db(&db)
        .run()
        .assert(
            0,
            "",
            has("0 rows · 1/1 shards of 6, 5 without table \"jobs\""),
        );
    for name in ["public.jobs", "\"public\".\"Jobs\"", "", "two words"] {
        query(&db, ["--having-table", name]).run().assert(
            2,
            "",
            has("expected the name of a table as in SQL, without a schema"),
        );
    }
}

/// A missing shard is still a missing shard.
#[test]
fn a_table_to_have_does_not_rule_out_doubt() {
    let db = some_with_jobs();
    db.sql("ALTER SCHEMA shard_2 RENAME TO shard_2_old");
    shardq(["query", "-t", "--tsv", "SELECT n FROM \"Jobs\""])
        .args(["--having-table", "\"Jobs\""])
        .db(&db)
        .run()
        .assert(
            3,
            "shard_1\t1\nshard_3\t3\n",
            has_all([
                "shards may be missing: there is no shard_2",
                "2/3 shards of 5, 3 without table \"Jobs\", not queried: shard_2_old",
            ]),
        );
}

#[test]
fn a_table_that_no_shard_has_is_answered_with_the_nearest() {
    let db = some_with_jobs();
    for command in [
        &["query", "SELECT 1"][..],
        &["query", "-g", "SELECT 1"],
        &["export", "SELECT 1", "-o-"],
        &["export", "-g", "SELECT 1", "-o-"],
        &["find", "core"],
    ] {
        let run = |args: &[&str]| shardq([]).args(command).args(args).db(&db).run();
        run(&["--having-table", "jbos"]).assert(
            1,
            "",
            has("shardq: error: no selected shard has a table \"jbos\"\n\
                 shardq: hint: did you mean \"Jobs\"? 3 of 6 shards have it\n"),
        );
        run(&["--having-table", "\"Jobs\"", "--shards", "0,5"]).assert(
            1,
            "",
            has("shardq: error: no selected shard has a table \"Jobs\"\n\
                 shardq: hint: 3 of 6 shards have a table \"Jobs\"\n"),
        );
        run(&["--having-table", "nothing_like_it"]).assert(
            1,
            "",
            "shardq: error: no selected shard has a table \"nothing_like_it\"\n",
        );
    }
}

#[test]
fn exports_record_the_shards_without_a_table() {
    let db = some_with_jobs();
    let folder = folder();
    let file = folder.path().join("jobs.csv");
    let sql = "SELECT n FROM \"Jobs\"";
    let having = ["--having-table", "\"Jobs\""];
    export(&db, sql, &file).args(having).run().assert(
        0,
        "",
        has("3/3 shards of 6, 3 without table \"Jobs\""),
    );
    let left_out = serde_json::json!(["shard_0", "shard_4", "shard_5"]);
    let record = manifest(&file);
    assert_eq!(record["without_table"], left_out);
    assert_eq!(record["options"]["having-table"], "Jobs");
    assert_eq!(record["complete"], true);
    verify(&file)
        .run()
        .assert(0, "", has("3/3 shards, 3 without table \"Jobs\""));
    let all = folder.path().join("sum.csv");
    export(&db, "SELECT sum(n) FROM \"Jobs\"", &all)
        .args(having)
        .args(["-g", "--exclude-shards=2-3"])
        .run()
        .assert(0, "", has("1/1 shards of 6, 3 without table \"Jobs\""));
    assert_eq!(manifest(&all)["without_table"], left_out);
    let parts = folder.path().join("parts");
    let run = || export(&db, sql, &parts).args(having).args(["--per-shard"]);
    run()
        .run()
        .assert(0, "", has("3/3 shards of 6, 3 without table \"Jobs\""));
    assert_eq!(manifest_of_parts(&parts)["without_table"], left_out);
    assert_eq!(names(&parts).len(), 4);
    fs::remove_file(parts.join("shard=shard_2/part.csv")).unwrap();
    run()
        .args(["--resume"])
        .run()
        .assert(0, "", has("3/3 shards of 6, 3 without table \"Jobs\""));
    assert_eq!(manifest_of_parts(&parts)["without_table"], left_out);
}
