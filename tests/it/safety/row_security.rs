//! Row-level security silently hides rows from a role: a run reports that, or fails.

use std::fs;

use crate::support::{Db, Program, export, folder, has, has_all, manifest, shardq};

/// Two shards with three rows each, one of which a role may see.
struct Restricted {
    db: Db,
    role: String,
}

impl Restricted {
    fn new() -> Self {
        let db = Db::with_shards(2);
        // Roles belong to the server, which other tests share.
        let role = format!("reader of {}", db.name());
        let role = format!("\"{role:.60}\"");
        db.sql(&format!("CREATE ROLE {role} LOGIN"));
        db.in_each_shard(&format!(
            "CREATE TABLE origins AS SELECT n AS id, 'row ' || n AS name FROM generate_series(1, 3) AS n;
             ALTER TABLE origins ENABLE ROW LEVEL SECURITY;
             CREATE POLICY one ON origins USING (id = 1);
             GRANT USAGE ON SCHEMA shard_{{n}} TO {role};
             GRANT SELECT ON origins TO {role}"
        ));
        let role = role.trim_matches('"').to_owned();
        Self { db, role }
    }

    fn as_reader(&self, program: Program) -> Program {
        program.db(&self.db).args(["-U", &self.role])
    }
}

const REFUSED: &str =
    "ERROR 42501: query would be affected by row-level security policy for table \"origins\"";
const SQL: &str = "SELECT count(*) FROM origins";

#[test]
fn query_warns_of_the_tables_whose_rows_may_be_hidden() {
    let restricted = Restricted::new();
    let rows = "shard_0,1\nshard_1,1\n";
    let query = || restricted.as_reader(shardq(["query", "--csv", "-t", SQL]));
    query().run().assert(
        0,
        rows,
        has("warning: row-level security may hide rows from this role: \"origins\" (shard_0-1)"),
    );
    let asked = query().args(["--row-security"]).run();
    assert!(!asked.stderr.contains("row-level"), "{}", asked.stderr);
    asked.assert(0, rows, has("2/2 shards"));
    // Policies do not apply to the owner.
    let owner = shardq(["query", "--csv", "-t", SQL])
        .db(&restricted.db)
        .run();
    assert!(!owner.stderr.contains("row-level"), "{}", owner.stderr);
    owner.assert(0, "shard_0,3\nshard_1,3\n", has("2/2 shards"));
}

#[test]
fn a_global_query_fails_unless_asked_for_what_the_role_may_see() {
    let restricted = Restricted::new();
    for strategy in ["one", "auto"] {
        let query = || {
            let query = shardq(["query", "-g", "--csv", "-t", "--strategy", strategy, SQL]);
            restricted.as_reader(query)
        };
        query()
            .run()
            .assert(1, "", has_all([REFUSED, "--row-security"]));
        query()
            .args(["--row-security"])
            .run()
            .assert(0, "2\n", has("2/2 shards"));
    }
}

#[test]
fn an_export_fails_unless_asked_for_what_the_role_may_see_and_records_it() {
    let restricted = Restricted::new();
    let folder = folder();
    for (name, flags) in [
        ("t.csv", &[][..]),
        ("g.csv", &["-g"]),
        ("folder", &["--per-shard"]),
    ] {
        let file = folder.path().join(name);
        let export = || {
            let export = export(&restricted.db, "SELECT id FROM origins", &file).args(flags);
            restricted.as_reader(export)
        };
        export()
            .run()
            .assert(1, "", has_all([REFUSED, "--row-security"]));
        if name == "folder" {
            fs::remove_dir_all(&file).unwrap();
        }
        assert!(!file.exists());
        export()
            .args(["--row-security"])
            .run()
            .assert(0, "", has("2 rows · 2/2 shards"));
        if name != "folder" {
            assert_eq!(manifest(&file)["options"]["row-security"], true);
        }
    }
}
