//! Names are data: databases, users, schemas, tables and columns may have any name.

use shardq::sandbox::Options;

use crate::support::{Db, has, has_all, private_server, shardq};

const NAMES: [&str; 9] = [
    "it's \"quoted\" \\ 100%",
    "žluť 日本 😀",
    " spaces ",
    "Upper",
    "semi;colon -- /*",
    "{shard}",
    "$user",
    "select",
    "63 bytes are all that Postgres keeps of a name, and here is one",
];

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[test]
fn databases_and_users_may_be_called_anything() {
    let server = private_server(Options::default());
    let main = Db::on(&server);
    for name in NAMES {
        let quoted = identifier(name);
        main.sql(&format!("CREATE ROLE {quoted} LOGIN"))
            .sql(&format!("CREATE DATABASE {quoted} OWNER {quoted}"));
        let sql = "SELECT current_database(), current_user, 1 AS n";
        let in_it = |script| {
            main.psql_program(["-d", name, "-v", "ON_ERROR_STOP=1", "-c", script])
                .run()
        };
        in_it("CREATE SCHEMA shard_0").assert(0, "", "");

        let expected = format!("{name}\t{name}\t1\n").replace('\\', "\\\\");
        let asked = || shardq(["query", "-q", "-t", "--tsv", "--no-shard-column", sql]).db(&main);
        asked()
            .env("PGDATABASE", name)
            .env("PGUSER", name)
            .run()
            .assert(0, &expected, "");
        asked()
            .args(["-d", name, "-U", name])
            .run()
            .assert(0, &expected, "");
    }
    // As in psql, a name that looks like a connection string can be given only in PGDATABASE.
    for name in ["dbname=x", "postgresql://x"] {
        let odd = Db::on(&server);
        odd.sql(&format!(
            "CREATE DATABASE {} TEMPLATE {}",
            identifier(name),
            identifier("Upper")
        ));
        let asked = shardq(["query", "-q", "-t", "--csv", "SELECT current_database()"]).db(&odd);
        asked
            .env("PGDATABASE", name)
            .run()
            .assert(0, &format!("shard_0,{name}\n"), "");
    }
}

#[test]
fn databases_that_have_shards_are_listed_whatever_they_are_called() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    let names = &NAMES[..3];
    for name in names {
        db.sql(&format!("CREATE DATABASE {}", identifier(name)));
        let schemas = "CREATE SCHEMA shard_0; CREATE SCHEMA shard_1; CREATE SCHEMA shard_x; CREATE SCHEMA shard_2b; CREATE SCHEMA shard_007";
        db.psql_program(["-d", name, "-c", schemas])
            .run()
            .assert(0, "", "");
    }
    let lines: Vec<_> = names
        .iter()
        .map(|name| format!("\n  {name} (2 shards)"))
        .collect();
    let mut expected: Vec<&str> = lines.iter().map(String::as_str).collect();
    let none = format!("shardq: error: database \"{}\" has no shards", db.name());
    expected.extend([none.as_str(), "(select one with -d):"]);
    let ran = shardq(["query", "SELECT 1"]).db(&db).run();
    ran.assert(1, "", has_all(expected));
    assert_eq!(
        ran.stderr.matches("shards)").count(),
        names.len(),
        "{}",
        ran.stderr
    );
}

#[test]
fn tables_columns_and_values_may_be_called_anything() {
    let db = Db::with_shards(2);
    for name in NAMES {
        let quoted = identifier(name);
        let literal = name.replace('\'', "''");
        db.in_each_shard(&format!("CREATE TABLE {quoted} AS SELECT '{literal}'::text AS {quoted}, $$shard_{{n}}$$::text AS s"));
        for format in ["-x", "-t", "-q"] {
            let sql = format!("SELECT {quoted}, s FROM {quoted} WHERE {quoted} = '{literal}'");
            let ours = shardq(["query", "--no-shard-column", "--shards", "1", format])
                .args((format != "-q").then_some("-q"))
                .args([&sql])
                .db(&db)
                .run();
            let psql = db
                .psql_program([format, "-c", &sql])
                .env("PGOPTIONS", "-c search_path=shard_1")
                .run();
            ours.assert(0, &psql.output(), "");
        }
        let sql = format!("SELECT nope FROM {quoted}");
        shardq(["query", &sql])
            .db(&db)
            .run()
            .assert(1, "", has("column \"nope\" does not exist"));
    }
}

#[test]
fn schemas_of_the_search_path_may_be_called_anything() {
    let db = Db::with_shards(2);
    // Postgres treats `$user` specially even when quoted.
    for name in NAMES.into_iter().filter(|name| *name != "$user") {
        let quoted = identifier(name);
        db.sql(&format!(
            "CREATE SCHEMA {quoted}; CREATE FUNCTION {quoted}.f() RETURNS int LANGUAGE sql AS 'SELECT 7'"
        ));
        let path = format!("{{shard}}, {quoted}");
        let asked = |sql| {
            shardq(["query", "-q", "-t", "--csv", "--search-path", &path, sql])
                .db(&db)
                .run()
        };
        asked("SELECT f()").assert(0, "shard_0,7\nshard_1,7\n", "");
    }
}

#[test]
fn only_canonical_schema_names_are_shards() {
    let db = Db::with_shards(1);
    for name in [
        "shard_x",
        "shard_2b",
        "shard_007",
        "shard_",
        "Shard_1",
        "shard_-1",
        "shard_4294967296",
        " shard_1",
    ] {
        db.sql(&format!("CREATE SCHEMA {}", identifier(name)));
    }
    shardq(["query", "--csv", "SELECT current_schema() AS s"])
        .db(&db)
        .run()
        .assert(0, "shard,s\nshard_0,shard_0\n", has("1 row · 1/1 shards"));
}

#[test]
fn a_missing_database_or_user_is_named() {
    let db = Db::empty();
    let name = "it's \"gone\" 日本";
    let database = shardq(["query", "SELECT 1", "-d", name]).db(&db).run();
    database.assert(1, "", has(&format!("database \"{name}\" does not exist")));
    let user = shardq(["query", "SELECT 1", "-U", name]).db(&db).run();
    user.assert(1, "", has(&format!("role \"{name}\" does not exist")));
}
