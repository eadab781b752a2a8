//! The user that runs the server when shardq runs as root, which Postgres refuses to do.

use std::process::Command;

use super::SandboxError;

#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// The user that the Postgres package created, otherwise `nobody`.
    pub(super) fn unprivileged() -> Result<Self, SandboxError> {
        ["postgres", "nobody"]
            .into_iter()
            .find_map(Self::named)
            .ok_or(SandboxError::NoAccount)
    }

    fn named(name: &str) -> Option<Self> {
        let ask = |flag| {
            let output = Command::new("id").args([flag, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        let (uid, gid) = (ask("-u")?, ask("-g")?);
        (uid != 0).then_some(Self { uid, gid })
    }
}
