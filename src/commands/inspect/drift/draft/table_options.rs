//! The draft for a table's own options. What is made of them is in `sql/inspect/drift.sql`, in this
//! order.

use super::Draft;
use super::steps::{Stage, Step};
use crate::commands::inspect::drift::shape::ObjectName;
use crate::pg::quote::split_outside_quotes;

/// The definition of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TableOptions<'a> {
    is_unlogged: bool,
    has_row_security: bool,
    forces_row_security: bool,
    /// `FULL`, `NOTHING` or `USING INDEX`.
    identity: Option<&'a str>,
    /// `fillfactor=70`
    pub storage: Vec<&'a str>,
    /// What cannot be altered in a word.
    others: &'a str,
    /// `FOR VALUES …`
    partition: Option<&'a str>,
    parents: Vec<&'a str>,
}

impl<'a> TableOptions<'a> {
    pub fn of(text: &'a str) -> Self {
        let mut options = Self::default();
        let mut rest = text;
        let mut skip = |word: &str| {
            let behind = rest.strip_prefix(word);
            rest = behind.unwrap_or(rest).trim_start();
            behind.is_some()
        };
        options.is_unlogged = skip("UNLOGGED");
        options.has_row_security = skip("ROW LEVEL SECURITY");
        options.forces_row_security = skip("FORCE ROW LEVEL SECURITY");
        let identities = ["FULL", "NOTHING", "USING INDEX"];
        let mut has = identities.iter();
        options.identity = has
            .find(|it| skip(&format!("REPLICA IDENTITY {it}")))
            .copied();
        let (rest, parents) = match rest.rsplit_once("INHERITS (") {
            Some((before, parents)) => (before.trim_end(), parents.trim_end_matches(')')),
            None => (rest, ""),
        };
        let parents = split_outside_quotes(parents, ',').map(str::trim);
        options.parents = parents.filter(|it| !it.is_empty()).collect();
        let (rest, partition) = match rest.split_once("PARTITION FOR ") {
            Some((before, _)) => (before.trim_end(), Some(&rest[before.len() + 10..])),
            None if rest.ends_with("PARTITION DEFAULT") => (
                rest.trim_end_matches("PARTITION DEFAULT").trim_end(),
                Some("DEFAULT"),
            ),
            None => (rest, None),
        };
        options.partition = partition;
        let (others, storage) = match rest.split_once("WITH (") {
            Some((before, storage)) if before.is_empty() && storage.ends_with(')') => {
                ("", &storage[..storage.len() - 1])
            }
            _ => (rest, ""),
        };
        options.others = others;
        let storage = storage.split(", ").filter(|it| !it.is_empty());
        options.storage = storage.collect();
        options
    }

    pub fn persistence(&self) -> &'static str {
        if self.is_unlogged { "UNLOGGED " } else { "" }
    }

    /// `PARTITION BY …`, or nothing.
    pub fn partitioning(&self) -> &'a str {
        self.others
    }

    /// Whether a table can be created by its columns, [`Self::partitioning`] and
    /// [`Self::changes`].
    pub fn is_simple(&self) -> bool {
        self.others.is_empty() || self.others.starts_with("PARTITION BY ")
    }

    /// What makes a table with `self` one with `wanted`, which is printed for the table's shard.
    pub fn changes(&self, wanted: &Self, draft: Draft<'_>, table: &str) -> Vec<Step> {
        let own = draft.qualified(table);
        let alter = |change: &str| format!("ALTER TABLE {own} {change};");
        let mut sql = Vec::new();
        if self.is_unlogged != wanted.is_unlogged {
            let kept = if wanted.is_unlogged {
                "UNLOGGED"
            } else {
                "LOGGED"
            };
            sql.push(alter(&format!("SET {kept}")));
        }
        let verb =
            |is_on: bool, on: &str, off: &str| if is_on { on.to_owned() } else { off.to_owned() };
        if self.has_row_security != wanted.has_row_security {
            let verb = verb(wanted.has_row_security, "ENABLE", "DISABLE");
            sql.push(alter(&format!("{verb} ROW LEVEL SECURITY")));
        }
        if self.forces_row_security != wanted.forces_row_security {
            let verb = verb(wanted.forces_row_security, "FORCE", "NO FORCE");
            sql.push(alter(&format!("{verb} ROW LEVEL SECURITY")));
        }
        // An index says that it is the identity.
        if self.identity != wanted.identity && wanted.identity != Some("USING INDEX") {
            let identity = wanted.identity.unwrap_or("DEFAULT");
            sql.push(alter(&format!("REPLICA IDENTITY {identity}")));
        }
        let name = |option: &str| option.split('=').next().unwrap_or_default().to_owned();
        let names: Vec<_> = wanted.storage.iter().map(|it| name(it)).collect();
        let reset = self.storage.iter().map(|it| name(it));
        let reset: Vec<_> = reset.filter(|it| !names.contains(it)).collect();
        if !reset.is_empty() {
            sql.push(alter(&format!("RESET ({})", reset.join(", "))));
        }
        let set = wanted
            .storage
            .iter()
            .filter(|it| !self.storage.contains(it));
        let set: Vec<_> = set.copied().collect();
        if !set.is_empty() {
            sql.push(alter(&format!("SET ({})", set.join(", "))));
        }
        let options = sql.into_iter().map(|sql| Step::new(Stage::Column, sql));
        let parents = self.parent_changes(wanted, draft, &own).into_iter();
        options.chain(parents).collect()
    }

    fn parent_changes(&self, wanted: &Self, draft: Draft<'_>, own: &str) -> Vec<Step> {
        let here = |parent: &str| {
            if split_outside_quotes(parent, '.').count() > 1 {
                return parent.to_owned();
            }
            format!("{}.{parent}", draft.schema())
        };
        let of = |options: &Self| {
            let parents = options.parents.iter().map(|it| here(it));
            parents.collect::<Vec<_>>()
        };
        let (has, parents) = (of(self), of(wanted));
        let mut steps = Vec::new();
        if self.partition != wanted.partition || has != parents {
            for parent in &has {
                let sql = match self.partition {
                    Some(_) => format!("ALTER TABLE {parent} DETACH PARTITION {own};"),
                    None => format!("ALTER TABLE {own} NO INHERIT {parent};"),
                };
                steps.push(Step::new(Stage::Drop, sql));
            }
            for parent in &parents {
                let sql = match wanted.partition {
                    Some(bound) => format!("ALTER TABLE {parent} ATTACH PARTITION {own} {bound};"),
                    None => format!("ALTER TABLE {own} INHERIT {parent};"),
                };
                steps.push(Step::new(Stage::Attach, sql));
            }
        }
        steps
    }
}

pub fn change(
    draft: Draft<'_>,
    name: &ObjectName,
    has: &str,
    expected: &str,
    text: &str,
) -> Vec<Step> {
    let (old, wanted) = (TableOptions::of(has), TableOptions::of(text));
    if old.others != TableOptions::of(expected).others {
        return vec![Step::not_drafted(name, Some(has), Some(expected))];
    }
    old.changes(&wanted, draft, &name.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_taken_apart() {
        let all = TableOptions::of(
            "UNLOGGED ROW LEVEL SECURITY FORCE ROW LEVEL SECURITY REPLICA IDENTITY FULL \
             WITH (a=1, b=2) INHERITS (t, \"u,\")",
        );
        assert_eq!(
            all,
            TableOptions {
                is_unlogged: true,
                has_row_security: true,
                forces_row_security: true,
                identity: Some("FULL"),
                storage: vec!["a=1", "b=2"],
                others: "",
                partition: None,
                parents: vec!["t", "\"u,\""],
            }
        );
        let whole = TableOptions::of("PARTITION BY RANGE (k)");
        assert_eq!(
            (whole.partitioning(), whole.is_simple()),
            ("PARTITION BY RANGE (k)", true)
        );
        let part = TableOptions::of("PARTITION FOR VALUES FROM (0) TO (10) INHERITS (part)");
        assert_eq!(part.partition, Some("FOR VALUES FROM (0) TO (10)"));
        assert_eq!(part.parents, ["part"]);
        assert!(part.is_simple());
        assert_eq!(TableOptions::of(""), TableOptions::default());
        let other = TableOptions::of("USING columnar WITH (a=1)");
        assert_eq!(other.others, "USING columnar WITH (a=1)");
        let default = TableOptions::of("PARTITION DEFAULT INHERITS (part)");
        assert_eq!(default.partition, Some("DEFAULT"));
    }
}
