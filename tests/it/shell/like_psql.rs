//! The same script in psql, in one shard: the same output.

use std::fs;
use std::path::Path;

use super::shell;
use crate::support::{Db, Program};

#[test]
fn a_script_prints_what_psql_prints() {
    let db = Db::with_shards(1);
    for script in [
        "SELECT 1 AS a, NULL AS b, 'x' AS \"C d\";\n",
        "SELECT 1;SELECT 2\n;\n",
        "\\x\nSELECT 1 AS a, 'b' AS b;\n\\x\nSELECT 2;\n\\x on\n\\x off\n\\x auto\n",
        "\\t\nSELECT 1;\n\\t on\n\\t off\nSELECT 2;\n",
        "\\pset null NIL\nSELECT NULL AS n;\n\\pset null\n",
        "\\pset format csv\nSELECT 1 AS a, 'b,c' AS b;\n\\pset format aligned\nSELECT 1;\n",
        "\\pset tuples_only on\nSELECT 1;\n\\pset expanded on\nSELECT 2 AS b;\n",
        "\\echo a  b 'c  d' 'it''s'\n\\echo -n x\n\\echo y\n",
        "\\set a 5\n\\echo :a :'a' :\"a\" :b\nSELECT :a AS a, :'a' AS t;\n\\unset a\n\\echo :a\n",
        "\\set a b c\n\\echo :a\n\\set e\n\\echo [:e]\n",
        "SELECT 1 AS a \\g\nSELECT 2 AS b \\gx\n\\g\nSELECT 3\n\\g\n",
        "SELECT 'a\nb', $$;$$, \";\" FROM (SELECT 1 AS \";\") AS q /* ; */; -- ;\n",
        "SELECT E'\\\\x', '\\x';\n",
        "\\timing off\n\\q\nSELECT 1;\n",
        "\\t \\x\nSELECT 1 AS a;\n",
        "\\echo a\\\\SELECT 1 AS b;\n",
    ] {
        let psql = Program::new(db.programs().join("psql"));
        let psql = psql.args(["--no-psqlrc"]).db(&db);
        let expected = psql.stdin(script).run().output();
        let printed = shell(&db, script).run();
        assert_eq!(printed.stdout, expected, "{script}\n{}", printed.stderr);
        assert_eq!(printed.status, 0, "{script}");
    }
}

#[test]
fn files_are_read_and_written_as_psql_does() {
    let db = Db::with_shards(1);
    let run = |program: Program, folder: &Path| {
        let file = |name: &str| folder.join(name).display().to_string();
        let included = "SELECT 1 AS a;\n\\echo in\n\\qecho of results\n";
        fs::write(folder.join("in.sql"), included).unwrap();
        let script = format!(
            "\\o {}\n\\i {}\n\\x\nSELECT 2 AS b;\n\\o\nSELECT 3 AS c;\n\
             SELECT 4 AS d \\g {}\n\\t on\nSELECT 5 AS e;\n",
            file("out"),
            file("in.sql"),
            file("g")
        );
        let printed = program.stdin(script.as_str()).run().output();
        let written = ["out", "g"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
        (printed, written)
    };
    let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let psql = Program::new(db.programs().join("psql"));
    let expected = run(psql.args(["--no-psqlrc"]).db(&db), theirs.path());
    let printed = run(shell(&db, ""), ours.path());
    assert_eq!(printed, expected);
}

#[test]
fn an_error_ends_a_script_with_the_status_of_psql() {
    let db = Db::with_shards(1);
    for script in [
        "SELECT 1/0;\nSELECT 2;\n",
        "\\nonsense\nSELECT 2;\n",
        "SELECT (;\n",
    ] {
        let psql = db.psql_program(["-v", "ON_ERROR_STOP=1"]).stdin(script);
        let (expected, ran) = (psql.run(), shell(&db, script).run());
        assert_eq!(
            (ran.status, &ran.stdout),
            (expected.status, &expected.stdout),
            "{script}"
        );
        let psql = db.psql_program(["-v", "ON_ERROR_STOP=0"]).stdin(script);
        let on = shell(&db, script).args(["-v", "ON_ERROR_STOP=0"]).run();
        let expected = psql.run();
        assert_eq!(
            (on.status, &on.stdout),
            (expected.status, &expected.stdout),
            "{script}"
        );
    }
}
