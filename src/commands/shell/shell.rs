//! A shell: its state, and where its lines come from.

use std::fmt::Display;

use super::freeze;
use super::input::Input;
use super::state::{Next, State};
use super::statement_reader::StatementReader;
use super::statements;
use crate::exec::cancel::Interrupt;

pub struct Shell {
    pub state: State,
    pub input: Input,
    pub reader: StatementReader,
    /// TERM or HUP.
    pub end: Interrupt,
    /// What is typed begins with a blank, which keeps it out of the history.
    pub is_private: bool,
}

impl Shell {
    pub fn new(state: State, input: Input, end: Interrupt) -> Self {
        Self {
            state,
            input,
            reader: StatementReader::default(),
            end,
            is_private: false,
        }
    }

    /// Adds what was typed to the history.
    pub fn remember(&mut self, entry: &str) {
        if !self.is_private {
            self.input.remember(entry);
        }
    }

    pub async fn statement(&mut self, sql: String) -> Next {
        statements::run(&mut self.state, sql).await
    }

    pub fn failed(&mut self, error: &impl Display) -> Next {
        self.state.console.error(error);
        Next::Failed
    }

    pub async fn close(&mut self) {
        self.input.close();
        freeze::end(&mut self.state).await;
    }
}
