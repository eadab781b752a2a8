//! Types that each shard defines for itself. Their definitions tell whether two shards' types are
//! equivalent, and how a value of one is converted to the other.

use std::collections::{BTreeMap, BTreeSet};

use super::relation::Relation;
use crate::client::Connection;
use crate::exec::fanout::{FanoutError, result_rows};
use crate::exec::type_names::FIRST_USER_OID;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;

/// Prefix of an identity: the value is converted as one text.
pub(super) const BY_TEXT: &str = "by-text";
/// Each element of an array is converted as one text.
pub(super) const BY_ELEMENTS: &str = "by-elements";
/// Postgres has a cast.
const DIRECTLY: &str = "directly";
/// Not convertible.
const OTHER: &str = "other";

/// Prefix of an identity that has not been looked up yet.
const OWN: &str = "own ";

/// Oids of built-in types whose text reads back the same under any session settings. Not among
/// them: floats (`extra_float_digits`), dates and timestamps (`DateStyle`: with `SQL, YMD` they are
/// not read as they are written), intervals, money, and arrays (`array_nulls`).
const TEXT_IS_SAFE: [u32; 21] = [
    16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 650, 774, 829, 869, 1042, 1043, 1083, 1560, 1562,
    1700, 2950,
];

/// Deeper than any real nesting; bounds the recursion.
const DEEPEST: usize = 32;

struct OwnType {
    kind: String,
    says: String,
    parts: Vec<u32>,
    collation: String,
}

/// A type's definition, independent of the shard.
struct Meaning {
    definition: String,
    conversion: Option<Conversion>,
    /// Whether it can be part of a value that is converted as one text.
    is_text_safe: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Conversion {
    Direct,
    Text,
    Elements,
}

/// Completes the identities of the columns' types. Costs a round trip, but only if a table has such
/// types, which is rare.
pub(super) async fn complete(
    relations: &mut [Relation],
    layout: &Layout,
    connection: &Connection,
) -> Result<(), FanoutError> {
    let columns = relations.iter().flat_map(|relation| &relation.columns);
    let own = columns.filter_map(|column| column.identity.strip_prefix(OWN));
    let oids: BTreeSet<_> = own.filter_map(|oid| oid.parse::<u32>().ok()).collect();
    if oids.is_empty() {
        return Ok(());
    }
    let types = types(&oids, layout, connection).await?;
    for relation in relations {
        for column in &mut relation.columns {
            let Some(oid) = column.identity.strip_prefix(OWN) else {
                continue;
            };
            let oid = oid.parse().unwrap_or_default();
            // A converted value takes the collation of the first shard's type.
            let keeps_collation = types
                .get(&oid)
                .is_some_and(|own| own.collation == column.collation);
            column.identity = if keeps_collation {
                identity(&types, oid)
            } else {
                OTHER.to_owned()
            };
        }
    }
    Ok(())
}

async fn types(
    oids: &BTreeSet<u32>,
    layout: &Layout,
    connection: &Connection,
) -> Result<BTreeMap<u32, OwnType>, FanoutError> {
    let oids: Vec<_> = oids.iter().map(u32::to_string).collect();
    let sql = sql_template::fill(
        include_str!("../../sql/global/own_types.sql"),
        &[
            (
                "oids",
                &format!("ARRAY[{}]::pg_catalog.oid[]", oids.join(", ")),
            ),
            ("first_user_oid", &FIRST_USER_OID.to_string()),
        ],
    );
    let answers = connection.simple_query(&sql).await;
    let answers = answers.map_err(|error| FanoutError::setup_failed(&error))?;
    let rows = result_rows(&answers).into_iter().flatten();
    let own = rows.filter_map(|row| {
        layout.shard(row.get(1)?)?;
        let parts = row.get(4).unwrap_or_default().split(',');
        let own = OwnType {
            kind: row.get(2)?.to_owned(),
            says: row.get(3).unwrap_or_default().to_owned(),
            parts: parts.filter_map(|oid| oid.parse().ok()).collect(),
            collation: row.get(5)?.to_owned(),
        };
        Some((row.get(0)?.parse().ok()?, own))
    });
    Ok(own.collect())
}

fn identity(types: &BTreeMap<u32, OwnType>, oid: u32) -> String {
    let meaning = meaning(types, oid, DEEPEST);
    let how = match meaning.conversion {
        Some(Conversion::Direct) => DIRECTLY,
        Some(Conversion::Text) => BY_TEXT,
        Some(Conversion::Elements) => BY_ELEMENTS,
        None => return OTHER.to_owned(),
    };
    format!("{how} {}", meaning.definition)
}

fn meaning(types: &BTreeMap<u32, OwnType>, oid: u32, depth: usize) -> Meaning {
    let Some(own) = types.get(&oid) else {
        return Meaning {
            definition: oid.to_string(),
            conversion: Some(Conversion::Direct),
            is_text_safe: TEXT_IS_SAFE.contains(&oid),
        };
    };
    let Some(depth) = depth.checked_sub(1) else {
        return Meaning {
            definition: String::new(),
            conversion: None,
            is_text_safe: false,
        };
    };
    let parts: Vec<_> = own
        .parts
        .iter()
        .map(|part| meaning(types, *part, depth))
        .collect();
    let all_safe = parts.iter().all(|part| part.is_text_safe);
    let of_part = parts.first().and_then(|part| part.conversion);
    let (conversion, is_text_safe) = match own.kind.as_str() {
        "e" => (Some(Conversion::Text), true),
        "d" => (of_part, all_safe),
        "a" => match of_part {
            Some(Conversion::Direct) => (Some(Conversion::Direct), false),
            Some(Conversion::Text) => (Some(Conversion::Elements), false),
            Some(Conversion::Elements) | None => (None, false),
        },
        "c" | "r" if all_safe => (Some(Conversion::Text), true),
        _ => (None, false),
    };
    let definitions: Vec<_> = parts.iter().map(|part| part.definition.as_str()).collect();
    Meaning {
        definition: format!("{} {} ({})", own.kind, own.says, definitions.join(", ")),
        conversion,
        is_text_safe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(kind: &str, parts: &[u32]) -> OwnType {
        OwnType {
            kind: kind.to_owned(),
            says: String::new(),
            parts: parts.to_vec(),
            collation: "0".to_owned(),
        }
    }

    fn how(oid: u32) -> String {
        let types = BTreeMap::from([
            (100_000, own("e", &[])),
            (100_001, own("a", &[100_000])),
            (100_002, own("d", &[100_001])),
            (100_003, own("d", &[701])),
            (100_004, own("a", &[100_003])),
            (100_005, own("c", &[23, 100_000])),
            (100_006, own("c", &[23, 701])),
            (100_007, own("c", &[100_001])),
            (100_008, own("a", &[100_005])),
            (100_009, own("r", &[1700])),
            (100_010, own("r", &[1082])),
            (100_011, own("m", &[])),
            (100_012, own("a", &[100_002])),
            (100_013, own("c", &[100_013])),
        ]);
        let identity = identity(&types, oid);
        identity.split(' ').next().unwrap().to_owned()
    }

    #[test]
    fn types_are_converted_by_what_they_are_made_of() {
        for (oid, expected) in [
            (100_000, BY_TEXT),
            (100_001, BY_ELEMENTS),
            (100_002, BY_ELEMENTS),
            (100_003, DIRECTLY),
            (100_004, DIRECTLY),
            (100_005, BY_TEXT),
            (100_008, BY_ELEMENTS),
            (100_009, BY_TEXT),
        ] {
            assert_eq!(how(oid), expected, "{oid}");
        }
    }

    #[test]
    fn what_may_read_back_as_another_value_is_not_converted() {
        for oid in [100_006, 100_007, 100_010, 100_011, 100_012, 100_013] {
            assert_eq!(how(oid), OTHER, "{oid}");
        }
    }
}
