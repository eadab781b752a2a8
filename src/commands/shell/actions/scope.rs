//! `\shards` and `\server`: which shards the statements that follow ask.

use super::{print, say};
use crate::cli::query::QueryArgs;
use crate::cli::select::{ListSource, SelectArgs};
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::shell::elsewhere;
use crate::commands::shell::shell::Shell;
use crate::config::Settings;

pub async fn set_shards(shell: &mut Shell, list: Option<String>) -> Result<(), Error> {
    let state = &mut shell.state;
    let Some(list) = list else {
        let select = &state.query.shards.select;
        let lists: Vec<_> = select.shards.iter().map(ToString::to_string).collect();
        let text = if lists.is_empty() {
            "Statements run in all shards.".to_owned()
        } else {
            format!("Statements run in these shards: {}.", lists.join(","))
        };
        return print(text).await;
    };
    let shards = match list.as_str() {
        "all" => Vec::new(),
        list => vec![
            list.parse::<ListSource>()
                .map_err(|error| Error::Usage(error.to_string()))?,
        ],
    };
    let select = SelectArgs {
        shards,
        exclude_shards: Vec::new(),
        having_table: None,
    };
    let before = std::mem::replace(&mut state.query.shards.select, select);
    let found = state.discover().await;
    if !matches!(found, Ok(true)) {
        state.query.shards.select = before;
    }
    found.map(drop)
}

pub async fn set_server(shell: &mut Shell, name: Option<String>) -> Result<(), Error> {
    let state = &mut shell.state;
    let mut connection = state.query.connection.clone();
    // Those that an earlier \server left out are among them.
    connection.only_servers.clear();
    let servers = databases::servers(&connection)?;
    let names: Vec<_> = servers.iter().map(Settings::server_name).collect();
    let Some(name) = name else {
        return print(names.join("\n")).await;
    };
    if name != "all" {
        if !names.contains(&name) {
            return Err(Error::Usage(format!(
                "there is no server {name}; there are {}",
                names.join(", ")
            )));
        }
        connection.only_servers.push(name.clone());
    }
    let query = QueryArgs {
        connection,
        ..state.query.clone()
    };
    if !elsewhere::connect(state, query).await? {
        return Ok(());
    }
    say(shell, format!("Statements run on {name}.")).await
}
