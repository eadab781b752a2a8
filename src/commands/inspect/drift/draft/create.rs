//! The draft for an object that is missing.

use super::steps::{Stage, Step};
use super::table_options::TableOptions;
use super::{Draft, text_search};
use crate::commands::inspect::drift::shape::ObjectName;
use crate::pg::quote::{Identifier, split_outside_quotes};

impl Draft<'_> {
    /// With its parts, which are no findings of their own.
    pub fn create_with_parts(self, name: &ObjectName) -> Vec<Step> {
        let mut steps = self.create(name);
        let is_created = steps.iter().any(|step| step.stage != Stage::Last);
        if name.parent.is_empty() && is_created {
            let parts = self.norm.keys().filter(|part| is_part(part, name));
            for part in parts {
                steps.extend(self.create(part));
            }
        }
        steps
    }

    pub fn create(self, name: &ObjectName) -> Vec<Step> {
        let Some(text) = self.definition(name) else {
            return Vec::new();
        };
        let created = match name.kind.as_str() {
            "table" | "partitioned table" if TableOptions::of(&text).is_simple() => {
                return self.create_table(&name.name, &text);
            }
            "sequence" if self.is_of_identity(&text) => return Vec::new(),
            "sequence" => return self.sequence("CREATE", &name.name, &text),
            "privileges" | "column privileges" | "default privileges" => {
                return self.grant(name, "", &text);
            }
            kind if kind.starts_with("owner") => Some(self.owner(name, &text)),
            _ if name.parent.is_empty() => self.create_whole(name, &text),
            _ => self.create_part(name, &text),
        };
        let stage = match name.kind.as_str() {
            "index" if self.is("materialized view", &name.parent) => Stage::View,
            "constraint" if self.is("domain", &name.parent) => Stage::Type,
            kind => Stage::of(kind, text.starts_with("FOREIGN KEY")),
        };
        vec![match created {
            Some(sql) => Step::new(stage, sql),
            None => Step::not_drafted(name, None, Some(&text)),
        }]
    }

    fn create_whole(self, name: &ObjectName, text: &str) -> Option<String> {
        let own = self.qualified(&name.name);
        Some(match name.kind.as_str() {
            "view" => format!("CREATE OR REPLACE VIEW {own} {text}"),
            "materialized view" => format!("CREATE MATERIALIZED VIEW {own} {text}"),
            "function" | "procedure" | "window function" => format!("{};", text.trim_end()),
            "aggregate" => {
                let own = self.signature(&name.name);
                format!("CREATE OR REPLACE AGGREGATE {own} ({text});")
            }
            "operator" => self.create_operator(&name.name, text),
            "enum" => format!("CREATE TYPE {own} AS ENUM ({text});"),
            "range" => format!("CREATE TYPE {own} AS RANGE ({text});"),
            "composite type" => {
                format!("CREATE TYPE {own} AS (\n{}\n);", self.columns(&name.name))
            }
            "domain" => format!("CREATE DOMAIN {own} AS {text};"),
            "collation" => format!("CREATE COLLATION {own} ({text});"),
            "text search dictionary" => format!("CREATE TEXT SEARCH DICTIONARY {own} ({text});"),
            "text search configuration" => {
                text_search::create_configuration(self, &name.name, text)
            }
            "publication" => {
                let (publication, schema) = (Identifier(&name.name), self.schema());
                format!("ALTER PUBLICATION {publication} ADD TABLES IN SCHEMA {schema};")
            }
            "comment on schema" => self.comment(name, Some(text)),
            _ => return None,
        })
    }

    fn create_part(self, name: &ObjectName, text: &str) -> Option<String> {
        let (table, part) = (self.qualified(&name.parent), Identifier(&name.name));
        let (plain, notes) = without_notes(text);
        Some(match name.kind.as_str() {
            "column" if self.is("composite type", &name.parent) => {
                format!("ALTER TYPE {table} ADD ATTRIBUTE {part} {text};")
            }
            "column" => format!("ALTER TABLE {table} ADD COLUMN {part} {text};"),
            "column default" => {
                format!("ALTER VIEW {table} ALTER COLUMN {part} SET DEFAULT {text};")
            }
            "constraint" if self.is("domain", &name.parent) => {
                format!("ALTER DOMAIN {table} ADD CONSTRAINT {part} {plain};")
            }
            "constraint" => {
                let added = format!("ALTER TABLE {table} ADD CONSTRAINT {part} {plain};");
                added + &after(&notes, &table, &part, "")
            }
            // Of a partitioned table: those of its partitions come with it.
            "index" if self.is("partitioned table", &name.parent) => {
                format!("{};", plain.replacen(" ON ONLY ", " ON ", 1))
            }
            "index" => format!("{plain};") + &after(&notes, &table, &part, ""),
            "trigger" => format!("{plain};") + &after(&notes, &table, &part, "TRIGGER"),
            "statistics" => format!("{plain};"),
            "rule" => plain.to_owned() + &after(&notes, &table, &part, "RULE"),
            "policy" => format!("CREATE POLICY {part} ON {table} AS {text};"),
            "publication" => format!("ALTER PUBLICATION {part} ADD TABLE {table} {text};"),
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
    fn create_table(self, table: &str, definition: &str) -> Vec<Step> {
        let options = TableOptions::of(definition);
        let name = self.qualified(table);
        let persistence = options.persistence();
        let sql = format!(
            "CREATE {persistence}TABLE {name} (\n{}\n) {};",
            self.columns(table),
            options.partitioning()
        );
        let created = TableOptions::of(persistence.trim_end());
        let parts = self.norm.keys().filter(|part| part.parent == table);
        let parts = parts.filter(|part| !IN_TABLE.contains(&part.kind.as_str()));
        [Step::new(Stage::Table, sql)]
            .into_iter()
            .chain(created.changes(&options, self, table))
            .chain(parts.flat_map(|part| self.create(part)))
            .collect()
    }

    /// The columns of a table or type, in order, one per line.
    fn columns(self, of: &str) -> String {
        let order = ObjectName {
            parent: of.to_owned(),
            kind: "column order".to_owned(),
            name: String::new(),
        };
        let order = self.definition(&order).unwrap_or_default();
        let order: Vec<_> = split_outside_quotes(&order, ',').map(str::trim).collect();
        let place = |name: &ObjectName| {
            let quoted = Identifier(&name.name).to_string();
            let mut places = order.iter();
            places.position(|it| *it == name.name || *it == quoted)
        };
        let parts = self.norm.keys().filter(|name| name.parent == of);
        let mut columns: Vec<_> = parts.filter(|name| name.kind == "column").collect();
        columns.sort_by_key(|name| place(name));
        let columns = columns.into_iter().filter_map(|name| {
            let definition = self.definition(name)?;
            Some(format!("    {} {definition}", Identifier(&name.name)))
        });
        columns.collect::<Vec<_>>().join(",\n")
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

/// What `CREATE TABLE` and `CREATE TYPE` have.
const IN_TABLE: [&str; 2] = ["column", "column order"];

/// Types and tables share their names; what else has a name may have that of a table.
fn is_part(part: &ObjectName, of: &ObjectName) -> bool {
    let is_of_kind = |lead| part.kind.strip_prefix(lead) == Some(of.kind.as_str());
    let shares_names = !of.kind.starts_with("text search ") && of.kind != "collation";
    part.parent == of.name
        && !IN_TABLE.contains(&part.kind.as_str())
        && (is_of_kind("owner of ") || is_of_kind("comment on ") || shares_names)
}

/// A definition without what was noted behind it, `… (disabled)`, and the notes.
fn without_notes(text: &str) -> (&str, Vec<&'static str>) {
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
    (plain, found)
}

/// The statements that make what was noted true, each on a line.
fn after(notes: &[&str], table: &str, part: &Identifier<'_>, kind: &str) -> String {
    let statements = notes.iter().filter_map(|note| {
        let change = match *note {
            "clustered" => format!("CLUSTER ON {part}"),
            "replica identity" => format!("REPLICA IDENTITY USING INDEX {part}"),
            "disabled" => format!("DISABLE {kind} {part}"),
            "replica" => format!("ENABLE REPLICA {kind} {part}"),
            "always" => format!("ENABLE ALWAYS {kind} {part}"),
            // It is in the definition.
            _ => return None,
        };
        Some(format!("\nALTER TABLE {table} {change};"))
    });
    statements.collect()
}
