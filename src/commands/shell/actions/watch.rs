//! `\watch`: the same statement again and again, until Ctrl-C.

use jiff::Timestamp;

use super::print;
use crate::commands::setup;
use crate::commands::shell::command::Watch;
use crate::commands::shell::shell::Shell;
use crate::commands::shell::state::Next;
use crate::commands::shell::statements;

pub async fn run(shell: &mut Shell, watch: Watch) -> Next {
    let typed = shell.reader.take();
    let Some(sql) = typed.or_else(|| shell.state.last.clone()) else {
        return shell.failed(&"there is no statement to watch");
    };
    let mut done = 0;
    loop {
        let now = Timestamp::now().strftime("%a %b %e %H:%M:%S %Y UTC");
        let heading = format!("{now} (every {}s)\n", watch.pause.as_secs_f64());
        if let Err(error) = print(heading).await {
            return shell.failed(&error);
        }
        let next = statements::run(&mut shell.state, sql.clone()).await;
        done += 1;
        if next != Next::GoOn || watch.times == Some(done) {
            return next;
        }
        let interrupt = match setup::listen() {
            Ok(interrupt) => interrupt,
            Err(error) => return shell.failed(&error),
        };
        tokio::select! {
            () = tokio::time::sleep(watch.pause) => {}
            () = interrupt.requested() => return Next::GoOn,
        }
    }
}
