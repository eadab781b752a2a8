//! A service file gives the settings that libpq reads from it, and no message shows its values.

#![no_main]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use shardq::config::SettingsError;
use shardq_fuzz::{SECRET, folder, resolve, write_private};

static FILE: LazyLock<PathBuf> = LazyLock::new(|| folder().join("service"));

/// The service that is asked for.
const SERVICE: &str = "s";

/// Those whose values the settings show.
const KEYWORDS: [&str; 5] = ["user", "password", "dbname", "application_name", "options"];

fuzz_target!(|text: &str| {
    if text.contains('\0') {
        return;
    }
    compare(text);
    let secret = format!("[{SERVICE}]\n{text}password={SECRET}\n{text}");
    write_private(&FILE, secret.as_bytes());
    let shown = match settings("") {
        Ok(settings) => format!("{settings} {:?}", settings.warnings()),
        Err(error) => error.to_string(),
    };
    assert!(!shown.contains(SECRET), "{shown}");
});

fn settings(target: &str) -> Result<shardq::config::Settings, SettingsError> {
    let file = FILE.to_str().expect("its path is ASCII");
    let nowhere = "/nonexistent";
    resolve(
        target,
        &[
            ("PGSERVICE", SERVICE),
            ("PGSERVICEFILE", file),
            ("PGSYSCONFDIR", nowhere),
        ],
    )
}

fn compare(text: &str) {
    write_private(&FILE, text.as_bytes());
    let expected = match libpq(text) {
        Some(Service::Other) => return,
        None => {
            let error = settings("").expect_err("there is no such service");
            assert_eq!(error, SettingsError::NoService(SERVICE.to_owned()));
            return;
        }
        Some(Service::Wrong(number)) => {
            match settings("").expect_err("the service is wrong") {
                SettingsError::ServiceSyntax { line, .. }
                | SettingsError::NestedService { line, .. } => assert_eq!(line, number),
                other => panic!("{other}"),
            }
            return;
        }
        Some(Service::Is(values)) => values,
    };
    let get = |keyword| expected.get(keyword).copied().filter(|it| !it.is_empty());
    let Ok(settings) = settings("") else {
        // Refused: names that look like a URI.
        let names = [get("user"), get("dbname")];
        assert!(names.iter().flatten().any(|name| name.contains(['/', '='])));
        return;
    };
    let user = get("user").unwrap_or("me");
    assert_eq!(settings.user(), user);
    assert_eq!(settings.database(), get("dbname").unwrap_or(user));
    let application = get("application_name").unwrap_or("shardq");
    assert_eq!(settings.application_name(), application);
    assert_eq!(settings.options(), get("options"));
    let found = settings.password_for(&settings.hosts()[0]);
    let password = get("password").map(|it| it.as_bytes().to_vec());
    assert_eq!(found.map(|it| it.as_bytes().to_vec()), password);
    // What is given comes first.
    let given = self::settings("user=given application_name=a").map(|it| it.user().to_owned());
    assert!(given.is_err() || given == Ok("given".to_owned()));
}

enum Service<'a> {
    Is(BTreeMap<&'a str, &'a str>),
    Wrong(usize),
    /// It has keywords that are not compared.
    Other,
}

/// Source: `parseServiceFileInfo` in Postgres's `src/interfaces/libpq/fe-connect.c`.
fn libpq(text: &str) -> Option<Service<'_>> {
    let mut values = None;
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if values.is_some() {
                break;
            }
            let rest = name.strip_prefix(SERVICE);
            values = rest
                .is_some_and(|rest| rest.starts_with(']'))
                .then(BTreeMap::new);
        } else if let Some(values) = &mut values {
            let Some((keyword, value)) = line.split_once('=') else {
                return Some(Service::Wrong(number));
            };
            if ["service", "servicefile", "requiressl", ""].contains(&keyword) {
                return Some(Service::Wrong(number));
            }
            if !KEYWORDS.contains(&keyword) {
                return Some(Service::Other);
            }
            values.entry(keyword).or_insert(value);
        }
    }
    values.map(Service::Is)
}
