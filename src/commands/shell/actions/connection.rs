//! `\conninfo`.

use super::print;
use crate::commands::error::Error;
use crate::commands::shell::shell::Shell;
use crate::config::{Host, HostPlace, Settings};

pub async fn info(shell: &mut Shell) -> Result<(), Error> {
    let lines = shell.state.series.servers().iter().map(connected);
    let text = lines.collect::<Vec<_>>().join("\n");
    print(text).await
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
