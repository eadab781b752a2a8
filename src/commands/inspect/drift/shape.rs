//! The shape of the shards: every object, in its variants, as `sql/inspect/drift.sql` returns it.
//! Pure.

use std::collections::{BTreeMap, HashSet};

use super::definition::Definition;
use crate::commands::inspect::statement::TextRow;
use crate::sharding::shard::Shard;

/// What these shards have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Ascending.
    pub shards: Vec<Shard>,
    pub objects: Vec<Object>,
    pub unread: Vec<Unread>,
}

/// What an object is called. Ordered as people read them: a table, then its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// The object that it is part of, such as its table; empty if none.
    pub parent: String,
    pub kind: String,
    pub name: String,
}

/// An object of the same name in several shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub name: ObjectName,
    pub variants: Vec<Variant>,
}

/// Shards that have an object alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// `None` if they lack it.
    pub definition: Option<Definition>,
    /// Ascending.
    pub shards: Vec<Shard>,
}

/// A table that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub table: String,
    pub reason: UnreadReason,
    /// Ascending.
    pub shards: Vec<Shard>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnreadReason {
    /// By this process; `None` for a prepared transaction.
    Locked(Option<String>),
    Denied,
}

impl Shape {
    /// From the rows of the statement over these shards. Variants that differ only in the names of
    /// their shards are one.
    pub fn new(rows: Vec<TextRow>, shards: &[Shard]) -> Self {
        let mut objects: BTreeMap<ObjectName, Vec<Variant>> = BTreeMap::new();
        let mut unread = Vec::new();
        for row in rows {
            let Some((name, state, row)) = named(row) else {
                continue;
            };
            let [text, printed, first, which] = row;
            let which = positions(which.as_deref(), shards);
            if state == "locked" {
                unread.push(Unread {
                    table: name.name,
                    reason: UnreadReason::Locked(printed),
                    shards: which,
                });
                continue;
            }
            let first = first.and_then(|first| shard_at(&first, shards));
            let definition = text
                .zip(first)
                .map(|(text, first)| Definition::new(text, printed, first));
            let variant = Variant {
                definition,
                shards: which,
            };
            objects.entry(name).or_default().push(variant);
        }
        let objects = objects.into_iter().map(|(name, variants)| Object {
            name,
            variants: merged(variants),
        });
        unread.sort_unstable_by(|one: &Unread, other| one.table.cmp(&other.table));
        Self {
            shards: shards.to_vec(),
            objects: objects.collect(),
            unread,
        }
    }

    /// Of shapes that hold all objects of their shards: an object that one of them does not have is
    /// lacking there. A part of a table is, where the table is.
    pub fn union(mut shapes: Vec<Self>) -> Self {
        if shapes.len() == 1 {
            return shapes.remove(0);
        }
        let mut whole = Self::default();
        let mut objects: BTreeMap<ObjectName, Vec<Variant>> = BTreeMap::new();
        for shape in shapes {
            for object in shape.objects {
                objects
                    .entry(object.name)
                    .or_default()
                    .extend(object.variants);
            }
            whole.shards.extend(shape.shards);
            whole.unread.extend(shape.unread);
        }
        whole.shards.sort_unstable();
        let holders = holders(&objects);
        let objects = objects.into_iter().map(|(name, mut variants)| {
            let known = variants.iter().flat_map(|variant| &variant.shards);
            let known: HashSet<_> = known.copied().collect();
            let mut lacking = whole.shards.clone();
            lacking.retain(|shard| !known.contains(shard));
            if let Some(holders) = holders.get(&name.parent) {
                lacking.retain(|shard| holders.contains(shard));
            }
            if !lacking.is_empty() {
                variants.push(Variant {
                    definition: None,
                    shards: lacking,
                });
            }
            Object {
                name,
                variants: merged(variants),
            }
        });
        whole.objects = objects.collect();
        whole
    }
}

/// The shards that have each object that is no part.
fn holders(objects: &BTreeMap<ObjectName, Vec<Variant>>) -> BTreeMap<String, HashSet<Shard>> {
    let mut holders: BTreeMap<String, HashSet<Shard>> = BTreeMap::new();
    let whole = objects.iter().filter(|(name, _)| name.parent.is_empty());
    for (name, variants) in whole {
        let having = variants.iter().filter(|it| it.definition.is_some());
        let shards = having.flat_map(|variant| variant.shards.iter().copied());
        holders.entry(name.name.clone()).or_default().extend(shards);
    }
    // Of an object that is no part, nothing is said by what is called "".
    holders.remove("");
    holders
}

/// The name, the state, and the definition, what is printed, the first shard and all shards.
fn named(row: TextRow) -> Option<(ObjectName, String, [Option<String>; 4])> {
    let [kind, parent, name, state, text, printed, first, _, which] =
        <[Option<String>; 9]>::try_from(row).ok()?;
    let name = ObjectName {
        parent: parent?,
        kind: kind?,
        name: name?,
    };
    Some((name, state?, [text, printed, first, which]))
}

/// The shards at these positions, `2,5,3`; all without any.
pub fn positions(text: Option<&str>, shards: &[Shard]) -> Vec<Shard> {
    let Some(text) = text else {
        return shards.to_vec();
    };
    let mut found: Vec<_> = text
        .split(',')
        .filter_map(|position| shard_at(position, shards))
        .collect();
    found.sort_unstable();
    found
}

fn shard_at(position: &str, shards: &[Shard]) -> Option<Shard> {
    let position: usize = position.parse().ok()?;
    shards.get(position.checked_sub(1)?).copied()
}

fn merged(mut variants: Vec<Variant>) -> Vec<Variant> {
    variants.sort_by_key(|variant| std::cmp::Reverse(variant.shards.len()));
    let mut merged: Vec<Variant> = Vec::new();
    for variant in variants {
        let same = merged.iter_mut().find(|known| known.is_same(&variant));
        match same {
            Some(known) => {
                known.shards.extend(variant.shards);
                known.shards.sort_unstable();
            }
            None => merged.push(variant),
        }
    }
    merged
}

impl Unread {
    pub fn is_locked(&self) -> bool {
        matches!(self.reason, UnreadReason::Locked(_))
    }
}

impl Variant {
    fn is_same(&self, other: &Self) -> bool {
        match (&self.definition, &other.definition) {
            (Some(one), Some(two)) => one.is_same(two),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Object {
    /// The variant of most shards: of two equally frequent ones, one that is there, and then the
    /// one of the lower shard.
    pub fn norm(&self) -> Option<&Variant> {
        use std::cmp::Reverse;
        self.variants.iter().max_by_key(|variant| {
            let is_there = variant.definition.is_some();
            let first = Reverse(variant.shards.first().copied());
            (variant.shards.len(), is_there, first)
        })
    }
}
