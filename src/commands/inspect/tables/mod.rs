//! `shardq tables`: every table over all shards.

mod rows;

use crate::cli::drift::ComparedArgs;
use crate::cli::tables::TablesArgs;
use crate::commands::error::Error;
use crate::pg::sql_template;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use super::drift::catalog::{self, Scope};
use super::drift::findings;
use super::drift::shape::Shape;
use super::session::{Collected, InspectRequest, InspectSession};
use super::table::{self, Reader};
use rows::TableSize;

/// What is read in one database.
struct Tables {
    sizes: Vec<TableSize>,
    /// What differs; `None` if it was not compared.
    shape: Option<Shape>,
}

pub async fn run(args: TablesArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let request = InspectRequest::new(&args.inspect, &mut console)?;
    let collected = request.collect(&mut console, async |session| read(session, &args).await);
    let Some(mut collected) = collected.await? else {
        return Ok(Exit::Interrupted);
    };
    rows::sort(&mut collected.data.sizes, args.sort);
    let Tables { sizes, shape } = &collected.data;
    let findings = shape.as_ref().map(|shape| {
        let norm = findings::majority(shape);
        findings::findings(shape, &norm)
    });
    let unread = shape.as_ref().map(|shape| shape.unread.as_slice());
    let drift = findings.as_deref().zip(unread);
    let shown = rows::table(sizes, drift, Reader::of(format));
    let output = &args.inspect.output;
    let say = |console: &mut Console| say(&collected, console);
    let printed = table::print(
        &shown,
        format,
        output,
        &request.interrupt,
        &mut console,
        say,
    );
    Ok(match printed.await? {
        None => Exit::Interrupted,
        Some(()) if collected.selection.doubt.is_some() => Exit::Incomplete,
        Some(()) => Exit::Complete,
    })
}

async fn read(session: &InspectSession, args: &TablesArgs) -> Result<Tables, Error> {
    let sql = sql_template::fill(
        include_str!("../../../../sql/inspect/tables.sql"),
        &[("shards", &session.shards_sql())],
    );
    let found = session.query(&sql).await?;
    let sizes = found.iter();
    let sizes = sizes.filter_map(|row| TableSize::of(row, session.shards()));
    let sizes = sizes.collect();
    let compared = ComparedArgs::default();
    let shape = if args.no_drift {
        None
    } else {
        Some(catalog::shape(session, &compared, Scope::Differing).await?)
    };
    Ok(Tables { sizes, shape })
}

fn say(collected: &Collected<Tables>, console: &mut Console) {
    let sizes = &collected.data.sizes;
    let unknown: u64 = sizes.iter().map(|table| table.unknown).sum();
    if unknown > 0 {
        let tables: u64 = sizes.iter().map(|table| table.shards).sum();
        console.warning(&format!(
            "{unknown} of {tables} tables in the shards are empty or were never analyzed: they count \
             as empty; run ANALYZE for estimates"
        ));
    }
    if let Some(doubt) = &collected.selection.doubt {
        console.error(doubt);
    }
    let read = collected.selection.shards.len();
    console.summary(&collected.summary(rows::summary(sizes), read, console));
}
