//! The sample database: 128 shards, structured like Habitat Builder's.

use std::path::Path;

use tokio_postgres::{Config, NoTls};

use super::Sandbox;

/// Builder's own name for it.
pub const DATABASE: &str = "builder_originsrv";

/// Scripts, in order. They read their sizes from the settings `demo.shards`, `demo.origins` and
/// `demo.packages`, which all have defaults.
pub const PARTS: [&str; 3] = [
    include_str!("../../sql/demo/1-plan.sql"),
    include_str!("../../sql/demo/2-shards.sql"),
    include_str!("../../sql/demo/3-finish.sql"),
];

/// Creates the sample database at its default size.
pub async fn create(server: &Sandbox) -> Result<(), tokio_postgres::Error> {
    let create = format!("CREATE DATABASE {DATABASE}");
    execute(server, "postgres", &[&create]).await?;
    execute(server, DATABASE, &PARTS).await
}

/// What [`drift`] runs.
pub const DRIFT: &str = include_str!("../../sql/demo/drift.sql");

/// Lets one shard differ.
pub async fn drift(server: &Sandbox) -> Result<(), tokio_postgres::Error> {
    execute(server, DATABASE, &[DRIFT]).await
}

/// Sends each script as a separate message, because one that commits must be alone in its own.
async fn execute(
    server: &Sandbox,
    database: &str,
    scripts: &[&str],
) -> Result<(), tokio_postgres::Error> {
    let socket_dir: &Path = server.socket_dir();
    let (client, connection) = Config::new()
        .host_path(socket_dir)
        .port(server.port())
        .user(server.superuser())
        .dbname(database)
        .connect(NoTls)
        .await?;
    let connection = tokio::spawn(connection);
    for script in scripts {
        client.batch_execute(script).await?;
    }
    drop(client);
    // A database cannot be copied or dropped while anyone is connected to it.
    let _ = connection.await;
    Ok(())
}
