//! Exports that were changed afterwards: `verify` finds it, and `--resume` does not build on it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::dice::Dice;
use crate::job::{Command, Job};
use crate::suite::{Outcome, Suite, Verdict, wrong};
use crate::support::shardq;
use crate::world::{SHARDS, Truth, World};

const SUITE: Suite = Suite {
    name: "tampering",
    runs: 400,
    short: 24,
    workers: 2,
};

const COMMANDS: [Command; 4] = [
    Command::ExportCsv,
    Command::PerShard,
    Command::ExportGzip,
    Command::ExportParquet,
];

/// An export as it was written.
struct Export {
    job: Job,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Export {
    fn new(command: Command, world: &World) -> Self {
        let job = Job::new(command, World::question());
        job.program(&world.db).run().output();
        let mut files = Vec::new();
        collect(job.folder(), &mut files);
        files.sort();
        Self { job, files }
    }

    /// Restores the original files.
    fn restore(&self) {
        for entry in fs::read_dir(self.job.folder()).unwrap().flatten() {
            let path = entry.path();
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.unwrap();
        }
        for (path, bytes) in &self.files {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if !path.ends_with(".shardq-lock") {
            let bytes = fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
}

#[test]
fn tampering() {
    SUITE.run(
        || {
            let world = World::shared();
            let exports = COMMANDS.map(|command| Export::new(command, &world));
            (world, exports)
        },
        |(world, exports), dice, run| {
            let export = &exports[run as usize % COMMANDS.len()];
            export.restore();
            tampered(world, export, dice)
        },
    );
}

fn tampered(world: &World, export: &Export, dice: &mut Dice) -> Verdict {
    let what = tamper(export, dice);
    let target = export.job.target().unwrap();
    let ran = shardq(["verify"]).args([&target]).run();
    if ran.status == 0 {
        return wrong(format!("verify finds nothing: {what}\n{}", ran.stdout));
    }
    if ran.status != 1 || ran.stderr.trim().is_empty() {
        return wrong(format!(
            "verify ends with {}: {what}\n{}",
            ran.status, ran.stderr
        ));
    }
    if export.job.command == Command::PerShard {
        resumed(world, export, &what)?;
    }
    Ok(Outcome::Failed)
}

/// Changed parts are read again, or the folder is rejected.
fn resumed(world: &World, export: &Export, what: &str) -> Verdict {
    let ran = export.job.program(&world.db).args(["--resume"]).run();
    if ran.status != 0 {
        return if ran.stderr.trim().is_empty() {
            wrong(format!("--resume does not say why it fails: {what}"))
        } else {
            Ok(Outcome::Failed)
        };
    }
    let answer = export.job.answer(&ran);
    let right = answer.and_then(|answer| world.check_whole(Command::PerShard, &answer));
    if let Err(error) = right {
        return wrong(format!(
            "--resume accepts it: {what}\n{error}\n{}",
            ran.stderr
        ));
    }
    // A file that is not part of the export is not ours to remove.
    if !what.starts_with("add")
        && let Err(error) = export.job.verify()
    {
        return wrong(format!("--resume mends it, but {error}: {what}"));
    }
    Ok(Outcome::Complete)
}

/// Changes something; returns a description.
fn tamper(export: &Export, dice: &mut Dice) -> String {
    let (path, bytes) = &export.files[dice.index(export.files.len())];
    let name = path.strip_prefix(export.job.folder()).unwrap().display();
    let at = dice.index(bytes.len());
    let changed = |bytes: Vec<u8>| fs::write(path, bytes).unwrap();
    match dice.below(7) {
        0 | 1 => {
            let mask = 1 << dice.below(8);
            let mut flipped = bytes.clone();
            flipped[at] ^= mask;
            changed(flipped);
            format!("flip {mask:#x} of byte {at} of {name}")
        }
        2 => {
            changed(bytes[..at].to_vec());
            format!("cut {name} at {at}")
        }
        3 => {
            let more: Vec<u8> = (0..=dice.below(20))
                .map(|_| dice.pick(b" \n\0,x}0"))
                .collect();
            changed([bytes.as_slice(), &more].concat());
            format!("append {more:?} to {name}")
        }
        4 => {
            let (other, _) = &export.files[dice.index(export.files.len())];
            if other == path {
                fs::remove_file(path).unwrap();
                return format!("remove {name}");
            }
            let pending_connection = TempDir::new_in(export.job.folder()).unwrap();
            let pending_connection = pending_connection.path().join("swapped");
            fs::rename(path, &pending_connection).unwrap();
            fs::rename(other, path).unwrap();
            fs::rename(&pending_connection, other).unwrap();
            format!("swap {name} and {}", other.display())
        }
        5 => {
            fs::remove_file(path).unwrap();
            format!("remove {name}")
        }
        _ => add_or_repeat(export, dice, path, bytes),
    }
}

/// Adds an extra part, or repeats an existing line.
fn add_or_repeat(export: &Export, dice: &mut Dice, path: &Path, bytes: &[u8]) -> String {
    let name = path.display();
    if export.job.command == Command::PerShard && dice.one_in(2) {
        let folder = export
            .job
            .target()
            .unwrap()
            .join(format!("shard=shard_{SHARDS}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("part.csv"), "id,name,checksum\n1,a,b\n").unwrap();
        return format!("add {}", folder.display());
    }
    let at = dice.index(bytes.len());
    let line = bytes[at..]
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(bytes, |end| &bytes[..=at + end]);
    let line = line
        .rsplitn(3, |&byte| byte == b'\n')
        .nth(1)
        .unwrap_or(line);
    let repeated = [&bytes[..at], b"\n", line, b"\n", &bytes[at..]].concat();
    fs::write(path, repeated).unwrap();
    format!("repeat a line at byte {at} of {name}")
}
