//! `CREATE TABLE` for a table that an export can be loaded into, from its manifest. Pure.
//!
//! The manifest may come from someone else and the statement goes to psql, so names are quoted
//! and types are validated.

use std::collections::HashSet;
use std::str::FromStr;

use super::manifest::Manifest;
use crate::pg::quote::{self, Identifier};

/// Postgres truncates longer identifiers.
const LONGEST_NAME: usize = 63;

/// Reserved by Postgres for system columns.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// Multi-word types, except `interval` with its fields.
const OF_WORDS: [&str; 7] = [
    "double precision",
    "character varying",
    "bit varying",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
];

/// `packages` or `archive."Packages"`, parsed as SQL does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(Vec<String>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid table name '{0}'; write it as in SQL: packages, archive.packages, \"Packages\"")]
pub struct NotATableName(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTable {
    #[error(
        "it was exported with --excel, which changes values for spreadsheets; export it again \
         without --excel"
    )]
    Excel,
    #[error(
        "its manifest gives column \"{column}\" the type '{type_name}', which is not the name of a \
         type"
    )]
    NotAType { column: String, type_name: String },
    #[error("its manifest does not list its columns")]
    NoColumns,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDdl {
    pub sql: String,
    /// Columns whose name differs from the one in the file.
    pub renamed: Vec<String>,
}

impl TableName {
    pub fn quoted(&self) -> String {
        let parts: Vec<_> = self
            .0
            .iter()
            .map(|part| Identifier(part).to_string())
            .collect();
        parts.join(".")
    }
}

impl FromStr for TableName {
    type Err = NotATableName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Option<Vec<_>> = quote::split_outside_quotes(text, '.')
            .map(quote::parse_identifier)
            .collect();
        match parts {
            Some(parts) if parts.len() <= 2 => Ok(Self(parts)),
            _ => Err(NotATableName(text.to_owned())),
        }
    }
}

/// `CREATE TABLE` with one column per column of the file, in the same order.
///
/// # Errors
/// If no table could hold the values unchanged.
pub fn create_table(name: &TableName, manifest: &Manifest) -> Result<TableDdl, NoTable> {
    if manifest.options.contains_key("excel") {
        return Err(NoTable::Excel);
    }
    let shard = manifest.shard_column.as_deref().map(|name| (name, "text"));
    let columns = manifest
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.type_name.as_str()));
    let columns: Vec<_> = shard.into_iter().chain(columns).collect();
    if columns.is_empty() {
        return Err(NoTable::NoColumns);
    }
    let names = distinct(columns.iter().map(|(name, _)| *name));
    let (mut lines, mut renamed) = (Vec::new(), Vec::new());
    for ((name, type_name), new) in columns.into_iter().zip(&names) {
        if !is_type(type_name) {
            return Err(NoTable::NotAType {
                column: name.to_owned(),
                type_name: type_name.to_owned(),
            });
        }
        lines.push(format!("    {} {type_name}", Identifier(new)));
        if name != new {
            renamed.push(format!(
                "column {} \"{name}\" is called \"{new}\" in the table",
                lines.len()
            ));
        }
    }
    let sql = format!(
        "CREATE TABLE {} (\n{}\n);\n",
        name.quoted(),
        lines.join(",\n")
    );
    Ok(TableDdl { sql, renamed })
}

/// Makes the names unique and valid as column names. Those that can stay, stay.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: HashSet<_> = SYSTEM_COLUMNS.map(str::to_owned).into();
    let names: Vec<_> = names
        .map(|name| {
            let cut = cut(name, LONGEST_NAME);
            let keeps = !cut.is_empty() && taken.insert(cut.to_owned());
            (cut, keeps)
        })
        .collect();
    let mut number = |name: &str| {
        let numbered = (2..).map(|number| {
            let extension = format!("_{number}");
            cut(name, LONGEST_NAME - extension.len()).to_owned() + &extension
        });
        let mut free = numbered.filter(|name| taken.insert(name.clone()));
        free.next().unwrap_or_default()
    };
    names
        .into_iter()
        .map(|(name, keeps)| match name {
            name if keeps => name.to_owned(),
            "" => number("column"),
            name => number(name),
        })
        .collect()
}

/// Truncates as Postgres does: never within a character.
fn cut(name: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(name.len())).rev();
    let end = end.into_iter().find(|&end| name.is_char_boundary(end));
    &name[..end.unwrap_or(0)]
}

/// Whether the text could be a type name from `format_type`.
fn is_type(text: &str) -> bool {
    let mut text = text;
    while let Some(element) = text.strip_suffix("[]") {
        text = element;
    }
    // `timestamp(3) with time zone`, `geometry(Point,4326)`, `"a(b"(3)`
    let is_modifier = |inside: &str| {
        inside
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ",-_ ".contains(c))
    };
    let mut words = text.to_owned();
    if let Some(open) = text.rfind('(')
        && let Some(length) = text[open..].find(')')
        && is_modifier(&text[open + 1..open + length])
        && matches!(text[open + length + 1..].chars().next(), None | Some(' '))
    {
        words = format!("{}{}", &text[..open], &text[open + length + 1..]);
    }
    let is_interval = words.strip_prefix("interval ").is_some_and(|fields| {
        let known = ["year", "month", "day", "hour", "minute", "second", "to"];
        fields.split(' ').all(|field| known.contains(&field))
    });
    is_interval
        || OF_WORDS.contains(&words.as_str())
        || quote::split_outside_quotes(&words, '.')
            .all(|part| part.trim() == part && quote::parse_identifier(part).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_table_is_named_as_in_sql() {
        let named = |text: &str| text.parse::<TableName>().map(|name| name.0);
        let parts = |parts: &[&str]| Ok(parts.iter().map(|&part| part.to_owned()).collect());
        assert_eq!(named("Packages"), parts(&["packages"]));
        assert_eq!(named("a.\"B.\"\"c\""), parts(&["a", "B.\"c"]));
        for text in ["", "a.", "a.b.c", "a b", "\"a", "a;", "1a"] {
            assert!(named(text).is_err(), "{text}");
        }
    }

    #[test]
    fn columns_that_can_keep_their_names_do() {
        let long = "ž".repeat(40);
        let names = ["a", "a", "a_2", "", "ctid", "A", &long, &long, "column_2"];
        let cut = "ž".repeat(31);
        let numbered = format!("{}_2", "ž".repeat(30));
        assert_eq!(
            distinct(names.into_iter()),
            [
                "a", "a_3", "a_2", "column_3", "ctid_2", "A", &cut, &numbered, "column_2"
            ]
        );
    }

    #[test]
    fn what_is_no_name_of_a_type_is_told() {
        for name in [
            "bigint",
            "numeric(10,2)",
            "numeric(3,-2)",
            "\"bit\"",
            "\"char\"[]",
            "bit varying(8)",
            "character(3)[]",
            "timestamp(3) with time zone[]",
            "interval day to second(3)",
            "public.\"My type\"[]",
            "public.\"a(b\"(3)",
            "public.geometry(Point,4326)",
            "public.\"a;b\"",
        ] {
            assert!(is_type(name), "{name}");
        }
        for text in [
            "",
            "text; DROP TABLE t",
            "text)",
            "text, x text",
            "text DEFAULT current_user",
            "text CHECK (f(1))",
            "text--",
            "int REFERENCES t",
            "a.b.\"",
            "interval year; x",
            "text(now())",
            "text\n",
        ] {
            assert!(!is_type(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_two_columns_have_one_name(names in prop::collection::vec("[ab_23ž]{0,40}", 0..12)) {
            let given = distinct(names.iter().map(String::as_str));
            let different: HashSet<_> = given.iter().collect();
            prop_assert_eq!(different.len(), names.len());
            prop_assert!(given.iter().all(|name| !name.is_empty() && name.len() <= LONGEST_NAME));
        }

        /// Outside quotes, nothing that would end a column definition is accepted.
        #[test]
        fn a_type_is_no_statement(text in "[a\"(),;. -]{0,12}") {
            let bare: String = text.split('"').step_by(2).collect();
            prop_assert!(!is_type(&text) || !bare.contains(';') && !bare.contains("--"));
        }
    }
}
