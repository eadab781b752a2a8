//! SQL over the shards of four databases: on a hub with views of foreign tables, on one with
//! partitioned tables over views on the servers, and as shardq asks them; against one database.

use std::fmt::Write as _;
use std::process::Command;

use shardq::sandbox::Sandbox;

use crate::contenders::Target;
use crate::measure::{median, time};

const ROUNDS: usize = 5;

/// `FROM t` is read as `FROM all_shards.t` by psql.
struct Question {
    what: &'static str,
    sql: &'static str,
    /// The same with an inner group per shard, which the servers compute.
    by_shard: Option<&'static str>,
}

const QUESTIONS: [Question; 6] = [
    Question {
        what: "count",
        sql: "SELECT count(*) FROM origin_packages",
        by_shard: Some(
            "SELECT sum(n) FROM (SELECT shard, count(*) AS n FROM origin_packages GROUP BY shard) AS s",
        ),
    },
    Question {
        what: "group by",
        sql: "SELECT visibility, count(*), max(ident) FROM origin_packages GROUP BY 1 ORDER BY 1",
        by_shard: Some(
            "SELECT visibility, sum(n), max(last) FROM (SELECT shard, visibility, count(*) AS n, \
             max(ident) AS last FROM origin_packages GROUP BY 1, 2) AS s GROUP BY 1 ORDER BY 1",
        ),
    },
    Question {
        what: "lookup",
        sql: "SELECT id, owner_id FROM origins WHERE name = 'core'",
        by_shard: None,
    },
    Question {
        what: "top 10",
        sql: "SELECT ident FROM origin_packages ORDER BY id DESC LIMIT 10",
        by_shard: None,
    },
    Question {
        what: "join",
        sql: "SELECT o.name, count(*) FROM origins AS o JOIN origin_packages AS p \
              ON p.shard = o.shard AND p.origin_id = o.id GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5",
        by_shard: None,
    },
    Question {
        what: "one shard",
        sql: "SELECT count(*), max(ident) FROM origin_packages WHERE shard = 'shard_30'",
        by_shard: None,
    },
];

/// `None` if there is no such form of the statement.
type CommandOf<'a> = dyn Fn(&Question) -> Option<Command> + 'a;

/// Where a statement runs, and how.
struct Contender<'a> {
    name: &'a str,
    command: Box<CommandOf<'a>>,
}

/// `local` has 128 shards of 12 tables.
pub fn hub(server: &Sandbox, local: &Target) -> String {
    println!("Four databases of 32 shards, and two hubs …");
    let names: Vec<_> = (0..4).map(|n| format!("part_{n}")).collect();
    for (n, name) in (0..).zip(&names) {
        split(server, name, n);
    }
    let servers = of_servers(server, &names);
    let views = federated(server, "hub_views", &servers, &[]);
    let partitioned = federated(server, "hub_partitioned", &servers, &["--remote-views"]);
    let conninfo = |name: &str| Target::socket(server, name).conninfo();
    let [via_views, via_partitioned] = ["hub_views", "hub_partitioned"].map(conninfo);
    let via = |hub: String| {
        let servers = servers.clone();
        move |question: &Question| {
            let mut command = local.shardq(&["query", "-g", "-qt", "--csv", question.sql]);
            command.args(&servers).args(["--via", &hub]);
            Some(command)
        }
    };
    let contenders = [
        Contender {
            name: "psql, views over foreign tables",
            command: Box::new(|question| Some(views.psql(&in_all_shards(question.sql)))),
        },
        Contender {
            name: "psql, partitioned over remote views",
            command: Box::new(|question| Some(partitioned.psql(&in_all_shards(question.sql)))),
        },
        Contender {
            name: "psql, the same with `GROUP BY shard` inside",
            command: Box::new(|question| {
                Some(partitioned.psql(&in_all_shards(question.by_shard?)))
            }),
        },
        Contender {
            name: "`shardq -g --via`, views",
            command: Box::new(via(via_views)),
        },
        Contender {
            name: "`shardq -g --via`, remote views",
            command: Box::new(via(via_partitioned)),
        },
        Contender {
            name: "`shardq -g`, four databases without a hub",
            command: Box::new(|question| {
                let mut command = local.shardq(&["query", "-g", "-qt", "--csv", question.sql]);
                command.args(&servers);
                Some(command)
            }),
        },
        Contender {
            name: "`shardq -g`, one database",
            command: Box::new(|question| {
                Some(local.shardq(&["query", "-g", "-qt", "--csv", question.sql]))
            }),
        },
    ];
    HEAD.to_owned() + &table(&contenders)
}

const HEAD: &str = "## A hub\n\nThe same 128 shards on four databases of 32, with a hub that `shardq federate \
    --analyze` made, all on one server; the last row has them in one database. Medians in ms of whole \
    processes, fastest – slowest. The answers are the same (compared first); — is refused, since it needs \
    the rows of several databases in one place, or has no such form. `--via` compares the hub with the \
    servers before each statement.\n\n";

/// A copy of the sample with a quarter of its shards.
fn split(server: &Sandbox, name: &str, quarter: u32) {
    let postgres = Target::socket(server, "postgres");
    run(postgres.psql(&format!(
        "CREATE DATABASE {name} TEMPLATE builder_originsrv"
    )));
    let own = quarter * 32..(quarter + 1) * 32;
    let others: Vec<u32> = (0..128).filter(|shard| !own.contains(shard)).collect();
    // A transaction would need more locks than the server has.
    for some in others.chunks(16) {
        let drops = some
            .iter()
            .map(|n| format!("DROP SCHEMA shard_{n} CASCADE"));
        let drops: Vec<_> = drops.collect();
        run(Target::socket(server, name).psql(&drops.join(";")));
    }
    run(Target::socket(server, name).psql("VACUUM ANALYZE"));
}

fn of_servers(server: &Sandbox, names: &[String]) -> Vec<String> {
    let conninfos = names
        .iter()
        .map(|name| Target::socket(server, name).conninfo());
    conninfos
        .flat_map(|it| ["--server".to_owned(), it])
        .collect()
}

fn federated(server: &Sandbox, name: &str, servers: &[String], flags: &[&str]) -> Target {
    let hub = Target::socket(server, name);
    run(Target::socket(server, "postgres").psql(&format!("CREATE DATABASE {name}")));
    let mut command = hub.shardq(&["federate", "--analyze", "--hub", &hub.conninfo()]);
    command.args(flags).args(servers);
    println!("{name}: made in {:.0} ms", time(command));
    run(hub.psql(&format!(
        "ALTER DATABASE {name} SET enable_partitionwise_join = on; \
         ALTER DATABASE {name} SET enable_partitionwise_aggregate = on"
    )));
    hub
}

fn run(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn in_all_shards(sql: &str) -> String {
    ["origin_packages", "origins"]
        .iter()
        .fold(sql.to_owned(), |sql, table| {
            ["FROM", "JOIN"].iter().fold(sql, |sql, word| {
                sql.replace(
                    &format!("{word} {table}"),
                    &format!("{word} all_shards.{table}"),
                )
            })
        })
}

fn table(contenders: &[Contender<'_>]) -> String {
    let heads = QUESTIONS
        .iter()
        .map(|question| format!(" {} |", question.what));
    let mut text = format!("| |{}\n|", heads.collect::<String>());
    text += " --- |";
    text += &" ---: |".repeat(QUESTIONS.len());
    text.push('\n');
    let columns: Vec<Vec<String>> = QUESTIONS
        .iter()
        .map(|question| column(question, contenders))
        .collect();
    for (row, contender) in contenders.iter().enumerate() {
        let cells = columns.iter().map(|column| format!(" {} |", column[row]));
        writeln!(text, "| {} |{}", contender.name, cells.collect::<String>()).unwrap();
    }
    let questions = QUESTIONS
        .iter()
        .map(|question| format!("\n* {}: `{}`", question.what, question.sql));
    text + &questions.collect::<String>() + "\n\n"
}

/// The cells of a question. The contenders take turns.
fn column(question: &Question, contenders: &[Contender<'_>]) -> Vec<String> {
    let mut expected = None;
    let takes_part: Vec<_> = contenders
        .iter()
        .map(|contender| {
            let output = (contender.command)(question).map(|mut it| it.output().unwrap());
            let answer = output.filter(|output| output.status.success())?.stdout;
            let answer = String::from_utf8(answer).unwrap();
            let expected = expected.get_or_insert_with(|| answer.clone());
            assert_eq!(*expected, answer, "{}: {}", contender.name, question.what);
            Some(())
        })
        .collect();
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for ((contender, times), takes_part) in contenders.iter().zip(&mut times).zip(&takes_part) {
            if takes_part.is_some() {
                times.extend((contender.command)(question).map(time));
            }
        }
    }
    let cells = times.iter().map(|times| {
        if times.is_empty() {
            return "—".to_owned();
        }
        let fastest = times.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest = times.iter().copied().fold(0.0, f64::max);
        format!("{:.0} ({fastest:.0} – {slowest:.0})", median(times))
    });
    let cells: Vec<_> = cells.collect();
    println!("{}: {cells:?}", question.what);
    cells
}
