//! What differs, and in which shards: every variant of an object but the norm. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Definition;
use super::shape::{Locked, Object, ObjectName, Shape, Variant};
use crate::pg::quote::split_outside_quotes;
use crate::sharding::shard::Shard;

/// One difference, in all shards that have it alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub object: ObjectName,
    /// Ascending.
    pub shards: Vec<Shard>,
    /// What these shards have; `None` if they lack it.
    pub has: Option<String>,
    /// What the norm has; `None` if it has none.
    pub expected: Option<String>,
}

/// What every shard should have: the variants of the majority, or a baseline.
pub type Norm = BTreeMap<ObjectName, Option<Definition>>;

/// The variants of the majority.
pub fn majority(shape: &Shape) -> Norm {
    let objects = shape.objects.iter();
    let norms = objects.filter_map(|object| {
        let definition = object.norm()?.definition.clone();
        Some((object.name.clone(), definition))
    });
    norms.collect()
}

/// Every variant that is not the norm. An object that the norm does not name is one that nobody
/// should have; one that only the norm names is lacking in all `shards`.
pub fn findings(shape: &Shape, norm: &Norm, shards: &[Shard]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in &shape.objects {
        let expected = norm.get(&object.name).and_then(Option::as_ref);
        for variant in &object.variants {
            let differs = match (&variant.definition, expected) {
                (Some(has), Some(expected)) => {
                    !has.is_same(expected) && is_fact(object, has, expected)
                }
                (None, None) => false,
                _ => true,
            };
            if differs {
                findings.push(finding(object, variant, expected));
            }
        }
    }
    let known: BTreeSet<_> = shape.objects.iter().map(|object| &object.name).collect();
    for (name, expected) in norm {
        if let (Some(expected), false) = (expected, known.contains(name)) {
            findings.push(Finding {
                object: name.clone(),
                shards: shards.to_vec(),
                has: None,
                expected: Some(expected.text.clone()),
            });
        }
    }
    let mut findings = without_consequences(findings, &shape.locked);
    findings.sort_by_cached_key(Finding::position);
    findings
}

fn finding(object: &Object, variant: &Variant, expected: Option<&Definition>) -> Finding {
    let text = |definition: &Definition| definition.text.clone();
    Finding {
        object: object.name.clone(),
        shards: variant.shards.clone(),
        has: variant.definition.as_ref().map(text),
        expected: expected.map(text),
    }
}

/// The order of columns says something only if they are the same columns.
fn is_fact(object: &Object, has: &Definition, expected: &Definition) -> bool {
    let columns = |definition: &Definition| {
        let columns = split_outside_quotes(&definition.text, ',');
        columns
            .map(|it| it.trim().to_owned())
            .collect::<BTreeSet<_>>()
    };
    object.name.kind != COLUMN_ORDER || columns(has) == columns(expected)
}

const COLUMN_ORDER: &str = "column order";

/// What belongs to an object that is lacking, or superfluous, is no finding of its own: its parts,
/// owner, privileges and comment. Nor is what belongs to a table that could not be read.
fn without_consequences(findings: Vec<Finding>, locked: &[Locked]) -> Vec<Finding> {
    let mut gone: BTreeMap<ObjectName, BTreeSet<Shard>> = BTreeMap::new();
    let one_sided = |finding: &&Finding| finding.has.is_none() != finding.expected.is_none();
    for finding in findings.iter().filter(one_sided) {
        let shards = gone.entry(finding.object.clone()).or_default();
        shards.extend(&finding.shards);
    }
    for Locked { table, shards, .. } in locked {
        for kind in HAVE_PARTS {
            let name = ObjectName {
                parent: String::new(),
                kind: kind.to_owned(),
                name: table.clone(),
            };
            gone.entry(name).or_default().extend(shards);
        }
    }
    let left = findings.into_iter().filter_map(|mut finding| {
        for cause in finding.object.causes() {
            if let Some(shards) = gone.get(&cause) {
                finding.shards.retain(|shard| !shards.contains(shard));
            }
        }
        for Locked { table, shards, .. } in locked {
            if finding.has.is_none() && finding.object.is_whole(table) {
                finding.shards.retain(|shard| !shards.contains(shard));
            }
        }
        (!finding.shards.is_empty()).then_some(finding)
    });
    left.collect()
}

/// The kinds that columns and the like are part of.
const HAVE_PARTS: [&str; 12] = [
    "table",
    "partitioned table",
    "view",
    "materialized view",
    "foreign table",
    "sequence",
    "composite type",
    "enum",
    "domain",
    "range",
    "function",
    "procedure",
];

/// Kinds in the order in which they are reported.
const ORDER: [&str; 14] = [
    "table",
    "column",
    "column order",
    "constraint",
    "index",
    "statistics",
    "trigger",
    "rule",
    "policy",
    "publication",
    "owner",
    "privileges",
    "column privileges",
    "comment",
];

impl ObjectName {
    /// Whether this is the table of that name, and not a part of it.
    fn is_whole(&self, table: &str) -> bool {
        self.parent.is_empty() && self.name == table && HAVE_PARTS.contains(&self.kind.as_str())
    }

    /// What this belongs to: if that is lacking, so is this.
    fn causes(&self) -> Vec<Self> {
        let mut causes = Vec::new();
        if let Some(kind) = self.kind.strip_prefix("comment on ") {
            causes.push(Self {
                parent: if self.name.is_empty() {
                    String::new()
                } else {
                    self.parent.clone()
                },
                kind: kind.to_owned(),
                name: if self.name.is_empty() {
                    self.parent.clone()
                } else {
                    self.name.clone()
                },
            });
        }
        if self.kind == "column privileges" {
            causes.push(Self {
                kind: "column".to_owned(),
                ..self.clone()
            });
        }
        if !self.parent.is_empty() {
            causes.extend(HAVE_PARTS.map(|kind| Self {
                parent: String::new(),
                kind: kind.to_owned(),
                name: self.parent.clone(),
            }));
        }
        causes
    }
}

impl Finding {
    /// By object, and the table before its parts.
    fn position(&self) -> (String, usize, ObjectName, Option<Shard>) {
        let ObjectName { parent, kind, name } = &self.object;
        let whole = if parent.is_empty() { name } else { parent };
        let is_whole = parent.is_empty() && !name.is_empty();
        let rank = ORDER.iter().position(|it| kind.starts_with(it));
        let rank = if is_whole {
            0
        } else {
            rank.unwrap_or(ORDER.len())
        };
        (
            whole.clone(),
            rank,
            self.object.clone(),
            self.shards.first().copied(),
        )
    }
}
