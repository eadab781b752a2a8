//! Connection settings that make no sense, and servers that refuse.

use shardq::sandbox::Options;

use crate::support::{Db, Program, Transcript, private_server, shardq};

/// As nobody, with a connection string.
fn to(connection: &str) -> Program {
    let query = shardq(["query", "SELECT 1", "-d", connection]);
    query.env("PGUSER", "nobody").env("PGCONNECT_TIMEOUT", "2")
}

#[test]
fn settings() {
    Transcript::new()
        .run(to("host=/nonexistent sllmode=require"))
        .run(to("host=/nonexistent port=five"))
        .run(to("host=/nonexistent port=1,2"))
        .run(to("host=/nonexistent sslmode=yes"))
        .run(to("host=/nonexistent connect_timeout=soon"))
        .run(to("host=h sslmode=require sslrootcert=system"))
        .run(to("host=/nonexistent password='x"))
        .run(to("host=/nonexistent password=two words"))
        .run(to("postgresql://u:p@ss/word@h/d"))
        .run(to("postgresql://[::1/d"))
        .run(to("postgresql://h/d?sslmode"))
        .run(to("postgresql://h:%zz/d"))
        .run(to("pgsql://h/d"))
        .run(to("service=nowhere"))
        .run(to("host=/nonexistent gssencmode=require"))
        .run(shardq(["query", "SELECT 1", "-d", "one", "-d", "two"]))
        .run(shardq(["query", "SELECT 1", "-U", "postgresql://u:p@h/d"]))
        .assert("connecting_settings");
}

#[test]
fn servers() {
    let db = Db::with_shards(1);
    let query = || shardq(["query", "SELECT 1"]).db(&db);
    Transcript::of(&db)
        .run(query().args(["-h", "/nonexistent"]))
        .run(query().args(["-h", "127.0.0.1", "-p", "1"]))
        .run(query().args(["-d", "nowhere"]))
        .run(query().args(["-U", "nobody"]))
        .run(query().args(["-h", "/nonexistent,/missing"]))
        .assert("connecting_servers");
}

#[test]
fn passwords() {
    let server = private_server(Options {
        hba: Some("local all postgres trust\nlocal all all scram-sha-256\n".to_owned()),
        ..Options::default()
    });
    let db = Db::on(&server);
    db.sql("CREATE ROLE ada LOGIN PASSWORD 'right'");
    let query = || shardq(["query", "SELECT 1", "-w", "-U", "ada"]).db(&db);
    let password = |password: &str| query().args(["-d", &format!("password={password}")]);
    Transcript::of(&db)
        .run(query())
        .run(password("wrong"))
        .run(password("right"))
        .assert("connecting_passwords");
}
