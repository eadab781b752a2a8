//! `\conninfo` and `\c`.

use super::{print, say};
use crate::commands::error::Error;
use crate::commands::shell::command::Target;
use crate::commands::shell::elsewhere;
use crate::commands::shell::shell::Shell;
use crate::config::{Host, HostPlace, Settings};

pub async fn info(shell: &mut Shell) -> Result<(), Error> {
    let lines = shell.state.series.servers().iter().map(connected);
    let text = lines.collect::<Vec<_>>().join("\n");
    print(text).await
}

/// The statements that follow run elsewhere. If that fails, they run where they did before.
pub async fn connect(shell: &mut Shell, target: Target) -> Result<(), Error> {
    if target == Target::default() {
        return info(shell).await;
    }
    let state = &mut shell.state;
    let mut query = state.query.clone();
    let connection = &mut query.connection;
    if let Some(dbname) = target.dbname {
        connection.dbname = vec![dbname];
    }
    connection.username = target.user.or(connection.username.take());
    if target.host.is_some() {
        // Those of a profile.
        connection.only_servers.clear();
    }
    connection.host = target.host.or(connection.host.take());
    connection.port = target.port.or(connection.port.take());
    match elsewhere::connect(state, query).await {
        Ok(true) => {}
        not_connected => {
            state.console.note(&"Previous connection kept");
            return not_connected.map(drop);
        }
    }
    let servers = state.series.servers().iter();
    let lines = servers.map(|it| {
        let (database, user) = (it.database(), it.user());
        format!("You are now connected to database \"{database}\" as user \"{user}\".")
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    say(shell, text).await
}

/// In psql's words.
fn connected(settings: &Settings) -> String {
    let hosts: Vec<_> = settings.hosts().iter().map(place).collect();
    format!(
        "You are connected to database \"{}\" as user \"{}\" {}.",
        settings.database(),
        settings.user(),
        hosts.join(" or ")
    )
}

fn place(host: &Host) -> String {
    match host.place() {
        HostPlace::Socket(folder) => format!(
            "via socket in \"{}\" at port \"{}\"",
            folder.display(),
            host.port()
        ),
        HostPlace::Tcp { name, .. } => {
            format!("on host \"{name}\" at port \"{}\"", host.port())
        }
    }
}
