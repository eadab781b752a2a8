//! `\set` and `\unset`.

use super::print;
use crate::commands::error::Error;
use crate::commands::shell::shell::Shell;
use crate::pg::quote::Literal;
use crate::pg::variables::Variables;

pub async fn set(shell: &mut Shell, name: Option<String>, values: &[String]) -> Result<(), Error> {
    let Some(name) = name else {
        let variables = shell.state.variables().iter();
        let lines = variables.map(|(name, value)| format!("{name} = {}", Literal(value)));
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() {
            return Ok(());
        }
        return print(lines.join("\n")).await;
    };
    check(&name)?;
    // As in psql, the words become one.
    shell.state.variables_mut().set(&name, &values.concat());
    Ok(())
}

pub fn unset(shell: &mut Shell, name: &str) -> Result<(), Error> {
    check(name)?;
    shell.state.variables_mut().unset(name);
    Ok(())
}

fn check(name: &str) -> Result<(), Error> {
    if Variables::is_name(name) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "invalid variable name: \"{name}\"; a name has letters, digits and underscores"
    )))
}
