//! Many statements in a row: the shell against psql with as many UNION ALLs, and against as many
//! runs of `shardq query`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::contenders::Target;
use crate::duel::{Output, Way, duel};
use crate::report::Goal;

const STATEMENTS: u32 = 100;

/// One of the statements, which all differ.
fn statement(number: u32) -> String {
    format!("SELECT name FROM origins WHERE id % {STATEMENTS} = {number}")
}

/// The same by hand, over all shards.
fn union(number: u32) -> String {
    let select = |shard| {
        format!(
            "SELECT 'shard_{shard}' AS shard, name FROM shard_{shard}.origins \
             WHERE id % {STATEMENTS} = {number}"
        )
    };
    (0..128).map(select).collect::<Vec<_>>().join(" UNION ALL ")
}

fn script(statements: impl Fn(u32) -> String) -> String {
    (0..STATEMENTS)
        .map(|number| statements(number) + ";\n")
        .collect()
}

pub fn shell(target: &Target, goals: &mut Vec<Goal>) -> String {
    println!("{STATEMENTS} statements in a row …");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let ours = file("shell.sql", script(statement));
    let unions = file("psql.sql", script(union));
    let run = |number| {
        let program = env!("CARGO_BIN_EXE_shardq");
        format!("{program} query --csv -qt \"{}\"", statement(number))
    };
    let runs = file("runs.sh", script(run));
    let sh = |script: String| {
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        target.lead(&mut command);
        command
    };
    let quoted = |path: &Path| format!("'{}'", path.display());
    let shell = || {
        let program = env!("CARGO_BIN_EXE_shardq");
        sh(format!("{program} shell -X --csv -qt < {}", quoted(&ours)))
    };
    let psql = || target.psql_script(&unions);
    let many = || sh(format!("exec sh {}", quoted(&runs)));
    let rows = |mut command: Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut rows: Vec<_> = text.lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    let expected = rows(psql());
    assert!(expected.len() > 10_000);
    assert!(rows(shell()) == expected, "the shell gave other rows");
    assert!(rows(many()) == expected, "the runs gave other rows");
    let (took, table) = duel(
        3,
        &[
            Way {
                name: "one `shardq shell`",
                command: Box::new(shell),
                output: Output::Nowhere,
            },
            Way {
                name: "one psql, 100 UNION ALLs",
                command: Box::new(psql),
                output: Output::Nowhere,
            },
            Way {
                name: "100 × `shardq query`",
                command: Box::new(many),
                output: Output::Nowhere,
            },
        ],
    );
    goals.extend([
        Goal::at_most("100 statements, shell / psql", took[0] / took[1], 0.5),
        Goal::at_most(
            "100 statements, shell / runs of query",
            took[0] / took[2],
            0.4,
        ),
    ]);
    format!(
        "## Many statements in a row\n\n{STATEMENTS} statements over 128 shards, \
         `SELECT name FROM origins WHERE id % 100 = …`, as CSV. All gave the same rows.\n\n{table}\n"
    )
}
