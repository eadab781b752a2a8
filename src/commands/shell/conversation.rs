//! The loop: a line is read, and what it completes is run.

use std::time::Duration;

use super::actions;
use super::command::Command;
use super::editor::PromptText;
use super::freeze;
use super::input::Line;
use super::prompt;
use super::shell::Shell;
use super::start_file;
use super::state::{Next, Outcome};
use super::statement_reader::Piece;
use super::words::Words;
use crate::cli::shell::ShellArgs;
use crate::commands::error::Error;
use crate::terminal::exit_status::Exit;

impl Shell {
    /// # Errors
    /// If there are no shards, or standard input cannot be read.
    pub async fn run(&mut self, args: &ShellArgs) -> Result<Exit, Error> {
        if self.input.is_interactive() {
            if !self.state.discover().await? {
                return Ok(Exit::Interrupted);
            }
            self.state.console.note(&"Type \\? for help.");
        }
        if !args.no_shardqrc
            && let Some(lines) = start_file::read(&mut self.state.console)
        {
            self.input.include(lines);
        }
        self.converse(args).await
    }

    async fn converse(&mut self, args: &ShellArgs) -> Result<Exit, Error> {
        loop {
            let prompt = self.prompt();
            let line = tokio::select! {
                biased;
                () = self.end.requested() => return Ok(Exit::Interrupted),
                line = self.input.next(&prompt, args.idle) => line?,
                () = thaw_due(freeze::left(&self.state)) => {
                    if let Err(reason) = freeze::check(&mut self.state).await {
                        self.state.console.note(&reason);
                    }
                    continue;
                }
            };
            let next = match line {
                Line::Text(line) => self.take(&line).await,
                Line::NamesWanted(wanted) => {
                    self.state.answer(wanted).await;
                    continue;
                }
                // As in psql, what is typed so far is discarded.
                Line::Discarded => {
                    self.reader.clear();
                    continue;
                }
                Line::EndOfFile => {
                    let next = self.rest_of_file().await;
                    self.input.leave_file();
                    next
                }
                Line::End => {
                    let next = self.rest_of_file().await;
                    return Ok(self.exit(next).unwrap_or(Exit::Complete));
                }
            };
            if let Some(exit) = self.exit(next) {
                return Ok(exit);
            }
        }
    }

    fn prompt(&self) -> PromptText {
        prompt::of(&self.state, self.reader.continues())
    }

    /// Runs what a line completes.
    async fn take(&mut self, line: &str) -> Next {
        if self.reader.unfinished().is_none() {
            self.is_private = line.starts_with([' ', '\t']);
        }
        self.reader.push(line);
        while let Some(piece) = self.reader.next() {
            let next = match piece {
                Piece::Statement(sql) => {
                    self.remember(&sql);
                    self.statement(sql).await
                }
                Piece::Command(text) => {
                    if self.reader.unfinished().is_none() {
                        self.remember(&text);
                    }
                    self.command(&text).await
                }
            };
            self.state.outcome = match next {
                Next::GoOn | Next::Quit => Outcome::Succeeded,
                Next::Failed | Next::Interrupted => Outcome::Failed,
            };
            if next != Next::GoOn {
                return next;
            }
        }
        Next::GoOn
    }

    /// As in psql, the end of a file ends its last statement.
    async fn rest_of_file(&mut self) -> Next {
        match self.reader.take() {
            Some(sql) if !self.input.is_at_terminal() => self.statement(sql).await,
            _ => Next::GoOn,
        }
    }

    async fn command(&mut self, text: &str) -> Next {
        let words = match Words::read(text, self.state.variables()) {
            Ok(words) => words,
            Err(error) => return self.failed(&error),
        };
        self.reader.put_back(&words.rest);
        match Command::read(words) {
            Ok(command) => Box::pin(actions::run(self, command)).await,
            Err(error) => self.failed(&error),
        }
    }

    /// Whether the shell ends. A failed statement ends a script, unless told otherwise, and only
    /// leaves the files that a person has included.
    fn exit(&mut self, next: Next) -> Option<Exit> {
        if self.end.is_requested() {
            return Some(Exit::Interrupted);
        }
        let exit = match next {
            Next::GoOn => return None,
            Next::Quit => return Some(Exit::Complete),
            Next::Failed if !self.stops_on_error() => return None,
            Next::Failed => Exit::Incomplete,
            Next::Interrupted => Exit::Interrupted,
        };
        if let Some(place) = self.input.place() {
            let stopped = format!("stopped at {place}; the rest did not run");
            self.state.console.error(&stopped);
        }
        if !self.input.is_interactive() {
            return Some(exit);
        }
        self.input.leave_all_files();
        self.reader.clear();
        None
    }

    /// psql's `ON_ERROR_STOP`, which is on for scripts unless somebody says otherwise.
    fn stops_on_error(&self) -> bool {
        let set = self.state.variables().get("ON_ERROR_STOP");
        match set.map(str::to_ascii_lowercase).as_deref() {
            Some("0" | "off" | "false" | "no") => false,
            _ => !self.input.is_at_terminal(),
        }
    }
}

/// Waits until the snapshot has to end.
async fn thaw_due(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}
