//! On a terminal: the prompt, Ctrl-C, Ctrl-D, and what ends it.

use std::fs;

use crate::support::{Db, Profile, Program, Terminal, eventually, shardq};

fn start(program: Program) -> Terminal {
    Terminal::start(program, 100, 24)
}

fn plain(db: &Db) -> Program {
    shardq(["--color=never", "shell"]).db(db)
}

/// The prompt of a database, with `mark` in front of its end.
fn prompt(db: &Db, whole: &str, mark: &str) -> String {
    format!("{} {whole}{mark}> ", db.name())
}

/// Waits until the prompt has been shown so many times.
fn wait_for_prompt(terminal: &Terminal, prompt: &str, times: usize) {
    terminal.wait_for(|screen| screen.matches(prompt).count() >= times);
}

#[test]
fn the_prompt_says_where_and_how_whole() {
    let db = Db::with_numbers(2);
    let mut terminal = start(plain(&db));
    wait_for_prompt(&terminal, &prompt(&db, "2/2", "="), 1);
    terminal.type_in("SELECT '\r");
    wait_for_prompt(&terminal, &prompt(&db, "2/2", "'"), 1);
    terminal.type_in("', (\r");
    wait_for_prompt(&terminal, &prompt(&db, "2/2", "("), 1);
    terminal.type_in("1)\r");
    wait_for_prompt(&terminal, &prompt(&db, "2/2", "-"), 1);
    terminal.type_in(";\r");
    wait_for_prompt(&terminal, &prompt(&db, "2/2", "="), 2);
    terminal.type_in("SELECT 1/n FROM t;\r");
    wait_for_prompt(&terminal, &prompt(&db, "1/2", "=!"), 1);
    terminal.type_in("\\g on\r");
    wait_for_prompt(&terminal, &prompt(&db, "1/2 -g", "="), 1);
    terminal.type_in("\x04");
    let ran = terminal.finish();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    db.assert_nothing_runs();
}

#[test]
fn the_environment_has_the_profiles_color() {
    let db = Db::with_shards(1);
    let profile = Profile::new("label = 'LIVE'\ncolor = 'red'");
    let mut terminal = start(profile.of(shardq(["shell"]).db(&db)));
    let painted = format!("\x1b[1;31mLIVE\x1b[0m {} 1/1=> ", db.name());
    wait_for_prompt(&terminal, &painted, 1);
    terminal.type_in("SELECT 1");
    terminal.wait_for(|screen| screen.contains("\x1b[1;34mSELECT\x1b[0m \x1b[36m1\x1b[0m"));
    terminal.type_in("\x03\x04");
    assert_eq!(terminal.finish().status, 0);
    let mut terminal = start(profile.of(shardq(["shell"]).db(&db)).env("NO_COLOR", "1"));
    wait_for_prompt(&terminal, &format!("LIVE {} 1/1=> ", db.name()), 1);
    terminal.type_in("SELECT 1;\r\x04");
    let ran = terminal.finish();
    assert!(!ran.stdout.contains("\x1b[1;"), "{:?}", ran.stdout);
}

#[test]
fn without_a_command_shardq_is_the_shell() {
    let db = Db::with_shards(1);
    for arguments in [&[][..], &["-d", db.name()], &["--color=never"]] {
        let program = shardq([]).args(arguments).db(&db).env("NO_COLOR", "1");
        let mut terminal = start(program);
        wait_for_prompt(&terminal, &prompt(&db, "1/1", "="), 1);
        terminal.type_in("\\q\r");
        assert_eq!(terminal.finish().status, 0, "{arguments:?}");
    }
    let terminal = start(shardq(["--version"]));
    assert!(terminal.finish().stdout.starts_with("shardq "));
}

#[test]
fn ctrl_c_cancels_the_statement_and_keeps_the_shell() {
    let db = Db::with_shards(3);
    let mut terminal = start(plain(&db));
    wait_for_prompt(&terminal, &prompt(&db, "3/3", "="), 1);
    for round in 1..=2 {
        terminal.type_in("SELECT pg_sleep(600);\r");
        let sleeping = "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' \
                        AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() \
                        AND datname = current_database()";
        eventually("it runs", || db.ask(sleeping) == "t");
        terminal.type_in("\x03");
        wait_for_prompt(&terminal, &prompt(&db, "0/3", "=!"), round);
        assert_eq!(db.ask(sleeping), "f");
    }
    terminal.type_in("SELECT 'on';\r");
    wait_for_prompt(&terminal, &prompt(&db, "3/3", "="), 2);
    // What is typed is discarded.
    terminal.type_in("SELECT (\r");
    wait_for_prompt(&terminal, &prompt(&db, "3/3", "("), 1);
    terminal.type_in("\x03");
    wait_for_prompt(&terminal, &prompt(&db, "3/3", "="), 3);
    terminal.type_in("\x04");
    assert_eq!(terminal.finish().status, 0);
    db.assert_nothing_runs();
}

#[test]
fn errors_in_a_file_keep_the_shell() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sql");
    fs::write(&file, "SELECT 1/0;\n\\echo after\n").unwrap();
    let mut terminal = start(plain(&db));
    wait_for_prompt(&terminal, &prompt(&db, "1/1", "="), 1);
    terminal.type_in(&format!("\\i {}\r", file.display()));
    terminal.wait_for(|screen| screen.contains("stopped at line 1 of "));
    terminal.type_in("\\q\r");
    let ran = terminal.finish();
    assert_eq!(ran.status, 0);
    assert!(!ran.stdout.contains("\nafter"), "{}", ran.stdout);
}

#[test]
fn a_signal_ends_it_and_gives_the_terminal_back() {
    let db = Db::with_shards(1);
    for signal in ["TERM", "HUP"] {
        let terminal = start(plain(&db));
        wait_for_prompt(&terminal, &prompt(&db, "1/1", "="), 1);
        eventually("it reads", || !terminal.is_cooked());
        terminal.signal(signal);
        eventually("as before", || terminal.is_cooked());
        assert_eq!(terminal.finish().status, 130, "{signal}");
        db.assert_nothing_runs();
    }
}

#[test]
fn there_has_to_be_something_to_ask() {
    let db = Db::empty();
    let ran = start(plain(&db)).finish();
    assert_eq!(ran.status, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("no shards"), "{}", ran.stdout);
}

#[test]
fn an_editor_changes_the_last_statement() {
    let db = Db::with_shards(1);
    let editor = "sed -i s/first/second/";
    let mut terminal = start(plain(&db).env("EDITOR", editor));
    wait_for_prompt(&terminal, &prompt(&db, "1/1", "="), 1);
    terminal.type_in("SELECT 'first';\r");
    wait_for_prompt(&terminal, &prompt(&db, "1/1", "="), 2);
    terminal.type_in("\\e\r");
    terminal.wait_for(|screen| screen.contains(" | second"));
    terminal.type_in("\\q\r");
    assert_eq!(terminal.finish().status, 0);
}

#[test]
fn words_are_completed() {
    let db = Db::with_shards(1);
    let mut terminal = start(plain(&db));
    wait_for_prompt(&terminal, &prompt(&db, "1/1", "="), 1);
    terminal.type_in("SELEC\t 7 + 7;\r");
    terminal.wait_for(|screen| screen.contains("       14"));
    terminal.type_in("\\conni\t\r");
    terminal.wait_for(|screen| screen.contains("You are connected to database"));
    terminal.type_in("\\q\r");
    assert_eq!(terminal.finish().status, 0);
}
