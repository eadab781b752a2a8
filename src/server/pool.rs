use super::ConnectError;
use super::typed_columns::TypedColumns;
use tokio::net::UnixStream;
use tokio_postgres::{Client, Config, NoTls};

#[derive(Clone)]
pub struct Server {
    pub path: String,
}
pub struct Connection {
    client: Client,
    path: String,
}
impl Server {
    pub async fn connection(&self) -> Result<Connection, ConnectError> {
        let e = |e: String| ConnectError(e);
        let s = UnixStream::connect(&self.path)
            .await
            .map_err(|x| e(x.to_string()))?;
        let mut c = Config::new();
        c.user("postgres")
            .dbname(&std::env::var("PGDATABASE").unwrap_or("postgres".into()))
            .application_name("shardq")
            .ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, conn) = c
            .connect_raw(TypedColumns::new(s), NoTls)
            .await
            .map_err(|x| e(format!("{x:?}")))?;
        tokio::spawn(conn);
        Ok(Connection {
            client,
            path: self.path.clone(),
        })
    }
}
impl Connection {
    pub fn client(&self) -> &Client {
        &self.client
    }
    pub async fn cancel(&self) -> Result<(), ConnectError> {
        let s = UnixStream::connect(&self.path)
            .await
            .map_err(|x| ConnectError(x.to_string()))?;
        self.client
            .cancel_token()
            .cancel_query_raw(s, NoTls)
            .await
            .map_err(|x| ConnectError(x.to_string()))
    }
}
