//! What proves that a join only matches rows of the same shard, and `--colocated`, which asserts it.

use super::{JOIN, answers, db, explains, is_not_had_in_parts};
use crate::support::Db;

#[test]
fn a_foreign_key_proves_a_join_unless_shards_have_ids_in_common() {
    let db = db();
    let why = ["-- partial results", "no two shards share an id"];
    explains(&db, &[JOIN], &why);
    answers(&db, &[JOIN], "31");
    db.in_shard(1, "INSERT INTO a (id) VALUES (12)");
    is_not_had_in_parts(&db, JOIN, "share ids");
    // Joins b in shard 0 with a in shard 1.
    answers(&db, &[JOIN], "32");
    db.in_shard(1, "DELETE FROM a WHERE id = 12");
    explains(&db, &[JOIN], &why);
}

#[test]
fn names_that_look_like_places_in_our_own_sql_prove_a_join_as_well() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        r#"CREATE TABLE "x{schemas}'""{table}" ("{schema}'""{table}" bigint PRIMARY KEY);
           CREATE TABLE b (a_id bigint REFERENCES "x{schemas}'""{table}");
           INSERT INTO "x{schemas}'""{table}" SELECT 2 * i + {n} FROM generate_series(1, 20) AS i;
           INSERT INTO b TABLE "x{schemas}'""{table}""#,
    );
    let join =
        r#"SELECT count(*) FROM "x{schemas}'""{table}" JOIN b ON a_id = "{schema}'""{table}""#;
    explains(
        &db,
        &[join],
        &["-- partial results", "no two shards share an id"],
    );
    answers(&db, &[join], "40");
}

#[test]
fn only_a_foreign_key_that_holds_in_every_shard_proves_a_join() {
    for change in [
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey",
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey; INSERT INTO b VALUES (1, 12);
         ALTER TABLE b ADD FOREIGN KEY (a_id) REFERENCES a NOT VALID",
        "CREATE TABLE heir () INHERITS (b); INSERT INTO heir VALUES (1, 12)",
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey; ALTER TABLE b ADD FOREIGN KEY (id) REFERENCES a",
    ] {
        let db = db();
        db.in_shard(1, change);
        is_not_had_in_parts(&db, JOIN, "a foreign key that every shard has");
        let stray = if change.contains("VALUES") {
            "32"
        } else {
            "31"
        };
        answers(&db, &[JOIN], stray);
    }
}

#[test]
fn colocated_is_believed() {
    let db = db();
    db.in_shard(
        1,
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey; INSERT INTO b VALUES (1, 12)",
    );
    explains(
        &db,
        &[JOIN, "--colocated"],
        &["-- partial results", "as --colocated asserts"],
    );
    answers(&db, &[JOIN], "32");
    answers(&db, &[JOIN, "--colocated"], "31");
    answers(&db, &[JOIN, "--colocated", "--strategy", "one"], "32");
    answers(
        &db,
        &[
            "SELECT count(*) FROM a JOIN b ON a.id = b.a_id AND a.shard = b.shard",
            "--strategy",
            "partial",
        ],
        "31",
    );
}

/// `session_replication_role` lets such rows in, and the constraint still counts as valid.
#[test]
fn a_foreign_key_is_not_believed_of_rows_that_it_does_not_hold_for() {
    let db = db();
    explains(&db, &[JOIN], &["-- partial results"]);
    db.in_shard(
        1,
        "SET session_replication_role = replica; INSERT INTO b VALUES (1, 12);
         SET session_replication_role = origin",
    );
    is_not_had_in_parts(&db, JOIN, "share ids");
    answers(&db, &[JOIN], "32");
}
