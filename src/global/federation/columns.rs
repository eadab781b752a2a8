//! Which columns of a table the hub can have: those whose types and collations mean the same there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::enums::Enum;
use super::facts::{Hub, RemoteColumn, RemoteTable};
use super::notes::Notes;
use super::objects::Column;
use crate::pg::quote::Identifier;
use crate::text::escape::one_line;

/// The columns that the hub can have. The others are noted.
pub fn on_hub(
    table: &RemoteTable,
    hub: &Hub,
    enums: &mut BTreeSet<Enum>,
    notes: &mut Notes,
) -> Arc<[Column]> {
    let mut columns = Vec::new();
    for column in &*table.columns {
        match misfit(column, hub) {
            None => columns.push(as_on_hub(column, hub, enums)),
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

fn as_on_hub(column: &RemoteColumn, hub: &Hub, enums: &mut BTreeSet<Enum>) -> Column {
    let Some(labels) = labels(column) else {
        return column.column.clone();
    };
    let type_name = &column.column.type_name;
    let (element, array) = match type_name.strip_suffix("[]") {
        Some(element) => (element, "[]"),
        None => (type_name.as_str(), ""),
    };
    let on_hub = hub.enums.get(element);
    if on_hub
        .and_then(|json| serde_json::from_str(json).ok())
        .as_ref()
        == Some(&labels)
    {
        return column.column.clone();
    }
    // Each shard has a type of its own, whose name alone is compared.
    let (_, name) = element.rsplit_once('.').unwrap_or(("", element));
    let own = Enum::new(name, labels);
    let type_name = format!("{}{array}", own.qualified());
    enums.insert(own);
    Column {
        type_name,
        ..column.column.clone()
    }
}

/// Of an enum, in order.
fn labels(column: &RemoteColumn) -> Option<Vec<String>> {
    let labels = column.needs.as_ref()?.strip_prefix("enum ")?;
    serde_json::from_str(labels).ok()
}

/// Why the hub cannot have a column.
fn misfit(column: &RemoteColumn, hub: &Hub) -> Option<String> {
    let Column {
        type_name,
        collation,
        ..
    } = &column.column;
    if let Some(needs) = column.needs.as_ref().filter(|_| labels(column).is_none()) {
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
