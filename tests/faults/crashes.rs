//! Servers that shut down or crash, and come back or not.

use std::thread;
use std::time::Duration;

use shardq::sandbox::{Options, Sandbox, Shutdown};

use crate::dice::Dice;
use crate::job::{ALL, Command, DEADLINE, Job, WHEN_NOTICED, finish, no_backends};
use crate::suite::{Outcome, Suite, Verdict};
use crate::support::{Program, eventually, private_server};
use crate::world::{Question, World};

const SUITE: Suite = Suite {
    name: "crashes",
    runs: 150,
    short: 4,
    workers: 2,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    /// One backend is killed, so Postgres restarts all of them.
    BackendKilled,
    /// Stopped, and started after this long.
    Restart(Stop, Duration),
    /// Stopped, and started only when the command has ended.
    Down(Stop),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Fast,
    Immediate,
}

impl Stop {
    fn stop(self, server: &mut Sandbox) {
        let shutdown = match self {
            Self::Fast => Shutdown::Fast,
            Self::Immediate => Shutdown::Immediate,
        };
        server.stop(shutdown).unwrap();
    }
}

impl Crash {
    fn roll(dice: &mut Dice) -> Self {
        let stop = dice.pick(&[Stop::Fast, Stop::Immediate]);
        match dice.below(6) {
            0 | 1 => Self::BackendKilled,
            2..5 => Self::Restart(stop, dice.up_to(Duration::from_millis(500))),
            _ => Self::Down(stop),
        }
    }
}

#[test]
fn crashes() {
    SUITE.run(
        || {
            let server = private_server(Options::default());
            let world = World::on(&server);
            (server, world)
        },
        |(server, world), dice, run| crashed(server, world, dice, run),
    );
}

/// Takes long enough for a crash in the middle.
fn slow_question(command: Command) -> Question {
    let question = World::question();
    if command == Command::GlobalPartial {
        return question;
    }
    Question {
        rows: question.rows.replace(
            "FROM origin_packages",
            "FROM origin_packages, (SELECT pg_sleep(0.02)) AS pause",
        ),
        global: question.global.replace(
            "FROM origin_packages",
            "FROM origin_packages, (SELECT pg_sleep(0.1)) AS pause",
        ),
        ..question
    }
}

fn crashed(server: &mut Sandbox, world: &World, dice: &mut Dice, run: u32) -> Verdict {
    let command = ALL[run as usize % ALL.len()];
    let crash = Crash::roll(dice);
    let after = dice.up_to(Duration::from_millis(120));
    let server_info = format!("{command:?}, {crash:?} after {after:?}");
    let job = Job::new(command, slow_question(command));
    let running = job.program(&world.db).spawn();
    thread::sleep(after);
    let ran = match crash {
        Crash::BackendKilled => {
            kill_a_backend(world);
            finish(running, DEADLINE)
        }
        Crash::Restart(stop, down) => {
            stop.stop(server);
            thread::sleep(down);
            server.start_again().unwrap();
            finish(running, DEADLINE)
        }
        Crash::Down(stop) => {
            stop.stop(server);
            let ran = finish(running, DEADLINE);
            server.start_again().unwrap();
            ran
        }
    };
    eventually("the server is back", || {
        world.db.psql_program(["-c", "SELECT 1"]).run().status == 0
    });
    let judged = ran.and_then(|ran| job.judge(&ran, world));
    let outcome = judged.map_err(|fault| fault.with(&server_info))?;
    no_backends(&world.db, WHEN_NOTICED)?;
    if outcome != Outcome::Complete && command.has_manifest() {
        job.again(&world.db, world)
            .map_err(|fault| fault.with(&server_info))?;
    }
    Ok(outcome)
}

/// Like the kernel when memory runs out. There may be no backend left.
fn kill_a_backend(world: &World) {
    let pids = world.db.ask(
        "SELECT pid FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'shardq' ORDER BY pid",
    );
    if let Some(pid) = pids.lines().next() {
        Program::new("kill").args(["-s", "KILL", pid]).run();
    }
}
