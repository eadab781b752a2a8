//! `--by SQL`: a number per shard, from the user's query.

use std::collections::BTreeMap;

use crate::commands::error::Error;
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::per_shard::{self, ShardRun};
use crate::commands::inspect::request::InspectRequest;
use crate::commands::inspect::rows_by_shard::Reading;
use crate::exec::plan::Plan;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;

/// A value as the server writes it, and as a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    pub text: String,
    pub value: f64,
}

/// What the query returned.
pub struct Measured {
    /// Without the shards that returned NULL or no row.
    pub numbers: BTreeMap<Shard, Number>,
    pub run: ShardRun,
}

/// The first value of a row; `number` refuses several columns.
const READING: Reading<Option<String>> = Reading {
    called: "measuring",
    row: |row| Some(row.values().next().flatten().map(str::to_owned)),
};

/// `None` if interrupted.
pub async fn measure(
    request: &InspectRequest,
    sql: &str,
    connections: usize,
    shards: &[Shard],
    console: &mut Console,
) -> Result<Option<Measured>, Error> {
    let statement = Statement::checked(sql.to_owned(), "--by")?;
    let plan = Plan {
        statement: statement.clone(),
        ..request.plan().clone()
    };
    let nothing = async |_: &mut _| Ok(());
    let run = per_shard::run(
        request,
        &plan,
        &READING,
        connections,
        shards,
        nothing,
        console,
    );
    let Some((found, report)) = Box::pin(run).await? else {
        return Ok(None);
    };
    let mut numbers = BTreeMap::new();
    for (shard, rows) in found.rows {
        if !report.has_answered(shard) {
            continue;
        }
        match number(found.columns, &rows) {
            Ok(Some(number)) => {
                numbers.insert(shard, number);
            }
            Ok(None) => {}
            Err(reason) => return Err(InspectError::NotANumber { shard, reason }.into()),
        }
    }
    let run = ShardRun::new(report, statement);
    Ok(Some(Measured { numbers, run }))
}

/// The only value; `None` if it is NULL, or there is none.
fn number(columns: usize, rows: &[Option<String>]) -> Result<Option<Number>, String> {
    if columns != 1 {
        return Err(format!("{columns} columns"));
    }
    let text = match rows {
        [] | [None] => return Ok(None),
        [Some(text)] => text,
        more => return Err(format!("{} rows", more.len())),
    };
    match text.parse() {
        Ok(value) if f64::is_finite(value) && value >= 0.0 => Ok(Some(Number {
            text: text.clone(),
            value,
        })),
        _ => Err(format!("\"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_expected() {
        let of = |rows: &[Option<&str>]| {
            let rows: Vec<_> = rows.iter().map(|it| it.map(str::to_owned)).collect();
            let number = number(1, &rows);
            number.map(|number| number.map(|it| it.value.to_string()))
        };
        assert_eq!(of(&[Some("12")]), Ok(Some("12".to_owned())));
        assert_eq!(of(&[Some("1.50")]), Ok(Some("1.5".to_owned())));
        assert_eq!(of(&[None]), Ok(None));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[Some("a")]), Err("\"a\"".to_owned()));
        assert_eq!(of(&[Some("-1")]), Err("\"-1\"".to_owned()));
        assert_eq!(of(&[Some("NaN")]), Err("\"NaN\"".to_owned()));
        assert_eq!(of(&[Some("1"), Some("2")]), Err("2 rows".to_owned()));
        assert_eq!(number(2, &[]), Err("2 columns".to_owned()));
    }
}
