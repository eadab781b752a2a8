//! Proves that joins bring together rows of one shard only, in the run's own
//! transaction: what holds at its snapshot holds for the answer.

use std::collections::{BTreeMap, BTreeSet};

use super::apart::Ids;
use super::joins::Link;
use crate::fanout::{FanoutError, Session, result_rows};
use crate::plan;
use crate::quote::{Identifier, Literal};
use crate::shard::Shard;

/// A table and a column of it.
type Place = (String, String);

/// Whether each join is of columns whose values are all those of one column, and no
/// two shards have any of these in common. So is a foreign key that every shard has
/// and the id that it leads to: the shard of a row that has a key has the row with
/// that id too, and no other shard has one. So are two foreign keys to the same id.
pub async fn is_proved(
    session: &Session,
    joins: &[Vec<Link<'_>>],
    shards: &[Shard],
) -> Result<bool, FanoutError> {
    let keys = foreign_keys(session, joins, shards).await?;
    let mut known = BTreeMap::new();
    'joins: for links in joins {
        for place in links.iter().flat_map(|link| common(link, &keys)) {
            let apart = match known.get(&place) {
                Some(&apart) => apart,
                None => are_apart(session, &place, shards).await?,
            };
            known.insert(place, apart);
            if apart {
                continue 'joins;
            }
        }
        return Ok(false);
    }
    Ok(true)
}

/// A foreign key of every shard.
struct ForeignKey {
    from: Place,
    to: Place,
}

/// The columns that have the values of both ends. What foreign keys lead to comes
/// first: it has fewer rows.
fn common(link: &Link<'_>, keys: &[ForeignKey]) -> Vec<Place> {
    let [one, other] = [0, 1].map(|end| {
        let place = (link.tables[end].to_owned(), link.columns[end].to_owned());
        let to = keys.iter().filter(|key| key.from == place);
        let mut places: Vec<_> = to.map(|key| key.to.clone()).collect();
        places.push(place);
        places
    });
    one.into_iter()
        .filter(|place| other.contains(place))
        .collect()
}

async fn foreign_keys(
    session: &Session,
    joins: &[Vec<Link<'_>>],
    shards: &[Shard],
) -> Result<Vec<ForeignKey>, FanoutError> {
    let names: BTreeSet<_> = joins
        .iter()
        .flatten()
        .flat_map(|link| link.tables)
        .collect();
    let list = |names: Vec<String>| format!("ARRAY[{}]::pg_catalog.name[]", names.join(", "));
    let literal = |name: &str| Literal(name).to_string();
    let sql = plan::fill(
        include_str!("../../../sql/global/foreign_keys.sql"),
        &[
            ("names", &list(names.into_iter().map(literal).collect())),
            (
                "schemas",
                &list(shards.iter().map(|s| literal(&s.to_string())).collect()),
            ),
        ],
    );
    let rows = ask(session, &sql).await?;
    let key = |row: &Vec<Option<String>>| {
        let [table, column, to_table, to_column, count] = row.as_slice() else {
            return None;
        };
        let everywhere = count.as_ref()?.parse() == Ok(shards.len());
        everywhere.then_some(ForeignKey {
            from: (table.clone()?, column.clone()?),
            to: (to_table.clone()?, to_column.clone()?),
        })
    };
    Ok(rows.iter().filter_map(key).collect())
}

async fn are_apart(
    session: &Session,
    (table, column): &Place,
    shards: &[Shard],
) -> Result<bool, FanoutError> {
    let of_shard = |shard: &Shard| {
        plan::fill(
            include_str!("../../../sql/global/ids.sql"),
            &[
                ("column", &Identifier(column).to_string()),
                ("schema", &Identifier(&shard.to_string()).to_string()),
                ("table", &Identifier(table).to_string()),
            ],
        )
    };
    let all: Vec<_> = shards.iter().map(of_shard).collect();
    let rows = ask(session, &all.join("\nUNION ALL\n")).await?;
    let mut of_shards = Vec::new();
    // A shard without rows has NULLs, and nothing in common with any.
    for row in rows.iter().filter(|row| row.iter().any(Option::is_some)) {
        let numbers: Option<Vec<i64>> = row.iter().map(|v| v.as_ref()?.parse().ok()).collect();
        let Some(&[least, most, and, or]) = numbers.as_deref() else {
            return Ok(false);
        };
        of_shards.push(Ids {
            least,
            most,
            and,
            or,
        });
    }
    Ok(rows.len() == shards.len() && Ids::are_apart(&of_shards))
}

async fn ask(session: &Session, sql: &str) -> Result<Vec<Vec<Option<String>>>, FanoutError> {
    let answers = session
        .connection()
        .client()
        .simple_query(sql)
        .await
        .map_err(|error| FanoutError::opening(&error))?;
    let rows = result_rows(&answers).pop().unwrap_or_default();
    let values = |row: &&tokio_postgres::SimpleQueryRow| {
        (0..row.len())
            .map(|column| row.get(column).map(str::to_owned))
            .collect()
    };
    Ok(rows.iter().map(values).collect())
}
