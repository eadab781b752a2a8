//! Several hundred SELECTs, by area, over one, few and many shards.

use std::fmt::Write as _;

use super::world::{World, difference, statements};

const FILES: [(&str, &str); 8] = [
    ("aggregates", include_str!("aggregates.sql")),
    ("text", include_str!("text.sql")),
    ("joins", include_str!("joins.sql")),
    ("windows", include_str!("windows.sql")),
    ("queries", include_str!("queries.sql")),
    ("dates", include_str!("dates.sql")),
    ("shard", include_str!("shard.sql")),
    ("partial", include_str!("partial.sql")),
];

pub fn all() -> Vec<String> {
    FILES
        .iter()
        .flat_map(|(_, file)| statements(file))
        .collect()
}

/// Asks all both ways, and fails with every difference there is.
#[track_caller]
pub fn assert_same(world: &World, statements: &[String]) {
    let t = std::time::Instant::now();
    let whole = world.psql(statements);
    eprintln!("psql {:?}", t.elapsed());
    let sharded = world.shardq(statements);
    eprintln!("shardq {:?}", t.elapsed());
    let mut report = String::new();
    let mut differing = 0;
    for ((sql, whole), sharded) in statements.iter().zip(&whole).zip(&sharded) {
        if let Some(difference) = difference(sql, whole, sharded) {
            differing += 1;
            if differing <= 12 {
                writeln!(report, "{difference}").unwrap();
            }
        }
    }
    assert!(
        report.is_empty(),
        "{differing} of {} differ:\n{report}",
        statements.len()
    );
}

#[test]
fn there_are_several_hundred() {
    assert!(all().len() > 400, "{}", all().len());
}

#[test]
fn sixteen_shards_answer_like_one_table() {
    assert_same(&World::new(16, "id % 16"), &all());
}

#[test]
fn a_hundred_and_twenty_eight_shards_answer_like_one_table() {
    assert_same(&World::new(128, "id * 7 % 128"), &all());
}

#[test]
fn one_shard_answers_like_one_table() {
    assert_same(&World::new(1, "0"), &all());
}

#[test]
fn empty_shards_change_nothing() {
    assert_same(&World::new(16, "id % 3 * 5"), &all());
}

#[test]
fn all_rows_in_one_shard_change_nothing() {
    assert_same(&World::new(16, "11"), &all());
}
