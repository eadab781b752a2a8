//! `TABLE.COLUMN`, by SQL's rules for identifiers. Pure.

use std::fmt;
use std::str::FromStr;

use crate::pg::quote::{Identifier, parse_identifier, split_outside_quotes};

/// A column of a table that every shard has, so without a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnName {
    pub table: String,
    pub column: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnNameError {
    #[error("expected TABLE.COLUMN as in SQL, e.g. origins.name or \"My table\".\"Id\"")]
    Invalid,
    #[error("leave out the schema, which differs between shards: {0}")]
    HasSchema(ColumnName),
}

impl FromStr for ColumnName {
    type Err = ColumnNameError;

    fn from_str(text: &str) -> Result<Self, ColumnNameError> {
        let parts: Option<Vec<_>> = split_outside_quotes(text, '.')
            .map(parse_identifier)
            .collect();
        let mut parts = parts.ok_or(ColumnNameError::Invalid)?;
        let (Some(column), Some(table)) = (parts.pop(), parts.pop()) else {
            return Err(ColumnNameError::Invalid);
        };
        let name = Self { table, column };
        if parts.is_empty() {
            Ok(name)
        } else {
            Err(ColumnNameError::HasSchema(name))
        }
    }
}

/// As it can be given again: in double quotes where SQL needs them.
impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |name: &str| match parse_identifier(name) {
            Some(same) if same == name => same,
            _ => Identifier(name).to_string(),
        };
        write!(f, "{}.{}", quoted(&self.table), quoted(&self.column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, String> {
        let name: Result<ColumnName, _> = text.parse();
        name.map(|name| name.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn identifiers_follow_the_rules_of_sql() {
        assert_eq!(parsed("Origins.NAME").unwrap(), "origins.name");
        assert_eq!(parsed("\"origins\".name").unwrap(), "origins.name");
        for same in ["\"My table\".\"Id\"", "\"a.b\".\"c\"\"d\"", "\"A\".b"] {
            assert_eq!(parsed(same).unwrap(), same);
        }
    }

    #[test]
    fn a_schema_in_front_is_left_out() {
        let error = parsed("shard_0.origins.name").unwrap_err();
        assert!(error.ends_with("between shards: origins.name"), "{error}");
    }

    #[test]
    fn a_name_that_is_not_one_is_an_error() {
        for text in [
            "", "origins", ".name", "origins.", "a b.c", "\"a.b", "1a.b", "a.\"\"",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
