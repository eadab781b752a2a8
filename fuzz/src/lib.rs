//! What several targets need.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use shardq::config::{ConnectionFlags, Environment, Settings, SettingsError};

/// A password that no other text has by chance.
pub const SECRET: &str = "hunter2Zq";

/// A folder of this process, in memory if there is such a file system.
pub fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let folder = parent.join(format!("shardq-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the fuzzer's files");
    folder
}

/// Writes a file that only its owner can read, as a passfile has to be.
pub fn write_private(path: &Path, content: &[u8]) {
    fs::write(path, content).expect("the fuzzer's folder is writable");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("it is the fuzzer's file");
}

/// The settings of `-d target`, in this environment.
pub fn resolve(target: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let flags = ConnectionFlags {
        dbname: vec![target.to_owned()],
        ..ConnectionFlags::default()
    };
    Settings::resolve(&flags, &Environment::new(variables).with_user("me"))
}

/// That a text with a password in it, given as `-d` or as any variable, shows it in no message.
pub fn assert_hidden(text: &str) {
    const VARIABLES: [&str; 8] = [
        "PGHOST",
        "PGHOSTADDR",
        "PGPORT",
        "PGUSER",
        "PGDATABASE",
        "PGSSLMODE",
        "PGCONNECT_TIMEOUT",
        "PGSERVICE",
    ];
    // The fuzzer learns the password from comparisons, and puts it where a name belongs.
    if text.matches(SECRET).count() > 1 {
        return;
    }
    let shown = message(text, &[]);
    assert!(!shown.contains(SECRET), "-d {text}: {shown}");
    // Without an `@`, no part of a URI is a password.
    if text.contains('\0') || !text.contains("password=") && !text.contains('@') {
        return;
    }
    for variable in VARIABLES {
        let shown = message("", &[(variable, text)]);
        assert!(!shown.contains(SECRET), "{variable}={text}: {shown}");
    }
    let shown = message("", &[("PGSERVICEFILE", text), ("PGSERVICE", "s")]);
    assert!(!shown.contains(SECRET), "PGSERVICEFILE={text}: {shown}");
}

/// What a message about the settings, or about the connection, shows.
fn message(target: &str, variables: &[(&str, &str)]) -> String {
    match resolve(target, variables) {
        Err(error) => error.to_string(),
        Ok(settings) => format!("{settings} {:?}", settings.warnings()),
    }
}
