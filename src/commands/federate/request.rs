//! What `federate` is asked to do.

use crate::cli::connection::ConnectionArgs;
use crate::cli::federate::{FederateArgs, HubArgs};
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::setup;
use crate::config::{ConnectionFlags, Environment, Settings};
use crate::exec::cancel::Interrupt;
use crate::exec::plan::Timeouts;
use crate::global::federation::{FederationError, UnionKind};
use crate::sharding::layout::Layout;
use crate::sharding::pattern::Pattern;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    DryRun,
    Check,
    Refresh,
    Drop,
}

/// What to do with a hub, and where the shards are.
pub struct HubRequest {
    pub action: Action,
    pub hub: Settings,
    /// Those that hold the shards.
    pub servers: Vec<Settings>,
    pub layout: Layout,
    /// Of `--databases`.
    pub databases: Vec<Pattern>,
    /// Of servers that have the same shards, which to read.
    pub preferred: Vec<String>,
    pub expect_shards: Option<u32>,
    pub store_password: bool,
    pub analyze: bool,
    /// How to unite the shards, if the hub does not do so already.
    pub unions: UnionKind,
    /// Tables to lock on the servers, in all shards.
    pub lock: Vec<String>,
    pub limits: Timeouts,
    pub interrupt: Interrupt,
}

impl HubRequest {
    pub fn new(args: FederateArgs) -> Result<Self, Error> {
        let servers = databases::servers(&args.connection)?;
        if args.hub.store_password
            && let Some(without) = servers.iter().find(|it| it.password_command().is_none())
        {
            let error = FederationError::NoPasswordCommand(without.server_name());
            return Err(Error::Usage(error.to_string()));
        }
        Ok(Self {
            action: action(&args.hub),
            hub: hub(&args.hub.hub, &args.connection)?,
            servers,
            layout: args.layout.layout(),
            limits: args.limits(),
            databases: args.layout.patterns.databases,
            preferred: args.connection.prefer,
            expect_shards: args.expect_shards,
            store_password: args.hub.store_password,
            analyze: args.hub.analyze,
            unions: if args.hub.remote_views {
                UnionKind::Partitioned
            } else {
                UnionKind::View
            },
            lock: Vec::new(),
            interrupt: setup::listen()?,
        })
    }
}

/// Flags and the profile lead to the servers, not to the hub.
pub fn hub(conninfo: &str, connection: &ConnectionArgs) -> Result<Settings, Error> {
    let flags = ConnectionFlags {
        dbname: vec![conninfo.to_owned()],
        no_password: connection.no_password,
        ..ConnectionFlags::default()
    };
    Ok(Settings::resolve(&flags, &Environment::of_process()?)?)
}

fn action(args: &HubArgs) -> Action {
    let actions = [
        (args.dry_run, Action::DryRun),
        (args.check, Action::Check),
        (args.refresh, Action::Refresh),
        (args.drop, Action::Drop),
    ];
    let chosen = actions.into_iter().find(|(is_given, _)| *is_given);
    chosen.map_or(Action::Create, |(_, action)| action)
}
