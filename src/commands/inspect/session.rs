//! The one session of an inspection: a read-only transaction at one snapshot, with the shards that
//! the arguments select. It sees the catalog, and no rows unless a command reads some.

use std::collections::BTreeSet;
use std::ops::AsyncFn;

use super::error::InspectError;
use super::statement::{TextRow, rows};
use crate::cli::inspect::{InspectArgs, InspectShardArgs};
use crate::client::{Connection, ConnectionPool};
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::commands::shard_lists::{self, StandardInput};
use crate::commands::{select, session_setup, setup};
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::Session;
use crate::exec::lock_holders::{self, WaitedIn};
use crate::exec::plan::{Plan, Timeouts};
use crate::exec::unknown_name::UnknownName;
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;
use crate::sharding::missing::Missing;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;
use crate::terminal::summary::{Scope, SnapshotCount, SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

/// What to inspect.
pub struct InspectRequest {
    settings: Settings,
    pub interrupt: Interrupt,
    plan: Plan,
    expect_shards: Option<u32>,
}

/// An open session, and the selected shards.
pub struct InspectSession {
    session: Session,
    /// `server_version_num`, e.g. 150018.
    pub version: u32,
    pub selection: Selection,
    pub scope: Scope,
    layout: Layout,
}

/// What one session returned.
pub struct Collected<T> {
    pub data: T,
    pub selection: Selection,
    pub scope: Scope,
}

impl InspectRequest {
    pub fn new(args: &InspectArgs, console: &mut Console) -> Result<Self, Error> {
        let settings = setup::settings(&args.connection, &args.shards.layout.patterns.databases)?;
        Self::with_settings(settings, &args.shards, args.limits(), console)
    }

    pub fn with_settings(
        settings: Settings,
        shards: &InspectShardArgs,
        limits: Timeouts,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let plan = plan(shards, limits)?;
        let interrupt = setup::listen()?;
        setup::say_warnings([&settings], console);
        Ok(Self {
            settings,
            interrupt,
            plan,
            expect_shards: shards.expect_shards,
        })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same inspection of another database.
    #[must_use]
    pub fn elsewhere(&self, settings: Settings) -> Self {
        Self {
            settings,
            interrupt: self.interrupt.clone(),
            plan: self.plan.clone(),
            expect_shards: None,
        }
    }

    /// The same inspection of the shards that other arguments select.
    pub fn with_shards(self, args: &InspectArgs) -> Result<Self, Error> {
        let Plan { layout, filter, .. } = plan(&args.shards, args.limits())?;
        Ok(Self {
            plan: Plan {
                layout,
                filter,
                ..self.plan
            },
            expect_shards: args.shards.expect_shards,
            ..self
        })
    }

    /// Opens a session, and reads in it what a command needs; once more if the session is lost or
    /// something was dropped meanwhile. `None` if interrupted: what runs on the server is then
    /// cancelled.
    pub async fn collect<T>(
        &self,
        console: &mut Console,
        read: impl AsyncFn(&InspectSession) -> Result<T, Error>,
    ) -> Result<Option<Collected<T>>, Error> {
        let mut attempts = Attempts::new();
        loop {
            attempts.begin()?;
            let opened = tokio::select! {
                opened = session_setup::open(&self.settings, 1, attempts.connect, console) => opened?,
                () = self.interrupt.requested() => return Ok(None),
            };
            let server = opened.server;
            let work = async {
                let session = self.open(&server, opened.first, console).await?;
                let data = read(&session).await?;
                Ok(session.close(data).await)
            };
            let done = session_setup::run_or_cancel(&server, &self.interrupt, work).await;
            server.close().await;
            // Only messages from opening the connection are shown.
            let notices = server.take_notices();
            notices.say(1, &Statement::composed(String::new()), console);
            match done {
                Err(error) if error.is_transient() => attempts.retry_after(&error, console),
                done => return done,
            }
        }
    }

    async fn open(
        &self,
        server: &ConnectionPool,
        connection: Connection,
        console: &mut Console,
    ) -> Result<InspectSession, Error> {
        let plan = &self.plan;
        let preflight = session_setup::preflight(connection, plan).await?;
        preflight
            .session
            .connection()
            .wait_at_most(plan.limits.patience());
        let topology = session_setup::topology(&preflight, &plan.layout, &self.settings).await?;
        if let Some(expected) = self.expect_shards {
            topology.expect(expected)?;
        }
        select::warn_of_names(&topology, console);
        let selection = select::filtered(plan, &preflight, &topology).await?;
        let mut session = InspectSession {
            session: preflight.session,
            version: 0,
            selection,
            scope: session_setup::scope(server, &topology),
            layout: plan.layout.clone(),
        };
        let settings = include_str!("../../../sql/inspect/session.sql");
        let rows = session.send(&sql_template::fill(settings, &[])).await?;
        let version = rows
            .first()
            .and_then(|row| row.first()?.as_ref()?.parse().ok());
        session.version = version.unwrap_or_default();
        Ok(session)
    }
}

fn plan(shards: &InspectShardArgs, limits: Timeouts) -> Result<Plan, Error> {
    // The preflight needs a statement to check.
    let statement = Statement::new("SELECT 1")?;
    let filter = shard_lists::filter(&shards.select, StandardInput::Free)?;
    Ok(Plan::of_our_own(statement, shards.layout(), filter, limits))
}

impl InspectSession {
    /// The selected shards, ascending.
    pub fn shards(&self) -> &[Shard] {
        &self.selection.shards
    }

    /// The selected shards as an SQL array, to be joined by `unnest(…) WITH ORDINALITY`: a name
    /// that the layout's regular expression matches may still be no shard.
    pub fn shards_sql(&self) -> String {
        array_sql(self.shards())
    }

    /// Who holds locks that reads of these shards wait for, one line each.
    pub async fn lock_holders(&self, shards: &[Shard]) -> Vec<String> {
        let place = WaitedIn::Shards(shards, &self.layout);
        lock_holders::holders(self.session.connection(), place).await
    }

    /// The error for a table that no shard has, with the nearest name.
    pub async fn no_table(&self, table: &str) -> InspectError {
        let unknown = UnknownName::table(table);
        let connection = self.session.connection();
        InspectError::NoTable {
            table: table.to_owned(),
            hint: unknown.hint_in_shards(connection, &self.layout).await,
        }
    }

    /// The rows of a statement (see `sql/inspect/session.sql`). Whether it succeeds or not, its
    /// locks and settings end with it, and the session can be used again.
    pub async fn query(&self, sql: &str) -> Result<Vec<TextRow>, InspectError> {
        const UNDO: &str = "ROLLBACK TO SAVEPOINT inspection";
        match self.send(&format!("{sql};\n{UNDO}")).await {
            Err(error @ InspectError::Server(_)) => {
                self.send(UNDO).await?;
                Err(error)
            }
            rows => rows,
        }
    }

    async fn send(&self, sql: &str) -> Result<Vec<TextRow>, InspectError> {
        rows(self.session.connection(), sql).await
    }

    /// Ends the transaction.
    async fn close<T>(self, data: T) -> Collected<T> {
        self.session.close().await;
        Collected {
            data,
            selection: self.selection,
            scope: self.scope,
        }
    }
}

/// `ARRAY['shard_0', …]::name[]`
pub fn array_sql(shards: &[Shard]) -> String {
    let names = shards
        .iter()
        .map(|shard| Literal(shard.schema()).to_string());
    format!("ARRAY[{}]::name[]", names.collect::<Vec<_>>().join(", "))
}

impl<T> Collected<T> {
    /// The last line of a run: `found`, the number of shards that were read, where they are, and how
    /// long it took.
    pub fn summary(&self, found: String, read: usize, console: &Console) -> SummaryLine {
        self.line(found, read, &self.selection.missing(|_| true), console)
    }

    /// The same, if of some shards not everything could be read.
    pub fn summary_without(
        &self,
        found: String,
        unread: &BTreeSet<Shard>,
        console: &Console,
    ) -> SummaryLine {
        let read = self.selection.shards.len() - unread.len();
        let missing = self.selection.missing(|shard| !unread.contains(&shard));
        self.line(found, read, &missing, console)
    }

    fn line(
        &self,
        found: String,
        read: usize,
        missing: &Missing,
        console: &Console,
    ) -> SummaryLine {
        let expected = self.selection.expected();
        let of = match self.scope.shards {
            all if expected < all => format!(" of {all}"),
            _ => String::new(),
        };
        let shards = format!("{read}/{expected} shards{of}{missing}");
        SummaryLine {
            before: vec![
                SummaryPart::Plain(found),
                SummaryPart::complete_if(read == expected, shards),
            ],
            location: self.scope.location.clone(),
            after: vec![
                SnapshotCount::One.to_string(),
                HumanDuration(console.elapsed()).to_string(),
            ],
        }
    }
}
