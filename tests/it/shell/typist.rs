//! Somebody at the shell's prompt.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{Program, Ran, Terminal};

/// Types only when the shell waits for it, as people do.
pub struct Typist {
    pub terminal: Terminal,
    /// What earlier shells have left, if nobody else needs it.
    state: Option<TempDir>,
}

impl Typist {
    /// Starts a shell with a history of its own.
    #[track_caller]
    pub fn start(program: Program, prompt: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let typist = Self::with_state(program, state.path(), prompt);
        Self {
            state: Some(state),
            ..typist
        }
    }

    #[track_caller]
    pub fn with_state(program: Program, state: &Path, prompt: &str) -> Self {
        let program = program.env("XDG_STATE_HOME", state);
        let typist = Self {
            terminal: Terminal::start(program, 120, 24),
            state: None,
        };
        typist.wait_for_prompt(0, prompt);
        typist
    }

    /// Types a line, and waits until the shell asks for the next.
    #[track_caller]
    pub fn enter(&mut self, line: &str, prompt: &str) {
        self.keys(&format!("{line}\r"), prompt);
    }

    #[track_caller]
    pub fn keys(&mut self, keys: &str, prompt: &str) {
        let before = self.terminal.wait_for(|_| true).len();
        self.terminal.type_in(keys);
        self.wait_for_prompt(before, prompt);
    }

    /// Ctrl-D.
    #[track_caller]
    pub fn leave(mut self) -> Ran {
        self.terminal.type_in("\x04");
        let ran = self.terminal.finish();
        assert_eq!(ran.status, 0, "{}", ran.stdout);
        drop(self.state);
        ran
    }

    /// Waits until more than `before` is on the screen, and nothing behind the prompt.
    #[track_caller]
    fn wait_for_prompt(&self, before: usize, prompt: &str) {
        let is_asked = |screen: &str| {
            let line = screen.rsplit("\x1b[K").next().unwrap_or_default();
            screen.len() > before
                && line.strip_prefix(prompt).is_some_and(|rest| {
                    // The cursor goes behind the prompt.
                    rest.starts_with("\r\x1b[") && rest.ends_with("C\x1b[?2026l")
                })
        };
        self.terminal.wait_for(is_asked);
    }
}
