//! `shardq drift`: which shards differ from the others, and in what.

mod baseline;
pub mod catalog;
mod columns;
mod create;
mod ddl;
mod definition;
mod draft;
mod expected;
pub mod findings;
mod messages;
mod migrations;
mod privileges;
pub mod report;
pub mod shape;
mod steps;

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::drift::{ComparedArgs, DriftArgs};
use crate::commands::error::Error;
use crate::output::sink::{self, Sink};
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use super::session::{Collected, InspectRequest, InspectSession};
use super::table::{self, Reader};
use baseline::{Baseline, Compared};
use catalog::Scope;
use expected::Expected;
use findings::Finding;
use shape::{Shape, Unread};

/// What is read in one database.
pub struct Inspected {
    shape: Shape,
    /// Who holds the locks of tables that could not be read, one line each.
    lock_holders: Vec<String>,
    /// `server_version_num`.
    version: u32,
}

pub async fn run(args: DriftArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let request = InspectRequest::new(&args.inspect, &mut console)?;
    let expected = match &args.against {
        Some(target) => {
            let found = Expected::of_target(target, &args, &request, &mut console).await?;
            match found {
                None => return Ok(Exit::Interrupted),
                found => found,
            }
        }
        None => None,
    };
    let scope = match (&expected, &args.save) {
        (None, None) if !args.sql => Scope::Differing,
        _ => Scope::All,
    };
    let collected = request.collect(&mut console, async |session| {
        inspect(session, &args.compared, scope).await
    });
    let Some(collected) = collected.await? else {
        return Ok(Exit::Interrupted);
    };
    let compared = Compared::from(&args.compared);
    let expected = expected.unwrap_or_else(|| Expected::of_majority(&collected.data, compared));
    let findings = compare(&collected.data.shape, &expected);
    if let Some(file) = &args.save {
        save(file, &expected, &collected).await?;
    }
    if args.sql {
        let script = ddl::script(&findings, &expected.norm, args.inspect.lock_timeout);
        sink::print(script).await?;
        messages::say(&findings, &collected, &expected, &mut console);
        return Ok(exit(&findings, &collected));
    }
    let rows = report::table(&findings, &collected.data.shape, Reader::of(format));
    let output = &args.inspect.output;
    let say = |console: &mut Console| messages::say(&findings, &collected, &expected, console);
    let printed = table::print(&rows, format, output, &request.interrupt, &mut console, say);
    Ok(match printed.await? {
        Some(()) => exit(&findings, &collected),
        None => Exit::Interrupted,
    })
}

/// Reads what is compared.
async fn inspect(
    session: &InspectSession,
    compared: &ComparedArgs,
    scope: Scope<'_>,
) -> Result<Inspected, Error> {
    let mut shape = catalog::shape(session, compared, scope).await?;
    if !compared.no_migrations {
        let migrations = migrations::read(session, compared.migrations.as_deref()).await?;
        shape.objects.extend(migrations.records);
        shape.unread.extend(migrations.unread);
    }
    let locked = unread(shape.unread.iter().filter(|unread| unread.is_locked()));
    let locked: Vec<_> = locked.into_iter().collect();
    let lock_holders = match locked.as_slice() {
        [] => Vec::new(),
        locked => session.lock_holders(locked).await,
    };
    Ok(Inspected {
        shape,
        lock_holders,
        version: session.version,
    })
}

fn compare(shape: &Shape, expected: &Expected) -> Vec<Finding> {
    let mut findings = findings::findings(shape, &expected.norm);
    findings.retain(|finding| expected.compared.includes(&finding.object));
    findings
}

/// Writes what is expected to a file, which is complete or absent.
async fn save(
    file: &Path,
    expected: &Expected,
    collected: &Collected<Inspected>,
) -> Result<(), Error> {
    let baseline = Baseline::new(
        expected.norm.clone(),
        &collected.scope.location.database,
        expected.version,
        collected.selection.shards.len(),
        expected.compared,
    );
    let sink = Sink::file(file)?;
    sink.write(baseline.to_json()).await;
    Ok(sink.publish().await?)
}

/// Shards of which something could not be read.
fn unread<'a>(unread: impl IntoIterator<Item = &'a Unread>) -> BTreeSet<Shard> {
    let shards = unread.into_iter().flat_map(|unread| &unread.shards);
    shards.copied().collect()
}

fn exit(findings: &[Finding], collected: &Collected<Inspected>) -> Exit {
    if !findings.is_empty() {
        Exit::Failed
    } else if collected.data.shape.unread.is_empty() && collected.selection.doubt.is_none() {
        Exit::Complete
    } else {
        Exit::Incomplete
    }
}
