//! `\i`, `\echo` and its kind.

use std::io::Write as _;
use std::path::Path;

use super::print;
use crate::commands::error::Error;
use crate::commands::shell::command::EchoTo;
use crate::commands::shell::input::FileLines;
use crate::commands::shell::shell::Shell;
use crate::output::sink::SinkError;

pub fn include(shell: &mut Shell, path: &Path) -> Result<(), Error> {
    if !shell.input.may_include() {
        let reason = format!("{}: files include each other too deeply", path.display());
        return Err(Error::Usage(reason));
    }
    let lines = FileLines::read(path).map_err(|source| {
        Error::Sink(SinkError::File {
            file: path.to_owned(),
            source,
        })
    })?;
    shell.input.include(lines);
    Ok(())
}

pub async fn echo(shell: &mut Shell, to: EchoTo, words: &[String]) -> Result<(), Error> {
    let (words, end) = match words.split_first() {
        Some((first, rest)) if first == "-n" => (rest, ""),
        _ => (words, "\n"),
    };
    let text = words.join(" ");
    match (to, &mut shell.state.out) {
        (EchoTo::Results, Some(out)) => {
            let written = out.file.write_all(format!("{text}{end}").as_bytes());
            written.map_err(|source| {
                Error::Sink(SinkError::File {
                    file: out.path.clone(),
                    source,
                })
            })
        }
        (EchoTo::StandardError, _) => {
            shell.state.console.server(&text);
            Ok(())
        }
        _ if end.is_empty() => Ok(crate::output::sink::print(text).await?),
        _ => print(text).await,
    }
}
