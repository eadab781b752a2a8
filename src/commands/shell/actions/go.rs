//! `\g` and its kind: run what was typed, or else the last statement again.

use crate::cli::query::Expanded;
use crate::commands::shell::command::{Go, GoForm};
use crate::commands::shell::shell::Shell;
use crate::commands::shell::state::Next;
use crate::commands::shell::state::OutFile;
use crate::commands::shell::statements;

pub async fn run(shell: &mut Shell, go: Go) -> Next {
    let typed = shell.reader.take();
    if let Some(sql) = &typed {
        shell.remember(&format!("{sql};"));
    }
    let Some(sql) = typed.or_else(|| shell.state.last.clone()) else {
        return shell.failed(&"there is no statement to run");
    };
    let mut args = shell.state.query.clone();
    match go.form {
        GoForm::AsSet => {}
        GoForm::Expanded => args.output.expanded = Some(Expanded::On),
        GoForm::Global => args.global.global = true,
    }
    let file = match go.file.map(OutFile::create).transpose() {
        Ok(file) => file,
        Err(error) => return shell.failed(&error),
    };
    statements::run_with(&mut shell.state, args, sql, file.as_ref()).await
}
