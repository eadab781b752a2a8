//! The Parquet type of each column.
//!
//! | Postgres | Parquet |
//! | --- | --- |
//! | smallint, integer, bigint, real, double precision, boolean, date | the same |
//! | numeric(p,s), p up to 38, s from 0 to p | decimal(p,s) |
//! | timestamp with time zone | timestamp, microseconds, UTC |
//! | timestamp | timestamp, microseconds, local |
//! | an array of any of the above, or of text | a list |
//! | all others, including numeric without precision | string |

use std::collections::HashSet;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use tokio_postgres::types::{Kind, Type};

use super::refused;
use crate::exec::type_names::numeric;
use crate::export::encoder::EncodeError;
use crate::pg::row_batch::Column;

/// The shard column, if there is one, followed by the result's columns.
pub fn schema(shard_column: Option<&str>, columns: &[Column]) -> Result<Schema, EncodeError> {
    if let Some(shard) = shard_column
        && columns.iter().any(|column| column.name == shard)
    {
        return Err(refused(&format!(
            "the query already has a column \"{shard}\", and readers could not tell them apart; \
             rename the shard column with --shard-column NAME, or omit it with --no-shard-column"
        )));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = columns
        .iter()
        .find(|column| !seen.insert(column.name.as_str()))
    {
        return Err(refused(&format!(
            "two columns are named \"{}\", and readers could not tell them apart; rename one in \
             the query: … AS other_name",
            twice.name
        )));
    }
    let shard = shard_column.map(|name| Field::new(name, DataType::Utf8, false));
    let fields = columns
        .iter()
        .map(|column| Field::new(&column.name, data_type(column), true));
    Ok(Schema::new(
        shard.into_iter().chain(fields).collect::<Vec<_>>(),
    ))
}

pub fn data_type(column: &Column) -> DataType {
    let Some(builtin) = column.builtin() else {
        return DataType::Utf8;
    };
    let found = match builtin.kind() {
        Kind::Array(element) => scalar(element, column.modifier)
            .map(|scalar| DataType::List(Field::new_list_field(scalar, true).into())),
        _ => scalar(&builtin, column.modifier),
    };
    found.unwrap_or(DataType::Utf8)
}

/// `None` for types that Parquet stores as text although they are not text in Postgres: a
/// list of them would look like a list of text.
fn scalar(builtin: &Type, modifier: i32) -> Option<DataType> {
    Some(match *builtin {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => {
            let (precision, scale) = numeric(u32::try_from(modifier - 4).ok()?);
            let precision = u8::try_from(precision).ok().filter(|p| *p <= 38)?;
            let scale = u8::try_from(scale).ok().filter(|s| *s <= precision)?;
            DataType::Decimal128(precision, i8::try_from(scale).ok()?)
        }
        Type::DATE => DataType::Date32,
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => DataType::Utf8,
        _ => return None,
    })
}
