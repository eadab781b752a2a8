//! `--sql`: a draft of what would make each deviant like the norm. Pure; never run.
//!
//! Definitions are those that the server printed with `search_path = pg_catalog`, with the shard's
//! name in place of the one that they were printed for. What cannot be drafted, and what would
//! delete data, is a comment.

mod change;
mod columns;
mod comments;
mod create;
mod drop;
mod operators;
mod privileges;
mod script;
mod steps;
mod table_options;
mod text_search;

pub use script::script;

use super::findings::Norm;
use super::shape::ObjectName;
use crate::pg::quote::Identifier;
use crate::sharding::shard::Shard;

/// The draft for one shard: how objects are named there, and what they should be.
#[derive(Clone, Copy)]
struct Draft<'a> {
    norm: &'a Norm,
    shard: Shard,
}

impl Draft<'_> {
    /// `"shard_7"."origins"`
    fn qualified(self, name: &str) -> String {
        format!("{}.{}", self.schema(), Identifier(name))
    }

    fn schema(self) -> String {
        Identifier(self.shard.schema()).to_string()
    }

    /// The function's name and types: `"shard_7"."f"(x integer)`.
    fn signature(self, name: &str) -> String {
        let (function, arguments) = name.split_once('(').unwrap_or((name, ")"));
        let is_aggregate = arguments == ")" && self.is("aggregate", name);
        let arguments = if is_aggregate { "*)" } else { arguments };
        format!("{}({arguments}", self.qualified(function))
    }

    /// Whether the norm names an object of this kind.
    fn is(self, kind: &str, name: &str) -> bool {
        self.norm.contains_key(&ObjectName {
            parent: String::new(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        })
    }

    /// What the norm has, as the server would print it in this shard.
    fn definition(self, name: &ObjectName) -> Option<String> {
        let definition = self.norm.get(name)?.as_ref()?;
        Some(definition.printed.in_shard(self.shard.schema()))
    }

    /// An object in `ALTER … OWNER`, `GRANT` and `COMMENT ON`, e.g. `TYPE "shard_7"."mood"`.
    fn object(self, kind: &str, name: &str) -> String {
        let (kind, name) = match kind {
            "schema" => ("SCHEMA".to_owned(), self.schema()),
            "enum" | "composite type" | "range" | "base type" => {
                ("TYPE".to_owned(), self.qualified(name))
            }
            "partitioned table" => ("TABLE".to_owned(), self.qualified(name)),
            "function" | "procedure" | "aggregate" | "window function" => {
                let kind = kind.trim_start_matches("window ");
                (kind.to_uppercase(), self.signature(name))
            }
            "operator" => ("OPERATOR".to_owned(), self.operator(name)),
            "operator class" | "operator family" => {
                let (own, method) = name.split_once(" USING ").unwrap_or((name, "btree"));
                let own = self.qualified(own);
                (kind.to_uppercase(), format!("{own} USING {method}"))
            }
            kind => (kind.to_uppercase(), self.qualified(name)),
        };
        format!("{kind} {name}")
    }
}
