//! A global query over several databases: partial results are gathered from all, and combined on
//! the first. Only if the databases agree in everything that the results depend on.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Colocation};
use super::partial::in_parts::PartialPlan;
use super::unsupported::UnsupportedQuery;
use crate::exec::fanout::{FanoutError, Session, result_rows};
use crate::pg::sql_template;

/// What partial results depend on beside the tables: names and values.
pub type Likeness = BTreeMap<String, String>;

/// What one of several databases would contribute.
pub struct DatabasePart {
    /// As messages call it.
    pub place: String,
    pub plan: PartialPlan,
    pub likeness: Likeness,
}

/// # Errors
/// If the server does not answer.
pub async fn likeness(session: &Session) -> Result<Likeness, FanoutError> {
    let sql = sql_template::fill(include_str!("../../sql/global/likeness.sql"), &[]);
    let answers = session.connection().simple_query(&sql).await;
    let answers = answers.map_err(|error| FanoutError::setup_failed(&error))?;
    let rows = result_rows(&answers).into_iter().flatten();
    Ok(rows
        .filter_map(|row| Some((row.get(0)?.to_owned(), row.get(1)?.to_owned())))
        .collect())
}

/// The plan that combines the results of all databases, on the first of them.
///
/// # Errors
/// If the databases differ in a way that could change the answer.
pub fn combine(parts: &[DatabasePart]) -> Result<Option<PartialPlan>, UnsupportedQuery> {
    let Some((first, others)) = parts.split_first() else {
        return Ok(None);
    };
    let refused = |why: String| Err(UnsupportedQuery::SeveralDatabases(why));
    if parts
        .iter()
        .any(|part| part.plan.catalog.joined == Colocation::Proven)
    {
        return refused(
            "joined rows may be in different databases; --colocated asserts that they are in the \
             same shard"
                .to_owned(),
        );
    }
    for other in others {
        if let Some(difference) = difference(first, other) {
            return refused(format!(
                "{} and {} differ in {difference}",
                first.place, other.place
            ));
        }
    }
    let mut combined = first.plan.clone();
    for other in others {
        combined.catalog.shards.extend(&other.plan.catalog.shards);
        let statement = combined.plan.statement;
        combined.plan.statement = statement.with_texts_of(&other.plan.plan.statement);
        combined
            .catalog
            .drift
            .extend(other.plan.catalog.drift.iter().cloned());
    }
    combined.catalog.shards.sort_unstable();
    Ok(Some(combined))
}

fn difference(one: &DatabasePart, other: &DatabasePart) -> Option<String> {
    let mut names: Vec<_> = one.likeness.keys().chain(other.likeness.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |part: &DatabasePart, name: &str| match part.likeness.get(name) {
        Some(value) => format!("\"{value}\""),
        None => "unset".to_owned(),
    };
    let differing = names
        .into_iter()
        .find(|name| one.likeness.get(*name) != other.likeness.get(*name));
    if let Some(name) = differing {
        let (one, other) = (value(one, name), value(other, name));
        return Some(format!("{name}: {one}, {other}"));
    }
    table_difference(&one.plan.catalog, &other.plan.catalog)
        .or_else(|| table_difference(&other.plan.catalog, &one.plan.catalog))
        .or_else(|| {
            (!one.plan.combines_with(&other.plan)).then(|| "the types of the result".to_owned())
        })
}

fn table_difference(one: &Catalog, other: &Catalog) -> Option<String> {
    one.tables.iter().find_map(|table| {
        let name = &table.name;
        let Some(same) = other.table(name) else {
            return Some(format!("table \"{name}\", which only one of them has"));
        };
        let differs = |column: &&super::relation::ColumnShape| !same.columns.contains(column);
        let column = table.columns.iter().find(differs)?;
        Some(format!("column \"{}\" of table \"{name}\"", column.name))
    })
}
