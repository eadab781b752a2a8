//! What would be sent: `--dry-run` and `--explain`.

use crate::support::{Db, Program, Transcript, shardq};

fn db() -> Db {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE t (id int PRIMARY KEY, name text, price real);
         CREATE TABLE u (id int PRIMARY KEY, t_id int REFERENCES t)",
    );
    db
}

#[test]
fn dry_run() {
    let db = db();
    let run = |args: &[&str]| shardq([]).args(args).args(["--dry-run"]).db(&db);
    let sql = "SELECT * FROM t";
    let export = ["export", sql, "--shards", "1", "-o"];
    Transcript::of(&db)
        .run(run(&["query", sql, "--search-path", "{shard}, public"]))
        .run(run(&["query", sql, "--shards", "1", "--no-snapshot"]))
        .run(run(&[&export[..], &["t.csv"]].concat()))
        .run(run(&[&export[..], &["t/", "--per-shard"]].concat()))
        .assert("plans_dry_run");
}

#[test]
fn explain() {
    let db = db();
    let explain = |args: &[&str]| -> Program {
        let query = shardq(["query", "-g", "--explain"]).args(args);
        query.db(&db)
    };
    Transcript::of(&db)
        .run(explain(&["SELECT count(*) FROM t"]))
        .run(explain(&["SELECT count(*) FROM t", "--strategy", "one"]))
        .run(explain(&["SELECT name, avg(id) FROM t GROUP BY name"]))
        .run(explain(&["SELECT id FROM t ORDER BY id LIMIT 3"]))
        .run(explain(&["SELECT sum(price) FROM t"]))
        .run(explain(&[
            "SELECT sum(price) FROM t",
            "--float-sums-in-parts",
        ]))
        .run(explain(&["SELECT count(*) FROM t JOIN u ON u.t_id = t.id"]))
        .run(explain(&["SELECT string_agg(name, ',') FROM t"]))
        .run(explain(&["SELECT 1"]))
        .run(
            shardq(["export", "-g", "--explain", "SELECT count(*) FROM t"])
                .args(["-o", "t.csv"])
                .db(&db),
        )
        .assert("plans_explain");
}
