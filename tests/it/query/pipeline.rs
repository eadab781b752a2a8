//! Many quick shards over one connection: what is said of a shard is of that shard.

use crate::support::{ANY, Db, has, has_all, shardq};

/// Enough for one connection to send several at once.
const SHARDS: u32 = 64;

#[test]
fn a_shard_that_fails_fails_alone() {
    let db = Db::with_numbers(SHARDS);
    db.in_shard(40, "ALTER TABLE t RENAME TO gone");
    db.in_shard(41, "DELETE FROM t");
    let ran = shardq(["query", "--csv", "-j", "1", "SELECT 1, n AS ž FROM t"])
        .db(&db)
        .run();
    ran.assert(
        3,
        ANY,
        has_all([
            "shard_40: ERROR 42P01: relation \"t\" does not exist\n\
             LINE 1: SELECT 1, n AS ž FROM t\n",
            "                              ^\n",
            "63/64 shards, missing: shard_40",
        ]),
    );
    let expected = (0..SHARDS).filter(|n| ![40, 41].contains(n));
    let expected: Vec<_> = expected.map(|n| format!("shard_{n},1,{n}\n")).collect();
    assert_eq!(
        ran.stdout,
        format!("shard,?column?,ž\n{}", expected.concat())
    );
}

#[test]
fn a_notice_is_of_its_shard() {
    let db = Db::with_numbers(SHARDS);
    db.sql(
        "CREATE FUNCTION public.note(n int) RETURNS int LANGUAGE plpgsql AS \
         'BEGIN IF n % 20 = 7 THEN RAISE NOTICE ''it is %'', n; END IF; RETURN n; END'",
    );
    let ran = shardq(["query", "--csv", "-j", "1", "SELECT public.note(n) FROM t"])
        .db(&db)
        .run();
    ran.assert(
        0,
        ANY,
        has_all([
            "shard_7: NOTICE:  it is 7\n",
            "shard_27: NOTICE:  it is 27\n",
            "shard_47: NOTICE:  it is 47\n",
        ]),
    );
    assert_eq!(ran.stdout.lines().count(), 65);
}

#[test]
fn a_statement_may_end_in_a_comment_or_a_semicolon() {
    let db = Db::with_numbers(SHARDS);
    for statement in [
        "SELECT n FROM t -- all",
        "SELECT n FROM t;",
        "SELECT n FROM t; /* ; */",
    ] {
        let ran = shardq(["query", "-j", "1", "--csv", statement])
            .db(&db)
            .run();
        ran.assert(0, ANY, has("64/64 shards"));
        assert_eq!(ran.stdout.lines().count(), 65, "{statement}");
    }
}
