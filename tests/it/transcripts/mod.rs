//! Whole outputs as snapshots: what a person reads, in one piece, to review a change of wording.
//!
//! The other tests hold what the commands promise. `docs/reference/commands.md` holds the help.

mod connecting;
mod export;
mod find;
mod global;
mod plans;
mod query;
mod usage;
mod verify;

use std::fs;
use std::path::Path;

/// insta does not notice a snapshot that no test reads any more.
#[test]
fn every_snapshot_is_of_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = |folder: &str| -> Vec<_> {
        let entries = fs::read_dir(tests.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let sources = files("transcripts")
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect::<String>();
    for snapshot in files("snapshots") {
        let name = snapshot.file_stem().unwrap().to_str().unwrap();
        assert!(
            sources.contains(&format!(".assert(\"{name}\")")),
            "{} is left over: delete it, or accept it",
            snapshot.display()
        );
    }
}
