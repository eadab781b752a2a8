//! The line that somebody types. rustyline blocks while it reads, so it has a thread of its own, and
//! signals and connections are heard meanwhile.

mod completion;
mod helper;
mod highlight;
mod history;
mod keywords;

use std::io::{self, Write as _};
use std::sync::mpsc as requests;
use std::thread;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config};
use tokio::sync::mpsc as replies;

use crate::cli::shell::ShellArgs;
use crate::commands::error::Error;
use crate::terminal::color::Paint;
use completion::NameSource;
pub use completion::NamesWanted;
use helper::ShellHelper;
use history::HistoryFile;

/// Whoever types.
pub struct Editor {
    requests: requests::Sender<Request>,
    typed: replies::Receiver<Result<Typed, io::Error>>,
    /// Of the terminal before the first line: a line that is being read leaves others.
    modes: Option<Termios>,
    is_reading: bool,
    wanted: replies::UnboundedReceiver<NamesWanted>,
}

/// The same text without color and with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptText {
    pub plain: String,
    pub painted: String,
}

#[derive(Debug)]
pub enum Typed {
    Line(String),
    /// Ctrl-C.
    Discarded,
    /// Ctrl-D.
    End,
    /// Not typed yet; names are wanted meanwhile.
    Names(NamesWanted),
}

enum Request {
    Read {
        prompt: PromptText,
    },
    Remember(String),
    /// The whole history, oldest first.
    History(requests::Sender<Vec<String>>),
}

type LineEditor = rustyline::Editor<ShellHelper, FileHistory>;

/// Entries of the history.
const MOST_ENTRIES: usize = 10_000;

impl Editor {
    /// # Errors
    /// If the terminal cannot be used.
    pub fn start(args: &ShellArgs) -> Result<Self, Error> {
        let profile = args.connection.selected.as_ref();
        let file = HistoryFile::of_profile(profile.map(|profile| profile.name.as_str()));
        let (sender, requests) = requests::channel();
        let (typed, lines) = replies::channel(1);
        let (names, wanted) = replies::unbounded_channel();
        let names = NameSource(names);
        let paint = Paint::on(&io::stdout());
        let edit = move || {
            let mut editor = match line_editor(paint, names, file.as_ref()) {
                Ok(editor) => editor,
                Err(error) => return drop(typed.blocking_send(Err(as_io(error)))),
            };
            while let Ok(request) = requests.recv() {
                match request {
                    Request::Read { prompt } => {
                        let line = read(&mut editor, &prompt);
                        if typed.blocking_send(line).is_err() {
                            return;
                        }
                    }
                    Request::Remember(entry) => remember(&mut editor, &entry, file.as_ref()),
                    Request::History(reply) => {
                        let entries = editor.history().iter().cloned().collect();
                        // Nobody waits for it any more.
                        let _ = reply.send(entries);
                    }
                }
            }
        };
        let started = thread::Builder::new().name("editor".to_owned()).spawn(edit);
        started.map_err(Error::Terminal)?;
        Ok(Self {
            requests: sender,
            typed: lines,
            modes: tcgetattr(io::stdin()).ok(),
            is_reading: false,
            wanted,
        })
    }

    /// Waits for a line.
    ///
    /// # Errors
    /// If the terminal cannot be read.
    pub async fn read(&mut self, prompt: &PromptText) -> Result<Typed, Error> {
        // Something else may have been waited for at the same time, and come first.
        if !std::mem::replace(&mut self.is_reading, true) {
            let prompt = prompt.clone();
            // It fails only if the thread has ended, which the reply tells.
            let _ = self.requests.send(Request::Read { prompt });
        }
        let typed = tokio::select! {
            typed = self.typed.recv() => typed,
            Some(wanted) = self.wanted.recv() => return Ok(Typed::Names(wanted)),
        };
        self.is_reading = false;
        typed.unwrap_or(Ok(Typed::End)).map_err(Error::Terminal)
    }

    /// Adds an entry to the history.
    pub fn remember(&mut self, entry: &str) {
        if !history::may_hold_secret(entry) {
            let _ = self.requests.send(Request::Remember(entry.to_owned()));
        }
    }

    /// Oldest first.
    pub fn history(&self) -> Vec<String> {
        let (reply, entries) = requests::channel();
        let _ = self.requests.send(Request::History(reply));
        entries.recv().unwrap_or_default()
    }

    /// Gives the terminal back as it was.
    pub fn close(&mut self) {
        /// Ends what rustyline turns on while it reads: pasted text in brackets.
        const NO_BRACKETED_PASTE: &[u8] = b"\x1b[?2004l\r\n";
        if !self.is_reading {
            return;
        }
        if let Some(modes) = &self.modes {
            // The terminal may be gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, modes);
        }
        let mut out = io::stdout().lock();
        let _ = out.write_all(NO_BRACKETED_PASTE).and_then(|()| out.flush());
    }
}

fn line_editor(
    paint: Paint,
    names: NameSource,
    file: Option<&HistoryFile>,
) -> Result<LineEditor, ReadlineError> {
    let config = Config::builder()
        .max_history_size(MOST_ENTRIES)?
        .history_ignore_dups(true)?
        .auto_add_history(false)
        .completion_type(CompletionType::List)
        .color_mode(match paint {
            Paint::Ansi => ColorMode::Forced,
            Paint::Plain => ColorMode::Disabled,
        })
        .build();
    let mut editor = LineEditor::with_config(config)?;
    editor.set_helper(Some(ShellHelper::new(names)));
    if let Some(file) = file {
        // There may be none yet.
        let _ = editor.load_history(file.path());
    }
    Ok(editor)
}

fn read(editor: &mut LineEditor, prompt: &PromptText) -> Result<Typed, io::Error> {
    match editor.readline(&(&prompt.plain, &prompt.painted)) {
        Ok(line) => Ok(Typed::Line(line)),
        Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Typed::Discarded),
        Err(ReadlineError::Eof) => Ok(Typed::End),
        Err(error) => Err(as_io(error)),
    }
}

/// Saved at once: a shell that is killed loses nothing.
fn remember(editor: &mut LineEditor, entry: &str, file: Option<&HistoryFile>) {
    let added = editor.add_history_entry(entry).unwrap_or_default();
    if let (true, Some(file)) = (added, file) {
        file.append(editor.history_mut());
    }
}

fn as_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        error => io::Error::other(error),
    }
}
