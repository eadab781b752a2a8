//! What was typed is there in the next shell, except for what should not be kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::typist::Typist;
use crate::support::{Db, Profile, Program, shardq};

fn shell(db: &Db) -> Program {
    shardq(["--color=never", "shell"]).db(db)
}

fn prompt(db: &Db) -> String {
    format!("{} 1/1=> ", db.name())
}

#[test]
fn it_is_a_file_of_ones_own_without_what_is_private() {
    let db = Db::with_shards(1);
    let state = tempfile::tempdir().unwrap();
    let mut typist = Typist::with_state(shell(&db), state.path(), &prompt(&db));
    for line in [" \\set hidden 1", "\\set password secret", "\\echo kept"] {
        typist.enter(line, &prompt(&db));
    }
    typist.leave();
    let file = state.path().join("shardq/history");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("kept"), "{text}");
    let is_private = text.contains("hidden") || text.contains("secret");
    assert!(!is_private, "{text}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
}

#[test]
fn each_profile_has_its_own() {
    let db = Db::with_shards(1);
    let state = tempfile::tempdir().unwrap();
    let profile = Profile::new("label = 'LIVE'");
    let prompt = format!("LIVE {}", prompt(&db));
    let mut typist = Typist::with_state(profile.of(shell(&db)), state.path(), &prompt);
    typist.enter("\\echo of live", &prompt);
    typist.leave();
    let file = state.path().join("shardq/history-live");
    assert!(fs::read_to_string(file).unwrap().contains("of live"));
    assert!(!state.path().join("shardq/history").exists());
}

#[test]
fn it_is_searched_with_ctrl_r_and_printed_with_s() {
    let db = Db::with_shards(1);
    let state = tempfile::tempdir().unwrap();
    let mut typist = Typist::with_state(shell(&db), state.path(), &prompt(&db));
    typist.enter("SELECT 'once'", &format!("{} 1/1-> ", db.name()));
    typist.enter("|| 'more';", &prompt(&db));
    typist.enter("\\echo other", &prompt(&db));
    typist.leave();
    let mut typist = Typist::with_state(shell(&db), state.path(), &prompt(&db));
    typist.terminal.type_in("\x12once");
    typist
        .terminal
        .wait_for(|screen| screen.contains("'more';"));
    typist.keys("\r", &prompt(&db));
    typist.enter("\\s", &prompt(&db));
    let ran = typist.leave();
    assert!(ran.stdout.contains(" | oncemore"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n\\echo other\n"), "{}", ran.stdout);
}
