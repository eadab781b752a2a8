//! Exports, and what is in their folders.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{Db, Program, has, shardq};

/// An export to `file`; more arguments may follow.
pub fn export(db: &Db, sql: &str, file: &Path) -> Program {
    shardq(["export", sql, "-o"]).args([file]).db(db)
}

pub fn verify(file: &Path) -> Program {
    shardq(["verify"]).args([file])
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn manifest(file: &Path) -> Value {
    let path = format!("{}.manifest.json", file.display());
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Of an export with one file per shard.
pub fn folder_manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("_manifest.json")).unwrap()).unwrap()
}

/// The names in a folder, including hidden ones.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Removes the file of a shard from a complete export of four rows from four shards: that is
/// noticed, and `--resume` makes it whole again.
pub fn lose_a_part_and_resume(parts: &Path, shard: &str, export: impl Fn() -> Program) {
    verify(parts)
        .run()
        .assert(0, "", has("4 rows · 4/4 shards"));
    fs::remove_file(parts.join(format!("shard={shard}/part.csv"))).unwrap();
    verify(parts).run().assert(1, "", has(shard));
    export()
        .args(["--resume"])
        .run()
        .assert(0, "", has("4/4 shards"));
    verify(parts)
        .run()
        .assert(0, "", has("4 rows · 4/4 shards"));
}
