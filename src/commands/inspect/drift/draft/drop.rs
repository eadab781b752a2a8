//! The draft for an object that should not be there.

use super::Draft;
use super::steps::{Stage, Step};
use crate::commands::inspect::drift::shape::ObjectName;
use crate::pg::quote::Identifier;

impl Draft<'_> {
    /// What holds data is only named.
    pub fn drop(self, name: &ObjectName, has: &str) -> Vec<Step> {
        let (table, part) = (self.qualified(&name.parent), Identifier(&name.name));
        let own = self.qualified(&name.name);
        let sql = match name.kind.as_str() {
            "table" | "partitioned table" => format!("-- DROP TABLE {own}; -- with its data"),
            "column" if self.is("composite type", &name.parent) => {
                format!("-- ALTER TYPE {table} DROP ATTRIBUTE {part}; -- with its data")
            }
            "column" => format!("-- ALTER TABLE {table} DROP COLUMN {part}; -- with its data"),
            "column default" => format!("ALTER VIEW {table} ALTER COLUMN {part} DROP DEFAULT;"),
            "constraint" if self.is("domain", &name.parent) => {
                format!("ALTER DOMAIN {table} DROP CONSTRAINT {part};")
            }
            "constraint" => format!("ALTER TABLE {table} DROP CONSTRAINT {part};"),
            // Before others are created: parts of an index on partitions have names of their own.
            "index" => return vec![Step::new(Stage::Drop, format!("DROP INDEX {own};"))],
            "statistics" => format!("DROP STATISTICS {own};"),
            "trigger" | "rule" | "policy" => {
                format!("DROP {} {part} ON {table};", name.kind.to_uppercase())
            }
            "publication" if name.parent.is_empty() => {
                let schema = self.schema();
                format!("ALTER PUBLICATION {part} DROP TABLES IN SCHEMA {schema};")
            }
            "publication" => format!("ALTER PUBLICATION {part} DROP TABLE {table};"),
            "view"
            | "materialized view"
            | "function"
            | "procedure"
            | "aggregate"
            | "operator"
            | "operator class"
            | "operator family"
            | "collation"
            | "conversion"
            | "text search configuration"
            | "text search dictionary" => format!("DROP {};", self.object(&name.kind, &name.name)),
            "privileges" | "column privileges" | "default privileges" => {
                return self.grant(name, has, "");
            }
            kind if kind.starts_with("comment on ") => self.comment(name, None),
            // Until its table goes, it belongs to it.
            "sequence" if has.contains("OWNED BY") => return Vec::new(),
            _ => return vec![Step::not_drafted(name, Some(has), None)],
        };
        vec![Step::new(Stage::Last, sql)]
    }
}
