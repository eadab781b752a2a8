//! `\?` and `\h`.

use crate::commands::error::Error;
use crate::output::sink;

pub async fn print() -> Result<(), Error> {
    Ok(sink::print(include_str!("help.txt").to_owned()).await?)
}

/// What the shell takes, and where Postgres describes it.
pub async fn sql(name: Option<&str>) -> Result<(), Error> {
    const TAKEN: [(&str, &str); 6] = [
        ("EXPLAIN", "explain"),
        ("SELECT", "select"),
        ("SHOW", "show"),
        ("TABLE", "select"),
        ("VALUES", "values"),
        ("WITH", "select"),
    ];
    let name = name.map(str::to_ascii_uppercase);
    let is_named = |it: &&(&str, &str)| name.as_deref().is_none_or(|name| name.starts_with(it.0));
    let lines: Vec<_> = TAKEN
        .iter()
        .filter(is_named)
        .map(|(name, page)| {
            format!("{name:<10}https://www.postgresql.org/docs/current/sql-{page}.html\n")
        })
        .collect();
    if lines.is_empty() {
        let reason = "the shell only reads; it takes SELECT, VALUES, TABLE, WITH, SHOW and EXPLAIN";
        return Err(Error::Usage(reason.to_owned()));
    }
    Ok(sink::print(lines.concat()).await?)
}
