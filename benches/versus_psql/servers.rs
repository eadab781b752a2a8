//! The same shards on one server and on four.

use std::fmt::Write;
use std::process::Command;

use shardq::sandbox::{Options, Sandbox};

use crate::ROUND_TRIP;
use crate::contenders::Target;
use crate::duel::{Output, Way, duel};
use crate::proxy::Proxy;
use crate::report::Goal;

const DATABASE: &str = "servers";
const QUERY: [&str; 2] = ["query", "SELECT name FROM origins"];

/// `count` shards on one server and on each of four a quarter of them.
struct Fleet {
    one: (Sandbox, Target),
    four: Vec<(Sandbox, Target)>,
}

impl Fleet {
    fn new(count: u32) -> Self {
        println!("Creating {count} shards on one server, and on four …");
        let with_shards = |first: u32, count: u32| {
            let server = Sandbox::start(Options::default()).unwrap();
            let target = Target::socket(&server, DATABASE);
            let size = format!("-c bench.first={first} -c bench.shards={count}");
            target.create_database(&size, &[include_str!("many_shards.sql")]);
            (server, target)
        };
        let quarter = count / 4;
        Self {
            one: with_shards(0, count),
            four: (0..4).map(|n| with_shards(n * quarter, quarter)).collect(),
        }
    }

    fn over_four(&self, place: impl Fn(usize, &Sandbox) -> String) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shardq"));
        command.args(QUERY);
        for (n, (server, _)) in self.four.iter().enumerate() {
            let conninfo = format!(
                "{} user={} dbname={DATABASE}",
                place(n, server),
                server.superuser()
            );
            command.args(["--server", &conninfo]);
        }
        self.four[0].1.lead(&mut command);
        // The strings say all; a variable would hold for all servers.
        command.env_remove("PGHOST").env_remove("PGPORT");
        command
    }

    /// How much longer four servers take than one, over their sockets, and a table of times.
    fn race(&self, rounds: usize) -> (f64, String) {
        let socket = |_, server: &Sandbox| {
            let folder = server.socket_dir().display();
            format!("host={folder} port={}", server.port())
        };
        compare(
            rounds,
            || self.one.1.shardq(&QUERY),
            || self.over_four(socket),
        )
    }

    /// The same with a round trip of 20 ms to each.
    fn race_far_away(&self, rounds: usize) -> (f64, String) {
        let proxy = |(server, _): &(Sandbox, Target)| {
            Proxy::to_socket(server.socket_dir(), server.port(), ROUND_TRIP)
        };
        let near = proxy(&self.one);
        let one = self.one.1.through(near.port());
        let proxies: Vec<_> = self.four.iter().map(proxy).collect();
        let place = |n: usize, _: &Sandbox| format!("host=127.0.0.1 port={}", proxies[n].port());
        compare(rounds, || one.shardq(&QUERY), || self.over_four(place))
    }
}

/// How much longer four take than one, and a table of times.
fn compare(rounds: usize, one: impl Fn() -> Command, four: impl Fn() -> Command) -> (f64, String) {
    let rows = |command: Command| {
        let mut command = command;
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().count()
    };
    assert_eq!(rows(one()), rows(four()));
    let way = |name, command| Way {
        name,
        command,
        output: Output::Nowhere,
    };
    let ways = [
        way("one server", Box::new(one)),
        way("four servers", Box::new(four)),
    ];
    let ([one, four], table) = duel(rounds, &ways);
    (four / one, table)
}

pub fn servers(goals: &mut Vec<Goal>) -> String {
    let few = Fleet::new(128);
    let (near, near_table) = few.race(9);
    let (far, far_table) = few.race_far_away(9);
    drop(few);
    let (many, many_table) = Fleet::new(8192).race(5);
    goals.extend([
        Goal::at_most("four servers / one, 128 shards, 20 ms round trip", far, 1.2),
        Goal::at_most("four servers / one, 8,192 shards, local sockets", many, 2.0),
    ]);
    let mut text = String::from(
        "## Several servers\n\n`SELECT name FROM origins`, eight rows per shard: all shards on one \
         server, or a quarter of them on each of four, with `--server`. All servers are on this \
         machine.\n\n",
    );
    println!("128 shards, local sockets: {near:.2}");
    for (title, table) in [
        ("128 shards, local sockets", near_table),
        ("128 shards, 20 ms round trip", far_table),
        ("8,192 shards, local sockets", many_table),
    ] {
        writeln!(text, "### {title}\n\n{table}").unwrap();
    }
    text
}
