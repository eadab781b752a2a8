//! `~/.shardqrc`, or the file that `SHARDQRC` names: what somebody wants in every shell.

use std::env;
use std::path::PathBuf;

use super::input::FileLines;
use crate::terminal::console::Console;
use crate::text::io_reason::{io_reason, is_absent};

/// The lines of the file, if there is one.
pub fn read(console: &mut Console) -> Option<FileLines> {
    let named = env::var_os("SHARDQRC").filter(|path| !path.is_empty());
    let path = named.map(PathBuf::from).or_else(|| {
        let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
        home.map(|home| home.join(".shardqrc"))
    })?;
    match FileLines::read(&path) {
        Ok(lines) => Some(lines),
        Err(error) if is_absent(&error) => None,
        Err(error) => {
            let reason = io_reason(&error);
            console.warning(&format!("{} was not read: {reason}", path.display()));
            None
        }
    }
}
