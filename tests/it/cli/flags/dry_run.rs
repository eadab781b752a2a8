//! `--dry-run` prints what would be sent, and sends none of it.

use shardq::sandbox::Options;

use super::query;
use crate::support::{ANY, Db, has_all, private_server};

#[test]
fn a_dry_run_prints_what_would_be_sent_and_sends_none_of_it() {
    let server = private_server(Options {
        settings: vec![
            ("log_statement".into(), "all".into()),
            ("log_line_prefix".into(), "> ".into()),
        ],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards([0, 1, 30]);
    let sql = "SELECT 'the mark'\n -- of this test";
    let dry = query([sql, "--dry-run", "-q", "--shards", "0-1"])
        .db(&db)
        .run();
    dry.assert(
        0,
        has_all(["-- shard_0\n", "-- shard_1\n"]),
        "shardq: warning: shard_2-29 missing (gap in shard numbers)\n",
    );
    assert!(!dry.stdout.contains("shard_30"), "{}", dry.stdout);
    // The server's log indents continuation lines with a tab.
    let log = || server.log().replace("\n\t", "\n");
    assert!(!log().contains("the mark"), "{}", log());

    query([sql, "-q", "--shards", "0-1"])
        .db(&db)
        .run()
        .assert(0, ANY, ANY);
    for shard in ["shard_0", "shard_1"] {
        let (_, turn) = dry.stdout.split_once(&format!("-- {shard}\n")).unwrap();
        let (turn, _) = turn.split_once(";\n\n").unwrap();
        assert!(turn.contains(sql), "{turn}");
        assert!(
            log().contains(turn),
            "{turn}\nis not in the log:\n{}",
            log()
        );
    }
}

#[test]
fn what_a_dry_run_prints_psql_can_run() {
    let db = Db::with_rows(2);
    let dry = query(["TABLE t", "--dry-run", "--no-snapshot"])
        .db(&db)
        .run()
        .output();
    let ran = db
        .psql_program(["-At", "-v", "ON_ERROR_STOP=1"])
        .stdin(dry)
        .run();
    ran.assert(0, has_all(["0|v0\n", "1|v1\n"]), "");
}
