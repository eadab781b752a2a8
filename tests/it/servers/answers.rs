//! Many statements in one shell over several servers, against the answers of one table.

use std::fmt::Write as _;

use crate::global::differential::difference_of;
use crate::global::world::{Answer, World};
use crate::support::{Program, Servers};

/// Behind the answer to each statement.
const END: &str = "-~-~- end";

/// Every statement must be answered as over one table, or fail as there, or be refused with one of
/// these messages. Returns how many were answered.
#[track_caller]
pub fn assert_same_or_refused(
    servers: &Servers,
    flags: &[&str],
    world: &World,
    statements: &[String],
    refusals: &[&str],
) -> usize {
    let whole = world.psql(statements);
    let answers = in_one_shell(servers, flags, statements);
    let (mut answered, mut report) = (0, String::new());
    for ((sql, whole), answer) in statements.iter().zip(&whole).zip(&answers) {
        let failed = answer.contains("shardq: error: ");
        let refused = failed && refusals.iter().any(|why| answer.contains(why));
        match (failed, whole) {
            (true, Answer::Error(_)) => {}
            (true, Answer::Rows { .. }) if refused => {}
            (true, Answer::Rows { .. }) => writeln!(report, "{sql}: {answer}").unwrap(),
            (false, _) => {
                answered += 1;
                report.extend(difference_of(sql, whole, answer));
            }
        }
    }
    assert!(report.is_empty(), "{report}");
    answered
}

/// What is printed for each, errors too. One process, which connects once.
#[track_caller]
fn in_one_shell(servers: &Servers, flags: &[&str], statements: &[String]) -> Vec<String> {
    let mut script = String::new();
    for sql in statements {
        writeln!(script, "{sql}\n;\n\\echo '{END}'").unwrap();
    }
    let ran = Program::new("sh")
        .args([
            "-c",
            "exec \"$0\" \"$@\" 2>&1",
            env!("CARGO_BIN_EXE_shardq"),
        ])
        .args(["shell", "-g", "-q", "--csv", "--null=-null-"])
        .args(["-v", "ON_ERROR_STOP=0"])
        .args(flags)
        .env("SHARDQ_CONFIG", servers.config())
        .stdin(script)
        .run();
    let end = format!("{END}\n");
    let answers: Vec<_> = ran
        .stdout
        .split_terminator(&end)
        .map(str::to_owned)
        .collect();
    assert_eq!(answers.len(), statements.len(), "{}", ran.stdout);
    answers
}
