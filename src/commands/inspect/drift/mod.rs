//! `shardq drift`: which shards differ from the others, and in what.

mod catalog;
mod definition;
mod findings;
mod report;
mod shape;

use crate::cli::drift::DriftArgs;
use crate::commands::error::Error;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use super::session::{Collected, InspectRequest};
use super::table;
use catalog::Scope;
use findings::Finding;
use report::Reader;
use shape::{Locked, Shape};

pub async fn run(args: DriftArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let request = InspectRequest::new(&args.inspect, &mut console)?;
    let collected = request.collect(&mut console, async |session| {
        Ok(catalog::shape(session, &args.compared, Scope::Differing).await?)
    });
    let Some(collected) = collected.await? else {
        return Ok(Exit::Interrupted);
    };
    let shards = &collected.selection.shards;
    let norm = findings::majority(&collected.data);
    let findings = findings::findings(&collected.data, &norm, shards);
    let locked = &collected.data.locked;
    let rows = report::table(&findings, locked, Reader::of(format), shards.len());
    let output = &args.inspect.output;
    let say = |console: &mut Console| say(&findings, &collected, console);
    let printed = table::print(&rows, format, output, &request.interrupt, &mut console, say);
    Ok(match printed.await? {
        Some(()) => exit(&findings, &collected),
        None => Exit::Interrupted,
    })
}

fn say(findings: &[Finding], collected: &Collected<Shape>, console: &mut Console) {
    let locked = &collected.data.locked;
    if let Some(doubt) = &collected.selection.doubt {
        console.error(doubt);
    }
    let read = collected.selection.shards.len() - unread(locked);
    console.summary(&collected.summary(report::summary(findings, locked), read, console));
}

/// The number of shards of which something could not be read.
fn unread(locked: &[Locked]) -> usize {
    let shards = locked.iter().flat_map(|locked| &locked.shards);
    shards.collect::<std::collections::HashSet<_>>().len()
}

fn exit(findings: &[Finding], collected: &Collected<Shape>) -> Exit {
    if !findings.is_empty() {
        Exit::Failed
    } else if collected.data.locked.is_empty() && collected.selection.doubt.is_none() {
        Exit::Complete
    } else {
        Exit::Incomplete
    }
}
