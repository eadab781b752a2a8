//! `shardq find`.

mod from_file;
mod in_column;
mod incomplete;
mod kinds;
mod learn;
mod lookup;

use crate::support::Db;

/// Two shards with keys of a type whose operators are in a schema of its own. `None` where the
/// extension is not installed.
fn with_citext() -> Option<Db> {
    let db = Db::with_shards(2);
    let available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'";
    if db.ask(available) == "0" {
        return None;
    }
    db.sql("CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions");
    db.in_each_shard("CREATE TABLE users (email extensions.citext UNIQUE)");
    db.in_shard(1, "INSERT INTO users VALUES ('Ada@Example.com')");
    Some(db)
}
