//! `shardq activity`: who holds and waits for locks in which shard, and who blocks whom.

mod processes;
mod rows;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use super::collected::Collected;
use super::report::InspectReport;
use super::request::InspectRequest;
use super::table;
use crate::cli::activity::ActivityArgs;
use crate::commands::error::Error;
use crate::output::format::Format;
use crate::output::sink;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use processes::Process;
use rows::QueryText;

/// Clears the screen, and continues at its top.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub async fn run(mut args: ActivityArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let Some(request) = InspectRequest::new(&args.inspect, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let Some(interval) = args.watch else {
        return show(&args, &request, format, &mut console).await;
    };
    // It would wait for a key.
    args.inspect.output.no_pager = true;
    args.inspect.output.pager = false;
    loop {
        console.start_clock();
        if show(&args, &request, format, &mut console).await? == Exit::Interrupted
            || !pause(interval, &request).await
        {
            return Ok(Exit::Interrupted);
        }
    }
}

/// `false` if interrupted.
async fn pause(interval: Duration, request: &InspectRequest) -> bool {
    tokio::select! {
        biased;
        () = request.interrupt.requested() => false,
        () = tokio::time::sleep(interval) => true,
    }
}

async fn show(
    args: &ActivityArgs,
    request: &InspectRequest,
    format: Format,
    console: &mut Console,
) -> Result<Exit, Error> {
    let Some(collected) = request.collect(console, processes::read).await? else {
        return Ok(Exit::Interrupted);
    };
    let collected = collected.map(processes::united);
    if args.watch.is_some() && io::stdout().is_terminal() {
        sink::print(CLEAR).await?;
    }
    let is_shown = |it: &&Process| !args.blocking || !it.blocks.is_empty();
    let shown: Vec<_> = collected.data.iter().filter(is_shown).collect();
    let text = if args.blocking {
        QueryText::Whole
    } else {
        QueryText::Cut
    };
    let mut table = rows::table(&shown, text, format);
    table.name_servers(collected.servers, shown.iter().map(|it| it.database));
    let (output, interrupt) = (&args.inspect.output, &request.interrupt);
    say_hidden(&collected.data, console);
    let report = report(&collected);
    report
        .print(&table, format, output, interrupt, console)
        .await
}

fn report(collected: &Collected<Vec<Process>>) -> InspectReport<'_, Vec<Process>> {
    let processes = &collected.data;
    let waiting = processes.iter().filter(|it| it.waits_for.is_some()).count();
    let blocking = processes.iter().filter(|it| !it.blocks.is_empty()).count();
    let plural = if processes.len() == 1 { "" } else { "es" };
    InspectReport {
        collected,
        warnings: Vec::new(),
        found: format!(
            "{} process{plural}, {waiting} waiting, {blocking} blocking",
            processes.len()
        ),
        unread: BTreeSet::new(),
        runs: Vec::new(),
    }
}

fn say_hidden(processes: &[Process], console: &mut Console) {
    // As `pg_stat_activity` writes it.
    let is_hidden = |it: &Process| it.query.as_deref() == Some("<insufficient privilege>");
    if processes.iter().any(is_hidden) {
        console.note(
            &"shardq: hint: statements of other users are hidden from this role; GRANT pg_monitor \
              TO it to see them",
        );
    }
}
