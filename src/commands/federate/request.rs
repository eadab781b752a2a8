//! What `federate` is asked to do.

use crate::cli::federate::{FederateArgs, HubArgs};
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::setup;
use crate::config::{ConnectionFlags, Environment, Settings};
use crate::exec::cancel::Interrupt;
use crate::exec::plan::Timeouts;
use crate::federation::FederationError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    DryRun,
    Check,
    Refresh,
    Drop,
}

pub struct FederateRequest {
    pub args: FederateArgs,
    pub action: Action,
    pub hub: Settings,
    /// Those that hold the shards.
    pub servers: Vec<Settings>,
    pub limits: Timeouts,
    pub interrupt: Interrupt,
}

impl FederateRequest {
    pub fn new(args: FederateArgs) -> Result<Self, Error> {
        // Flags and the profile lead to the servers, not to the hub.
        let flags = ConnectionFlags {
            dbname: vec![args.hub.hub.clone()],
            no_password: args.connection.no_password,
            ..ConnectionFlags::default()
        };
        let servers = databases::servers(&args.connection)?;
        if args.hub.store_password
            && let Some(without) = servers.iter().find(|it| it.password_command().is_none())
        {
            return Err(FederationError::NoPasswordCommand(without.server_name()).into());
        }
        Ok(Self {
            action: action(&args.hub),
            hub: Settings::resolve(&flags, &Environment::of_process()?)?,
            servers,
            limits: args.limits(),
            interrupt: setup::listen()?,
            args,
        })
    }
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
