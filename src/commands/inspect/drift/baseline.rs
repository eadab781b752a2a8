//! What shards should have, saved as JSON by `--save` and read by `--against`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::definition::{Definition, Printed};
use super::findings::Norm;
use super::shape::ObjectName;
use crate::cli::drift::ComparedArgs;
use crate::commands::inspect::error::BaselineError;

/// Of the file format.
const VERSION: u32 = 1;

/// What most shards of a database have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    format_version: u32,
    tool: String,
    pub database: String,
    /// `server_version_num`, e.g. 150018.
    pub server_version: u32,
    /// How many shards there were.
    pub shards: usize,
    pub compared: Compared,
    objects: Vec<Entry>,
}

/// Kinds of facts that may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Compared {
    pub owners: bool,
    pub privileges: bool,
    pub comments: bool,
    pub migrations: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    parent: String,
    name: String,
    definition: String,
    /// What the server printed for this shard, if that is not the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    printed: Option<(String, String)>,
}

impl From<&ComparedArgs> for Compared {
    fn from(args: &ComparedArgs) -> Self {
        Self {
            owners: !args.no_owner,
            privileges: !args.no_privileges,
            comments: !args.no_comments,
            migrations: !args.no_migrations,
        }
    }
}

impl Compared {
    /// What both sides have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            owners: self.owners && other.owners,
            privileges: self.privileges && other.privileges,
            comments: self.comments && other.comments,
            migrations: self.migrations && other.migrations,
        }
    }

    pub fn includes(self, object: &ObjectName) -> bool {
        match object.kind.as_str() {
            kind if kind.starts_with("owner") => self.owners,
            "privileges" | "column privileges" | "default privileges" => self.privileges,
            super::migrations::MIGRATION => self.migrations,
            kind if kind.starts_with("comment on ") => self.comments,
            _ => true,
        }
    }
}

impl Baseline {
    pub fn new(
        norm: Norm,
        database: &str,
        server_version: u32,
        shards: usize,
        compared: Compared,
    ) -> Self {
        let there = norm
            .into_iter()
            .filter_map(|(name, definition)| Some((name, definition?)));
        let objects = there.map(|(name, Definition { text, printed })| Entry {
            kind: name.kind,
            parent: name.parent,
            name: name.name,
            printed: (printed.text != text).then_some((printed.shard, printed.text)),
            definition: text,
        });
        Self {
            format_version: VERSION,
            tool: format!("shardq {}", env!("CARGO_PKG_VERSION")),
            database: database.to_owned(),
            server_version,
            shards,
            compared,
            objects: objects.collect(),
        }
    }

    pub fn into_norm(self) -> Norm {
        let objects = self.objects.into_iter().map(|entry| {
            let name = ObjectName {
                parent: entry.parent,
                kind: entry.kind,
                name: entry.name,
            };
            let (shard, text) = entry
                .printed
                .unwrap_or_else(|| (String::new(), entry.definition.clone()));
            let definition = Definition {
                text: entry.definition,
                printed: Printed { text, shard },
            };
            (name, Some(definition))
        });
        objects.collect()
    }

    /// For a file: one object per line would be unreadable, so it is indented.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and numbers are always JSON.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// # Errors
    /// If the file cannot be read, or is none of ours.
    pub fn read(file: &Path) -> Result<Self, BaselineError> {
        let text = fs::read(file).map_err(|error| BaselineError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        let invalid = |error: serde_json::Error| BaselineError::Invalid {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(invalid)?;
        if let Some(version) = value["format_version"].as_u64()
            && version != u64::from(VERSION)
        {
            return Err(BaselineError::OtherVersion {
                file: file.to_owned(),
                version,
                known: VERSION,
            });
        }
        serde_json::from_value(value).map_err(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::shard::Shard;

    #[test]
    fn what_is_read_is_what_was_saved() {
        let name = |name: &str| ObjectName {
            parent: "t".to_owned(),
            kind: "index".to_owned(),
            name: name.to_owned(),
        };
        let shard = Shard::new(3);
        let printed = Some("shard_3.t".to_owned());
        let norm: Norm = [
            (
                name("a"),
                Some(Definition::new("x\n\"é".to_owned(), None, shard)),
            ),
            (
                name("b"),
                Some(Definition::new("t".to_owned(), printed, shard)),
            ),
            (name("c"), None),
        ]
        .into();
        let compared = Compared {
            owners: true,
            privileges: false,
            comments: true,
            migrations: true,
        };
        let saved = Baseline::new(norm.clone(), "db", 150_018, 4, compared);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("base.json");
        fs::write(&file, saved.to_json()).unwrap();
        let read = Baseline::read(&file).unwrap();
        assert_eq!(read, saved);
        let found = read.into_norm();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&name("a"), &name("b")]);
        for (name, definition) in found {
            assert!(definition.unwrap().is_same(norm[&name].as_ref().unwrap()));
        }
        fs::write(&file, "{\"format_version\": 2}").unwrap();
        let refused = Baseline::read(&file).unwrap_err().to_string();
        assert!(
            refused.contains("is version 2, and this shardq reads version 1"),
            "{refused}"
        );
        fs::write(&file, "[]").unwrap();
        let refused = Baseline::read(&file).unwrap_err().to_string();
        assert!(
            refused.contains("not a file that shardq drift --save wrote"),
            "{refused}"
        );
    }
}
