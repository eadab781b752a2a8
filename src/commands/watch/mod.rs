//! `shardq watch`: runs a query, or `drift`, again and again, and prints what changed.

mod changes;
mod difference;
mod format;
mod hook;
mod watched;

use std::time::Instant;

use jiff::{Timestamp, Unit};

use super::error::Error;
use super::query::lead_columns::LeadColumns;
use super::query::output::{Output, Paging, ScreenOptions, TableFit};
use super::query::repeated::Round;
use crate::cli::watch::{WatchArgs, WatchOptions, WatchedArgs};
use crate::client::kept;
use crate::exec::row_sink::RowSink as _;
use crate::output::format::{Format, ResultRows};
use crate::output::sink::{Sink, SinkError};
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::text::humanize::{Interval, counted};

use difference::{Change, RowKey};
use format::{Place, format, renderer};
use watched::Watched;

pub async fn run(args: WatchArgs) -> Result<Exit, Error> {
    let (watched, options) = args.into_parts().map_err(Error::Usage)?;
    let (format, is_quiet) = match &watched {
        WatchedArgs::Query(query) => {
            let has_no_meaning = [
                (query.run.dry_run, "--dry-run"),
                (query.global.explain, "--explain"),
            ];
            (format(&query.output, &has_no_meaning)?, query.run.quiet)
        }
        WatchedArgs::Drift(drift) => (format(&drift.output, &[])?, drift.quiet),
    };
    let mut console = Console::new(is_quiet);
    let Some(watched) = Watched::new(watched, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let sink = Sink::stdout()?;
    let screen = ScreenOptions {
        paging: Paging::Never,
        table: TableFit::Unchanged,
    };
    let lead = LeadColumns::default();
    let renderer = renderer(watched.output(), format, Place::First);
    let output = Output::new(renderer, lead, sink, console.progress_line(), screen);
    let watch = Watch {
        watched,
        options,
        format,
        known: None,
        has_printed: false,
    };
    // Each round is a run of its own, over the connections of the one before.
    kept::keep_connections();
    // Boxed because the futures are large.
    let ended = Box::pin(watch.rounds(output, &mut console)).await;
    kept::close_kept().await;
    ended
}

struct Watch {
    watched: Watched,
    options: WatchOptions,
    format: Format,
    /// The last complete result.
    known: Option<ResultRows>,
    has_printed: bool,
}

/// What follows from a round.
enum Next {
    Round,
    End(Exit),
}

impl Watch {
    async fn rounds(mut self, mut output: Output, console: &mut Console) -> Result<Exit, Error> {
        let most = self.options.count.map_or(u64::MAX, Into::into);
        for _ in 0..most {
            let began = Instant::now();
            let time = now();
            // Of each run, only what needs attention is of interest.
            let round = Box::pin(self.watched.run(&mut Console::new(true))).await;
            let next = match round {
                Err(error) if self.known.is_none() => return Err(error),
                Err(error) => {
                    console.error(&error);
                    not_compared(&time, console);
                    Next::Round
                }
                Ok(Round::NotComplete(exit)) => {
                    if exit == Exit::Interrupted || self.known.is_none() {
                        return Ok(exit);
                    }
                    not_compared(&time, console);
                    Next::Round
                }
                Ok(Round::Complete(rows)) => {
                    let changes = self.compare(rows, &time, console)?;
                    if changes.is_empty() {
                        self.next(&changes)
                    } else {
                        match self.print(&changes, &time, output).await {
                            Ok(printed) => output = printed,
                            // The reader has seen enough.
                            Err(Error::Sink(SinkError::Closed)) => return Ok(Exit::Complete),
                            Err(error) => return Err(error),
                        }
                        self.report(&changes, &time, console).await?;
                        self.next(&changes)
                    }
                }
            };
            if let Next::End(exit) = next {
                return Ok(exit);
            }
            let wait = self.options.every.saturating_sub(began.elapsed());
            tokio::select! {
                biased;
                () = self.watched.interrupt().requested() => return Ok(Exit::Interrupted),
                () = tokio::time::sleep(wait) => {}
            }
        }
        Ok(Exit::Complete)
    }

    /// What changed since the last complete round.
    fn compare(
        &mut self,
        rows: ResultRows,
        time: &str,
        console: &mut Console,
    ) -> Result<Vec<Change>, Error> {
        let key = self.key(&rows)?;
        let names = |rows: &ResultRows| -> Vec<String> {
            rows.columns
                .iter()
                .map(|column| column.name.clone())
                .collect()
        };
        let changes = match &self.known {
            Some(known) if names(known) == names(&rows) => {
                difference::difference(&known.rows, &rows.rows, &key)
            }
            known => {
                if known.is_some() {
                    console.warning(&"the columns changed; rows are compared from now on");
                }
                let count = counted(rows.rows.len(), self.watched.noun());
                let every = Interval(self.options.every);
                console.note(&format!("{time}: {count}; again every {every}"));
                Vec::new()
            }
        };
        self.known = Some(rows);
        Ok(changes)
    }

    /// The columns of `--key`, and the shard.
    fn key(&self, rows: &ResultRows) -> Result<RowKey, Error> {
        let usual = self.watched.usual_key().iter().copied();
        let mut names: Vec<_> = self.options.key.iter().map(String::as_str).collect();
        if names.is_empty() {
            names.extend(usual);
        }
        if names.is_empty() {
            return Ok(RowKey::WholeRow);
        }
        let lead = self.watched.lead_columns(rows);
        let own = || rows.columns.iter().enumerate().skip(lead);
        let mut places: Vec<_> = lead.checked_sub(1).into_iter().collect();
        for name in names {
            let place = own().find(|(_, column)| column.name == name);
            let Some((place, _)) = place else {
                let names: Vec<_> = own().map(|(_, column)| column.name.as_str()).collect();
                return Err(Error::Usage(format!(
                    "--key: the result has no column \"{name}\"; its columns are {}",
                    names.join(", ")
                )));
            };
            places.push(place);
        }
        Ok(RowKey::Columns(places))
    }

    async fn print(
        &mut self,
        changes: &[Change],
        time: &str,
        mut output: Output,
    ) -> Result<Output, Error> {
        let Some(known) = &self.known else {
            return Ok(output);
        };
        if std::mem::replace(&mut self.has_printed, true) {
            let renderer = renderer(self.watched.output(), self.format, Place::Later);
            output.next_result(renderer, self.format.separator());
        }
        let columns = changes::columns(&known.columns);
        output.begin(&columns).map_err(SinkError::Render)?;
        for row in changes::rows(changes, time) {
            if output.row(&row).await?.is_break() {
                break;
            }
        }
        Ok(output.checkpoint().await?)
    }

    /// Says how much changed, and runs the program of `--on-change`.
    async fn report(
        &self,
        changes: &[Change],
        time: &str,
        console: &mut Console,
    ) -> Result<(), Error> {
        let Some(known) = &self.known else {
            return Ok(());
        };
        let rows = counted(known.rows.len(), self.watched.noun());
        let count = difference::count(changes);
        console.note(&format!("{time}: {count}; {rows}"));
        if let Some(command) = &self.options.on_change {
            let text = changes::json(changes, known, self.watched.sql(), time)?;
            hook::run(command, &text, self.watched.interrupt(), console).await;
        }
        Ok(())
    }

    fn next(&self, changes: &[Change]) -> Next {
        let is_empty = self.known.as_ref().is_some_and(|it| it.rows.is_empty());
        let is_reached = self.options.until_change && !changes.is_empty()
            || self.options.until_empty && is_empty;
        if is_reached {
            Next::End(Exit::Complete)
        } else {
            Next::Round
        }
    }
}

fn not_compared(time: &str, console: &mut Console) {
    console.warning(&format!(
        "{time}: the result is not complete, so it is not compared"
    ));
}

/// UTC, to the second: `2026-11-28T14:03:05Z`
fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}
