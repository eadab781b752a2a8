//! shardq against what one would do with psql, side by side on this machine.
//!
//! `make bench`. All contenders must first give the same rows; then they take turns, round by
//! round, so that a busy moment of the machine affects all of them. Prints progress, and writes
//! `docs/benchmarks.md`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should stop, and it talks to a person"
)]

mod contenders;
mod duel;
mod exports;
mod global;
mod inspections;
mod measure;
#[path = "../../tests/it/support/proxy.rs"]
mod proxy;
mod report;
mod servers;
mod shell;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use proxy::Proxy;
use shardq::sandbox::{Options, Sandbox, sample};

use contenders::{Contender, Target};
use measure::{Milliseconds, median, peak_of, time};
use report::{Goal, machine, race_table};

const ROUND_TRIP: Duration = Duration::from_millis(20);
/// Each measures these alone, and writes no report.
const INSPECTIONS: &str = "--inspections";
const SERVERS: &str = "--servers";
const REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks.md");

fn main() {
    // `cargo test --all-targets` also runs benchmarks, to check that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if std::env::args().any(|argument| argument == SERVERS) {
        let mut goals = Vec::new();
        let text = servers::servers(&mut goals);
        println!("\n{text}{}", report::goals(&goals));
        return;
    }
    let server = Sandbox::start(Options::default()).unwrap();
    let local = Target::socket(&server, "builder_originsrv");
    println!("Loading 128 shards, 20,001 origins, 186,951 packages …");
    let size = "-c demo.origins=20001 -c demo.packages=186951";
    local.create_database(size, &sample::PARTS);

    if std::env::args().any(|argument| argument == INSPECTIONS) {
        let mut goals = Vec::new();
        let text = inspections::inspections(&server, &local, &mut goals);
        println!("\n{text}{}", report::goals(&goals));
        return;
    }

    let proxy = Proxy::to_socket(server.socket_dir(), server.port(), ROUND_TRIP);
    let remote = local.through(proxy.port());
    check_rows(&[&local, &remote]);

    let mut text = machine(&local.version());
    let mut goals = Vec::new();
    text += &races(&local, &remote, &proxy, &mut goals);
    text += &more_shards(&server, &mut goals);
    text += &servers::servers(&mut goals);
    text += &a_million_rows(&local, &mut goals);
    text += &exports::exports(&local, &mut goals);
    text += &global::global(&server, &local, &mut goals);
    text += &inspections::inspections(&server, &local, &mut goals);
    text += &shell::shell(&local, &mut goals);
    text += &start_up(&mut goals);
    text += &report::goals(&goals);
    fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
    fs::write(REPORT, &text).unwrap();
    println!("\nWritten to {REPORT}\n\n{}", report::goals(&goals));
}

fn check_rows(targets: &[&Target]) {
    for target in targets {
        let expected = Contender::UnionAll.rows(target);
        assert_eq!(expected.len(), 20_001);
        for contender in Contender::ALL {
            let rows = contender.rows(target);
            assert!(rows == expected, "{contender} gave other rows");
        }
    }
    println!("All contenders give the same 20,001 rows.");
}

fn races(local: &Target, remote: &Target, proxy: &Proxy, goals: &mut Vec<Goal>) -> String {
    let near = race("local socket", local, 7);
    let far = race("20 ms round trip", remote, 3);
    let before = proxy.connections();
    time(Contender::Shardq.command(remote));
    let connections = proxy.connections() - before;

    let of = |race: &[(Contender, Vec<Milliseconds>)], wanted| {
        let found = race.iter().find(|(contender, _)| *contender == wanted);
        found.map(|(_, times)| median(times)).unwrap()
    };
    let ratio = |race, over| of(race, over) / of(race, Contender::Shardq);
    let union = of(&near, Contender::Shardq) / of(&near, Contender::UnionAll);
    let trips = of(&far, Contender::Shardq) / (ROUND_TRIP.as_secs_f64() * 1e3);
    goals.extend([
        Goal::at_least(
            "loop / shardq, local socket",
            ratio(&near, Contender::Loop),
            120.0,
        ),
        Goal::at_least(
            "loop / shardq, 20 ms round trip",
            ratio(&far, Contender::Loop),
            100.0,
        ),
        Goal::at_most("shardq / UNION ALL, local socket", union, 0.6),
        Goal::at_most("shardq, in round trips of 20 ms", trips, 6.0),
    ]);
    format!(
        "## One column of every shard\n\n\
         `SELECT name FROM origins`: 128 shards, 20,001 rows. shardq with its default settings, \
         the snapshot and read-only transactions included, and printing a table; psql with `-XAt`. \
         shardq took {connections} connections. All gave the same rows.\n\n\
         ### Local socket\n\n{}\n### 20 ms round trip\n\n\
         Every byte takes 10 ms each way. The set-up of a TCP connection is not delayed; on a \
         network it costs one more round trip, of which shardq pays one (its connections are \
         opened at once), and the loop 128.\n\n{}\n",
        race_table(&near),
        race_table(&far)
    )
}

/// Everyone's times over several rounds. Faster contenders run more often in each round.
fn race(link: &str, target: &Target, rounds: usize) -> Vec<(Contender, Vec<Milliseconds>)> {
    let mut times: Vec<_> = Contender::ALL
        .map(|contender| (contender, Vec::new()))
        .into();
    for round in 1..=rounds {
        println!("{link}: round {round} of {rounds}");
        for (contender, times) in &mut times {
            for _ in 0..contender.turns_a_round() {
                times.push(time(contender.command(target)));
            }
        }
    }
    for (contender, times) in &times {
        println!("  {contender}: {:.1} ms", median(times));
    }
    times
}

fn more_shards(server: &Sandbox, goals: &mut Vec<Goal>) -> String {
    let counts = [128, 1024, 8192];
    let databases = counts.map(|count| {
        println!("Creating {count} shards …");
        let target = Target::socket(server, &format!("shards_{count}"));
        let size = format!("-c bench.shards={count}");
        target.create_database(&size, &[include_str!("many_shards.sql")]);
        (count, target, Vec::new(), 0)
    });
    let mut databases = databases;
    for _ in 0..7 {
        for (_, target, times, peak) in &mut databases {
            times.push(time(Contender::Shardq.command(target)));
            *peak = peak_of(Contender::ShardqCsv.command(target)).max(*peak);
        }
    }
    let mut text = String::from(
        "## More shards\n\n`SELECT name FROM origins`, eight rows a shard.\n\n\
         | shards | time | per shard | peak memory (`--csv`) |\n| ---: | ---: | ---: | ---: |\n",
    );
    let mut per_shard = Vec::new();
    for (count, _, times, peak) in &databases {
        let each = median(times) * 1e3 / f64::from(*count);
        per_shard.push(each);
        let line = format!(
            "| {count} | {:.0} ms | {each:.0} µs | {:.1} MiB |",
            median(times),
            mebibytes(*peak)
        );
        println!("{line}");
        writeln!(text, "{line}").unwrap();
    }
    let [.., (_, _, _, few), (_, _, _, many)] = &databases;
    goals.extend([
        Goal::at_most(
            "time per shard, 1,024 / 128 shards",
            per_shard[1] / per_shard[0],
            1.0,
        ),
        Goal::at_most(
            "time per shard, 8,192 / 128 shards",
            per_shard[2] / per_shard[0],
            1.0,
        ),
        Goal::at_most(
            "peak memory with 8,192 / 1,024 shards",
            mebibytes(*many) / mebibytes(*few),
            1.5,
        ),
    ]);
    text + "\n"
}

fn a_million_rows(target: &Target, goals: &mut Vec<Goal>) -> String {
    let command = || {
        let sql = "SELECT n AS id, md5(n::text) AS checksum FROM generate_series(1, 7813) AS n";
        let mut command = Command::new(env!("CARGO_BIN_EXE_shardq"));
        command.args(["query", "--csv", sql]);
        target.lead(&mut command);
        command
    };
    let times: Vec<_> = (0..5).map(|_| time(command())).collect();
    let peak = mebibytes(peak_of(command()));
    println!(
        "A million rows to CSV: {:.0} ms, {peak:.1} MiB",
        median(&times)
    );
    goals.push(Goal::at_most(
        "MiB resident, a million rows to CSV",
        peak,
        32.0,
    ));
    format!(
        "## A million rows to CSV\n\n1,000,064 rows of a number and a checksum: {:.0} ms, and \
         {peak:.1} MiB resident at most.\n\n",
        median(&times)
    )
}

fn start_up(goals: &mut Vec<Goal>) -> String {
    let help = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shardq"));
        command.arg("--help");
        command
    };
    let times: Vec<_> = (0..31).map(|_| time(help())).collect();
    let took = median(&times);
    println!("shardq --help: {took:.1} ms");
    goals.push(Goal::at_most("ms for `shardq --help`", took, 10.0));
    format!("## Starting up\n\n`shardq --help`: {took:.1} ms.\n\n")
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand KiB")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
