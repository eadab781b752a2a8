//! `\named`: the queries of the profile.

use std::collections::BTreeMap;

use super::print;
use crate::commands::error::Error;
use crate::commands::shell::shell::Shell;
use crate::commands::shell::state::Next;
use crate::commands::shell::statements;
use crate::pg::lexer::StringSyntax;
use crate::pg::variables::Variables;
use crate::sharding::suggest::nearest;
use crate::text::escape::one_line;

pub async fn run(shell: &mut Shell, name: Option<String>, values: &[String]) -> Next {
    let Some(name) = name else {
        return match list(shell.state.named()).await {
            Ok(()) => Next::GoOn,
            Err(error) => shell.failed(&error),
        };
    };
    let Some(sql) = shell.state.named().get(&name) else {
        let reason = unknown(&name, shell.state.named());
        return shell.failed(&reason);
    };
    match with_values(sql, values, shell.state.variables()) {
        Ok(sql) => statements::run(&mut shell.state, sql).await,
        Err(reason) => shell.failed(&reason),
    }
}

/// `stuck  SELECT id FROM jobs WHERE state = 'Dispatched'`
async fn list(named: &BTreeMap<String, String>) -> Result<(), Error> {
    if named.is_empty() {
        return Err(Error::Usage(NONE.to_owned()));
    }
    let width = named.keys().map(|name| name.chars().count()).max();
    let width = width.unwrap_or_default();
    let lines = named.iter().map(|(name, sql)| {
        let words: Vec<_> = sql.split_whitespace().collect();
        format!("{name:width$}  {}", one_line(&words.join(" ")))
    });
    print(lines.collect::<Vec<_>>().join("\n")).await
}

const NONE: &str = "the profile has no named queries; write them into its table, \
                    [PROFILE.queries], as NAME = \"SELECT …\"";

fn unknown(name: &str, named: &BTreeMap<String, String>) -> String {
    if named.is_empty() {
        return NONE.to_owned();
    }
    let suggestion = match nearest(name, named.keys().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "\\named lists them".to_owned(),
    };
    format!("the profile has no query {name}; {suggestion}")
}

/// The query with these values, `NAME=VALUE`, and the shell's for all other variables: so what runs
/// again later has them too.
fn with_values(sql: &str, values: &[String], variables: &Variables) -> Result<String, String> {
    let mut variables = variables.clone();
    for value in values {
        match value.split_once('=') {
            Some((name, value)) if Variables::is_name(name) => variables.set(name, value),
            _ => return Err(format!("\\named: expected NAME=VALUE, not \"{value}\"")),
        }
    }
    let (sql, _) = variables.substitute(sql, StringSyntax::StandardConforming);
    Ok(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_call_before_those_of_the_shell() {
        let mut variables = Variables::default();
        variables.set("a", "1");
        variables.set("b", "2");
        let with = |values: &[&str]| {
            let values: Vec<_> = values.iter().map(|it| (*it).to_owned()).collect();
            with_values("SELECT :a, :'b', :c", &values, &variables)
        };
        assert_eq!(with(&["b=x=y", "c=3"]).as_deref(), Ok("SELECT 1, 'x=y', 3"));
        assert!(with(&["4"]).is_err());
    }
}
