//! What an inspection was asked to look at, and the loop that reads it in all databases.

use std::collections::BTreeMap;
use std::ops::AsyncFn;

use futures::future::{Either, join_all};

use super::collected::{Collected, Part};
use super::session::InspectSession;
use crate::cli::connection::ConnectionArgs;
use crate::cli::inspect::{InspectArgs, InspectShardArgs};
use crate::client::notices::Notices;
use crate::commands::attempt::Attempts;
use crate::commands::databases::{
    self, ConnectionLimits, LaterDatabase, Prepared, PreparedDatabase, Targets, own,
};
use crate::commands::error::Error;
use crate::commands::interruptible;
use crate::commands::shard_lists::{self, StandardInput};
use crate::commands::{select, setup};
use crate::config::{Environment, Settings};
use crate::exec::cancel::Interrupt;
use crate::exec::plan::{Plan, Timeouts};
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;

/// How many databases of a server are read at once, over one connection each.
const LIMITS: ConnectionLimits = ConnectionLimits {
    per_server: 4,
    per_database: 1,
    if_crowded: 4,
};

/// What to inspect.
pub struct InspectRequest {
    targets: Targets,
    preferred: Vec<String>,
    pub interrupt: Interrupt,
    plan: Plan,
    expect_shards: Option<u32>,
}

/// Databases after their preflights, and the selected shards.
pub struct Selected {
    pub prepared: Prepared,
    pub selection: Selection,
}

impl InspectRequest {
    /// `None` if interrupted.
    pub async fn new(args: &InspectArgs, console: &mut Console) -> Result<Option<Self>, Error> {
        Self::of(&args.connection, &args.shards, args.limits(), console).await
    }

    /// `None` if interrupted.
    pub async fn of(
        connection: &ConnectionArgs,
        shards: &InspectShardArgs,
        limits: Timeouts,
        console: &mut Console,
    ) -> Result<Option<Self>, Error> {
        let servers = databases::servers(connection)?;
        let plan = plan(shards, limits)?;
        let interrupt = setup::listen()?;
        setup::say_warnings(&servers, console);
        let patterns = &shards.layout.patterns.databases;
        let snapshots = connection.snapshots.as_ref();
        let targets = databases::targets(&servers, patterns, &plan.layout, snapshots, &interrupt);
        let Some(targets) = targets.await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            targets,
            preferred: connection.prefer.clone(),
            interrupt,
            plan,
            expect_shards: shards.expect_shards,
        }))
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The same inspection of one other database.
    #[must_use]
    pub fn elsewhere(&self, settings: &Settings) -> Self {
        Self {
            targets: Targets::only(settings),
            preferred: Vec::new(),
            interrupt: self.interrupt.clone(),
            plan: self.plan.clone(),
            expect_shards: None,
        }
    }

    /// The same inspection of the databases and shards that other arguments select. `None` if
    /// interrupted.
    pub async fn of_others(
        &self,
        args: &InspectArgs,
        environment: &Environment,
    ) -> Result<Option<Self>, Error> {
        let servers = databases::servers_in(&args.connection, environment)?;
        let Plan { layout, filter, .. } = plan(&args.shards, args.limits())?;
        let patterns = &args.shards.layout.patterns.databases;
        let targets = databases::targets(&servers, patterns, &layout, None, &self.interrupt);
        let Some(targets) = targets.await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            targets,
            preferred: args.connection.prefer.clone(),
            interrupt: self.interrupt.clone(),
            plan: Plan {
                layout,
                filter,
                ..self.plan.clone()
            },
            expect_shards: args.shards.expect_shards,
        }))
    }

    /// Connects with at most so many connections, runs the preflights of a plan, and selects the
    /// shards. `None` if interrupted.
    pub(in crate::commands) async fn select(
        &self,
        plan: &Plan,
        limits: ConnectionLimits,
        attempts: &Attempts,
        console: &mut Console,
    ) -> Result<Option<Selected>, Error> {
        let (targets, interrupt) = (&self.targets, &self.interrupt);
        let retry = attempts.connect;
        let connecting = databases::connect(targets, plan, limits, retry, interrupt, console);
        let Some(connected) = connecting.await? else {
            return Ok(None);
        };
        let servers = connected.servers();
        let work = async {
            let preferred = &self.preferred;
            let mut prepared = databases::prepare(connected, plan, preferred, console).await?;
            let (first, topology) = (prepared.first()?, &prepared.topology);
            let expected = self.expect_shards;
            let selection = select::select_listed(expected, plan, first, topology, console).await?;
            prepared.keep(&selection.shards).await?;
            Ok(Selected {
                prepared,
                selection,
            })
        };
        interruptible::run_in_all(&servers, interrupt, work).await
    }

    /// Opens a session in each database that has selected shards, and reads in it what a command
    /// needs; once more if a session is lost or something was dropped meanwhile. `None` if
    /// interrupted: what runs on the servers is then cancelled.
    pub async fn collect<T>(
        &self,
        console: &mut Console,
        read: impl AsyncFn(&InspectSession<'_>) -> Result<T, Error>,
    ) -> Result<Option<Collected<Vec<T>>>, Error> {
        let mut attempts = Attempts::new();
        loop {
            attempts.begin()?;
            match self.attempt(&attempts, console, &read).await {
                Err(error) if error.is_transient() => attempts.retry_after(&error, console),
                done => return done,
            }
        }
    }

    async fn attempt<T>(
        &self,
        attempts: &Attempts,
        console: &mut Console,
        read: &impl AsyncFn(&InspectSession<'_>) -> Result<T, Error>,
    ) -> Result<Option<Collected<Vec<T>>>, Error> {
        let selected = self.select(&self.plan, LIMITS, attempts, console).await?;
        let Some(Selected {
            prepared,
            selection,
        }) = selected
        else {
            return Ok(None);
        };
        let scope = prepared.scope();
        let snapshots = prepared.snapshots(self.plan.instant, &selection.shards);
        let servers = prepared.has_several_servers().into();
        let accepted: BTreeMap<_, _> = (prepared.databases.iter())
            .map(|database| (database.target.settings.server_name(), database.settings()))
            .collect();
        let pools = prepared.servers();
        let open = prepared.databases.into_iter();
        let open = open.map(|it| Either::Left(self.part(it, &selection.shards, read)));
        let later = prepared.later.into_iter().map(|it| {
            let accepted = accepted.get(&it.target.settings.server_name());
            Either::Right(self.part_later(it, accepted, &selection.shards, read))
        });
        let parts = join_all(open.chain(later)).await;
        let mut notices = Notices::default();
        for pool in pools {
            notices.extend(pool.take_notices());
        }
        // Only messages from opening the connection are shown.
        notices.say(1, &Statement::composed(String::new()), console);
        let collected = Collected {
            data: Vec::new(),
            snapshots,
            selection,
            scope,
            servers,
            unread: Vec::new(),
        };
        collected.with_parts(parts, attempts)
    }

    async fn part_later<T>(
        &self,
        database: LaterDatabase,
        accepted: Option<&Settings>,
        shards: &[Shard],
        read: &impl AsyncFn(&InspectSession<'_>) -> Result<T, Error>,
    ) -> Part<T> {
        let target = database.target.clone();
        let opened = tokio::select! {
            opened = database.open_in_turn(accepted) => opened,
            () = self.interrupt.requested() => return Part::of(&target, shards, Ok(None)),
        };
        match opened {
            Ok(database) => self.part(database, shards, read).await,
            Err(error) => Part::of(&target, shards, Err(error)),
        }
    }

    /// Reads what one database has, and closes it.
    async fn part<T>(
        &self,
        mut database: PreparedDatabase,
        shards: &[Shard],
        read: &impl AsyncFn(&InspectSession<'_>) -> Result<T, Error>,
    ) -> Part<T> {
        let (target, server) = (database.target.clone(), database.server.clone());
        // Held until the database is closed: then the next one may connect.
        let slot = database.slot.take();
        let work = async {
            let connection = database.preflight.session.connection();
            connection.wait_at_most(database.plan.limits.patience());
            let (layout, shards) = (&database.plan.layout, own(shards, &target));
            let session = InspectSession::on(connection, layout, shards).await?;
            let data = read(&session).await?;
            database.preflight.session.close().await;
            Ok(data)
        };
        let data = interruptible::run(&server, &self.interrupt, work).await;
        server.close().await;
        drop(slot);
        Part::of(&target, shards, data)
    }
}

fn plan(shards: &InspectShardArgs, limits: Timeouts) -> Result<Plan, Error> {
    // The preflight needs a statement to check.
    let statement = Statement::new("SELECT 1")?;
    let filter = shard_lists::filter(&shards.select, StandardInput::Free)?;
    Ok(Plan::of_our_own(statement, shards.layout(), filter, limits))
}
