//! `shardq databases`: all databases of the server, sharded or not.

mod database;

use std::time::Duration;

use futures::{StreamExt as _, stream};

use super::connection::{self, Answers};
use super::error::InspectError;
use super::servers::ServerColumn;
use super::statement::{TextRow, rows};
use super::table;
use crate::cli::databases::DatabasesArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::databases::{self as targets, Target};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::config::Settings;
use crate::exec::plan::shards_sql;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;
use crate::sharding::pattern::Pattern;
use crate::sharding::unreachable::Unreachable;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{SummaryLine, SummaryPart};
use crate::text::escape::one_line;
use crate::text::humanize::HumanDuration;

use database::{Database, Sharding};

/// How many databases are looked at at once: a server may have more databases than connections.
const AT_ONCE: usize = 3;

/// For connecting to a database and listing its schemas.
const WITHIN: Duration = Duration::from_secs(10);

pub async fn run(args: DatabasesArgs) -> Result<Exit, Error> {
    let format = table::format(&args.output)?;
    let mut console = Console::new(args.quiet);
    let layout = args.layout.layout();
    let patterns = &args.layout.databases;
    let servers = targets::servers(&args.connection)?;
    let interrupt = setup::listen()?;
    setup::say_warnings(&servers, &mut console);
    let servers = targets::targets(&servers, &[], &layout, None, &interrupt).await?;
    let Some(servers) = servers else {
        return Ok(Exit::Interrupted);
    };
    let read = async |_: &Target, first: &Connection, server: &ConnectionPool| {
        databases(first, server.settings(), patterns, &layout).await
    };
    let read = connection::read(&servers, &interrupt, &mut console, read);
    let Some(Answers {
        of_databases: of_servers,
        unreachable,
        location,
    }) = read.await?
    else {
        return Ok(Exit::Interrupted);
    };
    let several = ServerColumn::from(servers.databases.len() > 1);
    let mut found: Vec<(_, Database)> = Vec::new();
    for (server, databases) in of_servers {
        found.extend(databases.into_iter().map(|it| (server.database, it)));
    }
    let mut rows = database::table(found.iter().map(|(_, it)| it), &layout, format);
    rows.name_servers(several, found.iter().map(|(server, _)| *server));
    let say = |console: &mut Console| {
        for Unreachable { place, reason } in &unreachable {
            console.error(&format!("{place}: {reason}"));
        }
        let sharded = found.iter().filter(|(_, it)| it.is_sharded()).count();
        let plural = if found.len() == 1 { "" } else { "s" };
        let count = format!("{} database{plural}, {sharded} sharded", found.len());
        console.summary(&SummaryLine {
            before: vec![SummaryPart::Plain(count)],
            location,
            after: vec![HumanDuration(console.elapsed()).to_string()],
        });
    };
    let printed = table::print(&rows, format, &args.output, &interrupt, &mut console, say).await?;
    Ok(match printed {
        None => Exit::Interrupted,
        Some(()) if unreachable.is_empty() => Exit::Complete,
        Some(()) => Exit::Incomplete,
    })
}

/// Those of a server that a pattern matches, or all.
async fn databases(
    connection: &Connection,
    settings: &Settings,
    patterns: &[Pattern],
    layout: &Layout,
) -> Result<Vec<Database>, InspectError> {
    let sql = include_str!("../../../../sql/inspect/databases.sql");
    let rows = rows(connection, &sql_template::fill(sql, &[])).await?;
    let is_listed = |row: &TextRow| {
        let name = row.first().and_then(Option::as_deref).unwrap_or_default();
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
    };
    let rows = rows.into_iter().filter(is_listed);
    let looked_at = rows.map(|row| async move {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        let (name, owner) = (next().unwrap_or_default(), next().unwrap_or_default());
        let size = next().and_then(|size| size.parse().ok());
        let sharding = match next().as_deref() {
            Some("t") => sharding(&settings.with_database(&name), layout).await,
            _ => Sharding::Unknown("does not accept connections".to_owned()),
        };
        Database {
            name,
            owner,
            size,
            sharding,
        }
    });
    Ok(stream::iter(looked_at).buffered(AT_ONCE).collect().await)
}

/// What is in one database, or why it cannot be said.
async fn sharding(settings: &Settings, layout: &Layout) -> Sharding {
    let schemas = include_str!("../../../../sql/session/schemas.sql");
    let sql = format!(
        "{};\n{}",
        shards_sql(layout, None),
        sql_template::fill(schemas, &[])
    );
    let look = async {
        let server = ConnectionPool::new(settings.clone(), 1).map_err(|error| error.to_string())?;
        let connection = server.connection().await;
        let connection = connection.map_err(|error| error.to_string())?;
        let rows = rows(&connection, &sql).await;
        drop(connection);
        server.close().await;
        rows.map_err(|error| error.to_string())
    };
    let looked = match tokio::time::timeout(WITHIN, look).await {
        Ok(looked) => looked,
        Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
    };
    let rows = match looked {
        Ok(rows) => rows,
        Err(error) => {
            // Behind where it tried to connect, which is the same for all.
            let reason = error
                .rsplit_once("failed: ")
                .map_or(&*error, |(_, reason)| reason);
            // Details follow on other lines.
            let reason = reason.lines().next().unwrap_or_default();
            return Sharding::Unknown(one_line(reason.trim()));
        }
    };
    // Shards and look-alikes come with what else is known of them.
    let (candidates, schemas): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.len() > 1);
    let names = |rows: Vec<TextRow>| -> Vec<String> {
        let names = rows.into_iter().filter_map(|row| row.into_iter().next()?);
        names.collect()
    };
    database::sharding(layout, &names(candidates), &names(schemas))
}
