//! A shard. Which schemas are shards is in [`crate::sharding::layout`], and which a database has in
//! [`crate::sharding::topology`].

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

/// A schema that holds one slice of the data. Ordered as people order names (`t2` before `t10`), or
/// as they are listed.
///
/// Copied all the time, so the names are interned: kept until the process ends, each once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard(&'static Name);

#[derive(PartialEq, Eq, Hash)]
struct Name {
    text: Box<str>,
    /// In the list of `--schemas-from`, from 1; 0 without one.
    position: u32,
}

impl Shard {
    /// The shard of this number where schemas are named `shard_0`, `shard_1` and so on.
    pub fn new(number: u32) -> Self {
        Self::named(&format!("shard_{number}"))
    }

    pub fn named(schema: &str) -> Self {
        Self::at(0, schema)
    }

    /// The shard at this position of a list, from 1. It differs from a shard of the same name
    /// without a position: where shards may be listed, [`crate::sharding::layout::Layout::shard`]
    /// finds them.
    pub fn at(position: u32, schema: &str) -> Self {
        type Names = HashMap<u32, HashMap<&'static str, Shard>>;
        static NAMES: LazyLock<Mutex<Names>> = LazyLock::new(Mutex::default);
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.entry(position).or_default();
        if let Some(known) = names.get(schema) {
            return *known;
        }
        let name: &'static Name = Box::leak(Box::new(Name {
            text: schema.into(),
            position,
        }));
        names.insert(&name.text, Self(name));
        Self(name)
    }

    pub fn name(self) -> &'static str {
        &self.0.text
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialOrd for Shard {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Shard {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.position.cmp(&other.0.position))
            .then_with(|| natural_order(self.name(), other.name()))
    }
}

/// Compares digits by their value, everything else byte by byte. `t02` follows `t2`.
fn natural_order(one: &str, other: &str) -> Ordering {
    let (mut a, mut b) = (one.as_bytes(), other.as_bytes());
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        let (order, first, second) = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (first, second) = (digits(a), digits(b));
            let value = |text: &[u8]| text.iter().take_while(|&&byte| byte == b'0').count();
            let (m, n) = (
                &a[value(&a[..first])..first],
                &b[value(&b[..second])..second],
            );
            (m.len().cmp(&n.len()).then_with(|| m.cmp(n)), first, second)
        } else {
            (x.cmp(y), 1, 1)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[first..], &b[second..]);
    }
    (a.len().cmp(&b.len()))
        .then_with(|| one.len().cmp(&other.len()))
        .then_with(|| one.cmp(other))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_stand_in_the_order_of_people() {
        let mut shards =
            ["t10", "t2", "b", "t02", "t2a", "shard_10", "shard_9", "t"].map(Shard::named);
        shards.sort();
        assert_eq!(
            shards.map(Shard::name),
            ["b", "shard_9", "shard_10", "t", "t2", "t02", "t2a", "t10"]
        );
    }

    #[test]
    fn a_name_is_kept_once() {
        let shard = Shard::named("shard_7");
        assert!(std::ptr::eq(shard.name(), Shard::new(7).name()));
    }

    proptest! {
        #[test]
        fn the_order_is_total(names in prop::collection::vec("[a0-2é]{0,4}", 3)) {
            let [a, b, c] = [0, 1, 2].map(|n: usize| Shard::named(&names[n]));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            prop_assert!(!(a < b && b < c) || a < c);
        }
    }
}
