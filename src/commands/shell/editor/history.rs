//! What was typed, kept for the next shell: one file per profile, which only its owner can read.

use std::env;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustyline::history::{FileHistory, History as _};

#[derive(Debug, Clone)]
pub struct HistoryFile(PathBuf);

impl HistoryFile {
    /// By the XDG base directory specification: a relative `XDG_STATE_HOME` does not count. `None`
    /// without a home directory.
    pub fn of_profile(profile: Option<&str>) -> Option<Self> {
        let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
        let state = state.filter(|path| path.is_absolute());
        let state = state.or_else(|| home.map(|home| home.join(".local/state")))?;
        let name = match profile {
            Some(profile) => format!("history-{}", file_name(profile)),
            None => "history".to_owned(),
        };
        Some(Self(state.join("shardq").join(name)))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Adds the entries that the file does not have. rustyline makes it for its owner only.
    pub fn append(&self, history: &mut FileHistory) {
        if let Some(folder) = self.0.parent() {
            // If there is none, the history ends with the shell.
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        }
        let _ = history.append(&self.0);
    }
}

/// A profile may be called anything.
fn file_name(profile: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let chars = profile.chars();
    chars.map(|c| if is_plain(c) { c } else { '_' }).collect()
}

/// Whether a line looks as if it held a password: it names one, or has a URI with credentials.
pub fn may_hold_secret(line: &str) -> bool {
    const NAMES: [&str; 4] = ["password", "passwd", "pgpass", "secret"];
    let lower = line.to_ascii_lowercase();
    let has_credentials = |rest: &str| {
        let authority = rest.split(|c: char| c.is_whitespace() || c == '/').next();
        let user = authority.and_then(|authority| authority.rsplit_once('@'));
        user.is_some_and(|(user, _)| user.contains(':'))
    };
    NAMES.iter().any(|name| lower.contains(name)) || line.split("://").skip(1).any(has_credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_password_is_told() {
        for line in [
            "\\c password=secret",
            "ALTER ROLE a PASSWORD 'b';",
            "\\c postgresql://a:b@c/d",
        ] {
            assert!(may_hold_secret(line), "{line}");
        }
        for line in [
            "SELECT a::text FROM t WHERE b LIKE '%@c';",
            "\\c postgresql://a@b/c",
        ] {
            assert!(!may_hold_secret(line), "{line}");
        }
    }

    #[test]
    fn a_profile_is_a_file_name() {
        assert_eq!(file_name("li/ve"), "li_ve");
    }
}
