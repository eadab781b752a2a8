//! The statements of a draft, in the order in which they can run.

use crate::commands::inspect::drift::shape::ObjectName;

/// When a statement can run: what others need comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What is created anew.
    Drop,
    Type,
    Sequence,
    Table,
    Column,
    Function,
    /// And what else needs functions.
    Operator,
    Constraint,
    ForeignKey,
    Index,
    /// To a partitioned table, or one that is inherited.
    Attach,
    View,
    Trigger,
    Owner,
    Privileges,
    Comment,
    Last,
}

impl Stage {
    pub fn of(kind: &str, is_foreign_key: bool) -> Self {
        match kind {
            "enum"
            | "domain"
            | "range"
            | "composite type"
            | "collation"
            | "text search dictionary" => Self::Type,
            "sequence" => Self::Sequence,
            "table" => Self::Table,
            "column" => Self::Column,
            "constraint" if is_foreign_key => Self::ForeignKey,
            "constraint" => Self::Constraint,
            "index" | "statistics" => Self::Index,
            "aggregate" | "operator" | "text search configuration" => Self::Operator,
            "view" | "materialized view" => Self::View,
            "trigger" | "rule" | "policy" | "column default" | "publication" => Self::Trigger,
            "privileges" | "column privileges" | "default privileges" => Self::Privileges,
            kind if kind.starts_with("owner") => Self::Owner,
            kind if kind.starts_with("comment") => Self::Comment,
            _ => Self::Function,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub stage: Stage,
    pub sql: String,
}

impl Step {
    pub fn new(stage: Stage, sql: String) -> Self {
        Self { stage, sql }
    }

    /// A comment, for somebody to do by hand.
    pub fn not_drafted(name: &ObjectName, has: Option<&str>, expected: Option<&str>) -> Self {
        let text = |text: Option<&str>| match text {
            None => "nothing".to_owned(),
            Some(text) => text.trim().replace('\n', "\n--     "),
        };
        let sql = format!(
            "-- not drafted: {} {name}\n--   has: {}\n--   expected: {}",
            name.kind,
            text(has),
            text(expected)
        );
        Self::new(Stage::Last, sql.replace('\r', ""))
    }
}
