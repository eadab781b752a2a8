//! A shard. Which schemas are shards is in [`crate::sharding::layout`], and which a database has in
//! [`crate::sharding::topology`].

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::sharding::database::Database;

/// A schema that holds one slice of the data. Ordered as people order names (`t2` before `t10`), or
/// as they are listed.
///
/// Copied all the time, so the names are interned: kept until the process ends, each once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard(&'static Name);

#[derive(PartialEq, Eq, Hash)]
struct Name {
    text: Box<str>,
    schema: Box<str>,
    place: Place,
}

/// What tells shards apart whose schemas have the same name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// In the list of `--schemas-from`, from 1; 0 without one.
    pub position: u32,
    /// One of several databases.
    pub database: Option<Database>,
}

impl Shard {
    /// The shard of this number where schemas are named `shard_0`, `shard_1` and so on.
    pub fn new(number: u32) -> Self {
        Self::named(&format!("shard_{number}"))
    }

    pub fn named(schema: &str) -> Self {
        Self::at(Place::default(), schema)
    }

    /// The shard at this place. It differs from a shard of the same name at another place:
    /// [`crate::sharding::layout::Layout::shard`] finds those of a database.
    pub fn at(place: Place, schema: &str) -> Self {
        type Names = HashMap<Place, HashMap<&'static str, Shard>>;
        static NAMES: LazyLock<Mutex<Names>> = LazyLock::new(Mutex::default);
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.entry(place).or_default();
        if let Some(known) = names.get(schema) {
            return *known;
        }
        let text = match place.database {
            Some(database) => database.shard_name(schema),
            None => schema.to_owned(),
        };
        let name: &'static Name = Box::leak(Box::new(Name {
            text: text.into(),
            schema: schema.into(),
            place,
        }));
        names.insert(&name.schema, Self(name));
        Self(name)
    }

    /// As results and messages have it.
    pub fn name(self) -> &'static str {
        &self.0.text
    }

    /// As SQL has it.
    pub fn schema(self) -> &'static str {
        &self.0.schema
    }

    /// The database that it is in, if a run reads several.
    pub fn database(self) -> Option<Database> {
        self.0.place.database
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
        let (one, another) = (&self.0.place, &other.0.place);
        group_order(one.database, another.database)
            .then_with(|| one.position.cmp(&another.position))
            .then_with(|| natural_order(self.name(), other.name()))
            .then_with(|| one.database.cmp(&another.database))
            .then_with(|| self.schema().cmp(other.schema()))
    }
}

fn group_order(one: Option<Database>, other: Option<Database>) -> Ordering {
    // Thousands of shards are sorted and searched: usually all are in one database.
    if one == other {
        return Ordering::Equal;
    }
    let group = |database: Option<Database>| database.and_then(Database::group);
    natural_order(
        group(one).unwrap_or_default(),
        group(other).unwrap_or_default(),
    )
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

    #[test]
    fn shards_of_several_databases_are_named_and_ordered_by_them() {
        use crate::sharding::database::ShardNaming::{
            Database as ByDatabase, DatabaseAndSchema, Schema,
        };
        let shard = |server: &str, name: &str, naming, schema| {
            let database = Database::new(server.to_owned(), name.to_owned(), naming);
            let place = Place {
                position: 0,
                database: Some(database),
            };
            Shard::at(place, schema)
        };
        let names = |mut shards: Vec<Shard>| {
            shards.sort();
            shards.iter().map(|shard| shard.name()).collect::<Vec<_>>()
        };
        let by_schema = vec![
            shard("db2", "app", Schema, "shard_2"),
            shard("db1", "app", Schema, "shard_10"),
        ];
        assert_eq!(names(by_schema), ["shard_2", "shard_10"]);
        let by_database = vec![
            shard("db1", "tenant_10", ByDatabase, "public"),
            shard("db1", "tenant_9", ByDatabase, "public"),
        ];
        assert_eq!(names(by_database), ["tenant_9", "tenant_10"]);
        let by_both = vec![
            shard("db1", "a-b", DatabaseAndSchema, "shard_1"),
            shard("db1", "a", DatabaseAndSchema, "shard_2"),
        ];
        assert_eq!(names(by_both), ["a/shard_2", "a-b/shard_1"]);
        let same = [
            shard("db1", "app", Schema, "shard_2"),
            shard("db2", "app", Schema, "shard_2"),
        ];
        assert_ne!(same[0], same[1], "they are not the same shard");
        assert_eq!(same[0].schema(), same[1].schema());
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
