//! A thousand generated SELECTs, the same in every run.

use std::fmt::Write as _;

use shardq::global::{Colocation, Strategy};

use super::differential::assert_same;
use super::world::World;

const SEED: u64 = 20_170_519;
const COUNT: usize = 1000;

/// xorshift64* with a fixed seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let rolled = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(rolled).unwrap() % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    fn often(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

/// A table, with its columns grouped by type.
struct Source {
    table: &'static str,
    numbers: &'static [&'static str],
    others: &'static [&'static str],
}

const SOURCES: [Source; 5] = [
    Source {
        table: "numbers",
        numbers: &["id", "grp", "i2", "i4", "i8", "n", "n2"],
        others: &["b", "bits"],
    },
    Source {
        table: "scales",
        numbers: &["id", "grp", "x", "y", "i2", "i4", "i8"],
        others: &["alone"],
    },
    Source {
        table: "orders",
        numbers: &["id", "person", "qty", "price"],
        others: &["item", "at", "tags", "doc"],
    },
    Source {
        table: "people",
        numbers: &["id", "boss", "age"],
        others: &["name", "born", "mood"],
    },
    Source {
        table: "texts",
        numbers: &["id"],
        others: &["t", "c", "e", "v", "ch"],
    },
];

fn number(dice: &mut Dice, source: &Source, alias: &str) -> String {
    let column = format!("{alias}.{}", dice.pick(source.numbers));
    match dice.roll(6) {
        0 => format!("{column} + {}", dice.roll(9)),
        1 => format!("{column} % {}", 2 + dice.roll(6)),
        2 => format!("coalesce({column}, {})", dice.roll(5)),
        _ => column,
    }
}

fn any(dice: &mut Dice, source: &Source, alias: &str) -> String {
    if dice.often(50) {
        number(dice, source, alias)
    } else {
        format!("{alias}.{}", dice.pick(source.others))
    }
}

fn condition(dice: &mut Dice, source: &Source, alias: &str) -> String {
    match dice.roll(7) {
        0 => format!("{} IS NOT NULL", any(dice, source, alias)),
        1 => format!(
            "{} BETWEEN {} AND {}",
            number(dice, source, alias),
            dice.roll(9),
            9 + dice.roll(90)
        ),
        2 => format!("{alias}.id IN (SELECT id % 50 FROM nodes)"),
        3 => format!("EXISTS (SELECT FROM people AS x WHERE x.id = {alias}.id % 70)"),
        4 => format!("NOT ({} > {})", number(dice, source, alias), dice.roll(60)),
        5 => format!(
            "({} OR {})",
            condition(dice, source, alias),
            condition(dice, source, alias)
        ),
        _ => format!("{} <> {}", number(dice, source, alias), dice.roll(30)),
    }
}

fn statement(dice: &mut Dice) -> String {
    let source = &SOURCES[dice.roll(SOURCES.len())];
    let mut from = format!("{} AS a", source.table);
    if dice.often(30) {
        let other = &SOURCES[dice.roll(SOURCES.len())];
        let join = dice.pick(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
        let key = dice.pick(other.numbers);
        // A full join allows only an equality.
        write!(from, " {join} {} AS z ON z.{key} = a.id", other.table).unwrap();
    }
    select(dice, source, &from)
}

/// Rows with the same id are in the same shard.
fn join_of_ids(dice: &mut Dice) -> String {
    let [a, z] = [0; 2].map(|_| &SOURCES[dice.roll(SOURCES.len())]);
    let and = match dice.roll(4) {
        0 => format!(" AND {} > 5", number(dice, a, "a")),
        1 => format!(" AND {} <> 7", number(dice, z, "z")),
        _ => String::new(),
    };
    let (mut first, mut second) = (format!("{} AS a", a.table), format!("{} AS z", z.table));
    if dice.often(50) {
        // Swaps the sides, so that the selected columns may be NULL in a left join.
        std::mem::swap(&mut first, &mut second);
    }
    let join = dice.pick(&["JOIN", "LEFT JOIN"]);
    select(
        dice,
        a,
        &format!("{first} {join} {second} ON a.id = z.id{and}"),
    )
}

fn select(dice: &mut Dice, source: &Source, from: &str) -> String {
    let filter = if dice.often(60) {
        format!(" WHERE {}", condition(dice, source, "a"))
    } else {
        String::new()
    };
    match dice.roll(5) {
        0 => {
            let (x, y) = (any(dice, source, "a"), number(dice, source, "a"));
            let distinct = dice.pick(&["", "DISTINCT "]);
            format!("SELECT {distinct}{x}, {y} FROM {from}{filter}")
        }
        1 => {
            let (x, y) = (number(dice, source, "a"), any(dice, source, "a"));
            let direction = dice.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
            let limit = dice.roll(20);
            format!(
                "SELECT {x}, {y} FROM {from}{filter} ORDER BY 1{direction}, 2 LIMIT {limit} OFFSET {}",
                dice.roll(4)
            )
        }
        2 => {
            let window = dice.pick(&["sum", "count", "min", "max"]);
            let (x, y) = (number(dice, source, "a"), number(dice, source, "a"));
            format!("SELECT a.id, {window}({x}) OVER (PARTITION BY {y}) FROM {from}{filter}")
        }
        3 => {
            let (x, y) = (number(dice, source, "a"), number(dice, source, "a"));
            // Set operations may keep either of two equal numbers that look different (1 and 1.00).
            let set = dice.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"]);
            format!(
                "SELECT ({x})::numeric(20, 2) FROM {from}{filter} {set} SELECT ({y})::numeric(20, 2) FROM {} AS a",
                source.table
            )
        }
        _ => {
            let key = any(dice, source, "a");
            let over = any(dice, source, "a");
            let distinct = number(dice, source, "a");
            let aggregates: Vec<_> = (0..=dice.roll(4))
                .map(|_| match dice.roll(12) {
                    0 => "count(*)".to_owned(),
                    1 => format!("count(DISTINCT {})", any(dice, source, "a")),
                    2 => format!(
                        "avg({}) FILTER (WHERE a.id % 3 = 0)",
                        number(dice, source, "a")
                    ),
                    3 => format!("count(DISTINCT {over})"),
                    4 | 5 => format!(
                        "{}(DISTINCT {distinct})",
                        dice.pick(&["sum", "avg", "min", "max", "count", "var_pop", "stddev"]),
                    ),
                    6 | 7 => format!(
                        "{}({})",
                        dice.pick(&["variance", "var_samp", "var_pop"]),
                        number(dice, source, "a")
                    ),
                    _ => format!(
                        "{}({})",
                        dice.pick(&["sum", "avg", "min", "max", "count"]),
                        number(dice, source, "a")
                    ),
                })
                .collect();
            let having = if dice.often(25) {
                " HAVING count(*) > 1"
            } else {
                ""
            };
            format!(
                "SELECT {key}, {} FROM {from}{filter} GROUP BY {key}{having}",
                aggregates.join(", ")
            )
        }
    }
}

fn statements(count: usize, make: fn(&mut Dice) -> String) -> Vec<String> {
    let mut dice = Dice(SEED);
    (0..count).map(|_| make(&mut dice)).collect()
}

pub fn thousand() -> Vec<String> {
    statements(COUNT, statement)
}

#[test]
fn a_thousand_random_statements_are_answered_like_one_table() {
    let thousand = thousand();
    let world = World::new(16, "id % 16");
    assert_same(&world, &thousand, Strategy::One, Colocation::Unknown);
}

#[test]
fn those_that_can_be_had_in_parts_are_the_same() {
    let thousand = thousand();
    let world = World::new(16, "id * 5 % 16");
    let answered = assert_same(&world, &thousand, Strategy::Partial, Colocation::Unknown);
    assert!(answered > 100, "only {answered} were had in parts");
}

#[test]
fn random_joins_within_shards_are_the_same_in_parts() {
    let joins = statements(COUNT, join_of_ids);
    let world = World::new(16, "id * 3 % 16");
    let answered = assert_same(&world, &joins, Strategy::Partial, Colocation::Asserted);
    assert!(answered > 100, "only {answered} were had in parts");
}
