//! The statements of a draft, in the order in which they can run.

use super::shape::ObjectName;

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
    Constraint,
    ForeignKey,
    Index,
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
            "enum" | "domain" | "range" | "composite type" => Self::Type,
            "sequence" => Self::Sequence,
            "table" => Self::Table,
            "column" => Self::Column,
            "constraint" if is_foreign_key => Self::ForeignKey,
            "constraint" => Self::Constraint,
            "index" | "statistics" => Self::Index,
            "view" | "materialized view" => Self::View,
            "trigger" | "rule" | "policy" => Self::Trigger,
            "owner" => Self::Owner,
            "privileges" => Self::Privileges,
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
