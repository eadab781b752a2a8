//! The draft for a column that differs: only what does is altered.

use super::Draft;
use super::steps::{Stage, Step};
use crate::commands::inspect::drift::shape::ObjectName;
use crate::pg::quote::Identifier;

/// What the definition of a column is made of, as `sql/inspect/drift.sql` writes it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts<'a> {
    data_type: &'a str,
    is_required: bool,
    default: Option<&'a str>,
    storage: Option<&'a str>,
    /// `p` or `l`
    compression: Option<&'a str>,
    statistics: Option<&'a str>,
    /// `n_distinct=5`
    options: Vec<&'a str>,
    /// What cannot be altered in a word.
    others: &'a str,
}

impl<'a> Facts<'a> {
    fn of(text: &'a str) -> Self {
        const AFTER_TYPE: [&str; 3] = [" NOT NULL", " GENERATED ", " DEFAULT "];
        let mut facts = Self::default();
        // From the end: a default may contain anything.
        let mut rest = text;
        if let Some((before, options)) = rest.rsplit_once(" OPTIONS (")
            && let Some(options) = options.strip_suffix(')')
        {
            facts.options = options.split(", ").collect();
            rest = before;
        }
        for (word, fact) in [
            (" STATISTICS ", &mut facts.statistics),
            (" COMPRESSION ", &mut facts.compression),
            (" STORAGE ", &mut facts.storage),
        ] {
            if let Some((before, value)) = rest.rsplit_once(word)
                && value.chars().all(|c| c.is_ascii_alphanumeric())
            {
                *fact = Some(value);
                rest = before;
            }
        }
        let places = AFTER_TYPE.iter().filter_map(|word| rest.find(word));
        let end = places.min().unwrap_or(rest.len());
        let (data_type, rest) = rest.split_at(end);
        facts.data_type = data_type;
        let required = rest.strip_prefix(" NOT NULL");
        facts.is_required = required.is_some();
        let rest = required.unwrap_or(rest);
        facts.default = rest.strip_prefix(" DEFAULT ");
        facts.others = if facts.default.is_some() { "" } else { rest };
        facts
    }

    /// The storage that a type has unless it is set, as far as can be told from its name.
    fn usual_storage(&self) -> &'static str {
        if self.data_type.starts_with("numeric") {
            "MAIN"
        } else {
            "EXTENDED"
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
    let column = Identifier(&name.name);
    let mut changes = Vec::new();
    // A default may not fit the new type.
    let retyped = has.data_type != wanted.data_type.replace(&own, "");
    let defaulted = has.default.map(str::to_owned) != wanted.default.map(|it| it.replace(&own, ""));
    let is_attribute = draft.is("composite type", &name.parent);
    if retyped && has.default.is_some() {
        changes.push("DROP DEFAULT".to_owned());
    }
    if retyped {
        let data_type = wanted.data_type;
        let (plain, _) = data_type.split_once(" COLLATE ").unwrap_or((data_type, ""));
        changes.push(if is_attribute {
            format!("TYPE {data_type}")
        } else {
            format!("TYPE {data_type} USING {column}::{plain}")
        });
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
    changes.extend(settings(&has, &wanted));
    let table = draft.qualified(&name.parent);
    let alter = if is_attribute {
        format!("ALTER TYPE {table} ALTER ATTRIBUTE {column}")
    } else {
        format!("ALTER TABLE {table} ALTER COLUMN {column}")
    };
    let statements = changes
        .into_iter()
        .map(|change| Step::new(Stage::Column, format!("{alter} {change};")));
    statements.collect()
}

/// Of storage and statistics.
fn settings(has: &Facts<'_>, wanted: &Facts<'_>) -> Vec<String> {
    let mut changes = Vec::new();
    if has.storage != wanted.storage {
        let storage = wanted.storage.unwrap_or_else(|| wanted.usual_storage());
        changes.push(format!("SET STORAGE {storage}"));
    }
    if has.compression != wanted.compression {
        let method = match wanted.compression {
            Some("p") => "pglz",
            Some("l") => "lz4",
            _ => "default",
        };
        changes.push(format!("SET COMPRESSION {method}"));
    }
    if has.statistics != wanted.statistics {
        let target = wanted.statistics.unwrap_or("-1");
        changes.push(format!("SET STATISTICS {target}"));
    }
    let name = |option: &&str| option.split('=').next().unwrap_or_default().to_owned();
    let kept: Vec<_> = wanted.options.iter().map(name).collect();
    let reset = has.options.iter().map(name).filter(|it| !kept.contains(it));
    let reset: Vec<_> = reset.collect();
    if !reset.is_empty() {
        changes.push(format!("RESET ({})", reset.join(", ")));
    }
    let set = wanted.options.iter().filter(|it| !has.options.contains(it));
    let set: Vec<_> = set.copied().collect();
    if !set.is_empty() {
        changes.push(format!("SET ({})", set.join(", ")));
    }
    changes
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
                ..
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
        let settings = Facts::of(
            "text DEFAULT ' STORAGE MAIN'::text STORAGE PLAIN COMPRESSION l STATISTICS 5 OPTIONS (a=1, b=2)",
        );
        assert_eq!(
            settings,
            Facts {
                data_type: "text",
                default: Some("' STORAGE MAIN'::text"),
                storage: Some("PLAIN"),
                compression: Some("l"),
                statistics: Some("5"),
                options: vec!["a=1", "b=2"],
                ..Facts::default()
            }
        );
    }
}
