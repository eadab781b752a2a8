//! `\e`, the last statement in an editor, and `\s`, the history.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::print;
use crate::commands::error::Error;
use crate::commands::shell::shell::Shell;
use crate::output::sink::SinkError;

pub async fn history(shell: &mut Shell, path: Option<PathBuf>) -> Result<(), Error> {
    let Some(editor) = shell.input.editor() else {
        let reason = "\\s: there is a history only at a terminal";
        return Err(Error::Usage(reason.to_owned()));
    };
    let text = editor.history().join("\n");
    match path {
        None => print(text).await,
        Some(path) => fs::write(&path, text + "\n").map_err(|error| failed(&path, error)),
    }
}

/// What is left in the file is read as if it had been typed.
pub async fn edit(shell: &mut Shell, path: Option<PathBuf>) -> Result<(), Error> {
    let path = if let Some(path) = path {
        path
    } else {
        let typed = shell.reader.take();
        let text = typed.or_else(|| shell.state.last.clone());
        let path = env::temp_dir().join(format!("shardq-{}.sql", std::process::id()));
        let text = text.map(|text| text + "\n").unwrap_or_default();
        private_file(&path, &text).map_err(|error| failed(&path, error))?;
        path
    };
    let before = fs::read(&path).ok();
    let variables = ["PSQL_EDITOR", "EDITOR", "VISUAL"];
    let mut editors = variables.iter().filter_map(|name| env::var(name).ok());
    let editor = editors.find(|it| !it.trim().is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut command = tokio::process::Command::new("sh");
    // As psql starts it: the variable may have arguments.
    command
        .args(["-c", &format!("exec {editor} \"$0\"")])
        .arg(&path);
    let status = command
        .status()
        .await
        .map_err(|error| failed(&path, error))?;
    let after = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
    if status.success() && Some(after.as_bytes()) != before.as_deref() {
        shell.reader.push(after.trim_end());
    }
    Ok(())
}

/// A new file that only its owner can read.
fn private_file(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    // Left by a shell that was killed in the middle.
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Sink(SinkError::File {
        file: path.to_owned(),
        source,
    })
}
