//! Detects shards that declare a column with another precision than the file. Of the types
//! that are kept, only `numeric(p,s)` has a precision in Parquet.

use arrow_schema::DataType;

use super::schema::data_type;
use crate::exec::type_names::TypeNames;
use crate::export::ExportError;
use crate::pg::quote::Identifier;
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

/// Digits before and after the decimal point.
type Digits = (u8, u8);

/// An error for the first column with values that the file's type may not hold.
pub fn drift(
    of_file: &[Column],
    first: Shard,
    columns: &[Column],
    shard: Shard,
) -> Option<ExportError> {
    let mut pairs = of_file.iter().zip(columns);
    let (expected, found) = pairs.find(|(file, shard)| !holds(file, shard))?;
    let names = TypeNames::default();
    Some(ExportError::Drift {
        column: expected.name.clone(),
        shard,
        found: names.of_column(found),
        first,
        expected: names.of_column(expected),
        cast: format!("{}::{}", Identifier(&expected.name), wider(expected, found)),
    })
}

/// The first shard whose columns can hold the values of all shards, with those columns.
pub fn widest(shards: &[(Shard, Vec<Column>)]) -> Option<(Shard, Vec<Column>)> {
    let holds_all = |(first, columns): &(Shard, Vec<Column>)| {
        let mut others = shards.iter();
        others.all(|(shard, others)| drift(columns, *first, others, *shard).is_none())
    };
    let found = shards.iter().find(|columns| holds_all(columns));
    found.cloned()
}

/// Whether the file's column can hold every value of the shard's.
fn holds(file: &Column, shard: &Column) -> bool {
    match (digits(file), digits(shard)) {
        (Some(file), Some(shard)) => shard.0 <= file.0 && shard.1 <= file.1,
        // Text holds everything.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// None for text, and for types whose Parquet type does not depend on the declaration.
fn digits(column: &Column) -> Option<Digits> {
    let decimal = match data_type(column) {
        DataType::List(element) => element.data_type().clone(),
        other => other,
    };
    match decimal {
        DataType::Decimal128(precision, scale) => {
            let scale = scale.unsigned_abs();
            Some((precision.saturating_sub(scale), scale))
        }
        _ => None,
    }
}

/// A type that holds both.
fn wider(one: &Column, other: &Column) -> String {
    let array = match data_type(one) {
        DataType::List(_) => "[]",
        _ => "",
    };
    match (digits(one), digits(other)) {
        (Some(one), Some(other)) if one.0.max(other.0) + one.1.max(other.1) <= 38 => {
            let (whole, scale) = (one.0.max(other.0), one.1.max(other.1));
            format!("numeric({},{scale}){array}", whole + scale)
        }
        _ => format!("text{array}"),
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::types::Type;

    use super::*;

    fn column(declared: &Type, precision: i32, scale: i32) -> Column {
        Column {
            name: "price".to_owned(),
            type_oid: declared.oid(),
            modifier: (precision << 16 | scale) + 4,
        }
    }

    #[test]
    fn a_precision_that_holds_the_other_is_no_drift() {
        let numeric = |precision, scale| column(&Type::NUMERIC, precision, scale);
        assert!(holds(&numeric(12, 4), &numeric(12, 4)));
        assert!(holds(&numeric(12, 4), &numeric(10, 2)));
        assert!(!holds(&numeric(10, 2), &numeric(12, 4)));
        // The same number of digits, but fewer before the point.
        assert!(!holds(&numeric(12, 4), &numeric(12, 2)));
        let bare = Column {
            modifier: -1,
            ..numeric(1, 0)
        };
        assert!(holds(&bare, &numeric(10, 2)));
        assert!(!holds(&numeric(10, 2), &bare));

        assert_eq!(wider(&numeric(10, 2), &numeric(12, 4)), "numeric(12,4)");
        assert_eq!(wider(&numeric(12, 2), &numeric(12, 4)), "numeric(14,4)");
        assert_eq!(wider(&numeric(38, 0), &numeric(38, 2)), "text");
        assert_eq!(wider(&numeric(10, 2), &bare), "text");
        let list = |precision, scale| column(&Type::NUMERIC_ARRAY, precision, scale);
        assert!(!holds(&list(10, 2), &list(12, 4)));
        assert_eq!(wider(&list(12, 2), &list(12, 4)), "numeric(14,4)[]");
    }
}
