//! Where lines come from: a terminal, standard input, and the files that are included on the way.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use super::editor::{Editor, NamesWanted, PromptText, Typed};
use crate::cli::shell::ShellArgs;
use crate::client::kept;
use crate::commands::error::Error;

pub struct Input {
    source: Source,
    /// Lines that were read from it.
    line: u64,
    /// The innermost is the last.
    files: Vec<FileLines>,
}

enum Source {
    Terminal(Editor),
    Pipe(mpsc::Receiver<io::Result<String>>),
}

/// The lines of a file that are not read yet.
#[derive(Debug)]
pub struct FileLines {
    path: PathBuf,
    lines: VecDeque<String>,
    line: u64,
}

#[derive(Debug)]
pub enum Line {
    Text(String),
    /// Ctrl-C.
    Discarded,
    /// Not complete yet: somebody has pressed Tab.
    NamesWanted(NamesWanted),
    /// Of an included file.
    EndOfFile,
    End,
}

/// Files that include each other have no end.
const DEEPEST: usize = 32;

impl Input {
    pub fn of_process(args: &ShellArgs) -> Result<Self, Error> {
        let is_interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
        let source = if is_interactive {
            Source::Terminal(Editor::start(args)?)
        } else {
            Source::Pipe(standard_input().map_err(Error::ScriptUnreadable)?)
        };
        Ok(Self {
            source,
            line: 0,
            files: Vec::new(),
        })
    }

    /// Whether somebody types.
    pub fn is_interactive(&self) -> bool {
        matches!(self.source, Source::Terminal(_))
    }

    /// Whether the last line was typed.
    pub fn is_at_terminal(&self) -> bool {
        self.is_interactive() && self.files.is_empty()
    }

    /// # Errors
    /// If it cannot be read.
    pub async fn next(&mut self, prompt: &PromptText, idle: Duration) -> Result<Line, Error> {
        if let Some(file) = self.files.last_mut() {
            file.line += 1;
            return Ok(file.lines.pop_front().map_or(Line::EndOfFile, Line::Text));
        }
        self.line += 1;
        let source = async {
            match &mut self.source {
                Source::Pipe(lines) => match lines.recv().await {
                    Some(line) => Ok(Line::Text(line.map_err(Error::ScriptUnreadable)?)),
                    None => Ok(Line::End),
                },
                Source::Terminal(editor) => Ok(match editor.read(prompt).await? {
                    Typed::Line(line) => Line::Text(line),
                    Typed::Discarded => Line::Discarded,
                    Typed::End => Line::End,
                    Typed::Names(wanted) => Line::NamesWanted(wanted),
                }),
            }
        };
        tokio::select! {
            line = source => line,
            never = close_idle(idle) => never,
        }
    }

    /// Reads these lines first.
    pub fn include(&mut self, lines: FileLines) {
        self.files.push(lines);
    }

    pub fn may_include(&self) -> bool {
        self.files.len() < DEEPEST
    }

    pub fn leave_file(&mut self) {
        self.files.pop();
    }

    pub fn leave_all_files(&mut self) {
        self.files.clear();
    }

    /// Where in a script the last line is; `None` if it was typed.
    pub fn place(&self) -> Option<String> {
        match (self.files.last(), &self.source) {
            (Some(file), _) => Some(format!("line {} of {}", file.line, file.path.display())),
            (None, Source::Pipe(_)) => Some(format!("line {} of standard input", self.line)),
            (None, Source::Terminal(_)) => None,
        }
    }

    /// Adds what was typed to the history.
    pub fn remember(&mut self, entry: &str) {
        if self.is_at_terminal()
            && let Source::Terminal(editor) = &mut self.source
        {
            editor.remember(entry);
        }
    }

    pub fn editor(&mut self) -> Option<&mut Editor> {
        match &mut self.source {
            Source::Terminal(editor) => Some(editor),
            Source::Pipe(_) => None,
        }
    }

    /// Gives the terminal back as it was.
    pub fn close(&mut self) {
        if let Source::Terminal(editor) = &mut self.source {
            editor.close();
        }
    }
}

impl FileLines {
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Ok(Self {
            path: path.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            line: 0,
        })
    }
}

/// Lines as they arrive. A thread reads them, so that signals are heard meanwhile.
fn standard_input() -> io::Result<mpsc::Receiver<io::Result<String>>> {
    /// Lines that are read ahead.
    const WAITING: usize = 64;
    let (sender, lines) = mpsc::channel(WAITING);
    let read = move || {
        for (number, line) in io::stdin().lock().lines().enumerate() {
            let line = line.map(|line| match number {
                0 => line.strip_prefix('\u{feff}').unwrap_or(&line).to_owned(),
                _ => line,
            });
            let is_last = line.is_err();
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(read)?;
    Ok(lines)
}

/// Closes connections once they were not used for so long; never ends.
async fn close_idle(limit: Duration) -> Result<Line, Error> {
    if limit.is_zero() {
        return std::future::pending().await;
    }
    let pause = (limit / 4).max(Duration::from_millis(50));
    loop {
        tokio::time::sleep(pause).await;
        kept::close_idle(limit);
    }
}
