//! A file with one profile.

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::Program;

/// A file of profiles whose default is the profile `live`.
pub struct Profile(NamedTempFile);

impl Profile {
    /// With these lines behind `[live]`.
    pub fn new(lines: &str) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        write!(file, "default = 'live'\n[live]\n{lines}\n").unwrap();
        Self(file)
    }

    /// The command with the profile.
    pub fn of(&self, program: Program) -> Program {
        program.env("SHARDQ_CONFIG", self.0.path())
    }
}
