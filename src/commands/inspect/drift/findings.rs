//! What differs, and in which shards: every variant of an object but the norm. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Definition;
use super::shape::{Object, ObjectName, Shape, Unread, Variant};
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
    let mut norm: Norm = norms.collect();
    // A table that most shards lack has no parts that others should have.
    let lacks = |name: &ObjectName| matches!(norm.get(name), Some(None));
    let parts = norm.keys().filter(|name| name.causes().iter().any(lacks));
    for part in parts.cloned().collect::<Vec<_>>() {
        norm.insert(part, None);
    }
    norm
}

/// Every variant that is not the norm. An object that the norm does not name is one that nobody
/// should have; one that only the norm names is lacking in all shards.
pub fn findings(shape: &Shape, norm: &Norm) -> Vec<Finding> {
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
                shards: shape.shards.clone(),
                has: None,
                expected: Some(expected.text.clone()),
            });
        }
    }
    let mut findings = without_consequences(findings, &shape.unread);
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
fn without_consequences(findings: Vec<Finding>, unread: &[Unread]) -> Vec<Finding> {
    let mut gone: BTreeMap<ObjectName, BTreeSet<Shard>> = BTreeMap::new();
    let one_sided = |finding: &&Finding| finding.has.is_none() != finding.expected.is_none();
    for finding in findings.iter().filter(one_sided) {
        let shards = gone.entry(finding.object.clone()).or_default();
        shards.extend(&finding.shards);
    }
    let left = findings.into_iter().filter_map(|mut finding| {
        for cause in finding.object.causes() {
            if let Some(shards) = gone.get(&cause) {
                finding.shards.retain(|shard| !shards.contains(shard));
            }
        }
        for Unread { table, shards, .. } in unread.iter().filter(|unread| unread.is_locked()) {
            if finding.has.is_none() && finding.object.is_in(table) {
                finding.shards.retain(|shard| !shards.contains(shard));
            }
        }
        (!finding.shards.is_empty()).then_some(finding)
    });
    left.collect()
}

/// The kinds that columns and the like are part of.
const HAVE_PARTS: [&str; 22] = [
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
    "aggregate",
    "window function",
    "base type",
    "operator",
    "operator class",
    "operator family",
    "collation",
    "conversion",
    "text search configuration",
    "text search dictionary",
];

/// Kinds in the order in which they are reported.
const ORDER: [&str; 15] = [
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
    "migration",
];

/// The place of a kind among those that are reported.
pub fn rank(kind: &str) -> usize {
    let kind = match kind {
        kind if kind.starts_with("comment") => "comment",
        kind if kind.starts_with("owner") => "owner",
        kind => kind,
    };
    let rank = ORDER.iter().position(|it| *it == kind);
    rank.unwrap_or(ORDER.len())
}

impl ObjectName {
    /// Whether this is the table of that name, or a part of it.
    fn is_in(&self, table: &str) -> bool {
        let is_whole = self.parent.is_empty() && HAVE_PARTS.contains(&self.kind.as_str());
        self.parent == table || (is_whole && self.name == table)
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
    /// Whether it is in what migrations do, rather than in what they record.
    pub fn is_of_migrations(&self) -> bool {
        let others = [
            "privileges",
            "column privileges",
            "default privileges",
            "publication",
            "migration",
        ];
        let kind = self.object.kind.as_str();
        !others.contains(&kind) && !kind.starts_with("comment") && !kind.starts_with("owner")
    }

    /// By object, and the table before its parts.
    fn position(&self) -> (String, usize, ObjectName, Option<Shard>) {
        let ObjectName { parent, kind, name } = &self.object;
        let whole = if parent.is_empty() { name } else { parent };
        let is_whole = parent.is_empty() && !name.is_empty();
        let rank = if is_whole { 0 } else { rank(kind) };
        (
            whole.clone(),
            rank,
            self.object.clone(),
            self.shards.first().copied(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::inspect::drift::shape::UnreadReason;

    fn shards(numbers: &[u32]) -> Vec<Shard> {
        numbers.iter().map(|number| Shard::new(*number)).collect()
    }

    fn name(parent: &str, kind: &str, name: &str) -> ObjectName {
        ObjectName {
            parent: parent.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    fn definition(text: &str) -> Definition {
        Definition::new(text.to_owned(), None, Shard::new(0))
    }

    /// An object with these definitions in these shards; - is none.
    fn object(name: ObjectName, variants: &[(&str, &[u32])]) -> Object {
        let variants = variants.iter().map(|(text, numbers)| Variant {
            definition: (*text != "-").then(|| definition(text)),
            shards: shards(numbers),
        });
        Object {
            name,
            variants: variants.collect(),
        }
    }

    fn found(shape: &Shape, norm: &Norm) -> Vec<(String, Vec<Shard>)> {
        let findings = findings(shape, norm);
        let text = |text: Option<String>| text.unwrap_or("-".to_owned());
        let each = findings.into_iter().map(|it| {
            let row = format!(
                "{} {}: {} | {}",
                it.object.kind,
                it.object,
                text(it.has),
                text(it.expected)
            );
            (row, it.shards)
        });
        each.collect()
    }

    fn shape(objects: Vec<Object>) -> Shape {
        Shape {
            shards: shards(&[0, 1, 2, 3]),
            objects,
            unread: Vec::new(),
        }
    }

    #[test]
    fn the_majority_is_the_norm_and_of_two_the_one_that_is_there() {
        let t = || name("", "table", "t");
        for (variants, expected) in [
            (
                &[("a", &[0, 1, 2][..]), ("b", &[3])][..],
                ("table t: b | a", &[3][..]),
            ),
            (&[("-", &[0, 1, 2]), ("b", &[3])], ("table t: b | -", &[3])),
            (
                &[("-", &[0, 1]), ("b", &[2, 3])],
                ("table t: - | b", &[0, 1]),
            ),
            (
                &[("b", &[2, 3]), ("a", &[0, 1])],
                ("table t: b | a", &[2, 3]),
            ),
        ] {
            let shape = shape(vec![object(t(), variants)]);
            let (row, numbers) = expected;
            assert_eq!(
                found(&shape, &majority(&shape)),
                [(row.to_owned(), shards(numbers))]
            );
        }
    }

    #[test]
    fn what_belongs_to_a_missing_object_is_no_finding() {
        let shape = shape(vec![
            object(name("", "table", "t"), &[("", &[0, 1, 2]), ("-", &[3])]),
            object(
                name("t", "column", "c"),
                &[("int", &[0, 1]), ("-", &[2, 3])],
            ),
            object(
                name("t", "comment on column", "c"),
                &[("x", &[0]), ("-", &[1, 2])],
            ),
            object(
                name("t", "comment on table", ""),
                &[("x", &[0, 1, 2]), ("-", &[3])],
            ),
            object(name("t", "owner", ""), &[("me", &[0, 1, 2]), ("-", &[3])]),
        ]);
        let mut norm = majority(&shape);
        norm.insert(name("t", "comment on column", "c"), Some(definition("x")));
        assert_eq!(
            found(&shape, &norm),
            [
                ("table t: - | ".to_owned(), shards(&[3])),
                ("column t.c: - | int".to_owned(), shards(&[2])),
                ("comment on column t.c: - | x".to_owned(), shards(&[1])),
            ]
        );
    }

    #[test]
    fn an_object_that_most_shards_lack_has_no_parts_that_others_should_have() {
        let shape = shape(vec![
            object(name("", "table", "more"), &[("", &[3]), ("-", &[0, 1, 2])]),
            object(name("more", "column", "n"), &[("int", &[3])]),
        ]);
        let norm = majority(&shape);
        assert!(norm.values().all(Option::is_none), "{norm:?}");
        assert_eq!(
            found(&shape, &norm),
            [("table more:  | -".to_owned(), shards(&[3]))]
        );
    }

    #[test]
    fn the_order_of_columns_is_compared_if_they_are_the_same() {
        let order = |text: &str| {
            let order = object(
                name("t", "column order", ""),
                &[("a, \"b,c\"", &[0, 1]), (text, &[2])],
            );
            let shape = shape(vec![order]);
            found(&shape, &majority(&shape)).len()
        };
        assert_eq!(order("\"b,c\", a"), 1);
        assert_eq!(order("a, b, c"), 0);
        assert_eq!(order("a"), 0);
    }

    #[test]
    fn what_only_a_baseline_has_is_lacking_everywhere_but_where_it_is_locked() {
        let t = name("", "table", "t");
        let norm: Norm = [(t.clone(), Some(definition("x")))].into();
        let mut shape = shape(Vec::new());
        assert_eq!(
            found(&shape, &norm),
            [("table t: - | x".to_owned(), shards(&[0, 1, 2, 3]))]
        );
        shape.unread.push(Unread {
            table: "t".to_owned(),
            reason: UnreadReason::Locked(None),
            shards: shards(&[1, 2, 3]),
        });
        assert_eq!(
            found(&shape, &norm),
            [("table t: - | x".to_owned(), shards(&[0]))]
        );
    }
}
