//! Estimates how many rows the partials will have before running any: from the size of the tables
//! if that is enough, otherwise from the planner's estimate for the largest shard. Partials that
//! turn out to be too many are wasted work.

use std::collections::BTreeMap;

use super::introspect::array;
use super::partial::Parts;
use super::partial::in_parts::PartialPlan;
use super::partial::row_shares::RowShares;
use crate::exec::fanout::{FanoutError, Session, result_rows};
use crate::exec::plan::Plan;
use crate::pg::sql_template;
use crate::sharding::shard::Shard;

/// Estimates can be off by some factor, and discarded partials cost as much as all the work done
/// for them.
const MOST_ESTIMATED: f64 = 50_000.0;

pub const MANY_PARTS: &str = "each shard has so many groups or first rows that combining the \
     partial results does not pay off";
pub const NO_STATISTICS: &str = "the tables are large, and there are no statistics to estimate the \
     rows of the partial results (ANALYZE creates them)";

/// The shards' shares of the rows if the partials are certain or likely to be few, else why not.
pub(super) async fn few(
    session: &Session,
    in_parts: &PartialPlan,
) -> Result<Result<RowShares, &'static str>, FanoutError> {
    if !in_parts.partial.has_keys() {
        return Ok(Ok(RowShares::default()));
    }
    let sizes = sizes(session, in_parts).await?;
    let most: f64 = sizes.values().map(|size| size.most_rows).sum();
    if most <= float(Parts::MOST_ROWS) {
        return Ok(Ok(RowShares::default()));
    }
    let largest = sizes
        .iter()
        .max_by(|(_, one), (_, other)| one.most_rows.total_cmp(&other.most_rows));
    let Some((shard, size)) = largest else {
        return Ok(Ok(RowShares::default()));
    };
    if !size.has_statistics {
        return Ok(Err(NO_STATISTICS));
    }
    let in_largest = planned_rows(session, in_parts.plan.statement.text_in(*shard)).await?;
    let estimated = in_largest.map(|rows| rows * float(sizes.len()));
    let is_few = estimated.is_some_and(|rows| rows <= MOST_ESTIMATED);
    let rows = sizes
        .into_iter()
        .map(|(shard, size)| (shard, size.most_rows));
    Ok(if is_few {
        Ok(RowShares::new(rows.collect()))
    } else {
        Err(MANY_PARTS)
    })
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// A shard's tables, as if joined.
struct Size {
    /// An upper bound.
    most_rows: f64,
    has_statistics: bool,
}

async fn sizes(
    session: &Session,
    in_parts: &PartialPlan,
) -> Result<BTreeMap<Shard, Size>, FanoutError> {
    let catalog = &in_parts.catalog;
    let schemas: Vec<_> = catalog.shards.iter().map(ToString::to_string).collect();
    let sql = sql_template::fill(
        include_str!("../../sql/global/sizes.sql"),
        &[
            ("schemas", &array(schemas.iter())),
            ("names", &array(catalog.tables.iter().map(|it| &it.name))),
        ],
    );
    let answers = session.connection().simple_query(&sql).await;
    let answers = answers.map_err(|error| FanoutError::setup_failed(&error))?;
    let mut sizes = BTreeMap::new();
    for row in result_rows(&answers).into_iter().flatten() {
        let shard = row
            .get(0)
            .and_then(|schema| in_parts.plan.layout.shard(schema));
        let Some(shard) = shard else {
            continue;
        };
        let size = sizes.entry(shard).or_insert(Size {
            most_rows: 1.0,
            has_statistics: true,
        });
        let rows = row.get(1).and_then(|rows| rows.parse::<f64>().ok());
        size.most_rows *= rows.unwrap_or(f64::INFINITY).max(1.0);
        size.has_statistics &= row.get(2) == Some("t");
    }
    Ok(sizes)
}

/// `None` if the server rejects the statement.
async fn planned_rows(session: &Session, sql: &str) -> Result<Option<f64>, FanoutError> {
    let explain = format!("EXPLAIN (FORMAT JSON) {sql}");
    let client = session.connection();
    let answers = match client.simple_query(&explain).await {
        Ok(answers) => answers,
        // The single statement will report this error at the right position of the user's text.
        Err(error) if error.as_db_error().is_some() => {
            let recovered = client.simple_query(&Plan::recover()).await;
            recovered.map_err(|error| FanoutError::setup_failed(&error))?;
            return Ok(None);
        }
        Err(error) => return Err(FanoutError::setup_failed(&error)),
    };
    let lines = result_rows(&answers).into_iter().flatten();
    let plan: String = lines.filter_map(|row| row.get(0)).collect();
    let plan: Option<serde_json::Value> = serde_json::from_str(&plan).ok();
    Ok(plan.and_then(|plan| plan.pointer("/0/Plan/Plan Rows")?.as_f64()))
}
