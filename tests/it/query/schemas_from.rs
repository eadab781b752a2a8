//! `--schemas-from`: the database says which schemas are shards, in which order, and what they are
//! called.

use std::fs;

use crate::support::{
    ANY, Db, Program, export, folder, has, has_all, lose_a_part_and_resume, manifest, names,
    shardq, verify,
};

/// Tenants in an order that is neither that of names nor of numbers.
fn tenants() -> Db {
    let db = Db::empty();
    for (n, schema) in ["t10", "t2", "Odd; one", "closed", "t1"].iter().enumerate() {
        db.sql(&format!(
            "CREATE SCHEMA \"{schema}\"; CREATE TABLE \"{schema}\".t AS SELECT {n} AS n"
        ));
    }
    db.sql(
        "CREATE TABLE tenants (id int, schema_name text, domain text, active bool);
         INSERT INTO tenants VALUES
             (1, 't2', 'acme.example.com', true), (2, 't10', 'beta.example.com', true),
             (3, 'closed', 'closed.example.com', false), (4, 'Odd; one', 'odd.example.org', true),
             (5, 't1', 'abel.example.com', true)",
    );
    db
}

const LIST: &str =
    "SELECT schema_name, domain FROM public.tenants WHERE active ORDER BY id -- those that pay";

fn query<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    let program = shardq(["query", "-t", "--tsv", "SELECT n FROM t"]);
    program.args(["--schemas-from", LIST]).args(args).db(db)
}

#[test]
fn shards_are_those_that_the_statement_lists_in_its_order() {
    let db = tenants();
    query(&db, []).run().assert(
        0,
        "t2\t1\nt10\t0\nOdd; one\t2\nt1\t4\n",
        has("4 rows · 4/4 shards · one snapshot"),
    );
    // Whatever the connections, and with one column too.
    shardq([
        "query",
        "-t",
        "--tsv",
        "SELECT n FROM t",
        "-j1",
        "--no-snapshot",
    ])
    .args([
        "--schemas-from",
        "SELECT schema_name FROM tenants WHERE id < 4 ORDER BY id DESC;",
    ])
    .db(&db)
    .run()
    .assert(0, "closed\t3\nt10\t0\nt2\t1\n", has("3/3 shards"));
    shardq([
        "query",
        "-gt",
        "--tsv",
        "SELECT sum(n), count(*), min(shard) FROM t",
    ])
    .args(["--schemas-from", LIST])
    .db(&db)
    .run()
    .assert(0, ANY, has("4/4 shards"));
    for strategy in ["one", "partial"] {
        shardq([
            "query",
            "-gt",
            "--tsv",
            "SELECT sum(n), count(*) FROM t",
            "--strategy",
            strategy,
        ])
        .args(["--schemas-from", LIST])
        .db(&db)
        .run()
        .assert(0, "7\t4\n", has("4/4 shards"));
    }
    query(&db, ["--dry-run"])
        .run()
        .assert(0, has_all(["-- t2\n", "-- Odd; one\n"]), "");
}

#[test]
fn labels_select_shards_as_names_do() {
    let db = tenants();
    let pick = |args: &[&str]| query(&db, []).args(args).run();
    pick(&["--shards", "acme.example.com,t1"]).assert(0, "t2\t1\nt1\t4\n", has("2/2 shards"));
    pick(&["--shards", "*.example.com"]).assert(0, "t2\t1\nt10\t0\nt1\t4\n", has("3/3"));
    pick(&["--exclude-shards", "beta.example.com,*.org"]).assert(
        0,
        "t2\t1\nt1\t4\n",
        has("2/2 shards"),
    );
    pick(&["--shards", "closed"]).assert(
        1,
        "",
        has("no such shard: closed; the shards are t2, t10"),
    );
    pick(&["--shards", "1"]).assert(1, "", has("shards have names here rather than numbers"));
    pick(&["--origin", "core"]).assert(1, "", has("shards have names here"));
    db.sql("CREATE TABLE t1.jobs (n int)");
    pick(&["--having-table", "jobs"]).assert(
        0,
        "t1\t4\n",
        has("1/1 shards of 4, 3 without table \"jobs\""),
    );
}

#[test]
fn a_listed_schema_that_does_not_exist_is_a_missing_shard() {
    let db = tenants();
    db.sql("DROP SCHEMA t10 CASCADE");
    let error = "shardq: error: shards are missing: t10, which --schemas-from lists";
    query(&db, []).run().assert(
        3,
        "t2\t1\nOdd; one\t2\nt1\t4\n",
        has_all([error, "3 rows · 3/4 shards, missing: t10 · "]),
    );
    query(&db, ["--expect-shards=3"])
        .run()
        .assert(3, ANY, has(error));
    query(&db, ["--exclude-shards=beta.example.com"])
        .run()
        .assert(0, "t2\t1\nOdd; one\t2\nt1\t4\n", has("3/3 shards"));
    query(&db, ["--shards=t10"]).run().assert(
        1,
        "",
        has("no such shard: t10; the shards are t2, Odd; one, t1"),
    );
    let refused = has("not answered, because shards are missing: t10, which --schemas-from lists");
    shardq([
        "query",
        "-g",
        "SELECT sum(n) FROM t",
        "--schemas-from",
        LIST,
    ])
    .db(&db)
    .run()
    .assert(1, "", refused);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let run = || export(&db, "SELECT n FROM t", &file).args(["--schemas-from", LIST]);
    run()
        .run()
        .assert(1, "", has("not answered, because shards are missing: t10"));
    run()
        .args(["--allow-partial"])
        .run()
        .assert(3, "", has("3/4 shards, missing: t10"));
    let partial = folder.path().join("t.partial.csv");
    verify(&partial)
        .run()
        .assert(0, "", has("3/4 shards, missing: t10"));
    let missing = &manifest(&partial)["missing"][0];
    assert_eq!(missing["shard"], "t10");
    assert_eq!(
        missing["error"],
        "does not exist, but --schemas-from lists it"
    );
    db.sql("DROP SCHEMA t1, t2, \"Odd; one\" CASCADE");
    query(&db, []).run().assert(
        1,
        "",
        has("none of the schemas that --schemas-from lists exists: t2, t10, Odd; one, t1"),
    );
}

#[test]
fn a_list_that_makes_no_sense_is_an_error() {
    let db = tenants();
    let listed = |sql: &str| {
        shardq(["query", "SELECT n FROM t", "--schemas-from", sql])
            .db(&db)
            .run()
    };
    let columns = "expected one column (the name of a schema) or two (and a label for it), got 3";
    for (sql, error) in [
        ("SELECT NULL", "the schema in row 1 is NULL"),
        (
            "VALUES ('t1'), ('t2'), ('t1')",
            "schema \"t1\" is listed twice",
        ),
        (
            "VALUES ('t1', 'a'), ('t2', 'a')",
            "label \"a\" is listed twice",
        ),
        (
            "VALUES ('t1', 'a'), ('t2', NULL)",
            "the label of schema \"t2\" is NULL",
        ),
        ("VALUES ('t1', 'a', 1)", columns),
        ("SELECT 't1' WHERE false", "the statement returned no rows"),
        (
            "SELECT 't1'; SELECT 't2'",
            "expected a single statement that returns rows",
        ),
        (
            "SELECT 't1'; COMMIT; DROP TABLE tenants",
            "expected a single statement",
        ),
        (
            "CREATE TABLE public.x ()",
            "expected a single statement that returns rows",
        ),
    ] {
        listed(sql).assert(
            1,
            "",
            has(&format!("shardq: error: --schemas-from: {error}")),
        );
    }
    listed("SELECT nspname FROM pg_namespaces").assert(
        1,
        "",
        has_all([
            "shardq: error: --schemas-from: ERROR 42P01: relation \"pg_namespaces\" does not exist\n",
            "LINE 1: SELECT nspname FROM pg_namespaces\n",
        ]),
    );
    // Read-only, as everything else.
    db.sql(
        "CREATE FUNCTION drop_all() RETURNS text LANGUAGE plpgsql AS
         'BEGIN DELETE FROM public.tenants; RETURN ''t1''; END'",
    );
    listed("SELECT public.drop_all()").assert(
        1,
        "",
        has("--schemas-from: ERROR 25006: cannot execute DELETE in a read-only transaction"),
    );
    assert_eq!(db.ask("SELECT count(*) FROM tenants"), "5");
    listed("").assert(2, "", has("no SQL found"));
    for other in ["--schemas=*", "--exclude-schemas=a"] {
        query(&db, [other])
            .run()
            .assert(2, "", has("cannot be used with"));
    }
}

#[test]
fn the_statement_runs_at_the_snapshot_of_the_run() {
    let db = tenants();
    for command in [&["query"][..], &["query", "-g"]] {
        let mut gate = db.session();
        gate.run("SELECT pg_advisory_lock(7)");
        let before = db.ask("SELECT count(*) FROM t1.t");
        let run = shardq([])
            .args(command)
            .args(["-t", "--tsv", "SELECT count(*) AS n FROM t"])
            .args([
                "--schemas-from",
                "SELECT 't1' FROM pg_advisory_lock_shared(7)",
            ])
            .db(&db)
            .spawn();
        db.until_waiting("advisory", 1);
        db.sql("INSERT INTO t1.t VALUES (0)");
        gate.run("SELECT pg_advisory_unlock(7)");
        let ran = run.finish();
        assert!(ran.stdout.ends_with(&format!("{before}\n")), "{ran:?}");
    }
}

/// The snapshot has no rows of a table that was rewritten after it.
#[test]
fn a_list_that_is_rewritten_meanwhile_is_read_again() {
    let db = tenants();
    let mut reload = db.session();
    reload.run("BEGIN; CREATE TEMP TABLE k AS TABLE tenants; TRUNCATE tenants");
    reload.run("INSERT INTO tenants TABLE k");
    let run = query(&db, ["--lock-timeout=50s"]).spawn();
    db.until_waiting("relation", 1);
    reload.run("COMMIT");
    run.finish()
        .assert(0, "t2\t1\nt10\t0\nOdd; one\t2\nt1\t4\n", has("4/4 shards"));
}

#[test]
fn a_list_of_which_a_policy_hides_rows_is_refused() {
    let db = tenants();
    let role = format!("lister of {}", db.name());
    let role = &role[..role.len().min(60)];
    db.sql(&format!(
        "CREATE ROLE \"{role}\" LOGIN;
         GRANT USAGE ON SCHEMA t1, t2 TO \"{role}\"; GRANT SELECT ON t1.t, t2.t, tenants TO \"{role}\";
         ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
         CREATE POLICY two ON tenants USING (schema_name IN ('t1', 't2'))"
    ));
    query(&db, ["-U", role]).run().assert(
        1,
        "",
        has("--schemas-from: ERROR 42501: query would be affected by row-level security policy"),
    );
    query(&db, ["-U", role, "--row-security"])
        .run()
        .assert(0, "t2\t1\nt1\t4\n", has("2/2 shards"));
}

#[test]
fn exports_follow_the_list_and_record_it() {
    let db = tenants();
    let folder = folder();
    let file = folder.path().join("t.csv");
    export(&db, "SELECT n FROM t", &file)
        .args(["--schemas-from", LIST])
        .run()
        .assert(0, "", has("4/4 shards"));
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "shard,n\nt2,1\nt10,0\nOdd; one,2\nt1,4\n"
    );
    assert_eq!(manifest(&file)["options"]["schemas-from"], LIST);
    verify(&file).run().assert(0, "", has("4/4 shards"));
    let sum = folder.path().join("sum.csv");
    export(&db, "SELECT sum(n) FROM t", &sum)
        .args(["-g", "--schemas-from", LIST])
        .run()
        .assert(0, "", has("4/4 shards"));
    let parts = folder.path().join("parts");
    let run = || {
        let program = export(&db, "SELECT n FROM t", &parts);
        program.args(["--per-shard", "--schemas-from", LIST])
    };
    run().run().assert(0, "", has("4/4 shards"));
    assert_eq!(
        names(&parts),
        [
            "_manifest.json",
            "shard=Odd; one",
            "shard=t1",
            "shard=t10",
            "shard=t2"
        ]
    );
    lose_a_part_and_resume(&parts, "t10", run);
}

/// What a manifest records of the shards before agrees with those after.
#[test]
fn an_export_of_listed_shards_is_resumed_with_their_types() {
    let db = tenants();
    db.sql(
        "ALTER TABLE t2.t ALTER n TYPE numeric(5,1); ALTER TABLE t1.t ALTER n TYPE numeric(3,2)",
    );
    db.sql("ALTER TABLE t10.t ALTER n TYPE numeric(5,1); DROP SCHEMA \"Odd; one\" CASCADE");
    let folder = folder();
    let parts = folder.path().join("parts");
    let run = |args: &[&str]| {
        export(&db, "SELECT n FROM t", &parts)
            .args(["--per-shard", "--schemas-from", LIST])
            .args(["--exclude-shards", "odd.example.org"])
            .args(args)
            .run()
    };
    run(&[]).assert(0, "", has("3/3 shards"));
    let columns = || {
        let text = fs::read_to_string(parts.join("_manifest.json")).unwrap();
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        told["columns"].clone()
    };
    let before = columns();
    fs::remove_file(parts.join("shard=t10/part.csv")).unwrap();
    run(&["--resume"]).assert(0, "", has("3/3 shards"));
    assert_eq!(columns(), before);
    verify(&parts).run().assert(0, "", has("3/3 shards"));
}

#[test]
fn variables_are_replaced_in_the_list_and_a_dry_run_prints_it() {
    let db = tenants();
    let list = "SELECT schema_name FROM public.tenants WHERE domain = :'domain' -- one";
    let query = |flags: &[&str]| {
        let query = shardq(["query", "-t", "--tsv", "SELECT n FROM t"]).args(flags);
        query.args(["--schemas-from", list, "-v", "domain=beta.example.com"])
    };
    query(&[])
        .db(&db)
        .run()
        .assert(0, "t10\t0\n", has("1/1 shards"));
    query(&["--dry-run"]).db(&db).run().assert(
        0,
        has_all([
            "-- first, for the list of shards\n\
             SELECT schema_name FROM public.tenants WHERE domain = 'beta.example.com' -- one\n;\n\n",
            "\n-- t10\n",
        ]),
        ANY,
    );
    let folder = folder();
    let file = folder.path().join("t.csv");
    let exported = export(&db, "SELECT n FROM t", &file);
    exported
        .args(["--schemas-from", list, "-v", "domain=beta.example.com"])
        .run()
        .assert(0, "", has("1/1 shards"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "shard,n\nt10,0\n");
    assert_eq!(
        manifest(&file)["options"]["schemas-from"],
        list.replace(":'domain'", "'beta.example.com'")
    );
}
