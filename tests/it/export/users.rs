//! The users who read an export: one made by several users records it, and needs a flag.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Db, Program, export, folder, has, has_all, verify};

const SQL: &str = "SELECT n FROM t";

/// Two roles; the second sees fewer rows.
fn db() -> (Db, [String; 2]) {
    let db = Db::with_shards(3);
    let users = ["alice", "bob"].map(|name| format!("{name}_{}", db.name()));
    for user in &users {
        db.sql(&format!("CREATE ROLE \"{user}\" LOGIN"));
    }
    let [alice, bob] = &users;
    db.in_each_shard(&format!(
        "CREATE TABLE t AS SELECT generate_series(1, 2) AS n;
         GRANT USAGE ON SCHEMA shard_{{n}} TO \"{alice}\", \"{bob}\";
         GRANT SELECT ON t TO \"{alice}\", \"{bob}\";
         ALTER TABLE t ENABLE ROW LEVEL SECURITY;
         CREATE POLICY a ON t TO \"{alice}\" USING (true);
         CREATE POLICY b ON t TO \"{bob}\" USING (n = 1)"
    ));
    (db, users)
}

fn as_user(db: &Db, user: &str, out: &Path, flags: &[&str]) -> Program {
    export(db, SQL, out)
        .args(["--per-shard", "--row-security", "-U", user])
        .args(flags)
}

fn manifest(out: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(out.join("_manifest.json")).unwrap()).unwrap()
}

fn users_of(manifest: &Value) -> Vec<&str> {
    let runs = manifest["runs"].as_array().unwrap().iter();
    runs.map(|run| run["user"].as_str().unwrap()).collect()
}

#[test]
fn another_user_goes_on_only_if_that_is_asked_for_and_is_recorded() {
    let (db, [alice, bob]) = db();
    let folder = folder();
    let out = folder.path().join("out");
    as_user(&db, &alice, &out, &[])
        .run()
        .assert(0, "", has("6 rows · 3/3 shards"));
    let first = manifest(&out);
    assert_eq!(users_of(&first), [&alice]);
    assert_eq!(first["server"]["user"], alice);
    let version = db.ask("SHOW server_version");
    assert_eq!(first["runs"][0]["server_version"], version);

    fs::remove_file(out.join("shard=shard_1/part.csv")).unwrap();
    let told = format!("were read as user \"{alice}\", but you are \"{bob}\"");
    as_user(&db, &bob, &out, &["--resume"]).run().assert(
        1,
        "",
        has_all([&*told, "may see other rows", "add --force"]),
    );
    assert_eq!(manifest(&out), first, "nothing has changed");
    assert!(!out.join("shard=shard_1/part.csv").exists());

    as_user(&db, &bob, &out, &["--resume", "--force"])
        .run()
        .assert(0, "", has("5 rows · 3/3 shards · 2 runs"));
    let second = manifest(&out);
    assert_eq!(users_of(&second), [&alice, &bob]);
    assert_eq!(second["server"]["user"], alice);
    assert_eq!(second["shards"][1]["run"], 1);
    for run in second["runs"].as_array().unwrap() {
        assert!(run["started"].is_string() && run["ended"].is_string());
    }
    verify(&out)
        .run()
        .assert(0, "", has("5 rows · 3/3 shards · 2 runs"));

    // It now contains parts by both users, and neither can resume it without the flag.
    fs::remove_file(out.join("shard=shard_2/part.csv")).unwrap();
    for (user, other) in [(&alice, &bob), (&bob, &alice)] {
        let told = format!("were read as user \"{other}\", but you are \"{user}\"");
        as_user(&db, user, &out, &["--resume"])
            .run()
            .assert(1, "", has(&told));
    }
}
