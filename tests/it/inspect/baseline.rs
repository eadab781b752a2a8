//! `shardq drift --save` and `--against`: one environment against another.

use std::fs;

use serde_json::Value;

use super::drift::{SCHEMA, drift};
use crate::support::{Db, has, has_all, shardq};

const HEADER: &str = "shards,kind,object,has,expected\n";

/// A connection string for a database.
fn conninfo(db: &Db) -> String {
    format!(
        "host={} port={} dbname={} user={}",
        db.variable("PGHOST"),
        db.variable("PGPORT"),
        db.name(),
        db.variable("PGUSER"),
    )
}

#[test]
fn a_saved_file_is_what_every_shard_should_have() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.json");
    let base = base.to_str().unwrap();
    let one = Db::with_shards(3);
    one.in_each_shard(SCHEMA);
    // The norm is saved, not the shard that differs.
    one.in_shard(1, "CREATE TABLE more (n int)");
    drift(&one, ["--csv", "--save", base]).assert(
        1,
        format!("{HEADER}shard_1,table,more,\"\",\n").as_str(),
        has("1 difference · 3/3 shards"),
    );
    let saved: Value = serde_json::from_slice(&fs::read(base).unwrap()).unwrap();
    assert_eq!(saved["shards"], 3);
    assert_eq!(saved["database"], one.name());
    // Other shards of the same shape, whose names occur in definitions.
    let other = Db::with_shards(5);
    other.in_each_shard(SCHEMA);
    drift(&other, ["--csv", "--against", base]).assert(
        0,
        HEADER,
        has_all(["no differences from ", "base.json · 5/5 shards"]),
    );
    // What all shards have alike differs all the same.
    other.in_each_shard("ALTER TABLE origins DROP size");
    other.in_shard(2, "DROP TABLE packages; CREATE TABLE extra (n int)");
    drift(&other, ["--csv", "--against", base]).assert(
        1,
        format!(
            "{HEADER}shard_2,table,extra,\"\",\n\
             shard_0-4,column,origins.size,,integer DEFAULT 0\n\
             shard_0-4,constraint,origins.sized,,CHECK ((size >= 0))\n\
             shard_2,table,packages,,ROW LEVEL SECURITY\n"
        )
        .as_str(),
        has_all(["4 differences from ", "base.json · 5/5 shards"]),
    );
}

#[test]
fn what_was_not_saved_is_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.json");
    let base = base.to_str().unwrap();
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (n int)");
    drift(&db, ["--save", base, "--no-owner", "-q"]).assert(0, has("(0 rows)"), "");
    db.in_each_shard("ALTER TABLE t OWNER TO pg_monitor; COMMENT ON TABLE t IS 'x'");
    drift(&db, ["--csv", "--against", base]).assert(
        1,
        format!("{HEADER}shard_0-1,comment on table,t,x,\n").as_str(),
        has("1 difference from "),
    );
}

#[test]
fn another_database_can_be_what_is_expected() {
    let one = Db::with_shards(2);
    let other = Db::with_shards(4);
    for db in [&one, &other] {
        db.in_each_shard("CREATE TABLE t (n int)");
    }
    other.in_shard(3, "CREATE TABLE more (n int)");
    one.in_each_shard("ALTER TABLE t ADD more int");
    let expected = format!("{HEADER}shard_0-1,column,t.more,integer,\n");
    let uri = conninfo(&other);
    drift(&one, ["--csv", "--against", &uri]).assert(
        1,
        expected.as_str(),
        has_all([
            "1 difference among its own shards; what most of them have is expected",
            &format!("1 difference from {}", other.name()),
            " · 2/2 shards · ",
        ]),
    );
    // A profile is not overruled by the variables that are for this database.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, format!("[acceptance]\nconnection = {uri:?}\n")).unwrap();
    let config = config.to_str().unwrap();
    let args = ["--csv", "--against", "acceptance", "--config", config];
    drift(&one, args).assert(
        1,
        expected.as_str(),
        has(&format!("1 difference from {}", other.name())),
    );
    drift(&one, ["--against", "nowhere", "--config", config]).assert(
        2,
        "",
        has("shardq: error: --against: "),
    );
}

#[test]
fn a_file_that_is_none_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.json");
    let path = base.to_str().unwrap();
    let against = ["drift", "--against", path];
    shardq(against)
        .run()
        .assert(2, "", has("base.json: No such file or directory"));
    fs::write(&base, "{}").unwrap();
    shardq(against)
        .run()
        .assert(2, "", has("not a file that shardq drift --save wrote"));
}
