//! The pager is psql's: when, which, and how it ends.

use std::fs;

use crate::support::{Db, Program, Terminal, folder, has, shardq};

/// Marks each line that goes through it, and its end.
const MARKING: &str = "sed 's/^/P: /'; echo 'pager ends'";

/// Rows of one shard, without color.
fn rows<const N: usize>(db: &Db, count: u32, args: [&str; N]) -> Program {
    let sql = format!("SELECT n FROM generate_series(1, {count}) AS n");
    shardq(["query", "--color=never", "-t", "-c", &sql])
        .args(args)
        .db(db)
}

fn on_terminal(program: Program) -> Terminal {
    Terminal::start(program, 120, 24)
}

#[test]
fn a_table_longer_or_wider_than_the_screen_is_paged() {
    let db = Db::with_shards(1);
    let wide = format!("SELECT repeat('x', {}) AS x", 120);
    let wide = || shardq(["query", "--color=never", &wide]).db(&db);
    for (program, is_paged) in [
        // Rows, an empty line, the summary, and the prompt fill the screen.
        (rows(&db, 21, []), false),
        (rows(&db, 22, []), true),
        (rows(&db, 30, ["--no-pager"]), false),
        (rows(&db, 1, ["--pager"]), true),
        (rows(&db, 1, ["--no-pager", "--pager"]), true),
        (rows(&db, 30, ["-x"]), true),
        (rows(&db, 30, ["--markdown"]), true),
        (rows(&db, 30, ["--csv"]), false),
        (rows(&db, 30, ["--jsonl", "--pager"]), false),
        (wide(), true),
        (wide().args(["--markdown"]), true),
    ] {
        let command = program.command_line();
        let ran = on_terminal(program.env("PAGER", MARKING)).finish();
        assert_eq!(ran.status, 0, "{command}: {}", ran.stdout);
        let paged = ran.stdout.matches("P: ").count();
        assert_eq!(paged > 0, is_paged, "{command}: {}", ran.stdout);
        if is_paged {
            let (_, after) = ran.stdout.split_once("pager ends\n").unwrap();
            assert!(
                after.contains("/1 shards · ") && after.lines().count() == 1,
                "{after}"
            );
        }
    }
}

#[test]
fn without_a_screen_or_a_keyboard_there_is_no_pager() {
    let db = Db::with_shards(1);
    let program = rows(&db, 1, ["--pager"]).env("PAGER", MARKING);
    program
        .run()
        .assert(0, " shard_0 | 1\n\n", has("1/1 shards"));
    let sql = "SELECT n FROM generate_series(1, 30) AS n";
    for redirection in ["< /dev/null", "| cat", "-o t.txt --format table; cat t.txt"] {
        let folder = tempfile::tempdir().unwrap();
        let command = format!(
            "cd '{}'; '{}' query -t '{sql}' {redirection}",
            folder.path().display(),
            env!("CARGO_BIN_EXE_shardq")
        );
        let shell = Program::new("sh").args(["-c", &command]).db(&db);
        let ran = on_terminal(shell.env("PAGER", MARKING)).finish();
        let is_direct = ran.stdout.contains("\n shard_0 | 30\n");
        assert!(is_direct && !ran.stdout.contains("P: "), "{}", ran.stdout);
    }
}

#[test]
fn which_pager_it_is_follows_psql() {
    let db = Db::with_shards(1);
    let paged = |variables: &[(&str, &str)]| {
        let program = rows(&db, 30, []);
        let set = |program: Program, (name, value): &(&str, &str)| program.env(name, value);
        let ran = on_terminal(variables.iter().fold(program, set)).finish();
        assert_eq!(ran.status, 0, "{variables:?}: {}", ran.stdout);
        ran.stdout
    };
    let (a, b) = (("PSQL_PAGER", "sed s/^/A:/"), ("PAGER", "sed s/^/B:/"));
    assert!(paged(&[a, b]).contains("A: shard_0 |"));
    assert!(paged(&[b]).contains("B: shard_0 |"));
    for blank in ["", " \t"] {
        let none = paged(&[("PSQL_PAGER", blank), b]);
        assert!(
            none.contains("\n shard_0 |") && !none.contains("B:"),
            "{none}"
        );
    }
    let show = ("PAGER", "cat > /dev/null; echo \"LESS=$LESS\"");
    assert!(paged(&[show]).contains("LESS=RSX\n"));
    assert!(paged(&[show, ("LESS", "M")]).contains("LESS=M\n"));
}

/// A folder of programs that only say their names, as `PATH`.
fn with_programs(names: &[&str]) -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::write(
            &path,
            format!("#!/bin/sh\nwhile read -r x; do :; done; echo 'I am {name}'\n"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let sh = folder.path().join("sh");
    std::os::unix::fs::symlink("/bin/sh", sh).unwrap();
    let path = folder.path().display().to_string();
    (folder, path)
}

#[test]
fn without_variables_it_is_less_or_else_more() {
    let db = Db::with_shards(1);
    for (programs, shown) in [
        (["less", "more"].as_slice(), "I am less\n"),
        (&["more"], "I am more\n"),
        (&[], "\n shard_0 | 30\n"),
    ] {
        let (_folder, path) = with_programs(programs);
        let program = rows(&db, 30, []);
        // The terminal needs setsid, which is not there.
        let shardq = program
            .command_line()
            .replacen("shardq", env!("CARGO_BIN_EXE_shardq"), 1);
        let command = format!("PATH='{path}'; export PATH; {shardq}");
        let shell = Program::new("sh").args(["-c", &command]).db(&db);
        let ran = on_terminal(shell).finish();
        assert!(
            ran.status == 0 && ran.stdout.contains(shown),
            "{programs:?}: {ran:?}"
        );
        assert!(!ran.stdout.contains("warning"), "{}", ran.stdout);
    }
}

#[test]
fn each_statement_has_its_pager_and_errors_come_after_it() {
    let db = Db::with_shards(2);
    db.in_shard(0, "CREATE TABLE t AS SELECT generate_series(1, 30) AS n");
    let query = shardq(["query", "--color=never", "-t", "-c", "SELECT n FROM t"]);
    let query = query.args(["-c", "SELECT 1 AS n", "-c", "SELECT 2 AS n FROM t"]);
    let ran = on_terminal(query.db(&db).env("PAGER", MARKING)).finish();
    assert_eq!(ran.status, 3, "{}", ran.stdout);
    let parts: Vec<_> = ran.stdout.split("pager ends\n").collect();
    let [first, second, third] = parts[..] else {
        panic!("{}", ran.stdout)
    };
    let error = "shardq: error: shard_1: ERROR 42P01";
    assert!(
        first.contains("P:  shard_0 | 30\n") && !first.contains(error),
        "{first}"
    );
    assert!(second.starts_with(error), "{second}");
    assert!(
        second.contains("30 rows · 1/2 shards, missing: shard_1"),
        "{second}"
    );
    assert!(
        second.contains("\n shard_0 | 1\n shard_1 | 1\n\n"),
        "{second}"
    );
    assert!(
        third.starts_with(error) && third.contains("30 rows · 1/2 shards"),
        "{third}"
    );
}

#[test]
fn leaving_the_pager_early_is_no_error() {
    let db = Db::with_shards(1);
    // More than a pipe holds.
    for (pager, count) in [("head -n 2", 100_000), ("exit 3", 100_000), ("true", 30)] {
        let query = rows(&db, count, ["-c", "SELECT 'next' AS n"]);
        let ran = on_terminal(query.env("PAGER", pager)).finish();
        let summary = if count == 30 {
            "30 rows · 1/1 shards"
        } else {
            "100,000 rows · 1/1 shards"
        };
        assert!(
            ran.status == 0 && ran.stdout.contains(summary),
            "{pager}: {ran:?}"
        );
        assert!(ran.stdout.contains("| next"), "{pager}: {ran:?}");
    }
}

#[test]
fn less_shows_the_beginning_and_q_leaves_it() {
    if Program::new("sh")
        .args(["-c", "less --version"])
        .run()
        .status
        != 0
    {
        return;
    }
    let db = Db::with_shards(1);
    let mut query = on_terminal(rows(&db, 100_000, []));
    query.wait_for(|screen| screen.contains("\r\n:"));
    assert!(!query.is_cooked());
    query.type_in("q");
    query.wait_for(|screen| screen.contains("100,000 rows · 1/1 shards"));
    assert!(query.is_cooked());
    let ran = query.finish();
    assert!(ran.status == 0 && !ran.stdout.contains("| 99"), "{ran:?}");
}

/// Reads all, then waits for a line from the keyboard.
const WAITING: &str = "cat > /dev/null; echo ready; read line < /dev/tty; echo \"typed $line\"";

#[test]
fn the_demo_runs_on_without_a_pager() {
    let state = folder();
    let demo = shardq(["demo", "--color=never"]).env("PAGER", MARKING);
    let mut demo = Terminal::start(demo.env("XDG_STATE_HOME", state.path()), 20, 5);
    demo.wait_for(|screen| screen.contains("builder_originsrv 128/128=> "));
    demo.type_in("\\q\r");
    let ran = demo.finish();
    assert!(
        ran.status == 0 && ran.stdout.contains("128/128 shards"),
        "{ran:?}"
    );
    let (before_the_shell, _) = ran.stdout.split_once("$ shardq\n").unwrap();
    assert!(
        !before_the_shell.contains("P: ") && !before_the_shell.contains("\x1b[1"),
        "{before_the_shell}"
    );
}

#[test]
fn ctrl_c_is_the_pagers() {
    let db = Db::with_shards(1);
    let caught = format!("trap 'echo caught' INT; {WAITING}; read line < /dev/tty");
    // One that handles it, and one that it ends. A second one would end the process.
    for (pager, typed, shown) in [(caught.as_str(), "\x03", "caught"), (WAITING, "\x03", "")] {
        let mut query = on_terminal(rows(&db, 30, []).env("PAGER", pager));
        query.wait_for(|screen| screen.contains("ready\r\n"));
        query.type_in(typed);
        if !shown.is_empty() {
            query.wait_for(|screen| screen.contains(shown));
            query.type_in(typed);
            query.type_in("a\nb\n");
        }
        let ran = query.finish();
        let has_summary = ran.stdout.contains("30 rows · 1/1 shards");
        assert!(ran.status == 0 && has_summary, "{pager}: {ran:?}");
    }
}

#[test]
fn ctrl_c_is_a_request_again_after_the_pager() {
    let db = Db::with_shards(1);
    let query = rows(&db, 30, ["-c", "SELECT pg_sleep(30)"]);
    let mut query = on_terminal(query.env("PAGER", MARKING));
    query.wait_for(|screen| screen.contains("pager ends"));
    db.until_waiting("PgSleep", 1);
    query.type_in("\x03");
    let ran = query.finish();
    assert!(
        ran.status == 130 && ran.stdout.contains("interrupted"),
        "{ran:?}"
    );
}

#[test]
fn a_request_to_terminate_ends_the_pager_too() {
    let db = Db::with_shards(1);
    let pager = "trap 'echo ended; exit' TERM; cat > /dev/null; echo ready; \
                 while :; do sleep 0.05; done";
    for signal in ["TERM", "HUP"] {
        let query = on_terminal(rows(&db, 30, []).env("PAGER", pager));
        query.wait_for(|screen| screen.contains("ready"));
        query.signal(signal);
        let ran = query.finish();
        assert!(
            ran.status == 130 && ran.stdout.contains("ended\n"),
            "{signal}: {ran:?}"
        );
        assert!(!ran.stdout.contains("rows"), "{}", ran.stdout);
    }
}

#[test]
fn a_pager_that_cannot_be_started_is_a_warning() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not-executable");
    fs::write(&file, "").unwrap();
    for pager in ["/nonexistent/pager", file.to_str().unwrap()] {
        let ran = on_terminal(rows(&db, 30, []).env("PAGER", pager)).finish();
        let warning = format!("shardq: warning: cannot start the pager \"{pager}\"");
        let is_direct = ran.stdout.contains("\n shard_0 |  1\n");
        assert!(
            ran.status == 0 && is_direct && ran.stdout.contains(&warning),
            "{ran:?}"
        );
        assert_eq!(ran.stdout.matches("| 30\n").count(), 1, "{}", ran.stdout);
    }
}

#[test]
fn a_pager_that_is_killed_leaves_the_terminal_as_it_was() {
    let db = Db::with_shards(1);
    let pager = "stty -echo -icanon < /dev/tty; cat > /dev/null; echo ready; kill -9 $$";
    let query = on_terminal(rows(&db, 30, []).env("PAGER", pager));
    query.wait_for(|screen| screen.contains("30 rows · 1/1 shards"));
    assert!(query.is_cooked());
    assert_eq!(query.finish().status, 0);
}

#[test]
fn null_is_not_dim_in_a_pager_unless_asked_for() {
    let db = Db::with_shards(1);
    let query = ["SELECT NULL", "--null", "none", "--pager"];
    let query = || shardq(["query"]).args(query).db(&db).env("PAGER", MARKING);
    let auto = on_terminal(query()).finish();
    assert!(auto.stdout.contains("| none\n"), "{auto:?}");
    let always = on_terminal(query().args(["--color=always"])).finish();
    assert!(
        always.stdout.contains("| \x1b[2mnone\x1b[0m\n"),
        "{always:?}"
    );
}
