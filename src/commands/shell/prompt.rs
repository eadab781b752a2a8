//! The prompt: where statements run, and how whole the last result was. Pure.

use super::editor::PromptText;
use super::state::{Outcome, State};
use super::statement_reader::Continues;
use crate::terminal::color::{Paint, Style};
use crate::text::escape::one_line;

/// `live builder_originsrv 128/128=> `
pub fn of(state: &State, continues: Continues) -> PromptText {
    let paint = Paint::on(&std::io::stdout());
    PromptText {
        plain: text(state, continues, Paint::Plain),
        painted: text(state, continues, paint),
    }
}

fn text(state: &State, continues: Continues, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(coverage) = &state.coverage {
        let location = &coverage.location;
        if let Some(label) = &location.label {
            text += &paint.text(Style::Label(label.color), &one_line(&label.text));
            text.push(' ');
        }
        let (answered, expected) = (coverage.answered, coverage.expected);
        text += &one_line(&location.database);
        text.extend([" ", &answered.to_string(), "/", &expected.to_string()]);
    }
    if state.is_global() {
        text += " -g";
    }
    if let Some(frozen) = &state.frozen {
        text.extend([" [", frozen, "]"]);
    }
    text.push(continues.mark());
    if state.outcome == Outcome::Failed {
        text += &paint.text(Style::Error, "!");
    }
    text + "> "
}
