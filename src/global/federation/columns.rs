//! Which columns of a table the hub can have: those whose types and collations mean the same there.

use std::sync::Arc;

use super::facts::{Hub, RemoteColumn, RemoteTable};
use super::notes::Notes;
use super::objects::Column;
use crate::pg::quote::Identifier;
use crate::text::escape::one_line;

/// The columns that the hub can have. The others are noted.
pub fn on_hub(table: &RemoteTable, hub: &Hub, notes: &mut Notes) -> Arc<[Column]> {
    let mut columns = Vec::new();
    for column in &*table.columns {
        match misfit(column, hub) {
            None => columns.push(column.column.clone()),
            Some(why) => notes.add(
                format!(
                    "{}: column {} is left out: {why}",
                    one_line(&table.name),
                    one_line(&Identifier(&column.column.name).to_string())
                ),
                &table.shards,
            ),
        }
    }
    columns.into()
}

/// Why the hub cannot have a column.
fn misfit(column: &RemoteColumn, hub: &Hub) -> Option<String> {
    let Column {
        type_name,
        collation,
        ..
    } = &column.column;
    if let Some(needs) = &column.needs {
        let extension = needs.strip_prefix("extension ");
        let Some((name, version)) = extension.and_then(|it| it.split_once(' ')) else {
            let name = type_name.rsplit('.').next().unwrap_or_default();
            return Some(format!("its type {} is the shard's own", one_line(name)));
        };
        if hub.extensions.get(name).map(String::as_str) != Some(version) {
            return Some(format!(
                "its type {} needs extension {} {} on the hub",
                one_line(type_name),
                one_line(name),
                one_line(version)
            ));
        }
    }
    let is_same = collation.is_empty()
        || hub.collations.get(collation) == column.collation_definition.as_ref();
    (!is_same).then(|| {
        format!(
            "the hub has no collation {} of the same definition",
            one_line(collation)
        )
    })
}
