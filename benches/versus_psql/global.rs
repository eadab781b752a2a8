//! Global queries against the hand-written UNION ALL, with the plan that Postgres chooses for it,
//! parallel or not.

use std::fmt::Write;

use shardq::sandbox::Sandbox;

use crate::contenders::Target;
use crate::duel::{Output, Way, duel};
use crate::measure::{median, time};
use crate::report::Goal;

struct Question {
    what: &'static str,
    sql: &'static str,
}

const QUESTIONS: [Question; 4] = [
    Question {
        what: "filtered count",
        sql: "SELECT count(*) FROM origin_packages WHERE ident LIKE '%/package-7%/1.%'",
    },
    Question {
        what: "two columns, count and sum",
        sql: "SELECT target, visibility, count(*), sum(owner_id) FROM origin_packages \
              GROUP BY target, visibility ORDER BY target, visibility",
    },
    Question {
        what: "top 10 names",
        sql: "SELECT name, count(*) FROM origin_packages GROUP BY name ORDER BY 2 DESC, 1 LIMIT 10",
    },
    Question {
        what: "latest 10 idents",
        sql: "SELECT ident FROM origin_packages ORDER BY created_at DESC, ident LIMIT 10",
    },
];

const SMALL: Question = Question {
    what: "20,001 rows, one statement",
    sql: "SELECT count(*), max(name) FROM origins",
};

const FIVE_TABLES: &str = "SELECT (SELECT count(*) FROM origins), (SELECT count(*) FROM origin_members), \
    (SELECT count(*) FROM origin_packages), (SELECT count(*) FROM origin_channels), \
    (SELECT count(*) FROM origin_projects)";

pub fn global(server: &Sandbox, sample: &Target, goals: &mut Vec<Goal>) -> String {
    println!("Loading 1,500,000 packages …");
    let packages = Target::socket(server, "packages");
    packages.create_database("", &[include_str!("packages.sql")]);
    let mut text = String::from(
        "## Global queries\n\n1.5 million packages of 200 bytes in 128 shards, a third in one of them: \
         `shardq query --global` against the hand-written UNION ALL in psql, whole processes. The \
         answers are the same (compared first).\n",
    );
    for question in &QUESTIONS {
        let (ratio, table) = asked(&packages, question, &[]);
        goals.push(Goal::at_most(
            format!("global / UNION ALL, {}", question.what),
            ratio,
            0.5,
        ));
        text += &table;
    }
    let (ratio, table) = asked(sample, &SMALL, &["--strategy", "one"]);
    goals.push(Goal::at_most(
        format!("global / UNION ALL, {}", SMALL.what),
        ratio,
        1.2,
    ));
    text + &table + &planning(sample, goals) + &many_shards(server)
}

fn asked(target: &Target, question: &Question, flags: &[&str]) -> (f64, String) {
    let union = in_psql(question.sql);
    let psql = || target.psql(&union);
    let shardq = || {
        let mut command = target.shardq(&["query", "--global", question.sql, "--csv", "-qt"]);
        command.args(flags);
        command
    };
    let [expected, answer] = [psql(), shardq()].map(|mut command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    assert_eq!(expected, answer, "{}", question.sql);
    println!("{}", question.what);
    let ways = [
        Way {
            name: "psql, a UNION ALL",
            command: Box::new(psql),
            output: Output::Nowhere,
        },
        Way {
            name: "**shardq --global**",
            command: Box::new(shardq),
            output: Output::Nowhere,
        },
    ];
    let ([psql, shardq], table) = duel(11, &ways);
    let mut text = String::new();
    write!(
        text,
        "\n### {}\n\n`{}`\n\n{table}",
        question.what, question.sql
    )
    .unwrap();
    (shardq / psql, text)
}

/// The statement with each table written out as a UNION ALL.
fn in_psql(sql: &str) -> String {
    let mut sql = sql.to_owned();
    for table in ["origin_packages", "origins"] {
        let all: Vec<_> = (0..128)
            .map(|n| format!("SELECT * FROM shard_{n}.{table}"))
            .collect();
        let from = format!("FROM {table}");
        sql = sql.replace(&from, &format!("FROM ({}) AS t", all.join(" UNION ALL ")));
    }
    sql
}

/// Planning time of the single statement over five tables in 128 shards.
fn planning(sample: &Target, goals: &mut Vec<Goal>) -> String {
    let explain = || {
        let mut command = sample.shardq(&["query", "--global", FIVE_TABLES]);
        command.args(["--explain", "--strategy", "one"]);
        command
    };
    let explained = String::from_utf8(explain().output().unwrap().stdout).unwrap();
    let statement = &explained[explained.find("WITH ").unwrap()..];
    let plan = format!("EXPLAIN (SUMMARY) {statement}");
    let times: Vec<[f64; 2]> = (0..7)
        .map(|_| {
            let mut psql = sample.psql(&plan);
            let plans = psql.args(["-c", &plan]).output().unwrap().stdout;
            let plans = String::from_utf8(plans).unwrap();
            let mut times = plans.lines().filter_map(|line| {
                let time = line.strip_prefix("Planning Time: ")?;
                time.trim_end_matches(" ms").parse().ok()
            });
            [times.next().unwrap(), times.next().unwrap()]
        })
        .collect();
    let [first, again] =
        [0, 1].map(|nth| median(&times.iter().map(|times| times[nth]).collect::<Vec<_>>()));
    let whole = median(&(0..7).map(|_| time(explain())).collect::<Vec<_>>());
    println!("Planning five tables: {first:.1} ms, again {again:.1} ms; --explain {whole:.1} ms");
    goals.push(Goal::at_most(
        "ms to plan five tables of 128 shards, again",
        again,
        50.0,
    ));
    format!(
        "\n### Planning\n\nFive tables of 128 shards in one statement: a session that has not seen the 640 \
         tables and their indexes before plans it in {first:.0} ms, which is mostly to read them from the \
         catalog; again, in {again:.0} ms. `--explain`, which connects, looks at the shards and has the server \
         check the statement, takes {whole:.0} ms.\n"
    )
}

fn many_shards(server: &Sandbox) -> String {
    let target = Target::socket(server, "shards_1024");
    let command = || target.shardq(&["query", "--global", "SELECT count(*) FROM origins", "-q"]);
    let one = || {
        let mut command = command();
        command.args(["--strategy", "one"]);
        command
    };
    let [parts, one] = [&command as &dyn Fn() -> _, &one]
        .map(|command| median(&(0..7).map(|_| time(command())).collect::<Vec<_>>()));
    println!("1,024 shards: {parts:.0} ms in parts, {one:.0} ms in one statement");
    format!(
        "\n### 1,024 shards\n\n`SELECT count(*) FROM origins`: {parts:.0} ms in parts, {one:.0} ms in one \
         statement.\n\n"
    )
}
