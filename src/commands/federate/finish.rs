//! Says what was made, found or would be run.

use super::hub::HubSession;
use super::request::{Action, HubRequest};
use super::server_views::ServerWork;
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::commands::setup;
use crate::global::federation::{Change, UnionKind, Wanted, hub_script, server_script};
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

pub struct Report<'a> {
    pub request: &'a HubRequest,
    pub hub: &'a HubSession,
    /// `None` if the hub is removed.
    pub wanted: Option<&'a Wanted>,
    pub changes: &'a [Change],
}

impl Report<'_> {
    pub async fn dry_run(
        &self,
        on_servers: &[ServerWork],
        statements: &[String],
        console: &mut Console,
    ) -> Result<Exit, Error> {
        self.say_what_is_left_out(console);
        let mut text: String = on_servers.iter().map(ServerWork::script).collect();
        if !on_servers.is_empty() && !statements.is_empty() {
            let conninfo = self.request.hub.conninfo_of_client();
            text += &server_script("the hub", &conninfo, statements);
        } else if statements.is_empty() && text.is_empty() {
            "-- the hub is up to date\n".clone_into(&mut text);
        } else if !statements.is_empty() {
            text += &hub_script(statements);
        }
        setup::print(text, &self.request.interrupt).await
    }

    /// What differs, on standard output.
    pub async fn check(&self, console: &mut Console) -> Result<Exit, Error> {
        let lines = self.changes.iter().map(ToString::to_string);
        let text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
        let printed = setup::print(text, &self.request.interrupt).await?;
        if printed != Exit::Complete {
            return Ok(printed);
        }
        self.say_what_is_left_out(console);
        let state = match self.changes.len() {
            0 => SummaryPart::Plain("up to date".to_owned()),
            count => SummaryPart::Incomplete(format!("stale: {}", counted(count, "difference"))),
        };
        self.summary(state, console);
        if self.changes.is_empty() {
            return Ok(Exit::Complete);
        }
        let hint = "shardq: hint: --dry-run prints the SQL that updates the hub, --refresh runs it";
        console.note(&hint);
        Ok(Exit::Failed)
    }

    /// After the commit.
    pub fn applied(&self, console: &mut Console) -> Exit {
        self.say_what_is_left_out(console);
        if self.request.store_password {
            console.warning(
                &"the hub stores the passwords of the servers: its superusers can read them in \
                  pg_user_mapping, and so can whoever has a dump of it",
            );
        }
        let done = match self.request.action {
            Action::Drop => "removed".to_owned(),
            Action::Refresh if self.changes.is_empty() => "up to date".to_owned(),
            Action::Refresh => format!("refreshed: {}", counted(self.changes.len(), "change")),
            _ => "created".to_owned(),
        };
        self.summary(SummaryPart::Plain(done), console);
        Exit::Complete
    }

    fn say_what_is_left_out(&self, console: &mut Console) {
        for note in self.wanted.iter().flat_map(|wanted| &wanted.notes) {
            console.warning(note);
        }
    }

    fn summary(&self, state: SummaryPart, console: &mut Console) {
        let extent = self.wanted.map(extent);
        let extent = extent.into_iter().flatten().map(SummaryPart::Plain);
        console.summary(&SummaryLine {
            before: [state].into_iter().chain(extent).collect(),
            location: session_setup::location(&self.hub.pool),
            after: vec![HumanDuration(console.elapsed()).to_string()],
        });
    }
}

fn extent(wanted: &Wanted) -> Vec<String> {
    let of = |kind| wanted.unions.iter().filter(move |it| it.kind() == kind);
    let on_servers = wanted.partitions().count();
    let views = of(UnionKind::View).count();
    let mut extent = vec![
        counted(wanted.servers.len(), "server"),
        counted(wanted.schemas.len(), "shard"),
        counted(wanted.tables.len() + on_servers, "foreign table"),
    ];
    if views > 0 || on_servers == 0 {
        extent.push(counted(views, "view"));
    }
    if on_servers > 0 {
        let partitioned = of(UnionKind::Partitioned).count();
        extent.push(counted(partitioned, "partitioned table"));
        extent.push(counted(on_servers, "view") + " on the servers");
    }
    extent
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
