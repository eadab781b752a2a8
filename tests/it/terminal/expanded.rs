//! `-x=auto`: one line per column where a table would be wider than the terminal, as in psql.

use crate::support::{Db, Program, Terminal, has, shardq};

fn on_terminal(program: Program, columns: u16) -> String {
    let ran = Terminal::start(program, columns, 24).finish();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    ran.stdout
}

/// What shardq prints above its summary.
fn ours(db: &Db, sql: &str, args: &[&str], columns: u16) -> String {
    let query = shardq(["query", "--color=never", "--no-pager", "--no-shard-column"]);
    let query = query.args(["-x=auto", "-c", sql]).args(args).db(db);
    let screen = on_terminal(query, columns);
    let end = screen.find("1 row · ").or(screen.find("0 rows · "));
    // A tip for superusers comes first.
    let begin = screen.find("docs/design/read-only.md\n").unwrap();
    screen[begin + "docs/design/read-only.md\n".len()..end.unwrap()].to_owned()
}

fn theirs(db: &Db, sql: &str, args: &[&str], columns: u16) -> String {
    let psql = db.psql_program(["-P", "expanded=auto", "-P", "pager=off", "-c", sql]);
    on_terminal(psql.args(args), columns)
}

#[test]
fn it_switches_where_psql_does() {
    let db = Db::with_shards(1);
    for sql in [
        // 3 columns between the values, 2 at the ends.
        "SELECT repeat('a', 20) AS a, repeat('b', 35) AS b",
        "SELECT 1 AS a, repeat('b', 54) AS b",
        "SELECT repeat('a', 80) AS a",
        "SELECT 1 AS a, 2 AS b_________________________________________________________",
        "SELECT 'x' AS a, E'two\nlines' || repeat('b', 60) AS b",
        "SELECT 'a' AS a, repeat('b', 80) AS b WHERE false",
    ] {
        for columns in [59, 60, 61] {
            for args in [["-t"].as_slice(), &[]] {
                let (ours, theirs) = (
                    ours(&db, sql, args, columns),
                    theirs(&db, sql, args, columns),
                );
                assert_eq!(ours, theirs, "{columns} {args:?} {sql}");
            }
        }
    }
    let narrow = ours(&db, "SELECT 1 AS a, repeat('b', 54) AS b", &[], 60);
    assert!(!narrow.contains("RECORD"), "{narrow}");
    let wide = ours(&db, "SELECT 1 AS a, repeat('b', 54) AS b", &[], 59);
    assert!(wide.contains("-[ RECORD 1 ]"), "{wide}");
}

#[test]
fn off_a_terminal_it_is_a_table() {
    let db = Db::with_shards(1);
    let sql = "SELECT 1 AS a, repeat('b', 100) AS b";
    let row = format!(" shard_0 | 1 | {}\n\n", "b".repeat(100));
    for flag in ["-x=auto", "--expanded=auto"] {
        let query = shardq(["query", "-t", flag, sql]).db(&db);
        query.run().assert(0, &row, has("1 row"));
    }
    let query = "query -t --no-pager -x=auto";
    let file = format!(
        "cd \"$(mktemp -d)\" && '{}' {query} -o t.csv \"{sql}\"; cat t.csv",
        env!("CARGO_BIN_EXE_shardq")
    );
    let shell = Program::new("sh").args(["-c", &file]).db(&db);
    assert!(on_terminal(shell, 60).contains(row.trim_end()));
}

#[test]
fn the_flag_alone_is_what_it_was_and_takes_no_sql() {
    let db = Db::with_shards(1);
    let lines = "shard | shard_0\nn     | 1\n\n";
    for args in [
        ["-t", "-x", "SELECT 1 AS n"],
        ["-t", "--expanded", "SELECT 1 AS n"],
        ["-t", "-x=on", "SELECT 1 AS n"],
        ["-tx", "-c", "SELECT 1 AS n"],
        ["-xtc", "SELECT 1 AS n", "-q"],
    ] {
        let ran = shardq(["query"]).args(args).db(&db).run();
        assert!(ran.status == 0 && ran.stdout == lines, "{args:?}: {ran:?}");
    }
    let wrong = shardq(["query", "-x=maybe", "SELECT 1"]).run();
    wrong.assert(
        2,
        "",
        has("invalid value 'maybe' for '--expanded[=<WHEN>]'"),
    );
    let both = shardq(["query", "-x=auto", "--csv", "SELECT 1"]).run();
    both.assert(2, "", has("cannot be used with"));
}

#[test]
fn a_long_expanded_result_is_paged() {
    let db = Db::with_shards(1);
    // Ten rows fit the screen as a table, but not as 4 lines each.
    let sql = "SELECT n, repeat('b', 100) AS b FROM generate_series(1, 10) AS n";
    let query = shardq(["query", "-x=auto", sql]).db(&db);
    let screen = on_terminal(query.env("PAGER", "sed 's/^/P: /'"), 60);
    assert!(screen.contains("P: -[ RECORD 10 ]-"), "{screen}");
}
