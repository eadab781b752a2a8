//! Connections that break at any byte, in either direction.

use std::time::Duration;

use crate::dice::Dice;
use crate::faulty_proxy::{Action, FaultyProxy, Plan};
use crate::job::{ALL, DEADLINE, Job, finish, no_backends};
use crate::suite::{Outcome, Suite, Verdict, wrong};
use crate::world::{World, server};

const SUITE: Suite = Suite {
    name: "connections",
    runs: 300,
    short: 20,
};

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
    // So short that what stalls is given up soon.
    let job = Job::new(command, World::question()).timeout("3s");
    let connections = 1 + dice.index(command.connections());
    let plan = Plan::roll(dice, &ACTIONS, connections);
    proxy.set(plan);
    let program = job
        .program(&world.db)
        .args(command.use_connections(connections))
        .args(proxy.args())
        .env("PGCONNECT_TIMEOUT", "3");
    let ran = finish(program.spawn(), DEADLINE);
    let judged = ran.and_then(|ran| job.judge(&ran, world));
    let outcome = judged.map_err(|fault| fault.with(&format!("{command:?}, {plan:?}")))?;
    no_backends(&world.db)?;
    if plan.loses_nothing() && outcome != Outcome::Complete {
        return wrong(format!(
            "{command:?} is {outcome:?}, and nothing was lost: {plan:?}"
        ));
    }
    if outcome != Outcome::Complete && job.command.has_manifest() {
        job.again(&world.db, world)?;
    }
    Ok(outcome)
}
