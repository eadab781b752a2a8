//! A passfile has the password that libpq finds in it.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use shardq_fuzz::{folder, resolve, write_private};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    host: u8,
    port: u8,
    names: [u8; 2],
    file: &'a [u8],
}

const HOSTS: [&str; 6] = ["db1", "::1", "fe80::1", "a", "*", r"\"];
const PORTS: [&str; 2] = ["5432", "1"];
const NAMES: [&str; 6] = ["b", "a:b", "*", r"a\", r"\:", "ž"];

static FILE: LazyLock<PathBuf> = LazyLock::new(|| folder().join("passfile"));

fuzz_target!(|input: Input<'_>| {
    // To libpq, a line ends there; no line has one.
    if input.file.contains(&0) {
        return;
    }
    let host = HOSTS[usize::from(input.host) % HOSTS.len()];
    let port = PORTS[usize::from(input.port) % PORTS.len()];
    let [database, user] = input.names.map(|name| NAMES[usize::from(name) % NAMES.len()]);
    write_private(&FILE, input.file);
    let settings = resolve(
        "",
        &[
            ("PGPASSFILE", FILE.to_str().expect("its path is ASCII")),
            ("PGHOST", host),
            ("PGPORT", port),
            ("PGDATABASE", database),
            ("PGUSER", user),
        ],
    )
    .expect("the settings are valid");
    let found = settings.password_for(&settings.hosts()[0]);
    let expected = libpq(input.file, [host, port, database, user]);
    assert_eq!(
        found.map(|it| it.as_bytes().to_vec()),
        expected.filter(|password| !password.is_empty())
    );
    assert!(settings.warnings().is_empty());
});

/// Source: `passwordFromFile` in Postgres's `src/interfaces/libpq/fe-connect.c`.
fn libpq(file: &[u8], wanted: [&str; 4]) -> Option<Vec<u8>> {
    file.split(|&byte| byte == b'\n').find_map(|line| {
        if line.starts_with(b"#") {
            return None;
        }
        let end = line.iter().rposition(|&byte| byte != b'\r')? + 1;
        let mut rest = &line[..end];
        for token in wanted {
            rest = after_field(rest, token.as_bytes())?;
        }
        let mut password = Vec::new();
        while let Some((&byte, after)) = rest.split_first() {
            match (byte, after.split_first()) {
                (b':', _) => break,
                (b'\\', Some((&escaped, after))) => {
                    password.push(escaped);
                    rest = after;
                }
                _ => {
                    password.push(byte);
                    rest = after;
                }
            }
        }
        Some(password)
    })
}

/// Source: `pwdfMatchesString` there.
fn after_field<'a>(field: &'a [u8], token: &[u8]) -> Option<&'a [u8]> {
    if let Some(after) = field.strip_prefix(b"*:") {
        return Some(after);
    }
    let (mut at, mut matched) = (0, 0);
    loop {
        if field.get(at)? == &b':' && matched == token.len() {
            return Some(&field[at + 1..]);
        }
        if field[at] == b'\\' {
            at += 1;
        }
        if field.get(at)? != token.get(matched)? {
            return None;
        }
        at += 1;
        matched += 1;
    }
}
