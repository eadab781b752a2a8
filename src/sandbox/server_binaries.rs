//! Finds the Postgres server programs on this machine. Most packages keep them off the PATH, so
//! that several versions can be installed.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::SandboxError;

const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Folders with one version each: what precedes and follows the version number.
const VERSIONED: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"), // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),          // the PostgreSQL project's own RPMs
    ("/usr/lib", "postgresql", "bin"),  // SUSE
    ("/usr/libexec", "postgresql", ""), // Alpine
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"), // Homebrew on Intel
];

/// The folder that contains them all. The PATH comes first, then the newest version.
pub(super) fn find() -> Result<PathBuf, SandboxError> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&on_path)
        .find(|folder| is_complete(folder))
        .or_else(|| named_by_pg_config().filter(|folder| is_complete(folder)))
        .or_else(|| installed().into_iter().find(|folder| is_complete(folder)))
        .map(resolved)
        .ok_or(SandboxError::NoServer)
}

/// The folder that links lead to: it has the client programs, too. On Debian, the psql of the PATH
/// is a Perl script that looks for the real one, which takes longer than a query.
fn resolved(folder: PathBuf) -> PathBuf {
    let postgres = fs::canonicalize(folder.join("postgres"));
    let real = postgres
        .ok()
        .and_then(|file| Some(file.parent()?.to_owned()));
    real.filter(|real| is_complete(real)).unwrap_or(folder)
}

fn is_complete(folder: &Path) -> bool {
    NEEDED.iter().all(|name| folder.join(name).is_file())
}

fn named_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(path.trim()))
}

fn installed() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = VERSIONED
        .iter()
        .flat_map(|&(parent, prefix, suffix)| {
            let entries = fs::read_dir(parent).into_iter().flatten().flatten();
            entries.filter_map(move |entry| {
                let name = entry.file_name();
                let version = name.to_str()?.strip_prefix(prefix)?;
                let major = version.split('.').next()?.parse().ok()?;
                Some((major, entry.path().join(suffix)))
            })
        })
        .collect();
    found.sort_by_key(|(major, _)| Reverse(*major));
    found.into_iter().map(|(_, path)| path).collect()
}
