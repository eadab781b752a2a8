//! Runs the SQL on the hub in its transaction, and commits once the hub has read from every server.

use super::hub::HubSession;
use super::request::HubRequest;
use crate::client::Connection;
use crate::commands::error::Error;
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::statement::rows;
use crate::commands::interruptible;
use crate::global::federation::{FederationError, ForeignTable};
use crate::pg::quote::Identifier;
use crate::text::escape::one_line;

/// Statements per message: the server parses a message as a whole.
const AT_ONCE: usize = 100;

/// `tables` are those that the hub has afterwards. `None` if interrupted.
pub async fn run(
    request: &HubRequest,
    hub: &HubSession,
    statements: &[String],
    tables: &[ForeignTable],
) -> Result<Option<()>, Error> {
    let work = async {
        for statements in statements.chunks(AT_ONCE) {
            rows(&hub.connection, &statements.join(";\n")).await?;
        }
        verify(hub, tables).await?;
        rows(&hub.connection, "COMMIT").await?;
        if request.analyze {
            analyze(&hub.connection, tables).await?;
        }
        Ok(())
    };
    interruptible::run(&hub.pool, &request.interrupt, work).await
}

/// Reads a table of each server: the hub may reach it otherwise than we do, or not at all.
async fn verify(hub: &HubSession, tables: &[ForeignTable]) -> Result<(), Error> {
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

async fn analyze(connection: &Connection, tables: &[ForeignTable]) -> Result<(), Error> {
    for table in tables {
        rows(connection, &format!("ANALYZE {}", named(table))).await?;
    }
    Ok(())
}

fn named(table: &ForeignTable) -> String {
    format!("{}.{}", Identifier(&table.schema), Identifier(&table.name))
}
