//! `shardq man`: one page for all commands, generated from the clap definitions.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::commands::error::Error;
use crate::output::sink::{self, SinkError};
use crate::terminal::exit_status::Exit;

pub async fn run() -> Result<Exit, Error> {
    let page = page(Cli::command()).map_err(SinkError::Output)?;
    sink::print(page).await?;
    Ok(Exit::Complete)
}

/// The main page, with a section for each command.
fn page(mut tool: Command) -> io::Result<Vec<u8>> {
    tool.build();
    let commands: Vec<_> = tool
        .get_subcommands()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set())
        .cloned()
        .collect();
    let mut page = Vec::new();
    let whole = Man::new(tool);
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    for command in commands {
        page.extend(section(command)?);
    }
    Ok(page)
}

/// `clap_mangen` renders a page per command; its sections become subsections.
fn section(command: Command) -> io::Result<Vec<u8>> {
    let title = command
        .get_bin_name()
        .unwrap_or(command.get_name())
        .to_uppercase();
    let has_examples = command.get_after_help().is_some();
    let mut text = Vec::new();
    let man = Man::new(command);
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_examples {
        man.render_extra_section(&mut text)?;
    }
    let text = String::from_utf8_lossy(&text)
        .replace("\n.SH EXTRA", "\n.SS EXAMPLES")
        .replace("\n.SH ", "\n.SS ");
    let text = text
        .strip_prefix(".SH ")
        .map_or(text.clone(), |rest| format!(".SS {rest}"));
    Ok(format!(".SH \"{title}\"\n{text}").into_bytes())
}
