//! `--sql`: a draft of what would make each deviant like the norm. Pure; never run.
//!
//! Definitions are those that the server printed with `search_path = pg_catalog`, with the shard's
//! name in place of the one that they were printed for. What cannot be drafted, and what would
//! delete data, is a comment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::columns;
use super::draft::Draft;
use super::findings::{Finding, Norm};
use super::privileges;
use super::shape::ObjectName;
use super::steps::{Stage, Step};
use crate::pg::quote::{Identifier, Literal};
use crate::sharding::shard::Shard;

/// One transaction per shard, in order.
pub fn script(findings: &[Finding], norm: &Norm, lock_timeout: Duration) -> String {
    let mut shards: BTreeMap<Shard, Vec<Step>> = BTreeMap::new();
    for finding in findings {
        for &shard in &finding.shards {
            let draft = Draft { norm, shard };
            shards
                .entry(shard)
                .or_default()
                .extend(draft.steps(finding));
        }
    }
    let mut script = String::from(
        "-- A draft, to be reviewed: what would make these shards like the others. Not run by shardq.\n",
    );
    for (shard, mut steps) in shards {
        steps.sort_by_key(|step| step.stage);
        steps.dedup();
        let on = shard.database();
        let on = on.map_or(String::new(), |it| format!(", database {it}"));
        // Writing to a String cannot fail.
        let _ = write!(
            script,
            "\n-- {shard}{on}\nBEGIN;\nSET LOCAL lock_timeout = {};\nSET LOCAL search_path = pg_catalog;\n\
             SET LOCAL check_function_bodies = off;\n",
            lock_timeout.as_millis()
        );
        for step in steps {
            script += &step.sql;
            script += "\n";
        }
        script += "COMMIT;\n";
    }
    script
}

impl Draft<'_> {
    fn steps(self, finding: &Finding) -> Vec<Step> {
        let name = &finding.object;
        match (&finding.has, &finding.expected) {
            (None, Some(_)) => self.create_with_parts(name),
            (Some(has), None) => self.drop(name, has).into_iter().collect(),
            (Some(has), Some(expected)) => self.change(name, has, expected),
            (None, None) => Vec::new(),
        }
    }

    fn change(self, name: &ObjectName, has: &str, expected: &str) -> Vec<Step> {
        let Some(text) = self.definition(name) else {
            return Vec::new();
        };
        match name.kind.as_str() {
            "column" => columns::change(self, name, has, &text),
            "constraint" | "index" | "trigger" | "rule" | "policy" | "statistics"
            | "materialized view" => {
                let drop = self.drop(name, has).map(|step| Step {
                    stage: Stage::Drop,
                    ..step
                });
                drop.into_iter().chain(self.create(name)).collect()
            }
            "view" | "function" | "procedure" | "window function" | "owner" => self.create(name),
            "privileges" => privileges::steps(self, &name.parent, has, expected),
            "sequence" => self.sequence("ALTER", &name.name, &text),
            "enum" => self.add_labels(name, has, &text),
            kind if kind.starts_with("comment on ") => self.create(name),
            _ => vec![Step::not_drafted(name, Some(has), Some(expected))],
        }
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

    /// What holds data is only named.
    fn drop(self, name: &ObjectName, has: &str) -> Option<Step> {
        let (table, part) = (self.qualified(&name.parent), Identifier(&name.name));
        let own = self.qualified(&name.name);
        let sql = match name.kind.as_str() {
            "table" => format!("-- DROP TABLE {own}; -- with its data"),
            "column" => format!("-- ALTER TABLE {table} DROP COLUMN {part}; -- with its data"),
            "constraint" => format!("ALTER TABLE {table} DROP CONSTRAINT {part};"),
            "index" => format!("DROP INDEX {own};"),
            "statistics" => format!("DROP STATISTICS {own};"),
            "trigger" | "rule" | "policy" => {
                format!("DROP {} {part} ON {table};", name.kind.to_uppercase())
            }
            "view" | "materialized view" => format!("DROP {} {own};", name.kind.to_uppercase()),
            "function" | "procedure" => {
                format!(
                    "DROP {} {};",
                    name.kind.to_uppercase(),
                    self.signature(&name.name)
                )
            }
            kind if kind.starts_with("comment on ") => self.comment(name, None),
            // Until its table goes, it belongs to it.
            "sequence" if has.contains("OWNED BY") => return None,
            _ => return Some(Step::not_drafted(name, Some(has), None)),
        };
        Some(Step::new(Stage::Last, sql))
    }

    pub fn comment(self, name: &ObjectName, text: Option<&str>) -> String {
        let kind = name.kind.trim_start_matches("comment on ");
        let object = match kind {
            "column" => format!(
                "{}.{}",
                self.qualified(&name.parent),
                Identifier(&name.name)
            ),
            "constraint" | "trigger" | "rule" | "policy" => {
                format!(
                    "{} ON {}",
                    Identifier(&name.name),
                    self.qualified(&name.parent)
                )
            }
            "function" | "procedure" | "aggregate" => self.signature(&name.parent),
            "index" | "statistics" => self.qualified(&name.name),
            _ => self.qualified(&name.parent),
        };
        let kind = match kind {
            "enum" | "composite type" | "range" | "base type" => "type",
            "partitioned table" => "table",
            kind => kind,
        };
        let text = text.map_or("NULL".to_owned(), |text| Literal(text).to_string());
        format!("COMMENT ON {} {object} IS {text};", kind.to_uppercase())
    }
}
