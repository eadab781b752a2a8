//! Runs the SQL on the hub in its transaction, and commits once the hub has read from every server.

use super::hub::HubSession;
use super::request::{Action, HubRequest};
use super::server_views::{ServerWork, Writers};
use crate::commands::error::Error;
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::statement::rows;
use crate::commands::interruptible;
use crate::global::federation::{FederationError, ForeignTable, Wanted};
use crate::pg::quote::Identifier;
use crate::terminal::console::Console;
use crate::text::escape::one_line;

/// Statements per message: the server parses a message as a whole.
const AT_ONCE: usize = 100;

/// On the servers first, whose views the hub reads. What is removed goes from the hub first: it
/// depends on the views. `None` if interrupted.
pub async fn run(
    request: &HubRequest,
    hub: &HubSession,
    works: &[ServerWork],
    statements: &[String],
    wanted: Option<&Wanted>,
    console: &mut Console,
) -> Result<Option<()>, Error> {
    let Some(writers) = Writers::begin(request, works, console).await? else {
        return Ok(None);
    };
    let partitions = wanted.into_iter().flat_map(Wanted::partitions);
    let tables = wanted.map_or(&[][..], Wanted::tables).iter();
    let tables: Vec<_> = partitions.chain(tables).collect();
    let done = on_both(request, hub, &writers, statements, &tables).await;
    if request.action == Action::Create
        && !matches!(done, Ok(Some(())))
        && let Err(error) = writers.undo(request).await
    {
        console.warning(&format!(
            "views of the hub may be left in schema shardq_federation on the servers: {error}"
        ));
    }
    writers.close().await;
    match done? {
        Some(()) if request.analyze => analyze(request, hub, &tables).await,
        done => Ok(done),
    }
}

async fn on_both(
    request: &HubRequest,
    hub: &HubSession,
    writers: &Writers<'_>,
    statements: &[String],
    tables: &[&ForeignTable],
) -> Result<Option<()>, Error> {
    let is_removal = request.action == Action::Drop;
    if !is_removal {
        writers.commit().await?;
    }
    let work = async {
        for statements in statements.chunks(AT_ONCE) {
            rows(&hub.connection, &statements.join(";\n")).await?;
        }
        verify(hub, tables).await?;
        rows(&hub.connection, "COMMIT").await?;
        if is_removal {
            writers.commit().await?;
        }
        Ok(())
    };
    interruptible::run(&hub.pool, &request.interrupt, work).await
}

/// Reads a table of each server: the hub may reach it otherwise than we do, or not at all.
async fn verify(hub: &HubSession, tables: &[&ForeignTable]) -> Result<(), Error> {
    let mut read: Vec<&str> = Vec::new();
    for table in tables {
        if read.contains(&table.server.as_str()) {
            continue;
        }
        read.push(&table.server);
        let sql = format!("SELECT FROM {} LIMIT 1", named(table));
        match rows(&hub.connection, &sql).await {
            Err(InspectError::Server(report)) => {
                return Err(FederationError::NotReadable {
                    server: one_line(&table.server),
                    reason: InspectError::Server(report)
                        .to_string()
                        .trim_end()
                        .to_owned(),
                    hint: hint(hub, &table.server),
                }
                .into());
            }
            answered => answered?,
        };
    }
    Ok(())
}

/// What a role that is not a superuser needs.
fn hint(hub: &HubSession, server: &str) -> Option<String> {
    (!hub.facts.is_superuser).then(|| {
        format!(
            "\"{}\" is not a superuser of the hub, so it needs a password for the servers: \
             --store-password, or a superuser runs ALTER USER MAPPING FOR {} SERVER {} OPTIONS (ADD \
             password_required 'false')",
            one_line(&hub.facts.role),
            one_line(&Identifier(&hub.facts.role).to_string()),
            one_line(&Identifier(server).to_string())
        )
    })
}

async fn analyze(
    request: &HubRequest,
    hub: &HubSession,
    tables: &[&ForeignTable],
) -> Result<Option<()>, Error> {
    let work = async {
        for table in tables {
            rows(&hub.connection, &format!("ANALYZE {}", named(table))).await?;
        }
        Ok(())
    };
    interruptible::run(&hub.pool, &request.interrupt, work).await
}

fn named(table: &ForeignTable) -> String {
    format!("{}.{}", Identifier(&table.schema), Identifier(&table.name))
}
