//! A manifest that is written reads back the same, an edit of any byte is detected, and files of
//! shards are in its own folder.

#![no_main]

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use shardq::export::manifest::Manifest;
use shardq::export::verify::verify;
use shardq_fuzz::folder;

/// With a file, and a folder of one file per shard, which the seeds describe.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = folder();
    let part = folder.join("parts/shard=shard_0");
    fs::create_dir_all(&part).expect(WRITABLE);
    fs::write(part.join("part.csv"), "a\n1\n").expect(WRITABLE);
    fs::write(folder.join("a.csv"), "shard,a\nshard_0,1\n").expect(WRITABLE);
    folder
});

const WRITABLE: &str = "the fuzzer's folder is writable";

fuzz_target!(|json: &[u8]| {
    let path = FOLDER.join("_manifest.json");
    fs::write(&path, json).expect(WRITABLE);
    if let Ok(manifest) = Manifest::read(&path) {
        examine(&manifest, &path);
    }
    // The fuzzer does not find checksums, so what it finds is sealed here.
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(json) {
        examine(&manifest, &path);
    }
});

fn examine(manifest: &Manifest, path: &Path) {
    manifest.replace(path).expect(WRITABLE);
    match Manifest::read(path) {
        Ok(read) => assert_eq!(&read, manifest),
        Err(error) => {
            assert!(error.to_string().contains("is not a valid name"), "{error}");
            return;
        }
    }
    let files = manifest.shards.iter().filter_map(|shard| shard.file.as_ref());
    for file in files {
        let inner = Path::new(&file.name).components();
        assert!(inner.clone().all(|it| matches!(it, Component::Normal(_))));
        assert_eq!(inner.count(), 2);
    }
    let mut shorter = manifest.clone();
    shorter.drop_empty_runs();
    assert!(shorter.runs.len() <= manifest.runs.len());
    assert_eq!(manifest.extent().rows, manifest.rows);
    for exported in [FOLDER.join("parts"), FOLDER.join("a.csv")] {
        manifest.replace(&manifest_of(&exported)).expect(WRITABLE);
        if let Ok(verified) = verify(&exported) {
            assert_eq!(&verified.manifest, manifest);
            assert!(verified.bytes <= 100, "there are no more");
        }
    }
    edit(path);
}

fn manifest_of(exported: &Path) -> PathBuf {
    if exported.is_dir() {
        Manifest::path_in(exported)
    } else {
        Manifest::path_of(exported)
    }
}

/// Changes one byte; which one depends on the text.
fn edit(path: &Path) {
    let mut text = fs::read(path).expect("it was just written");
    let sum = text.iter().fold(7_usize, |sum, &byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    let at = sum / 256 % text.len();
    text[at] ^= u8::try_from(sum % 255 + 1).expect("at most 255");
    fs::write(path, text).expect(WRITABLE);
    assert!(Manifest::read(path).is_err(), "byte {at}");
}
