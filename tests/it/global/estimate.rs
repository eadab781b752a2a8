//! `--strategy auto` uses partials only if they are known to be few; too many would be wasted work.

use crate::support::{ANY, Db, has, has_all, shardq};

const PARTS: &str = "-- partial results";

#[track_caller]
fn explains(db: &Db, sql: &str, how: &[&str]) {
    shardq(["query", "-g", "--explain", sql])
        .db(db)
        .run()
        .assert(0, has_all(how), ANY);
}

#[test]
fn parts_are_taken_where_statistics_tell_that_they_are_few() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t (id int, grp int) WITH (autovacuum_enabled = off);
         INSERT INTO t SELECT 2 * i + {n}, i % 10 FROM generate_series(1, 120000) AS i;
         CREATE TABLE small (id int) WITH (autovacuum_enabled = off);
         INSERT INTO small SELECT generate_series(1, 100)",
    );
    let [by_group, by_id] = ["grp", "id"].map(|key| {
        format!("SELECT {key}, count(*) FROM t GROUP BY {key} ORDER BY 2 DESC, 1 LIMIT 1")
    });
    let unknown = ["-- one statement", "no statistics"];
    explains(&db, &by_group, &unknown);
    explains(&db, &by_id, &unknown);
    explains(&db, "SELECT count(*) FROM t", &[PARTS]);
    // The table is small, so its partials are few however it is grouped.
    explains(&db, "SELECT id, count(*) FROM small GROUP BY id", &[PARTS]);

    db.in_each_shard("ANALYZE t");
    explains(&db, &by_group, &[PARTS]);
    explains(&db, "SELECT id FROM t ORDER BY id LIMIT 5", &[PARTS]);
    let many = [
        "-- one statement",
        "combining the partial results does not pay off",
    ];
    explains(&db, &by_id, &many);
    explains(&db, "SELECT count(DISTINCT id) FROM t", &many);
    for (sql, answer) in [(&by_group, "0,24000\n"), (&by_id, "2,1\n")] {
        shardq(["query", "-g", "-t", "--csv", sql])
            .db(&db)
            .run()
            .assert(0, answer, has("2/2 shards"));
    }
}
