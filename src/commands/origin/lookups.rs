//! Looks origins up where they belong, ahead of the statements of a run.

use futures::TryStreamExt;
use tokio::task::JoinHandle;
use tokio_postgres::SimpleQueryMessage;

use crate::client::ServerError;
use crate::exec::fanout::Session;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template;
use crate::sharding::selection::{OriginRoute, Origins};
use crate::sharding::shard::Shard;

/// Lookups that are sent ahead of the run's statements and so cost no round trip.
pub struct OriginLookups(Vec<(OriginRoute, JoinHandle<Seen>)>);

/// The result of looking where the origin belongs.
enum Seen {
    There,
    NotThere,
    /// Why it is unknown.
    Unknown(String),
}

impl OriginLookups {
    /// Sends the lookups in the transaction of a session in the shard's database, without waiting
    /// for the results.
    pub async fn send<'a>(
        session: impl Fn(Shard) -> Option<&'a Session>,
        origins: Option<&Origins>,
    ) -> Self {
        let mut origin_lookups = Vec::new();
        for route in origins.iter().flat_map(|origins| &origins.routes) {
            let Some(session) = session(route.shard) else {
                continue;
            };
            let answers = session.send(&lookup_sql(route)).await;
            // Recovers from an error, and releases the table's lock.
            let recovered = session.recover().await;
            let seen = tokio::spawn(async move {
                let rows = async {
                    recovered?;
                    answers?.try_collect::<Vec<_>>().await
                };
                match rows.await {
                    Ok(rows) => seen(&rows),
                    Err(error) => Seen::Unknown(match error.as_db_error() {
                        Some(report) => ServerError::new(report, 0).summary_line(),
                        None => crate::exec::fanout::cause(&error),
                    }),
                }
            });
            origin_lookups.push((route.clone(), seen));
        }
        Self(origin_lookups)
    }

    /// The results, without origins that are where they belong.
    pub(super) async fn answers(self) -> Vec<(OriginRoute, Option<String>)> {
        let mut answers = Vec::new();
        for (route, seen) in self.0 {
            let lost = |_| Seen::Unknown("the lookup was not answered".to_owned());
            match seen.await.unwrap_or_else(lost) {
                Seen::There => {}
                Seen::NotThere => answers.push((route, None)),
                Seen::Unknown(why) => answers.push((route, Some(why))),
            }
        }
        answers
    }
}

fn lookup_sql(route: &OriginRoute) -> String {
    let schema = route.shard.schema().to_owned();
    let table = format!("{}.origins", Identifier(&schema));
    sql_template::fill(
        include_str!("../../../sql/find/origin.sql"),
        &[
            ("table", &table),
            ("name", &Literal(&route.name).to_string()),
        ],
    )
}

fn seen(messages: &[SimpleQueryMessage]) -> Seen {
    let is_row = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    if messages.iter().any(is_row) {
        Seen::There
    } else {
        Seen::NotThere
    }
}
