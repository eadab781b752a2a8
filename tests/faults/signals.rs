//! Signals at any moment, whatever the server does.

use std::thread;
use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::faulty_proxy::{Action, FaultyProxy, Plan};
use crate::job::{ALL, AT_ONCE, Command, Job, WHEN_NOTICED, finish, no_backends};
use crate::suite::{Fault, Outcome, Suite, Verdict, wrong};
use crate::support::Session;
use crate::world::{World, server};

const SUITE: Suite = Suite {
    name: "signals",
    runs: 200,
    short: 10,
    workers: 2,
};

/// How soon a signalled run must end, on a machine that is not overloaded.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// What the server does meanwhile.
#[derive(Debug, Clone, Copy)]
enum Server {
    Answers,
    /// A migration holds a table of this shard.
    Locked(u64),
    Stalls(Plan),
}

impl Server {
    fn roll(dice: &mut Dice, command: Command) -> Self {
        match dice.below(3) {
            0 => Self::Answers,
            1 => Self::Locked(dice.below(16)),
            _ => Self::Stalls(Plan::roll(dice, &[Action::Stall], command.connections())),
        }
    }
}

#[test]
fn signals() {
    SUITE.run(
        || {
            let world = World::shared();
            Stage {
                usual: usual_time(&world),
                proxy: FaultyProxy::to(server()),
                migration: world.db.session(),
                world,
            }
        },
        |stage, dice, run| {
            let verdict = signalled(stage, dice, run);
            stage.migration.run("ROLLBACK");
            verdict
        },
    );
}

struct Stage {
    world: World,
    proxy: FaultyProxy,
    migration: Session,
    /// How long the command takes undisturbed.
    usual: Duration,
}

fn usual_time(world: &World) -> Duration {
    let job = Job::new(Command::ExportCsv, World::question());
    let ran = job.program(&world.db).run();
    ran.elapsed
}

fn signalled(stage: &mut Stage, dice: &mut Dice, run: u32) -> Verdict {
    let Stage {
        world,
        proxy,
        migration,
        usual,
    } = stage;
    let world = &*world;
    let command = ALL[run as usize % ALL.len()];
    let signal = dice.pick(&["INT", "TERM", "HUP", "KILL"]);
    let after = dice.up_to(*usual * 3 / 2);
    let server = Server::roll(dice, command);
    let server_info = format!("{command:?}, {signal} after {after:?}, {server:?}");
    let job = Job::new(command, World::question());
    let mut program = job.program(&world.db).args(["--lock-timeout", "0"]);
    match server {
        Server::Answers => {}
        Server::Locked(n) => {
            let table = if command == Command::Find {
                "origins"
            } else {
                "origin_packages"
            };
            migration.run(&format!("BEGIN; LOCK TABLE shard_{n}.{table}"));
        }
        Server::Stalls(plan) => {
            proxy.set(plan);
            program = program.args(proxy.args());
        }
    }
    let running = program.spawn();
    thread::sleep(after);
    let told = Instant::now();
    // It may have ended without being reaped yet.
    running.signal(signal);
    let ran = finish(running, Duration::from_secs(30)).map_err(|fault| fault.with(&server_info))?;
    let took = told.elapsed();
    let outcome = job
        .judge(&ran, world)
        .map_err(|fault| fault.with(&server_info))?;
    let gone = if signal == "KILL" {
        WHEN_NOTICED
    } else {
        AT_ONCE
    };
    let gone = no_backends(&world.db, gone).map_err(|fault| fault.with(&server_info));
    if took > ENDS_WITHIN + *usual {
        return Err(Fault::Hung(format!(
            "{server_info}\nstatus {} only after {took:?}; stderr:\n{}",
            ran.status, ran.stderr
        )));
    }
    gone?;
    migration.run("ROLLBACK");
    match outcome {
        Outcome::Complete => {}
        Outcome::Interrupted => job
            .again(&world.db, world)
            .map_err(|fault| fault.with(&server_info))?,
        other => {
            return wrong(format!(
                "{server_info}\n{other:?}, and not interrupted; stderr:\n{}",
                ran.stderr
            ));
        }
    }
    Ok(outcome)
}
