//! Several hundred SELECTs, by area, over one, few and many shards.

use std::fmt::Write as _;
use std::sync::LazyLock;

use shardq::global::{Colocation, Strategy};

use super::world::{Answer, DIFFER, NOT_IN_PARTS, World, difference, statements};
use crate::support::Db;

const FILES: [(&str, &str); 12] = [
    ("aggregates", include_str!("aggregates.sql")),
    ("text", include_str!("text.sql")),
    ("joins", include_str!("joins.sql")),
    ("windows", include_str!("windows.sql")),
    ("queries", include_str!("queries.sql")),
    ("dates", include_str!("dates.sql")),
    ("shard", include_str!("shard.sql")),
    ("partial", PARTIAL),
    ("words", WORDS),
    ("by_shard", BY_SHARD),
    ("colocated", COLOCATED),
    ("by_key", BY_KEY),
];
const ABOUT_PARTS: [&str; 5] = ["partial", "words", "by_shard", "colocated", "by_key"];
const PARTIAL: &str = include_str!("partial.sql");
const WORDS: &str = include_str!("words.sql");
const BY_SHARD: &str = include_str!("by_shard.sql");
const BY_KEY: &str = include_str!("by_key.sql");
const COLOCATED: &str = include_str!("colocated.sql");

pub fn all() -> Vec<String> {
    FILES
        .iter()
        .flat_map(|(_, file)| statements(file))
        .collect()
}

/// Runs all statements both ways and fails with all differences. Returns how many were answered:
/// with partials forced, those that allow them; with tables that differ between shards, those that
/// do not need what differs.
#[track_caller]
pub fn assert_same(
    world: &World,
    statements: &[String],
    strategy: Strategy,
    joined: Colocation,
) -> usize {
    const SHOWN: usize = 12;
    let whole = world.psql(statements);
    let sharded = world.shardq(statements, strategy, joined);
    let all = statements.len();
    assert_eq!((whole.len(), sharded.len()), (all, all), "every one ran");
    let (mut report, mut differing, mut answered) = (String::new(), 0, 0);
    for ((sql, whole), sharded) in statements.iter().zip(&whole).zip(&sharded) {
        let refusals = [NOT_IN_PARTS, DIFFER];
        if matches!(sharded, Answer::Error(why) if refusals.iter().any(|it| why.starts_with(it))) {
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

/// How a result in CSV, with `-null-` for NULL, differs from psql's.
pub fn difference_of(sql: &str, whole: &Answer, csv: &str) -> Option<String> {
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    let columns = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let field = |field: &str| (field != "-null-").then(|| field.to_owned());
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(field).collect());
    let found = Answer::Rows {
        columns,
        rows: rows.collect(),
    };
    let mut whole = whole.clone();
    if let Answer::Rows { columns, rows } = &mut whole
        && columns.len() == 1
    {
        // In CSV an empty line, which the reader skips.
        rows.retain(|row| row[0].as_deref() != Some(""));
    }
    difference(sql, &whole, &found)
}

#[test]
fn there_are_several_hundred() {
    assert!(all().len() > 400, "{}", all().len());
}

/// Number of shards, and the shard of a row.
const SPREADS: [(u32, &str); 5] = [
    (16, "id % 16"),
    (16, "id % 3 * 5"),
    (1, "0"),
    (128, "id * 7 % 128"),
    (16, "11"),
];

/// Shared, since tests do not change them.
static WORLDS: [LazyLock<World>; 5] = [
    LazyLock::new(|| World::new(SPREADS[0].0, SPREADS[0].1)),
    LazyLock::new(|| World::new(SPREADS[1].0, SPREADS[1].1)),
    LazyLock::new(|| World::new(SPREADS[2].0, SPREADS[2].1)),
    LazyLock::new(|| World::new(SPREADS[3].0, SPREADS[3].1)),
    LazyLock::new(|| World::new(SPREADS[4].0, SPREADS[4].1)),
];

/// All files except those about partials, which do not matter to a single statement.
fn assert_one_statement_is_the_same(spread: usize) {
    let files = FILES.iter().filter(|(name, _)| !ABOUT_PARTS.contains(name));
    let asked: Vec<_> = files.flat_map(|(_, file)| statements(file)).collect();
    let answered = assert_same(&WORLDS[spread], &asked, Strategy::One, Colocation::Unknown);
    assert_eq!(answered, asked.len());
}

/// Returns how many were answered with partials.
fn parts(spread: usize, statements: &[String], joined: Colocation) -> usize {
    assert_same(&WORLDS[spread], statements, Strategy::Partial, joined)
}

#[test]
fn sixteen_shards_answer_like_one_table() {
    assert_same(&WORLDS[0], &all(), Strategy::One, Colocation::Unknown);
}

#[test]
fn empty_shards_change_nothing() {
    assert_one_statement_is_the_same(1);
}

#[test]
fn one_shard_answers_like_one_table() {
    assert_one_statement_is_the_same(2);
}

#[test]
fn a_hundred_and_twenty_eight_shards_answer_like_one_table() {
    assert_one_statement_is_the_same(3);
}

#[test]
fn all_rows_in_one_shard_change_nothing() {
    assert_one_statement_is_the_same(4);
}

#[test]
fn parts_combine_to_the_same() {
    let answered = parts(0, &all(), Colocation::Unknown);
    assert!(answered > 380, "only {answered} were had in parts");
}

#[test]
fn parts_combine_to_the_same_wherever_rows_are() {
    let asked = [statements(PARTIAL), statements(BY_SHARD)].concat();
    for spread in 1..SPREADS.len() {
        let answered = parts(spread, &asked, Colocation::Unknown);
        assert!(answered > 250, "only {answered} were had in parts");
    }
}

#[test]
fn texts_are_compared_by_their_own_collation_between_shards() {
    let texts = statements(PARTIAL)
        .into_iter()
        .filter(|sql| sql.contains("texts") || sql.contains("item"))
        .collect::<Vec<_>>();
    let world = World::within(Db::linguistic(), 4, "id % 4");
    let answered = assert_same(&world, &texts, Strategy::Partial, Colocation::Unknown);
    assert!(answered > 60, "only {answered} were had in parts");
}

#[test]
fn joins_within_shards_combine_to_the_same() {
    let joins = statements(COLOCATED);
    for spread in 0..SPREADS.len() {
        let answered = parts(spread, &joins, Colocation::Asserted);
        assert_eq!(answered, joins.len(), "all are had in parts");
    }
}

/// A shard's ids can be told from those of other shards by their bits, except with three shards,
/// where every third id is in the same shard.
#[test]
fn joins_along_foreign_keys_are_had_in_parts_where_shards_have_no_id_in_common() {
    let joins = statements(BY_KEY);
    for (spread, (_, shard_of)) in SPREADS.iter().enumerate() {
        let answered = parts(spread, &joins, Colocation::Unknown);
        let every_third = *shard_of == "id % 3 * 5";
        let expected = if every_third { 0 } else { joins.len() };
        assert_eq!(answered, expected, "{shard_of}");
    }
}
