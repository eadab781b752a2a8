//! `shardq tables`: every table over all shards.

mod rows;
mod sizes;

use std::collections::BTreeSet;

use crate::cli::drift::ComparedArgs;
use crate::cli::tables::TablesArgs;
use crate::commands::error::Error;
use crate::pg::sql_template;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::text::humanize::{ThousandsSeparated, counted};

use super::collected::Collected;
use super::drift::catalog::{self, Scope};
use super::drift::findings;
use super::drift::shape::Shape;
use super::exact::{self, Counts};
use super::report::InspectReport;
use super::request::InspectRequest;
use super::session::InspectSession;
use super::table::{self, Reader};
use sizes::TableSize;

/// What the shards have.
struct Tables {
    sizes: Vec<TableSize>,
    /// What differs; `None` if it was not compared.
    shape: Option<Shape>,
}

pub async fn run(args: TablesArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let Some(request) = InspectRequest::new(&args.inspect, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let collected = request.collect(&mut console, async |session| read(session, &args).await);
    let Some(collected) = collected.await? else {
        return Ok(Exit::Interrupted);
    };
    let mut collected = collected.map(united);
    let mut counts = None;
    if args.exact {
        let shards = &collected.selection.shards;
        let counted = exact::count(&request, args.connections, shards, &mut console);
        // Boxed because the future is large.
        let counted = Box::pin(counted).await?;
        let Some(counted) = counted else {
            return Ok(Exit::Interrupted);
        };
        sizes::apply(&counted, &mut collected.data.sizes);
        counts = Some(counted);
    }
    sizes::sort(&mut collected.data.sizes, args.sort);
    let Tables { sizes, shape } = &collected.data;
    let findings = shape.as_ref().map(|shape| {
        let norm = findings::majority(shape);
        findings::findings(shape, &norm)
    });
    let unread = shape.as_ref().map(|shape| shape.unread.as_slice());
    let drift = findings.as_deref().zip(unread);
    let shown = rows::table(sizes, drift, Reader::of(format));
    let report = report(&collected, counts.as_ref());
    let (output, interrupt) = (&args.inspect.output, &request.interrupt);
    report
        .print(&shown, format, output, interrupt, &mut console)
        .await
}

async fn read(session: &InspectSession<'_>, args: &TablesArgs) -> Result<Tables, Error> {
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

fn united(of_databases: Vec<Tables>) -> Tables {
    let mut sizes = Vec::new();
    let mut shapes = Vec::new();
    for tables in of_databases {
        sizes.extend(tables.sizes);
        shapes.extend(tables.shape);
    }
    Tables {
        sizes: sizes::united(sizes),
        shape: (!shapes.is_empty()).then(|| Shape::union(shapes)),
    }
}

fn report<'a>(
    collected: &'a Collected<Tables>,
    counts: Option<&'a Counts>,
) -> InspectReport<'a, Tables> {
    let sizes = &collected.data.sizes;
    let unknown: usize = sizes.iter().map(TableSize::unknown).sum();
    let tables: usize = sizes.iter().map(|table| table.shards.len()).sum();
    let warning = (unknown > 0).then(|| {
        format!(
            "{} of {} in the shards are empty or were never analyzed: they count \
             as empty; run ANALYZE for estimates, or use --exact",
            ThousandsSeparated(unknown as u64),
            counted(tables, "table")
        )
    });
    InspectReport {
        collected,
        warnings: warning.into_iter().collect(),
        found: rows::summary(sizes, counts.is_some()),
        unread: BTreeSet::new(),
        runs: counts.map(|counts| &counts.run).into_iter().collect(),
    }
}
