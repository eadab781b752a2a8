//! What was typed is there in the next shell, except for what should not be kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Db, Profile, Program, Terminal, shardq};

fn start(db: &Db, state: &Path) -> Program {
    let program = shardq(["--color=never", "shell"]).db(db);
    program.env("XDG_STATE_HOME", state)
}

fn type_all(program: Program, lines: &[&str]) -> String {
    let mut terminal = Terminal::start(program, 100, 24);
    for (number, line) in lines.iter().enumerate() {
        terminal.wait_for(|screen| screen.matches("1/1").count() > number);
        terminal.type_in(line);
        terminal.type_in("\r");
    }
    terminal.type_in("\x04");
    let ran = terminal.finish();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    ran.stdout
}

#[test]
fn it_is_a_file_of_ones_own_without_what_is_private() {
    let db = Db::with_shards(1);
    let state = tempfile::tempdir().unwrap();
    let lines = [
        "\\set QUIET 1",
        " \\set hidden 1",
        "\\set password secret",
        "\\echo kept",
    ];
    type_all(start(&db, state.path()), &lines);
    let file = state.path().join("shardq/history");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("kept"), "{text}");
    assert!(
        !text.contains("hidden") && !text.contains("secret"),
        "{text}"
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
}

#[test]
fn each_profile_has_its_own() {
    let db = Db::with_shards(1);
    let state = tempfile::tempdir().unwrap();
    let profile = Profile::new("label = 'live'");
    type_all(profile.of(start(&db, state.path())), &["\\echo of live"]);
    let file = state.path().join("shardq/history-live");
    assert!(fs::read_to_string(file).unwrap().contains("of live"));
    assert!(!state.path().join("shardq/history").exists());
}

#[test]
fn it_is_searched_with_ctrl_r_and_printed_with_s() {
    let db = Db::with_shards(1);
    let state = tempfile::tempdir().unwrap();
    type_all(
        start(&db, state.path()),
        &["SELECT 'once'\r|| 'more';", "\\echo other"],
    );
    let mut terminal = Terminal::start(start(&db, state.path()), 100, 24);
    terminal.wait_for(|screen| screen.contains("1/1=> "));
    terminal.type_in("\x12once");
    terminal.wait_for(|screen| screen.contains("'more';"));
    terminal.type_in("\r");
    terminal.wait_for(|screen| screen.contains(" | oncemore"));
    terminal.type_in("\\s\r");
    terminal.wait_for(|screen| screen.contains("\\echo other\r\n"));
    terminal.type_in("\x04");
    assert_eq!(terminal.finish().status, 0);
}
