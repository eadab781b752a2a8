//! Reads the results of shardq's own messages.

use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::session::Exported;
use crate::exec::plan::ChildTables;

/// Parses the result of `sql/session/export_snapshot.sql`. Whether there are partitions is not in
/// it.
pub(super) fn exported(rows: &[&SimpleQueryRow]) -> Option<Exported> {
    let row = rows.first()?;
    Some(Exported {
        name: row.get(0)?.to_owned(),
        process_id: row.get(1)?.parse().ok()?,
        child_tables: ChildTables::Absent,
    })
}

/// The results that have a row description, which SET and the like lack.
pub(crate) fn results(messages: &[SimpleQueryMessage]) -> Vec<Vec<&SimpleQueryRow>> {
    let mut results = Vec::new();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(_) => results.push(Vec::new()),
            SimpleQueryMessage::Row(row) => {
                if let Some(rows) = results.last_mut() {
                    rows.push(row);
                }
            }
            _ => {}
        }
    }
    results
}
