//! `shardq databases`: all databases of the server, sharded or not.

mod database;

use std::time::Duration;

use futures::{StreamExt as _, stream};

use super::connection::{self, Answer};
use super::error::InspectError;
use super::statement::TextRow;
use super::statement::rows;
use super::table;
use crate::cli::databases::DatabasesArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::error::Error;
use crate::config::Settings;
use crate::exec::plan::shards_sql;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;
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
    let read = connection::read(
        &args.connection,
        &args.layout,
        &mut console,
        async |first, server| databases(first, server.settings(), &layout).await,
    );
    let Some(Answer {
        data: databases,
        location,
        interrupt,
    }) = read.await?
    else {
        return Ok(Exit::Interrupted);
    };
    let rows = database::table(&databases, &layout, format);
    let say = |console: &mut Console| {
        let sharded = databases.iter().filter(|it| it.is_sharded()).count();
        let plural = if databases.len() == 1 { "" } else { "s" };
        let found = format!("{} database{plural}, {sharded} sharded", databases.len());
        console.summary(&SummaryLine {
            before: vec![SummaryPart::Plain(found)],
            location,
            after: vec![HumanDuration(console.elapsed()).to_string()],
        });
    };
    let printed = table::print(&rows, format, &args.output, &interrupt, &mut console, say).await?;
    Ok(printed.map_or(Exit::Interrupted, |()| Exit::Complete))
}

async fn databases(
    connection: &Connection,
    settings: &Settings,
    layout: &Layout,
) -> Result<Vec<Database>, InspectError> {
    let sql = include_str!("../../../../sql/inspect/databases.sql");
    let rows = rows(connection, &sql_template::fill(sql, &[])).await?;
    let looked_at = rows.into_iter().map(|row| async move {
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
