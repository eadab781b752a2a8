//! The sample database: 128 shards in the shape of Habitat Builder's.

use std::path::Path;

use tokio_postgres::{Config, NoTls};

use super::Sandbox;

/// The name that Builder gives it.
pub const DATABASE: &str = "builder_originsrv";

/// Scripts, in order. They read their sizes from `demo.shards`, `demo.origins`
/// and `demo.packages`, and have defaults for all three.
pub const PARTS: [&str; 3] = [
    include_str!("../../sql/demo/1-plan.sql"),
    include_str!("../../sql/demo/2-shards.sql"),
    include_str!("../../sql/demo/3-finish.sql"),
];

/// Creates the sample database on a server, at its default size.
pub async fn create(server: &Sandbox) -> Result<(), tokio_postgres::Error> {
    let create = format!("CREATE DATABASE {DATABASE}");
    execute(server, "postgres", &[&create]).await?;
    execute(server, DATABASE, &PARTS).await
}

/// Each script is a message of its own: one that commits on its way must be
/// alone in it.
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
    // A database that someone is connected to cannot be copied or dropped.
    let _ = connection.await;
    Ok(())
}
