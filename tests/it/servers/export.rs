//! `shardq export` over four servers.

use crate::support::{ANY, Servers, folder, has, has_all, manifest, verify};

#[test]
fn one_file_has_a_server_per_shard_and_a_snapshot_per_database() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS id");
    let folder = folder();
    let file = folder.path().join("t.csv");
    servers
        .shardq(["export", "SELECT id FROM t", "-o", file.to_str().unwrap()])
        .run()
        .assert(
            0,
            "",
            has_all(["8 rows · 8/8 shards", "4 snapshots within "]),
        );
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("shard,id\nshard_0,0\n"), "{text}");
    let recorded = manifest(&file);
    let servers_of: Vec<_> = (recorded["shards"].as_array().unwrap().iter())
        .map(|shard| shard["server"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        servers_of,
        ["db1", "db1", "db2", "db2", "db3", "db3", "db4", "db4"]
    );
    let run = &recorded["runs"][0];
    assert!(run["snapshot"].is_null(), "there is no common one: {run}");
    let databases = run["databases"].as_array().unwrap();
    assert_eq!(databases.len(), 4);
    for (database, db) in databases.iter().zip(&servers.databases) {
        assert_eq!(database["database"], db.name());
        assert!(database["snapshot"]["taken"].is_string(), "{database}");
    }
    verify(&file)
        .run()
        .assert(0, ANY, has("8/8 shards · 4 snapshots within "));
}

#[test]
fn a_server_that_is_down_leaves_no_file() {
    let servers = Servers::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let out = file.to_str().unwrap();
    let nobody = ["--server", "host=127.0.0.1 port=1 user=x dbname=x"];
    let live = servers.conninfo(0);
    let export = |args: [&str; 4]| {
        let program = crate::support::shardq(args).args(["-o", out, "--server", &live]);
        program.args(nobody)
    };
    export(["export", "SELECT 1 AS one", "--format", "csv"])
        .run()
        .assert(
            1,
            "",
            has_all(["not answered, because 127.0.0.1:1: its shards are missing"]),
        );
    assert!(!file.exists());
    export([
        "export",
        "SELECT 1 AS one",
        "--format=csv",
        "--allow-partial",
    ])
    .run()
    .assert(3, "", has("1/? shards, missing: all on 127.0.0.1:1"));
    let recorded = manifest(&folder.path().join("t.partial.csv"));
    assert_eq!(recorded["complete"], false);
    assert_eq!(recorded["missing"][0]["shard"], "all on 127.0.0.1:1");
}

#[test]
fn types_of_every_database_are_looked_up_there() {
    let servers = Servers::with_shards(1);
    servers.databases[3].sql("CREATE TYPE public.other AS ENUM ('x')");
    servers.in_each_shard("CREATE TYPE mood AS ENUM ('ok')");
    servers.in_each_shard("CREATE TABLE t (m mood, price numeric(10, 2))");
    servers.databases[2].in_shard(2, "ALTER TABLE t ALTER price TYPE numeric(12, 4)");
    let folder = folder();
    let file = folder.path().join("t.csv");
    servers
        .shardq(["export", "TABLE t", "-o", file.to_str().unwrap()])
        .run()
        .assert(
            0,
            "",
            has("numeric(10,2) in shard_0-1, shard_3, numeric(12,4) in shard_2"),
        );
    let recorded = manifest(&file);
    assert_eq!(
        recorded["columns"][0]["declared"][0]["type"],
        "{shard}.mood"
    );
    assert_eq!(recorded["columns"][1]["type"], "numeric");
}

#[test]
fn an_interrupted_export_of_several_servers_is_resumed_to_the_same_files() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let folder = folder();
    let whole = folder.path().join("whole");
    let parted = folder.path().join("parted");
    let export = |out: &std::path::Path| {
        let export = servers.shardq(["export", "SELECT n FROM t", "--per-shard", "-o"]);
        export.args([out])
    };
    export(&whole)
        .run()
        .assert(0, "", has("8 rows · 8/8 shards"));
    // A table that is not there yet fails its shard, and a lost file is read again.
    servers.databases[2].in_shard(4, "ALTER TABLE t RENAME TO u");
    export(&parted)
        .run()
        .assert(3, "", has("7/8 shards, missing: shard_4"));
    servers.databases[2].in_shard(4, "ALTER TABLE u RENAME TO t");
    std::fs::remove_file(parted.join("shard=shard_7/part.csv")).unwrap();
    export(&parted).args(["--resume"]).run().assert(
        0,
        "",
        has_all(["8 rows · 8/8 shards", "2 runs"]),
    );
    for n in 0..8 {
        let [whole, parted] = [&whole, &parted].map(|out| {
            std::fs::read_to_string(out.join(format!("shard=shard_{n}/part.csv"))).unwrap()
        });
        assert_eq!(whole, parted, "shard_{n}");
    }
    let manifest = |out: &std::path::Path| -> serde_json::Value {
        let text = std::fs::read_to_string(out.join("_manifest.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (before, after) = (manifest(&whole), manifest(&parted));
    for key in [
        "rows",
        "columns",
        "shards_expected",
        "shards_answered",
        "complete",
    ] {
        assert_eq!(before[key], after[key], "{key}");
    }
    // Each run has snapshots of its own, one per database.
    for run in after["runs"].as_array().unwrap() {
        let databases = run["databases"].as_array().unwrap();
        let names: Vec<_> = databases
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["db1", "db2", "db3", "db4"], "{run}");
    }
    verify(&parted).run().assert(0, "", has("8/8 shards"));
}

#[test]
fn a_resumed_export_on_other_servers_is_refused() {
    let servers = Servers::with_shards(1);
    let folder = folder();
    let out = folder.path().join("out");
    let path = out.to_str().unwrap();
    let sql = "SELECT 1 AS one";
    servers
        .shardq(["export", sql, "--per-shard", "-o", path])
        .run()
        .assert(0, "", has("4/4 shards"));
    std::fs::remove_file(out.join("shard=shard_2/part.csv")).unwrap();
    let one = servers.conninfo(0);
    servers
        .shardq([
            "export",
            sql,
            "--per-shard",
            "--resume",
            "-d",
            &one,
            "-o",
            path,
        ])
        .run()
        .assert(1, "", has("the shards differ: 4 then, 1 now"));
}

/// An enum has another number in each database, and so has an array of it.
#[test]
fn a_resumed_export_knows_types_of_users_in_each_database() {
    let servers = Servers::with_shards(2);
    for (n, db) in servers.databases.iter().enumerate() {
        // Numbers of types move on.
        for unused in 0..n {
            db.sql(&format!("CREATE TYPE public.unused_{unused} AS (a int)"));
        }
        db.sql("CREATE TYPE public.mood AS ENUM ('ok', 'bad'); CREATE DOMAIN public.price AS numeric(10, 2)");
    }
    servers.in_each_shard(
        "CREATE TYPE kind AS ENUM ('a', 'b');
         CREATE TABLE t AS SELECT {n} AS n, 'ok'::public.mood AS m, '{{ok,bad}}'::public.mood[] AS ms,
             1.5::public.price AS p, 'b'::kind AS k",
    );
    let folder = folder();
    for format in ["csv", "parquet"] {
        let [whole, parted] = ["whole", "parted"].map(|name| folder.path().join(format).join(name));
        std::fs::create_dir_all(folder.path().join(format)).unwrap();
        let export = |out: &std::path::Path| {
            let export = servers.shardq(["export", "SELECT * FROM t", "--per-shard", "--format"]);
            export.args([format, "-o"]).args([out])
        };
        export(&whole).run().assert(0, "", has("8/8 shards"));
        // Of one server nothing is read yet, of another a part is lost.
        servers.databases[2].in_shard(4, "ALTER TABLE t RENAME TO u");
        servers.databases[2].in_shard(5, "ALTER TABLE t RENAME TO u");
        export(&parted).run().assert(3, "", has("6/8 shards"));
        servers.databases[2].in_shard(4, "ALTER TABLE u RENAME TO t");
        servers.databases[2].in_shard(5, "ALTER TABLE u RENAME TO t");
        std::fs::remove_file(parted.join(format!("shard=shard_7/part.{format}"))).unwrap();
        export(&parted).args(["--resume"]).run().assert(
            0,
            "",
            has_all(["8 rows · 8/8 shards", "2 runs"]),
        );
        for n in 0..8 {
            let part = format!("shard=shard_{n}/part.{format}");
            let [whole, parted] =
                [&whole, &parted].map(|out| std::fs::read(out.join(&part)).unwrap());
            assert_eq!(whole, parted, "{part}");
        }
        let columns = |out: &std::path::Path| {
            let text = std::fs::read_to_string(out.join("_manifest.json")).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()["columns"].clone()
        };
        assert_eq!(columns(&whole), columns(&parted));
        verify(&parted).run().assert(0, ANY, has("8/8 shards"));
    }
}

/// A type that is another one where the rest is read is not taken for the same.
#[test]
fn a_resumed_export_refuses_a_type_that_changed() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n, 'x'::text AS m");
    let folder = folder();
    let out = folder.path().join("out");
    let export = || {
        let export = servers.shardq(["export", "SELECT * FROM t", "--per-shard", "-o"]);
        export.args([&out])
    };
    export().run().assert(0, "", has("4/4 shards"));
    std::fs::remove_file(out.join("shard=shard_3/part.csv")).unwrap();
    servers.databases[3].sql("CREATE TYPE public.mood AS ENUM ('x')");
    servers.databases[3].in_shard(
        3,
        "ALTER TABLE t ALTER m TYPE public.mood USING m::public.mood",
    );
    let ran = export().args(["--resume"]).run();
    assert_ne!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("shard_3"), "{}", ran.stderr);
    assert!(ran.stderr.contains("mood"), "{}", ran.stderr);
}
