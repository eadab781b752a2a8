//! The draft for a column that differs: only what does is altered.

use super::draft::Draft;
use super::shape::ObjectName;
use super::steps::{Stage, Step};
use crate::pg::quote::Identifier;

/// What the definition of a column is made of, as `sql/inspect/drift.sql` writes it.
#[derive(Debug, PartialEq, Eq)]
struct Facts<'a> {
    data_type: &'a str,
    is_required: bool,
    default: Option<&'a str>,
    /// What cannot be altered in a word.
    others: &'a str,
}

impl<'a> Facts<'a> {
    fn of(text: &'a str) -> Self {
        const AFTER_TYPE: [&str; 6] = [
            " NOT NULL",
            " GENERATED ",
            " DEFAULT ",
            " STORAGE ",
            " COMPRESSION ",
            " STATISTICS ",
        ];
        let places = AFTER_TYPE.iter().filter_map(|word| text.find(word));
        let end = places.min().unwrap_or(text.len());
        let (data_type, rest) = text.split_at(end);
        let required = rest.strip_prefix(" NOT NULL");
        let rest = required.unwrap_or(rest);
        let default = rest.strip_prefix(" DEFAULT ");
        Self {
            data_type,
            is_required: required.is_some(),
            default,
            others: if default.is_some() { "" } else { rest },
        }
    }
}

/// `has` is without the shard's name, `expected` with that of this one.
pub fn change(draft: Draft<'_>, name: &ObjectName, has: &str, expected: &str) -> Vec<Step> {
    let own = format!("{}.", draft.shard.schema());
    let has = Facts::of(has);
    let wanted = Facts::of(expected);
    if has.others != wanted.others {
        return vec![Step::not_drafted(name, Some(has.others), Some(expected))];
    }
    let mut changes = Vec::new();
    // A default may not fit the new type.
    let retyped = has.data_type != wanted.data_type.replace(&own, "");
    let defaulted = has.default.map(str::to_owned) != wanted.default.map(|it| it.replace(&own, ""));
    if retyped && has.default.is_some() {
        changes.push("DROP DEFAULT".to_owned());
    }
    if retyped {
        let data_type = wanted.data_type;
        let column = Identifier(&name.name);
        let (plain, _) = data_type.split_once(" COLLATE ").unwrap_or((data_type, ""));
        changes.push(format!("TYPE {data_type} USING {column}::{plain}"));
    }
    match wanted.default {
        Some(default) if retyped || defaulted => changes.push(format!("SET DEFAULT {default}")),
        None if defaulted && !retyped => changes.push("DROP DEFAULT".to_owned()),
        _ => {}
    }
    if has.is_required != wanted.is_required {
        let verb = if wanted.is_required { "SET" } else { "DROP" };
        changes.push(format!("{verb} NOT NULL"));
    }
    let table = draft.qualified(&name.parent);
    let column = Identifier(&name.name);
    let statements = changes.into_iter().map(|change| {
        Step::new(
            Stage::Column,
            format!("ALTER TABLE {table} ALTER COLUMN {column} {change};"),
        )
    });
    statements.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_taken_apart() {
        let facts = |text| {
            let Facts {
                data_type,
                is_required,
                default,
                others,
            } = Facts::of(text);
            (data_type, is_required, default, others)
        };
        assert_eq!(
            facts("text COLLATE \"C\" NOT NULL DEFAULT 'a NOT NULL'::text"),
            ("text COLLATE \"C\"", true, Some("'a NOT NULL'::text"), "")
        );
        assert_eq!(facts("integer"), ("integer", false, None, ""));
        assert_eq!(
            facts("integer DEFAULT 0"),
            ("integer", false, Some("0"), "")
        );
        assert_eq!(
            facts("bigint NOT NULL GENERATED ALWAYS AS IDENTITY"),
            ("bigint", true, None, " GENERATED ALWAYS AS IDENTITY")
        );
    }
}
