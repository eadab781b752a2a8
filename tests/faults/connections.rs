//! Connections that break at any byte, in either direction.

use std::time::Duration;

use crate::dice::Dice;
use crate::faulty_proxy::{Action, FaultyProxy, Plan};
use crate::job::{ALL, Job, WHEN_NOTICED, describe, finish, no_backends};
use crate::suite::{Fault, Outcome, Suite, Verdict};
use crate::world::{World, server};

const SUITE: Suite = Suite {
    name: "connections",
    runs: 300,
    short: 10,
    workers: 4,
};

/// Enough to give up a silent server more than once.
const PATIENCE: Duration = Duration::from_secs(150);

/// A stall lasts until the time limits, so the short form has none.
const STALLS_FROM: u32 = SUITE.short;

const ACTIONS: [Action; 8] = [
    Action::Close,
    Action::Close,
    Action::Reset,
    Action::Reset,
    Action::HalfClose,
    Action::Pause(Duration::from_millis(150)),
    Action::Carry,
    Action::Stall,
];

#[test]
fn connections() {
    SUITE.run(
        || (World::shared(), FaultyProxy::to(server())),
        |(world, proxy), dice, run| broken_link(world, proxy, dice, run),
    );
}

fn broken_link(world: &World, proxy: &FaultyProxy, dice: &mut Dice, run: u32) -> Verdict {
    let command = ALL[run as usize % ALL.len()];
    let actions = if run < STALLS_FROM {
        &ACTIONS[..7]
    } else {
        &ACTIONS
    };
    let connections = 1 + dice.index(command.connections());
    let plan = Plan::roll(dice, actions, connections);
    let server_info = format!("{command:?}, {plan:?}");
    proxy.set(plan);
    let mut job = Job::new(command, World::question());
    if plan.is_silent() {
        // Shortens the wait for a silent server.
        job = job.timeout("3s");
    }
    let mut program = job
        .program(&world.db)
        .args(command.use_connections(connections))
        .args(proxy.args());
    if plan.is_silent() {
        program = program.env("PGCONNECT_TIMEOUT", "3");
    }
    let ran = finish(program.spawn(), PATIENCE).map_err(|fault| fault.with(&server_info))?;
    let outcome = job
        .judge(&ran, world)
        .map_err(|fault| fault.with(&server_info))?;
    no_backends(&world.db, WHEN_NOTICED).map_err(|fault| fault.with(&server_info))?;
    if plan.loses_nothing() && outcome != Outcome::Complete {
        let fault = Fault::Wrong("not complete, and nothing was lost".to_owned());
        return Err(describe(fault, command, &ran).with(&server_info));
    }
    if outcome != Outcome::Complete && job.command.has_manifest() {
        job.again(&world.db, world)
            .map_err(|fault| fault.with(&server_info))?;
    }
    Ok(outcome)
}
