//! The draft for an object that differs.

use super::steps::{Stage, Step};
use super::{Draft, columns, table_options, text_search};
use crate::commands::inspect::drift::shape::ObjectName;

impl Draft<'_> {
    pub fn change(self, name: &ObjectName, has: &str, expected: &str) -> Vec<Step> {
        let Some(text) = self.definition(name) else {
            return Vec::new();
        };
        match name.kind.as_str() {
            "column" => columns::change(self, name, has, &text),
            "table" | "partitioned table" => {
                table_options::change(self, name, has, expected, &text)
            }
            "constraint" | "index" | "trigger" | "rule" | "policy" | "statistics"
            | "publication" => self.replace(name, has, self.create(name)),
            "materialized view" => self.replace(name, has, self.create_with_parts(name)),
            "view" | "function" | "procedure" | "window function" | "aggregate"
            | "column default" => self.create(name),
            "privileges" | "column privileges" | "default privileges" => {
                self.grant(name, has, expected)
            }
            "sequence" => self.sequence("ALTER", &name.name, &text),
            "enum" => self.add_labels(name, has, &text),
            "operator" => self.alter_operator(name, has, expected),
            "text search dictionary" => {
                text_search::alter_dictionary(self, name, has, expected, &text)
            }
            "text search configuration" => {
                text_search::alter_configuration(self, name, has, expected, &text)
            }
            kind if kind.starts_with("comment on ") || kind.starts_with("owner") => {
                self.create(name)
            }
            _ => vec![Step::not_drafted(name, Some(has), Some(expected))],
        }
    }

    /// Drops it before anything else, and creates it anew.
    fn replace(self, name: &ObjectName, has: &str, created: Vec<Step>) -> Vec<Step> {
        let dropped = self.drop(name, has).into_iter().map(|step| Step {
            stage: Stage::Drop,
            ..step
        });
        dropped.chain(created).collect()
    }

    /// Labels can be added only; of two lists that differ otherwise, nothing is drafted.
    fn add_labels(self, name: &ObjectName, has: &str, expected: &str) -> Vec<Step> {
        let mut new: Vec<&str> = expected.split(", ").collect();
        let known: Vec<&str> = has.split(", ").collect();
        if !new.starts_with(&known) {
            return vec![Step::not_drafted(name, Some(has), Some(expected))];
        }
        let new = new.split_off(known.len());
        let labels = new.into_iter().map(|label| {
            let sql = format!(
                "ALTER TYPE {} ADD VALUE {label};",
                self.qualified(&name.name)
            );
            Step::new(Stage::Type, sql)
        });
        labels.collect()
    }
}
