//! `federate`: makes a database the hub of all shards, and keeps it one. `request` says what to do,
//! `remote` reads the servers, `hub` the hub; `apply` runs the SQL, `server_views` that on the servers; `finish` reports. `via` checks a
//! hub before a global query runs on it.

mod apply;
mod finish;
mod hub;
mod remote;
mod request;
mod server_views;
mod via;

use super::error::Error;
use super::setup;
use crate::cli::federate::FederateArgs;
use crate::global::federation::{self, FederationError, UnionKind, difference};
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use finish::Report;
use hub::HubSession;
use request::{Action, HubRequest};

pub(super) use via::{LockedTables, Via, servers_or_hub};

pub async fn run(args: FederateArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let request = HubRequest::new(args)?;
    setup::say_warnings(request.servers.iter().chain([&request.hub]), &mut console);
    let Some(hub) = HubSession::open(&request, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let done = act(&request, &hub, &mut console).await;
    hub.close().await;
    done
}

async fn act(request: &HubRequest, hub: &HubSession, console: &mut Console) -> Result<Exit, Error> {
    check_action(request.action, hub)?;
    let unions = match hub.existing.unions_are() {
        UnionKind::View => request.unions,
        UnionKind::Partitioned => UnionKind::Partitioned,
    };
    let mut wanted = None;
    let mut views = Vec::new();
    if request.action != Action::Drop || unions == UnionKind::Partitioned {
        let Some(remotes) = remote::read(request, &hub.facts, console).await? else {
            return Ok(Exit::Interrupted);
        };
        if unions == UnionKind::Partitioned {
            views = server_views::read(request, &remotes.prepared).await?;
        }
        remotes.prepared.close().await;
        if request.action != Action::Drop {
            wanted = Some(federation::wanted(&hub.facts, remotes.databases, unions)?);
        }
    }
    let wanted = wanted.as_ref();
    let (mut changes, works) = if views.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        server_views::compare(hub, views, wanted).await?
    };
    let difference = difference(wanted, &hub.existing, hub.facts.has_postgres_fdw);
    changes.extend(difference.changes);
    let report = Report {
        request,
        hub,
        wanted,
        changes: &changes,
    };
    match request.action {
        Action::DryRun => {
            report
                .dry_run(&works, &difference.statements, console)
                .await
        }
        Action::Check => report.check(console).await,
        Action::Create | Action::Refresh | Action::Drop => {
            let applied = apply::run(
                request,
                hub,
                &works,
                &difference.statements,
                wanted,
                console,
            );
            match applied.await? {
                Some(()) => Ok(report.applied(console)),
                None => Ok(Exit::Interrupted),
            }
        }
    }
}

fn check_action(action: Action, hub: &HubSession) -> Result<(), FederationError> {
    let is_hub = !hub.existing.is_empty();
    match action {
        Action::Create if is_hub => Err(FederationError::Exists { hub: hub.place() }),
        Action::Check | Action::Refresh | Action::Drop if !is_hub => {
            Err(FederationError::NoHub { hub: hub.place() })
        }
        _ => Ok(()),
    }
}
