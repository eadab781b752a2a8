//! A name that is not found is answered with what exists, and where.

use crate::support::{ANY, Db, Program, has, shardq};

fn two_kinds() -> Db {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE origins (n int); INSERT INTO origins VALUES ({n})");
    db.in_shard(1, "CREATE TABLE notes (n int)");
    db.in_shard(3, "CREATE VIEW notes AS SELECT 1 AS n");
    db.sql(
        "CREATE SCHEMA ext; CREATE SCHEMA \"Odd one\"; CREATE TABLE ext.settings (n int);
         CREATE FUNCTION ext.twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
         CREATE DOMAIN \"Odd one\".number AS int;
         CREATE OPERATOR ext.+! (RIGHTARG = int, FUNCTION = ext.twice)",
    );
    db
}

/// Every command that queries a shard.
fn commands(db: &Db, sql: &str) -> [(Program, &'static str); 5] {
    [
        (shardq(["query", sql]), "query"),
        (shardq(["query", "-g", sql]), "-g"),
        (shardq(["export", sql, "-o-"]), "COPY"),
        (shardq(["export", sql, "-o-", "--format=jsonl"]), "rows"),
        (shardq(["export", "-g", sql, "-o-"]), "export -g"),
    ]
    .map(|(program, how)| (program.db(db), how))
}

#[test]
fn a_misspelt_table_is_answered_with_the_nearest_and_how_many_shards_have_it() {
    let db = two_kinds();
    for (sql, hint) in [
        (
            "SELECT * FROM orgins",
            "did you mean \"origins\"? all 4 shards have it\n",
        ),
        (
            "SELECT 1 FROM origins JOIN note USING (n)",
            "did you mean \"notes\"? 2 of 4 shards have it\n",
        ),
        (
            "SELECT * FROM settings",
            "schema ext, which is not searched, has a table \"settings\"; to use it, add --search-path '{shard}, ",
        ),
    ] {
        for (program, how) in commands(&db, sql) {
            let ran = program.run();
            assert!(ran.stderr.contains(hint), "{how}: {}", ran.stderr);
            assert!(ran.stderr.contains("ERROR 42P01: relation"), "{how}");
            ran.assert(1, "", ANY);
        }
    }
    shardq([
        "query",
        "-q",
        "SELECT n FROM notes",
        "--shards",
        "2-3",
        "--csv",
    ])
    .db(&db)
    .run()
    .assert(
        3,
        "shard,n\nshard_3,1\n",
        "shardq: error: shard_2: ERROR 42P01: relation \"notes\" does not exist\n\
             LINE 1: SELECT n FROM notes\n                      ^\n\
             shardq: hint: 2 of 4 shards have a table \"notes\"\n",
    );
    for sql in ["SELECT * FROM nothing_like_it", "SELECT * FROM ext.setings"] {
        let ran = shardq(["query", sql]).db(&db).run();
        assert!(!ran.stderr.contains("hint:"), "{}", ran.stderr);
        ran.assert(1, "", has("all 4 shards: ERROR 42P01"));
    }
}

#[test]
fn a_type_function_or_operator_is_pointed_to_where_it_is() {
    let db = two_kinds();
    let path = "which is not searched, has a";
    for (sql, hint, searched) in [
        (
            "SELECT twice(n) FROM origins",
            format!("schema ext, {path} function \"twice\""),
            "ext",
        ),
        (
            "SELECT +! n FROM origins",
            format!("schema ext, {path} function \"+!\""),
            "ext",
        ),
        (
            "SELECT n::number FROM origins",
            format!("schema Odd one, {path} type \"number\""),
            "\"Odd one\"",
        ),
    ] {
        for (program, how) in commands(&db, sql) {
            let ran = program.run();
            let default = if how.contains("-g") {
                "\"public\", "
            } else {
                ""
            };
            let told =
                format!("{hint}; to use it, add --search-path '{{shard}}, {default}{searched}'\n");
            assert!(ran.stderr.contains(&told), "{how}: {}", ran.stderr);
            ran.assert(1, "", has("ERROR 42"));
        }
        let widened = format!("{{shard}}, {searched}");
        for (program, how) in commands(&db, sql) {
            let ran = program.args(["--search-path", &widened]).run();
            assert_eq!(ran.status, 0, "{how}: {}", ran.stderr);
        }
    }
    // Not if the name is Postgres's own, or exists nowhere.
    for sql in [
        "SELECT length(1, 2)",
        "SELECT nope(1)",
        "SELECT 1::nope",
        "SHOW nope",
    ] {
        let ran = shardq(["query", sql]).db(&db).run();
        assert!(!ran.stderr.contains("hint:"), "{}", ran.stderr);
        ran.assert(1, "", has("all 4 shards: ERROR 42"));
    }
}

#[test]
fn a_schema_that_is_closed_to_the_user_is_told_from_a_table_that_is_not_there() {
    let db = two_kinds();
    let role = format!("user_of_{}", db.name());
    let role = &role[..role.len().min(63)];
    db.sql(&format!(
        "CREATE ROLE \"{role}\" LOGIN;
         GRANT USAGE ON SCHEMA shard_0, shard_2 TO \"{role}\";
         GRANT SELECT ON shard_0.origins, shard_1.origins, shard_2.origins, shard_3.origins TO \"{role}\""
    ));
    let denied = "shardq: error: shard_1, shard_3 (2 shards): permission denied for schema: \
         without USAGE, nothing in it can be found\n\
         shardq: hint: grant access with GRANT USAGE ON SCHEMA shard_… TO …\n";
    shardq(["query", "-q", "--csv", "SELECT n FROM origins", "-U", role])
        .db(&db)
        .run()
        .assert(3, "shard,n\nshard_0,0\nshard_2,2\n", denied);
    shardq(["query", "-g", "SELECT n FROM origins", "-U", role])
        .db(&db)
        .run()
        .assert(1, "", has("permission denied for schema shard_"));
    shardq([
        "export",
        "SELECT n FROM origins",
        "-o-",
        "--shards=1",
        "-U",
        role,
    ])
    .db(&db)
    .run()
    .assert(
        1,
        "",
        has("shardq: error: shard_1: permission denied for schema:"),
    );
    db.sql(&format!("DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\""));
}
