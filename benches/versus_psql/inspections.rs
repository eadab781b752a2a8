//! The commands that look at the catalog, against their bare statements in psql.

use std::fmt::Write as _;
use std::process::Command;

use shardq::sandbox::Sandbox;

use crate::contenders::Target;
use crate::duel::{Output, Way, duel};
use crate::measure::{median, peak_of, time};
use crate::report::Goal;

/// For 8,192 shards of 4 tables, which take minutes to create: `make bench BENCH_FLAGS=--large`.
const LARGE: &str = "--large";

/// `local` has 128 shards of 12 tables.
pub fn inspections(server: &Sandbox, local: &Target, goals: &mut Vec<Goal>) -> String {
    let drift = drift_statement(128);
    let tables = with_shards(include_str!("../../sql/inspect/tables.sql"), 128);
    let bare = |statements: &[&str]| {
        let session = include_str!("../../sql/inspect/session.sql");
        let statements = statements.join(";\n");
        local.psql(&format!(
            "BEGIN READ ONLY;\n{session};\n{statements};\nROLLBACK"
        ))
    };
    let mut text = String::from(
        "## Inspections\n\n128 shards of 12 tables, on a local socket. The bare statements of each \
         command are run by psql in one message.\n\n### `shardq drift`\n\n",
    );
    let ways = [
        way("its statement in psql", || bare(&[&drift])),
        way("**shardq**", || {
            local.shardq(&["drift", "--csv", "--no-migrations"])
        }),
    ];
    println!("drift");
    let ([psql, shardq], table) = duel(9, &ways);
    goals.push(Goal::at_most(
        "drift / its statement in psql",
        shardq / psql,
        2.0,
    ));
    let ways = [
        way("its statements in psql", || bare(&[&tables, &drift])),
        way("**shardq**", || local.shardq(&["tables", "--csv"])),
    ];
    println!("tables");
    let ([psql, shardq], of_tables) = duel(9, &ways);
    goals.push(Goal::at_most(
        "tables / its statements in psql",
        shardq / psql,
        2.0,
    ));
    let times: Vec<_> = (0..15).map(|_| time(local.shardq(&["shards"]))).collect();
    let took = median(&times);
    println!("shards: {took:.1} ms");
    goals.push(Goal::at_most(
        "ms for `shardq shards`, local socket",
        took,
        50.0,
    ));
    write!(
        text,
        "{table}\n### `shardq tables`\n\n{of_tables}\n### `shardq shards`\n\n{took:.1} ms.\n\n"
    )
    .unwrap();
    if std::env::args().any(|argument| argument == LARGE) {
        text += &large(server, goals);
    }
    text
}

fn way<'a>(name: &'a str, command: impl Fn() -> Command + 'a) -> Way<'a> {
    Way {
        name,
        command: Box::new(command),
        output: Output::Nowhere,
    }
}

/// 8,192 shards of 4 tables.
fn large(server: &Sandbox, goals: &mut Vec<Goal>) -> String {
    println!("Creating 8,192 shards of 4 tables …");
    let target = Target::socket(server, "tables_8192");
    let size = "-c bench.shards=8192";
    target.create_database(size, &[include_str!("many_tables.sql")]);
    let mut text = String::from(
        "### 8,192 shards of 4 tables\n\n| | median | peak memory |\n| --- | ---: | ---: |\n",
    );
    for (name, most) in [("drift", 8_000.0), ("shards", 2_000.0)] {
        let command = || target.shardq(&[name, "--csv", "--timeout", "0"]);
        let times: Vec<_> = (0..3).map(|_| time(command())).collect();
        let took = median(&times);
        let peak = crate::mebibytes(peak_of(command()));
        println!("{name}: {took:.0} ms, {peak:.0} MiB");
        writeln!(text, "| `shardq {name}` | {took:.0} ms | {peak:.0} MiB |").unwrap();
        goals.extend([
            Goal::at_most(
                format!("ms for `shardq {name}`, 8,192 shards of 4 tables"),
                took,
                most,
            ),
            Goal::at_most(
                format!("MiB for `shardq {name}`, 8,192 shards"),
                peak,
                256.0,
            ),
        ]);
    }
    text + "\n"
}

fn with_shards(template: &str, shards: u32) -> String {
    let names: Vec<_> = (0..shards)
        .map(|shard| format!("'shard_{shard}'"))
        .collect();
    let array = format!("ARRAY[{}]::name[]", names.join(", "));
    template.replace("{shards}", &array)
}

/// As the command fills it, without flags, on Postgres 15 or later.
fn drift_statement(shards: u32) -> String {
    let compression =
        "CASE WHEN a.attcompression <> '' THEN 'COMPRESSION ' || a.attcompression::text END";
    let values = [
        ("{compression}", compression),
        (
            "{published}",
            include_str!("../../sql/inspect/published_table.sql"),
        ),
        (
            "{published_schemas}",
            include_str!("../../sql/inspect/published_schemas.sql"),
        ),
        ("{owners}", "true"),
        ("{privileges}", "true"),
        ("{comments}", "true"),
        ("{differs}", "false"),
        ("{relation}", "true"),
        ("{whole}", "true"),
    ];
    let statement = with_shards(include_str!("../../sql/inspect/drift.sql"), shards);
    values
        .iter()
        .fold(statement, |text, (name, value)| text.replace(name, value))
}
