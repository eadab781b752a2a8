//! Who holds the locks that a statement has waited for in vain: one look after it has failed. The
//! statement is `sql/exec/lock_holders.sql`.

use std::fmt::Write as _;
use std::time::Duration;

use tokio_postgres::SimpleQueryMessage::Row;
use tokio_postgres::SimpleQueryRow;

use crate::client::{Connection, ConnectionPool};
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;
use crate::text::humanize::HumanDuration;

/// Short, because it is only for a hint.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Beyond these, only that there are more is said.
const MOST: usize = 3;
const LONGEST_STATEMENT: usize = 80;

/// Where a statement waited for a lock.
#[derive(Debug, Clone, Copy)]
pub enum WaitedIn<'a> {
    /// In these shards, or in schemas that are no shards.
    Shards(&'a [Shard], &'a Layout),
    /// A statement over all shards.
    Anywhere,
}

/// The hint that names the holders. `None` if nobody holds such a lock any more, or if the server
/// does not say.
pub async fn hint(connection: &Connection, place: WaitedIn<'_>) -> Option<String> {
    advice(holders(connection, place).await)
}

/// One line per holder; empty if nobody holds such a lock any more, or if the server does not say.
pub async fn holders(connection: &Connection, place: WaitedIn<'_>) -> Vec<String> {
    let sql = sql_template::fill(
        include_str!("../../sql/exec/lock_holders.sql"),
        &[
            ("where", &place.condition()),
            ("limit", &(MOST + 1).to_string()),
        ],
    );
    let messages = connection.simple_query(&sql).await.unwrap_or_default();
    let rows = messages.iter().filter_map(|message| match message {
        Row(row) => Some(Holder::of(row)),
        _ => None,
    });
    describe(&rows.collect::<Vec<_>>())
}

/// The same, on a connection of its own.
pub async fn hint_on_new_connection(
    server: &ConnectionPool,
    place: WaitedIn<'_>,
) -> Option<String> {
    let hint = async { hint(&server.connection().await.ok()?, place).await };
    tokio::time::timeout(PATIENCE, hint).await.ok()?
}

impl WaitedIn<'_> {
    fn condition(self) -> String {
        match self {
            Self::Anywhere => "true".to_owned(),
            Self::Shards(shards, layout) => {
                let shards = shards.iter().map(ToString::to_string);
                let shards = shards.map(|shard| Literal(&shard).to_string());
                format!(
                    "(n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) ANY \
                     (ARRAY[{}]::pg_catalog.text[]) \
                     OR NOT n.nspname {})",
                    shards.collect::<Vec<_>>().join(", "),
                    layout.condition()
                )
            }
        }
    }
}

/// A row of `sql/exec/lock_holders.sql`.
#[derive(Debug, Default, Clone)]
struct Holder<'a> {
    process: Option<&'a str>,
    user: Option<&'a str>,
    application: Option<&'a str>,
    prepared: Option<&'a str>,
    relation: Option<&'a str>,
    waits_for: Option<&'a str>,
    seconds: Option<u64>,
    state: Option<&'a str>,
    statement: Option<&'a str>,
}

impl<'a> Holder<'a> {
    fn of(row: &'a SimpleQueryRow) -> Self {
        Self {
            process: row.get(0),
            user: row.get(1),
            application: row.get(2),
            prepared: row.get(3),
            relation: row.get(4),
            waits_for: row.get(5),
            seconds: row.get(6).and_then(|seconds| seconds.parse().ok()),
            state: row.get(7),
            statement: row.get(8),
        }
    }

    /// `shard_1.t is locked by process 4711 (alice, psql, for 2 min 05 s): ALTER TABLE t …`
    fn describe(&self) -> String {
        let who = match (self.process, self.prepared) {
            (Some(process), _) => format!("process {process}"),
            (None, Some(prepared)) => format!("the prepared transaction {}", one_line(prepared)),
            (None, None) => "a prepared transaction".to_owned(),
        };
        let since = self
            .seconds
            .map(|seconds| format!("for {}", HumanDuration(Duration::from_secs(seconds))));
        let is_idle = self.state.is_some_and(|state| state.starts_with("idle"));
        let particulars: Vec<_> = [self.user, self.application]
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .map(one_line)
            .chain(is_idle.then(|| "idle in transaction".to_owned()))
            .chain(since)
            .collect();
        let particulars = match particulars.as_slice() {
            [] => String::new(),
            some => format!(" ({})", some.join(", ")),
        };
        let relation = one_line(self.relation.unwrap_or("a table"));
        let mut text = match self.waits_for {
            None => format!("{relation} is locked by {who}{particulars}"),
            Some(others) => {
                format!("{who}{particulars} waits to lock {relation}, held up by process {others}")
            }
        };
        let words = self.statement.map(str::split_whitespace);
        let statement = words.map(|words| words.collect::<Vec<_>>().join(" "));
        if let Some(statement) = statement.filter(|it| !it.is_empty()) {
            let statement = statement.trim_end_matches(';');
            let cut: String = statement.chars().take(LONGEST_STATEMENT).collect();
            let more = if cut.len() < statement.len() {
                "…"
            } else {
                ""
            };
            let last = if is_idle { "last statement " } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(text, ": {last}{cut}{more}");
        }
        text
    }
}

fn describe(holders: &[Holder<'_>]) -> Vec<String> {
    let mut lines: Vec<_> = holders.iter().take(MOST).map(Holder::describe).collect();
    if holders.len() > MOST {
        lines.push("other sessions hold locks there too".to_owned());
    }
    lines
}

fn advice(mut lines: Vec<String>) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    lines.push("retry, or wait longer with --lock-timeout".to_owned());
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALTER: Holder<'_> = Holder {
        process: Some("4711"),
        user: Some("alice"),
        application: Some("psql"),
        prepared: None,
        relation: Some("shard_1.t"),
        waits_for: None,
        seconds: Some(125),
        state: Some("active"),
        statement: Some("ALTER TABLE t\n  ADD x int"),
    };

    #[test]
    fn a_holder_is_named_with_what_it_does() {
        assert_eq!(
            ALTER.describe(),
            "shard_1.t is locked by process 4711 (alice, psql, for 2 min 05 s): \
             ALTER TABLE t ADD x int"
        );
        let idle = Holder {
            state: Some("idle in transaction"),
            application: Some(""),
            ..ALTER
        };
        assert_eq!(
            idle.describe(),
            "shard_1.t is locked by process 4711 (alice, idle in transaction, for 2 min 05 s): \
             last statement ALTER TABLE t ADD x int"
        );
        let queued = Holder {
            waits_for: Some("7, 8"),
            statement: None,
            ..ALTER
        };
        assert_eq!(
            queued.describe(),
            "process 4711 (alice, psql, for 2 min 05 s) waits to lock shard_1.t, held up by \
             process 7, 8"
        );
    }

    #[test]
    fn what_the_server_does_not_tell_is_left_out() {
        let nothing = Holder {
            process: Some("4711"),
            ..Holder::default()
        };
        assert_eq!(nothing.describe(), "a table is locked by process 4711");
        let prepared = Holder {
            prepared: Some("move\nit"),
            relation: Some("shard_1.t"),
            ..Holder::default()
        };
        assert_eq!(
            prepared.describe(),
            "shard_1.t is locked by the prepared transaction move\\nit"
        );
        assert_eq!(advice(describe(&[])), None);
    }

    #[test]
    fn long_statements_and_long_lists_are_cut() {
        let statement = "x".repeat(1000);
        let long = Holder {
            statement: Some(&statement),
            ..ALTER
        };
        let text = advice(describe(&vec![long; 4])).unwrap();
        assert_eq!(text.lines().count(), MOST + 2, "{text}");
        assert!(text.lines().all(|line| line.len() < 200), "{text}");
    }
}
