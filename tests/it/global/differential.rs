//! Several hundred SELECTs, by area, over one, few and many shards.

use std::fmt::Write as _;

use shardq::cli::query::Strategy;
use shardq::global::Joined;

use super::world::{Answer, NOT_IN_PARTS, World, difference, statements};

const FILES: [(&str, &str); 11] = [
    ("aggregates", include_str!("aggregates.sql")),
    ("text", include_str!("text.sql")),
    ("joins", include_str!("joins.sql")),
    ("windows", include_str!("windows.sql")),
    ("queries", include_str!("queries.sql")),
    ("dates", include_str!("dates.sql")),
    ("shard", include_str!("shard.sql")),
    ("partial", PARTIAL),
    ("by_shard", BY_SHARD),
    ("colocated", COLOCATED),
    ("by_key", BY_KEY),
];
const PARTIAL: &str = include_str!("partial.sql");
const BY_SHARD: &str = include_str!("by_shard.sql");
const BY_KEY: &str = include_str!("by_key.sql");
const COLOCATED: &str = include_str!("colocated.sql");

pub fn all() -> Vec<String> {
    FILES
        .iter()
        .flat_map(|(_, file)| statements(file))
        .collect()
}

/// Asks all both ways, and fails with every difference there is. Returns how many
/// were answered: forced in parts, those that can be.
#[track_caller]
pub fn assert_same(world: &World, statements: &[String], strategy: Strategy) -> usize {
    const SHOWN: usize = 12;
    let whole = world.psql(statements);
    let sharded = world.shardq(statements, strategy);
    let (mut report, mut differing, mut answered) = (String::new(), 0, 0);
    for ((sql, whole), sharded) in statements.iter().zip(&whole).zip(&sharded) {
        if matches!(sharded, Answer::Error(why) if why.starts_with(NOT_IN_PARTS)) {
            continue;
        }
        answered += 1;
        if let Some(difference) = difference(sql, whole, sharded) {
            differing += 1;
            if differing <= SHOWN {
                writeln!(report, "{difference}").unwrap();
            }
        }
    }
    assert!(
        report.is_empty(),
        "{differing} of {answered} differ:\n{report}"
    );
    answered
}

#[test]
fn there_are_several_hundred() {
    assert!(all().len() > 400, "{}", all().len());
}

#[test]
fn sixteen_shards_answer_like_one_table() {
    assert_same(&World::new(16, "id % 16"), &all(), Strategy::One);
}

#[test]
fn a_hundred_and_twenty_eight_shards_answer_like_one_table() {
    assert_same(&World::new(128, "id * 7 % 128"), &all(), Strategy::One);
}

#[test]
fn one_shard_answers_like_one_table() {
    assert_same(&World::new(1, "0"), &all(), Strategy::One);
}

#[test]
fn empty_shards_change_nothing() {
    assert_same(&World::new(16, "id % 3 * 5"), &all(), Strategy::One);
}

#[test]
fn all_rows_in_one_shard_change_nothing() {
    assert_same(&World::new(16, "11"), &all(), Strategy::One);
}

/// Shards, and the one that a row is in.
const SPREADS: [(u32, &str); 5] = [
    (16, "id % 16"),
    (16, "id % 3 * 5"),
    (1, "0"),
    (128, "id * 7 % 128"),
    (16, "11"),
];

#[test]
fn parts_combine_to_the_same() {
    for (shards, shard_of) in &SPREADS[..3] {
        let world = World::new(*shards, shard_of);
        let answered = assert_same(&world, &all(), Strategy::Partial);
        assert!(answered > 300, "only {answered} were had in parts");
    }
}

#[test]
fn many_parts_and_a_single_one_combine_to_the_same() {
    let mut asked = statements(PARTIAL);
    asked.extend(statements(BY_SHARD));
    for (shards, shard_of) in &SPREADS[3..] {
        let world = World::new(*shards, shard_of);
        let answered = assert_same(&world, &asked, Strategy::Partial);
        assert!(answered > 200, "only {answered} were had in parts");
    }
}

#[test]
fn joins_within_shards_combine_to_the_same() {
    let joins = statements(COLOCATED);
    for (shards, shard_of) in SPREADS {
        let mut world = World::new(shards, shard_of);
        world.joined = Joined::WithinShards;
        let answered = assert_same(&world, &joins, Strategy::Partial);
        assert_eq!(answered, joins.len(), "all are had in parts");
    }
}

/// What the ids of a shard have in common tells them from those of other shards,
/// but where there are three shards: those of one are every third.
#[test]
fn joins_along_foreign_keys_are_had_in_parts_where_shards_have_no_id_in_common() {
    let joins = statements(BY_KEY);
    for (shards, shard_of) in SPREADS {
        let world = World::new(shards, shard_of);
        let answered = assert_same(&world, &joins, Strategy::Partial);
        let expected = if shard_of == "id % 3 * 5" {
            0
        } else {
            joins.len()
        };
        assert_eq!(answered, expected, "{shard_of}");
    }
}
