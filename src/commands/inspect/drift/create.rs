//! The draft for an object that is missing.

use std::fmt::Write as _;

use super::draft::Draft;
use super::privileges;
use super::shape::ObjectName;
use super::steps::{Stage, Step};
use crate::pg::quote::{Identifier, split_outside_quotes};

impl Draft<'_> {
    /// With its owner, privileges and comments, which are no findings of their own.
    pub fn create_with_parts(self, name: &ObjectName) -> Vec<Step> {
        let mut steps = self.create(name);
        if name.parent.is_empty() && name.kind != "table" && !steps.is_empty() {
            let parts = self.norm.keys().filter(|part| part.parent == name.name);
            let parts = parts.filter(|part| Stage::of(&part.kind, false) >= Stage::Owner);
            steps.extend(parts.flat_map(|part| self.create(part)));
        }
        steps
    }

    pub fn create(self, name: &ObjectName) -> Vec<Step> {
        let Some(text) = self.definition(name) else {
            return Vec::new();
        };
        let created = match name.kind.as_str() {
            "table" if !text.contains("PARTITION ") && !text.contains("INHERITS (") => {
                return self.create_table(&name.name, &text);
            }
            "sequence" if self.is_of_identity(&text) => return Vec::new(),
            "sequence" => return self.sequence("CREATE", &name.name, &text),
            "privileges" => return privileges::steps(self, &name.parent, "", &text),
            _ if name.parent.is_empty() => self.create_whole(name, &text),
            _ => self.create_part(name, &text),
        };
        let is_foreign_key = text.starts_with("FOREIGN KEY");
        vec![match created {
            Some(sql) => Step::new(Stage::of(&name.kind, is_foreign_key), sql),
            None => Step::not_drafted(name, None, Some(&text)),
        }]
    }

    fn create_whole(self, name: &ObjectName, text: &str) -> Option<String> {
        let own = self.qualified(&name.name);
        Some(match name.kind.as_str() {
            "view" => format!("CREATE OR REPLACE VIEW {own} {text}"),
            "materialized view" => format!("CREATE MATERIALIZED VIEW {own} {text}"),
            "function" | "procedure" | "window function" => format!("{};", text.trim_end()),
            "enum" => format!("CREATE TYPE {own} AS ENUM ({text});"),
            "domain" => format!("CREATE DOMAIN {own} AS {text};"),
            "owner" => privileges::owner(self, &name.parent, text),
            _ => return None,
        })
    }

    fn create_part(self, name: &ObjectName, text: &str) -> Option<String> {
        let (table, part) = (self.qualified(&name.parent), Identifier(&name.name));
        let (plain, notes) = without_notes(text);
        Some(match name.kind.as_str() {
            "column" => format!("ALTER TABLE {table} ADD COLUMN {part} {text};"),
            "constraint" if notes.contains("not validated") => {
                format!("ALTER TABLE {table} ADD CONSTRAINT {part} {plain} NOT VALID;")
            }
            "constraint" => format!("ALTER TABLE {table} ADD CONSTRAINT {part} {plain};"),
            "trigger" if notes == "disabled" => {
                format!("{plain};\nALTER TABLE {table} DISABLE TRIGGER {part};")
            }
            "index" | "statistics" | "trigger" => format!("{plain};"),
            "rule" => plain.to_owned(),
            "policy" => format!("CREATE POLICY {part} ON {table} AS {text};"),
            "owner" => privileges::owner(self, &name.parent, text),
            kind if kind.starts_with("comment on ") => self.comment(name, Some(text)),
            _ => return None,
        })
    }

    /// Its owner is a column, which may come later.
    pub fn sequence(self, verb: &str, name: &str, definition: &str) -> Vec<Step> {
        let sequence = self.qualified(name);
        let (options, owner) = definition
            .split_once(" OWNED BY ")
            .unwrap_or((definition, ""));
        let created = Step::new(
            Stage::Sequence,
            format!("{verb} SEQUENCE {sequence} {options};"),
        );
        let link = owner.contains('.').then(|| {
            let owner = format!("{}.{owner}", Identifier(self.shard.schema()));
            Step::new(
                Stage::Owner,
                format!("ALTER SEQUENCE {sequence} OWNED BY {owner};"),
            )
        });
        [created].into_iter().chain(link).collect()
    }

    /// The table with its columns, and then all its parts.
    fn create_table(self, table: &str, options: &str) -> Vec<Step> {
        let parts = self.norm.keys().filter(|name| name.parent == table);
        let (columns, others): (Vec<_>, Vec<_>) = parts.partition(|name| name.kind == "column");
        let order = ObjectName {
            parent: table.to_owned(),
            kind: "column order".to_owned(),
            name: String::new(),
        };
        let order = self.definition(&order).unwrap_or_default();
        let order: Vec<_> = split_outside_quotes(&order, ',').map(str::trim).collect();
        let place = |name: &ObjectName| {
            let quoted = Identifier(&name.name).to_string();
            order
                .iter()
                .position(|it| *it == name.name || *it == quoted)
        };
        let mut columns = columns;
        columns.sort_by_key(|name| place(name));
        let columns = columns.into_iter().filter_map(|name| {
            let definition = self.definition(name)?;
            Some(format!("    {} {definition}", Identifier(&name.name)))
        });
        let columns: Vec<_> = columns.collect();
        let name = self.qualified(table);
        let unlogged = if options.contains("UNLOGGED") {
            "UNLOGGED "
        } else {
            ""
        };
        let with = options.find("WITH (").map_or("", |at| &options[at..]);
        let with = with.split_inclusive(')').next().unwrap_or_default();
        let mut sql = format!(
            "CREATE {unlogged}TABLE {name} (\n{}\n) {with};",
            columns.join(",\n")
        );
        for security in ["FORCE ROW LEVEL SECURITY", "ROW LEVEL SECURITY"] {
            if options.contains(security) {
                let verb = if security.starts_with("FORCE") {
                    ""
                } else {
                    "ENABLE "
                };
                let _ = write!(sql, "\nALTER TABLE {name} {verb}{security};");
            }
        }
        let parts = others
            .into_iter()
            .filter(|name| name.kind != "column order");
        let parts = parts.flat_map(|name| self.create(name));
        [Step::new(Stage::Table, sql)]
            .into_iter()
            .chain(parts)
            .collect()
    }

    /// Whether a sequence comes with its identity column.
    fn is_of_identity(self, options: &str) -> bool {
        let owner = options
            .split_once(" OWNED BY ")
            .and_then(|(_, owner)| owner.rsplit_once('.'));
        let Some((table, column)) = owner else {
            return false;
        };
        let name = ObjectName {
            parent: table.trim_matches('"').to_owned(),
            kind: "column".to_owned(),
            name: column.trim_matches('"').to_owned(),
        };
        let definition = self.definition(&name);
        definition.is_some_and(|text| text.contains(" AS IDENTITY"))
    }
}

/// A definition without what was noted behind it: `… (disabled)`.
fn without_notes(text: &str) -> (&str, String) {
    const NOTES: [&str; 6] = [
        "not validated",
        "clustered",
        "replica identity",
        "disabled",
        "replica",
        "always",
    ];
    let mut plain = text;
    let mut found = Vec::new();
    while let Some((before, note)) = NOTES.iter().find_map(|note| {
        let before = plain.strip_suffix(&format!(" ({note})"))?;
        Some((before, *note))
    }) {
        plain = before;
        found.push(note);
    }
    (plain, found.join(" "))
}
