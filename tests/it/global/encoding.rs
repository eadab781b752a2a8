//! Names are truncated at 63 bytes in the database's encoding.

use super::answered;
use crate::support::Db;

/// One of 40 characters, which only UTF-8 truncates, and one that both truncate.
#[test]
fn a_long_name_is_cut_where_the_databases_encoding_cuts_it() {
    for db in [Db::latin1(), Db::empty()] {
        db.create_shards(0..2);
        for (letter, escape, length) in [("ä", r"\00e4", 40), ("ö", r"\00f6", 70)] {
            let name = letter.repeat(length);
            db.in_each_shard(&format!(
                "SET client_encoding TO utf8; CREATE TABLE \"{name}\" (id int, {name} text);
                 INSERT INTO {name} VALUES ({{n}}, 'x'), (2, 'y')"
            ));
            // A client with another encoding writes the same name.
            let count = format!("SELECT count(*) FROM shard_0.{name}");
            let psql = db.psql_program(["-At", "-c", &count]);
            assert_eq!(psql.env("PGCLIENTENCODING", "UTF8").run().output(), "2\n");
            let escaped = escape.repeat(length);
            for written in [
                name.clone(),
                format!("\"{name}\""),
                format!("U&\"{escaped}\""),
            ] {
                for sql in [
                    format!("SELECT count(*) FROM {written}"),
                    format!("SELECT count(*) FROM {written} WHERE {written} IS NOT NULL"),
                    format!("SELECT count(*) FROM {written} WHERE E'\\\\' <> ''"),
                ] {
                    answered(&db, &sql, "4");
                }
            }
        }
    }
}
