//! Proves that joins only match rows of the same shard. Runs in the run's own transaction, so what
//! holds at its snapshot holds for the result.

use std::collections::{BTreeMap, BTreeSet};

use super::id_ranges::IdSummary;
use super::joins::JoinEquality;
use crate::exec::fanout::{FanoutError, Session, result_rows};
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template;
use crate::sharding::shard::Shard;

type JoinColumn = (String, String);

/// Whether each join is on columns of which no two shards share a value, so that a row can only
/// match rows of its own shard. Only columns along a foreign key are checked, because others rarely
/// qualify. The key alone proves nothing: rows loaded with `session_replication_role` may violate
/// it.
pub async fn verify_colocation(
    session: &Session,
    joins: &[Vec<JoinEquality<'_>>],
    shards: &[Shard],
) -> Result<bool, FanoutError> {
    let keys = foreign_keys(session, joins, shards).await?;
    let mut known = BTreeMap::new();
    'joins: for links in joins {
        for link in links {
            let ends = ends(link);
            if is_along_key(&ends, &keys)
                && are_apart(session, ends, &keys, shards, &mut known).await?
            {
                continue 'joins;
            }
        }
        return Ok(false);
    }
    Ok(true)
}

fn ends(link: &JoinEquality<'_>) -> [JoinColumn; 2] {
    [0, 1].map(|end| (link.tables[end].to_owned(), link.columns[end].to_owned()))
}

/// A foreign key that every shard has.
struct ForeignKey {
    from: JoinColumn,
    to: JoinColumn,
}

/// Whether one column references the other, both reference the same one, or they are the same.
fn is_along_key(ends: &[JoinColumn; 2], keys: &[ForeignKey]) -> bool {
    let [one, other] = ends.each_ref().map(|place| {
        let to = keys.iter().filter(|key| key.from == *place);
        to.map(|key| &key.to).chain([place]).collect::<Vec<_>>()
    });
    one.iter().any(|place| other.contains(place))
}

async fn foreign_keys(
    session: &Session,
    joins: &[Vec<JoinEquality<'_>>],
    shards: &[Shard],
) -> Result<Vec<ForeignKey>, FanoutError> {
    let names: BTreeSet<_> = joins
        .iter()
        .flatten()
        .flat_map(|link| link.tables)
        .collect();
    let list = |names: Vec<String>| format!("ARRAY[{}]::pg_catalog.name[]", names.join(", "));
    let literal = |name: &str| Literal(name).to_string();
    let sql = sql_template::fill(
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

/// Whether no two shards share a value of these columns. Referenced columns are checked first:
/// their tables have fewer rows, and one shared value there is enough to stop.
async fn are_apart(
    session: &Session,
    mut ends: [JoinColumn; 2],
    keys: &[ForeignKey],
    shards: &[Shard],
    known: &mut BTreeMap<JoinColumn, Vec<Option<IdSummary>>>,
) -> Result<bool, FanoutError> {
    ends.sort_by_key(|place| !keys.iter().any(|key| key.to == *place));
    let mut together = vec![None; shards.len()];
    for place in ends {
        if !known.contains_key(&place) {
            let Some(ids) = ids(session, &place, shards).await? else {
                return Ok(false);
            };
            known.insert(place.clone(), ids);
        }
        for (all, ids) in together.iter_mut().zip(&known[&place]) {
            *all = match (*all, *ids) {
                (Some(one), Some(other)) => Some(IdSummary::with(&one, &other)),
                (one, other) => one.or(other),
            };
        }
        // A shard without rows shares nothing.
        let some: Vec<_> = together.iter().copied().flatten().collect();
        if !IdSummary::are_apart(&some) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A summary per shard, in order; the outer `None` if the server's reply is unusable.
async fn ids(
    session: &Session,
    (table, column): &JoinColumn,
    shards: &[Shard],
) -> Result<Option<Vec<Option<IdSummary>>>, FanoutError> {
    let of_shard = |(place, shard): (usize, &Shard)| {
        sql_template::fill(
            include_str!("../../../sql/global/ids.sql"),
            &[
                ("place", &place.to_string()),
                ("column", &Identifier(column).to_string()),
                ("schema", &Identifier(shard.schema()).to_string()),
                ("table", &Identifier(table).to_string()),
            ],
        )
    };
    let all: Vec<_> = shards.iter().enumerate().map(of_shard).collect();
    let rows = ask(session, &all.join("\nUNION ALL\n")).await?;
    let mut of_shards = vec![None; shards.len()];
    for row in &rows {
        let [Some(place), values @ ..] = row.as_slice() else {
            return Ok(None);
        };
        if values.iter().all(Option::is_none) {
            continue;
        }
        let numbers: Option<Vec<i64>> = values.iter().map(|v| v.as_ref()?.parse().ok()).collect();
        let place = place.parse::<usize>().ok();
        let place = place.and_then(|place| of_shards.get_mut(place));
        let (Some(&[least, most, and, or]), Some(place)) = (numbers.as_deref(), place) else {
            return Ok(None);
        };
        *place = Some(IdSummary {
            least,
            most,
            and,
            or,
        });
    }
    Ok((rows.len() == shards.len()).then_some(of_shards))
}

pub(super) async fn ask(
    session: &Session,
    sql: &str,
) -> Result<Vec<Vec<Option<String>>>, FanoutError> {
    let answers = session
        .connection()
        .simple_query(sql)
        .await
        .map_err(|error| FanoutError::setup_failed(&error))?;
    let rows = result_rows(&answers).pop().unwrap_or_default();
    let values = |row: &&tokio_postgres::SimpleQueryRow| {
        (0..row.len())
            .map(|column| row.get(column).map(str::to_owned))
            .collect()
    };
    Ok(rows.iter().map(values).collect())
}
