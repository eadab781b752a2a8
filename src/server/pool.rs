//! Connections to one database of one server.

use std::sync::Arc;

use tokio_postgres::Client;

use super::ConnectError;
use super::dial::{self, Connected};
use super::endpoint::Endpoint;
use crate::settings::Settings;

#[derive(Debug, Clone)]
pub struct Server {
    settings: Arc<Settings>,
}

impl Server {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub async fn connection(&self) -> Result<Connection, ConnectError> {
        let Connected {
            client,
            connection,
            endpoint,
        } = dial::connect(&self.settings).await?;
        // It ends with the client; if it ends before, queries report it.
        tokio::spawn(connection);
        Ok(Connection {
            client,
            endpoint,
            settings: Arc::clone(&self.settings),
        })
    }
}

pub struct Connection {
    client: Client,
    endpoint: Endpoint,
    settings: Arc<Settings>,
}

impl Connection {
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub async fn cancel(&self) -> Result<(), ConnectError> {
        dial::cancel(&self.settings, &self.endpoint, &self.client.cancel_token()).await
    }
}
