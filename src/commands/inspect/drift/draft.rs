//! The draft for one shard: how objects are named there, and what they should be.

use super::findings::Norm;
use super::shape::ObjectName;
use crate::pg::quote::Identifier;
use crate::sharding::shard::Shard;

/// The draft for one shard.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    pub norm: &'a Norm,
    pub shard: Shard,
}

impl Draft<'_> {
    /// `"shard_7"."origins"`
    pub fn qualified(self, name: &str) -> String {
        format!("{}.{}", Identifier(self.shard.schema()), Identifier(name))
    }

    /// The function's name and types: `"shard_7"."f"(x integer)`.
    pub fn signature(self, name: &str) -> String {
        let (function, arguments) = name.split_once('(').unwrap_or((name, ")"));
        format!("{}({arguments}", self.qualified(function))
    }

    /// What the norm has, as the server would print it in this shard.
    pub fn definition(self, name: &ObjectName) -> Option<String> {
        let definition = self.norm.get(name)?.as_ref()?;
        Some(definition.printed.in_shard(self.shard.schema()))
    }
}
