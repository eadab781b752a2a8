//! The hashes that are tried, each with its value for every key of the sample. Those that only the
//! server computes come from it in one statement.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::find::learn::sample::Sample;
use crate::find::lookup::{self, Lookup, LookupError};
use crate::sharding::routing::buckets::{Buckets, HashValue, Modulo};
use crate::sharding::routing::hash::Hash;
use crate::sharding::routing::key::{number_of, whole_number};
use crate::sharding::routing::key_kind::RoutingRule;
use crate::sharding::routing::server_rule::{KeySql, PostgresHash, ServerRule};

/// A hash, without what its value is taken modulo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeriesHash {
    Here(Hash),
    Number,
    Server(PostgresHash),
    Sql(KeySql),
}

/// A hash of every key. `None` where the key has none, such as a text that should be a number.
#[derive(Debug)]
pub struct Series {
    pub hash: SeriesHash,
    pub values: Vec<Option<HashValue>>,
}

/// What people write in SQL for a hash.
const EXPRESSIONS: [&str; 9] = [
    "abs(hashtext($1))",
    "hashtext($1) & 2147483647",
    "hashtext($1)",
    "abs(hashint8($1::bigint))",
    "hashtextextended($1, 0)",
    "abs(hashtextextended($1, 0))",
    "('x' || left(md5($1), 8))::bit(32)::bigint",
    "('x' || left(md5($1), 15))::bit(60)::bigint",
    "('x' || left(md5($1), 16))::bit(64)::bigint",
];

impl SeriesHash {
    pub fn rule(&self, buckets: Buckets) -> RoutingRule {
        match self {
            Self::Here(hash) => RoutingRule::Hash {
                hash: *hash,
                buckets,
            },
            Self::Number => RoutingRule::Number(buckets),
            Self::Server(hash) => RoutingRule::Server(ServerRule::Hash {
                hash: *hash,
                buckets,
            }),
            Self::Sql(expression) => RoutingRule::Server(ServerRule::Sql {
                expression: expression.clone(),
                buckets,
            }),
        }
    }
}

/// All of them, the likeliest first. `key_type` is that of the column.
///
/// # Errors
/// If the server cannot be asked any more.
pub async fn all(
    lookup: Lookup<'_>,
    key_type: &str,
    sample: &Sample,
) -> Result<Vec<Series>, LookupError> {
    let of_all = |hash: SeriesHash, value: &dyn Fn(&str) -> Option<HashValue>| Series {
        values: sample.keys.iter().map(|key| value(&key.text)).collect(),
        hash,
    };
    let mut series: Vec<_> = Hash::ALL
        .into_iter()
        .map(|hash| {
            let value = |key: &str| Some(HashValue::Unsigned(hash.of(key)));
            of_all(SeriesHash::Here(hash), &value)
        })
        .collect();
    series.push(of_all(SeriesHash::Number, &whole_number));
    let is_whole = series.last().is_some_and(Series::is_whole);
    let keys = sample.texts();
    for hash in [PostgresHash::Index, PostgresHash::Partition] {
        let hash = SeriesHash::Server(hash);
        series.extend(of_server(lookup, hash, key_type, &keys).await?);
    }
    for expression in EXPRESSIONS {
        if expression.contains("::bigint))") && !is_whole {
            continue;
        }
        if let Ok(expression) = KeySql::new(expression) {
            let hash = SeriesHash::Sql(expression);
            series.extend(of_server(lookup, hash, key_type, &keys).await?);
        }
    }
    Ok(series)
}

/// As the server computes it; `None` if it cannot.
async fn of_server(
    lookup: Lookup<'_>,
    hash: SeriesHash,
    key_type: &str,
    keys: &[String],
) -> Result<Option<Series>, LookupError> {
    let any = Buckets {
        modulo: Modulo::None,
        offset: 0,
    };
    let rule = hash.rule(any);
    let Some(Ok(statement)) = rule.server().map(|rule| rule.statement(key_type)) else {
        return Ok(None);
    };
    match lookup.ask(&statement, &[(&keys, Type::TEXT_ARRAY)]).await {
        Ok(rows) => {
            let value = |row: &Row| number_of(row.try_get::<_, Option<&str>>(0).ok()??);
            let values = rows.iter().map(value).collect();
            Ok(Some(Series { hash, values }))
        }
        // The key is not what the hash is of.
        Err(error) => lookup::shard_error(&error).map(|_| None),
    }
}

impl Series {
    fn is_whole(&self) -> bool {
        self.values.iter().all(Option::is_some)
    }
}
