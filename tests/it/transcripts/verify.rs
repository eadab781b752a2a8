//! `shardq verify`: an export as it was written, and one that changed.

use std::fs;

use crate::support::{Db, Transcript, export, folder, verify};

#[test]
fn exports() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (n int, v text); INSERT INTO t VALUES ({n}, 'v{n}')");
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    for name in [
        "good.csv",
        "short.csv",
        "changed.csv",
        "edited.csv",
        "lost.csv",
        "broken.csv",
    ] {
        export(&db, "SELECT * FROM t", &path(name)).run().output();
    }
    export(&db, "SELECT * FROM t", &path("t"))
        .args(["--per-shard"])
        .run()
        .output();
    fs::write(path("short.csv"), "shard,n,v\nshard_0,0,v0\n").unwrap();
    let text = fs::read_to_string(path("good.csv")).unwrap();
    fs::write(path("changed.csv"), text.replace("v0", "v9")).unwrap();
    let manifest = fs::read_to_string(path("good.csv.manifest.json")).unwrap();
    let edited = manifest.replace("\"rows\": 2", "\"rows\": 3");
    fs::write(path("edited.csv.manifest.json"), edited).unwrap();
    fs::write(path("broken.csv.manifest.json"), "{").unwrap();
    fs::remove_file(path("lost.csv.manifest.json")).unwrap();
    let folder_is_good = verify(&path("t")).run();
    fs::write(path("t/shard=shard_0/extra.csv"), "").unwrap();
    Transcript::of(&db)
        .in_folder(folder.path())
        .run(verify(&path("good.csv")))
        .run(verify(&path("good.csv")).args(["--create-table", "t"]))
        .run(verify(&path("good.csv")).args(["-q"]))
        .with("shardq verify [DIR]/t", &folder_is_good)
        .run(verify(&path("t")))
        .run(verify(&path("short.csv")))
        .run(verify(&path("changed.csv")))
        .run(verify(&path("edited.csv")))
        .run(verify(&path("broken.csv")))
        .run(verify(&path("lost.csv")))
        .run(verify(&path("nowhere.csv")))
        .assert("verify");
}
