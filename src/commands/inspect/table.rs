//! Prints the rows of an inspection in the formats of `query`.

use crate::cli::query::OutputArgs;
use crate::commands::error::Error;
use crate::commands::query::lead_columns::LeadColumns;
use crate::commands::query::output::{self, Output, ScreenOptions};
use crate::commands::result_end::then_say;
use crate::exec::cancel::Interrupt;
use crate::exec::row_sink::RowSink as _;
use crate::output::format::{Format, Renderer};
use crate::output::sink::{Sink, SinkError};
use crate::pg::row_batch::Column;
use crate::sharding::database::Database;
use crate::terminal::console::Console;

use super::servers::ServerColumn;
use super::statement::TextRow;

/// A result, complete before anything of it is printed.
pub struct Table {
    /// With the types of their values, for JSON and for the alignment.
    pub columns: Vec<Column>,
    pub rows: Vec<TextRow>,
}

impl Table {
    /// Puts the server in front of each row, which is of this database.
    pub fn name_servers(
        &mut self,
        servers: ServerColumn,
        databases: impl IntoIterator<Item = Option<Database>>,
    ) {
        let Some(column) = servers.column() else {
            return;
        };
        self.columns.insert(0, column);
        for (row, database) in self.rows.iter_mut().zip(databases) {
            row.splice(0..0, servers.of_database(database));
        }
    }
}

/// Who reads the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Program,
    Person,
}

impl Reader {
    pub fn of(format: Format) -> Self {
        match format {
            Format::Table | Format::Expanded | Format::Markdown => Self::Person,
            Format::Csv | Format::Tsv | Format::Json | Format::Jsonl => Self::Program,
        }
    }
}

/// The format, checked before anything connects.
///
/// # Errors
/// Flags that do not go together.
pub fn format(args: &OutputArgs) -> Result<Format, Error> {
    let format = args.format()?;
    if args.delimiter.is_some() && format != Format::Csv {
        let reason = "--delimiter is for CSV; remove it, or add --csv";
        return Err(Error::Usage(reason.to_owned()));
    }
    Ok(format)
}

/// Prints a table to standard output, through a pager if it needs one, or writes the file. `say`
/// reports on stderr after it. `None` if interrupted.
pub async fn print(
    table: &Table,
    format: Format,
    args: &OutputArgs,
    interrupt: &Interrupt,
    console: &mut Console,
    say: impl FnOnce(&mut Console),
) -> Result<Option<()>, Error> {
    let sink = match args.file() {
        Some(file) => Sink::file(file)?,
        None => Sink::stdout()?,
    };
    let renderer = Renderer::new(format, output::render_options(args));
    let screen = ScreenOptions::of(args);
    let mut output = Output::new(
        renderer,
        LeadColumns::default(),
        sink,
        console.progress_line(),
        screen,
    );
    output.begin(&table.columns).map_err(SinkError::Render)?;
    for row in &table.rows {
        // The reader may have seen enough.
        if output.row(row).await?.is_break() {
            break;
        }
    }
    let shown = tokio::select! {
        biased;
        shown = output.page(interrupt) => shown,
        () = interrupt.requested() => return Ok(None),
    };
    let then = || {
        if let Err(error) = shown {
            console.warning(&error);
        }
        say(console);
    };
    match then_say(output.publish(), interrupt, then).await {
        None => Ok(None),
        Some(Ok(()) | Err(SinkError::Closed)) => Ok(Some(())),
        Some(Err(error)) => Err(error.into()),
    }
}
