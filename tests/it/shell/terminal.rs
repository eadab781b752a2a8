//! On a terminal: the prompt, Ctrl-C, Ctrl-D, and what ends it.

use std::fs;

use shardq::sandbox::{Options, Shutdown};

use super::typist::Typist;
use crate::support::{Db, Profile, Program, Terminal, eventually, private_server, shardq};

fn plain(db: &Db) -> Program {
    shardq(["--color=never", "shell"]).db(db)
}

/// The prompt of a database.
fn prompt(db: &Db, whole: &str, mark: &str) -> String {
    format!("{} {whole}{mark}> ", db.name())
}

#[test]
fn the_prompt_says_where_and_how_whole() {
    let db = Db::with_numbers(2);
    let at = |whole: &str, mark: &str| prompt(&db, whole, mark);
    let mut typist = Typist::start(plain(&db), &at("2/2", "="));
    typist.enter("SELECT '", &at("2/2", "'"));
    typist.enter("', (", &at("2/2", "("));
    typist.enter("1)", &at("2/2", "-"));
    typist.enter(";", &at("2/2", "="));
    typist.enter("SELECT 1/n FROM t;", &at("1/2", "=!"));
    typist.enter("\\g on", &at("1/2 -g", "="));
    typist.enter("SELECT count(*) FROM t;", &at("2/2 -g", "="));
    typist.leave();
    db.assert_nothing_runs();
}

#[test]
fn the_environment_has_the_profiles_color() {
    let db = Db::with_shards(1);
    let profile = Profile::new("label = 'LIVE'\ncolor = 'red'");
    let painted = format!("\x1b[1;31mLIVE\x1b[0m {} 1/1=> ", db.name());
    let mut typist = Typist::start(profile.of(shardq(["shell"]).db(&db)), &painted);
    typist.terminal.type_in("SELECT 1");
    let colored = "\x1b[1;34mSELECT\x1b[0m \x1b[36m1\x1b[0m";
    typist.terminal.wait_for(|screen| screen.contains(colored));
    typist.keys("\x03", &painted);
    typist.leave();
    let plain = format!("LIVE {} 1/1=> ", db.name());
    let program = profile.of(shardq(["shell"]).db(&db)).env("NO_COLOR", "1");
    let mut typist = Typist::start(program, &plain);
    typist.enter("SELECT 1;", &plain);
    let ran = typist.leave();
    assert!(!ran.stdout.contains("\x1b[1;"), "{:?}", ran.stdout);
}

#[test]
fn without_a_command_shardq_is_the_shell() {
    let db = Db::with_shards(1);
    for arguments in [&[][..], &["-d", db.name()], &["--color=never"]] {
        let program = shardq([]).args(arguments).db(&db).env("NO_COLOR", "1");
        Typist::start(program, &prompt(&db, "1/1", "=")).leave();
    }
    let terminal = Terminal::start(shardq(["--version"]), 80, 24);
    assert!(terminal.finish().stdout.starts_with("shardq "));
}

#[test]
fn ctrl_c_cancels_the_statement_and_keeps_the_shell() {
    let db = Db::with_shards(3);
    let at = |whole: &str, mark: &str| prompt(&db, whole, mark);
    let mut typist = Typist::start(plain(&db), &at("3/3", "="));
    for _ in 0..2 {
        typist.terminal.type_in("SELECT pg_sleep(600);\r");
        let sleeping = "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' \
                        AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() \
                        AND datname = current_database()";
        eventually("it runs", || db.ask(sleeping) == "t");
        typist.keys("\x03", &at("0/3", "=!"));
        assert_eq!(db.ask(sleeping), "f");
    }
    typist.enter("SELECT 'on';", &at("3/3", "="));
    // What is typed is discarded.
    typist.enter("SELECT (", &at("3/3", "("));
    typist.keys("\x03", &at("3/3", "="));
    typist.leave();
    db.assert_nothing_runs();
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let db = Db::with_shards(1);
    let at = prompt(&db, "1/1", "=");
    let mut typist = Typist::start(plain(&db), &at);
    let lines = "SELECT 'a' ||\r'b';\rSELECT 'c' || 'd';\r";
    typist.terminal.type_in(lines);
    typist
        .terminal
        .wait_for(|screen| screen.contains(" | ab") && screen.contains(" | cd"));
    typist.keys("\r", &at);
    typist.leave();
}

#[test]
fn errors_in_a_file_keep_the_shell() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sql");
    fs::write(&file, "SELECT 1/0;\n\\echo after\n").unwrap();
    let mut typist = Typist::start(plain(&db), &prompt(&db, "1/1", "="));
    let failed = prompt(&db, "0/1", "=!");
    typist.enter(&format!("\\i {}", file.display()), &failed);
    let ran = typist.leave();
    assert!(
        ran.stdout.contains("stopped at line 1 of "),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("\nafter"), "{}", ran.stdout);
}

#[test]
fn a_signal_ends_it_and_gives_the_terminal_back() {
    let db = Db::with_shards(1);
    for signal in ["TERM", "HUP"] {
        let typist = Typist::start(plain(&db), &prompt(&db, "1/1", "="));
        assert!(!typist.terminal.is_cooked());
        typist.terminal.signal(signal);
        eventually("as before", || typist.terminal.is_cooked());
        assert_eq!(typist.terminal.finish().status, 130, "{signal}");
        db.assert_nothing_runs();
    }
}

#[test]
fn there_has_to_be_something_to_ask() {
    let db = Db::empty();
    let ran = Terminal::start(plain(&db), 100, 24).finish();
    assert_eq!(ran.status, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("no shards"), "{}", ran.stdout);
}

#[test]
fn an_editor_changes_the_last_statement() {
    let db = Db::with_shards(1);
    let at = prompt(&db, "1/1", "=");
    let mut typist = Typist::start(plain(&db).env("EDITOR", "sed -i s/first/second/"), &at);
    typist.enter("SELECT 'first';", &at);
    typist.enter("\\e", &at);
    assert!(typist.leave().stdout.contains(" | second"));
}

#[test]
fn words_are_completed() {
    let db = Db::with_shards(1);
    db.in_each_shard("CREATE TABLE long_name AS SELECT 'of it' AS the_column");
    let at = prompt(&db, "1/1", "=");
    let mut typist = Typist::start(plain(&db), &at);
    typist.enter("SELEC\t 7 + 7;", &at);
    typist.enter("\\conni\t", &at);
    typist.enter("SELECT the_col\t AS c FROM long_na\t;", &at);
    typist.enter("\\shards shar\t", &at);
    typist.enter("SELECT current_sett\t('block_size');", &at);
    let ran = typist.leave();
    assert!(ran.stdout.contains(" | of it"), "{}", ran.stdout);
    assert!(ran.stdout.contains(" | 8192"), "{}", ran.stdout);
    assert!(ran.stdout.contains("shards shard_0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("       14"), "{}", ran.stdout);
    let connected = "You are connected to";
    assert!(ran.stdout.contains(connected), "{}", ran.stdout);
}

#[test]
fn a_terminal_of_another_size_keeps_what_is_typed() {
    let db = Db::with_shards(1);
    let at = prompt(&db, "1/1", "=");
    // The result may need a pager in the smaller terminal.
    let mut typist = Typist::start(plain(&db).args(["--no-pager"]), &at);
    typist.terminal.type_in("SELECT 'a long' || ' line' || ");
    typist
        .terminal
        .wait_for(|screen| screen.contains("' line' ||"));
    typist.terminal.resize(70, 10);
    typist.enter("' of text' || ' that wraps';", &at);
    typist.terminal.resize(200, 40);
    typist.enter("SELECT 2 || 'nd';", &at);
    let ran = typist.leave();
    let wrapped = " | a long line of text that wraps";
    assert!(ran.stdout.contains(wrapped), "{}", ran.stdout);
    assert!(ran.stdout.contains(" | 2nd"), "{}", ran.stdout);
}

#[test]
fn the_history_is_searched() {
    let db = Db::with_shards(1);
    let at = prompt(&db, "1/1", "=");
    let mut typist = Typist::start(plain(&db), &at);
    typist.enter("SELECT 40 + 2 AS first;", &at);
    typist.enter("SELECT 7 AS second;", &at);
    // Ctrl-R
    typist.terminal.type_in("\x1240 +");
    typist
        .terminal
        .wait_for(|screen| screen.contains("reverse-i-search"));
    typist.keys("\r", &at);
    let ran = typist.leave();
    assert_eq!(ran.stdout.matches(" |    42").count(), 2, "{}", ran.stdout);
}

#[test]
fn brackets_are_shown_in_pairs() {
    let db = Db::with_shards(1);
    let at = format!("{} 1/1=> ", db.name());
    let mut typist = Typist::start(shardq(["shell"]).db(&db), &at);
    typist.terminal.type_in("SELECT ((1)");
    let open = "(\x1b[1;33m(\x1b[0m";
    typist.terminal.wait_for(|screen| screen.contains(open));
    typist.keys("\x03", &at);
    typist.leave();
}

#[test]
fn keys_and_named_queries_are_completed() {
    let db = Db::with_sample(4);
    let profile = Profile::new("label = 'x'\n[live.queries]\nlargest = \"SELECT 3 * 5 AS n\"");
    let at = format!("x {}", prompt(&db, "4/4", "="));
    let mut typist = Typist::start(profile.of(plain(&db)), &at);
    typist.enter("\\find cor\t", &at);
    typist.enter("\\named larg\t", &at);
    let ran = typist.leave();
    assert!(ran.stdout.contains("find core"), "{}", ran.stdout);
    assert!(ran.stdout.contains(" | 15"), "{}", ran.stdout);
}

#[test]
fn a_server_that_restarts_is_connected_to_again() {
    let mut server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..1);
    let at = prompt(&db, "1/1", "=");
    let mut typist = Typist::start(plain(&db), &at);
    typist.enter("SELECT 1;", &at);
    server.stop(Shutdown::Immediate).unwrap();
    server.start_again().unwrap();
    typist.enter("SELECT 'again';", &at);
    server.stop(Shutdown::Immediate).unwrap();
    typist.enter("SELECT 'off' || 'ered';", &prompt(&db, "1/1", "=!"));
    server.start_again().unwrap();
    typist.enter("\\g", &at);
    let ran = typist.leave();
    let offered = "\\g runs the statement again";
    assert!(ran.stdout.contains(offered), "{}", ran.stdout);
    assert!(ran.stdout.contains(" | offered"), "{}", ran.stdout);
    let said = "the connection was lost since the last statement; reconnected";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert!(ran.stdout.contains(" | again"), "{}", ran.stdout);
}
