//! `shardq drift`: which shards differ from the others, and in what.

mod baseline;
pub mod catalog;
pub mod definition;
mod draft;
mod expected;
pub mod findings;
mod messages;
mod migrations;
pub mod repeated;
pub mod report;
pub mod shape;

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::drift::{ComparedArgs, DriftArgs};
use crate::commands::error::Error;
use crate::output::sink::{self, Sink};
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use super::collected::Collected;
use super::error::InspectError;
use super::request::InspectRequest;
use super::session::InspectSession;
use super::table::{self, Reader};
use baseline::{Baseline, Compared};
use catalog::Scope;
use expected::Expected;
use findings::Finding;
use shape::{Shape, Unread};

/// What the shards have.
pub struct Inspected {
    shape: Shape,
    /// Who holds the locks of tables that could not be read, one line each.
    lock_holders: Vec<String>,
    /// `server_version_num` of each server.
    versions: BTreeSet<u32>,
    /// If no shard has the table of `--migrations`.
    no_table: Option<InspectError>,
}

impl Inspected {
    /// What all databases have.
    fn united(of_databases: Vec<Self>) -> Result<Self, Error> {
        let mut shapes = Vec::new();
        let mut lock_holders = Vec::new();
        let mut versions = BTreeSet::new();
        let mut no_table = None;
        let mut has_table = false;
        for inspected in of_databases {
            shapes.push(inspected.shape);
            lock_holders.extend(inspected.lock_holders);
            versions.extend(inspected.versions);
            has_table |= inspected.no_table.is_none();
            no_table = no_table.or(inspected.no_table);
        }
        match no_table {
            Some(error) if !has_table => Err(error.into()),
            _ => Ok(Self {
                shape: Shape::union(shapes),
                lock_holders,
                versions,
                no_table: None,
            }),
        }
    }

    /// The newest.
    fn version(&self) -> u32 {
        self.versions.last().copied().unwrap_or_default()
    }
}

pub async fn run(args: DriftArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let Some(request) = InspectRequest::new(&args.inspect, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let expected = match &args.against {
        Some(target) => {
            let found = Expected::of_target(target, &args, &request, &mut console);
            // Boxed because the future is large.
            let found = Box::pin(found).await?;
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
    let collected = collect(&request, &args.compared, scope, &mut console);
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
        let script = draft::script(&findings, &expected.norm, args.inspect.lock_timeout);
        sink::print(script).await?;
        messages::say(&findings, &collected, &expected, &mut console);
        return Ok(exit(&findings, &collected));
    }
    let (shape, servers) = (&collected.data.shape, collected.servers);
    let rows = report::table(&findings, shape, servers, Reader::of(format));
    let output = &args.inspect.output;
    let say = |console: &mut Console| messages::say(&findings, &collected, &expected, console);
    let printed = table::print(&rows, format, output, &request.interrupt, &mut console, say);
    Ok(match printed.await? {
        Some(()) => exit(&findings, &collected),
        None => Exit::Interrupted,
    })
}

/// Reads what is compared. `None` if interrupted.
async fn collect(
    request: &InspectRequest,
    compared: &ComparedArgs,
    scope: Scope<'_>,
    console: &mut Console,
) -> Result<Option<Collected<Inspected>>, Error> {
    let collected = request.collect(console, async |session| {
        inspect(session, compared, scope).await
    });
    let collected = collected.await?;
    let united = collected.map(|it| it.try_map(Inspected::united));
    united.transpose()
}

/// Reads what is compared in one database.
async fn inspect(
    session: &InspectSession<'_>,
    compared: &ComparedArgs,
    scope: Scope<'_>,
) -> Result<Inspected, Error> {
    let mut shape = catalog::shape(session, compared, scope).await?;
    let mut no_table = None;
    if !compared.no_migrations {
        let migrations = migrations::read(session, compared.migrations.as_deref()).await?;
        shape.objects.extend(migrations.records);
        shape.unread.extend(migrations.unread);
        no_table = migrations.no_table;
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
        versions: [session.version].into(),
        no_table,
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
    } else if collected.data.shape.unread.is_empty() && collected.is_complete() {
        Exit::Complete
    } else {
        Exit::Incomplete
    }
}
