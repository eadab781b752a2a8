//! In what a foreign table of a hub differs from the table that it stands for.

use super::existing::ExistingTable;
use super::objects::{Column, ForeignTable};
use crate::pg::quote::Identifier;

/// `None` if it does not.
pub fn outdated(table: &ForeignTable, found: &ExistingTable) -> Option<String> {
    if found.server != table.server {
        return Some(format!("its shard is on {} now", table.server));
    }
    if found.options != table.options() {
        return Some("its options were changed".to_owned());
    }
    let columns = found.columns.as_deref().unwrap_or_default();
    if columns == &*table.columns {
        return None;
    }
    let differences: Vec<_> = (table.columns.iter())
        .filter_map(|column| column_difference(column, columns))
        .chain(columns.iter().filter_map(|column| {
            let is_gone = table.columns.iter().all(|it| it.name != column.name);
            is_gone.then(|| format!("column {} is gone", Identifier(&column.name)))
        }))
        .collect();
    Some(if differences.is_empty() {
        "its columns are in another order".to_owned()
    } else {
        differences.join(", ")
    })
}

fn column_difference(column: &Column, on_hub: &[Column]) -> Option<String> {
    let name = Identifier(&column.name);
    let shown = |column: &Column| match column.collation.as_str() {
        "" => column.type_name.clone(),
        collation => format!("{} COLLATE {collation}", column.type_name),
    };
    match on_hub.iter().find(|it| it.name == column.name) {
        None => Some(format!("column {name} is new")),
        Some(same) if same == column => None,
        Some(other) => Some(format!(
            "column {name} is {}, and {} on the hub",
            shown(column),
            shown(other)
        )),
    }
}
