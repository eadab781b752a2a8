//! `shardq describe`: a table as all shards have it, and where some differ.

mod rows;

use crate::cli::describe::DescribeArgs;
use crate::cli::drift::ComparedArgs;
use crate::commands::error::Error;
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use super::drift::catalog::{self, Scope};
use super::drift::shape::{Shape, positions};
use super::error::InspectError;
use super::report::InspectReport;
use super::request::InspectRequest;
use super::session::InspectSession;
use super::table::{self, Reader};
use rows::Reference;

/// What the shards have.
struct Described {
    shape: Shape,
    references: Vec<Reference>,
    /// If none has the table.
    no_table: Option<InspectError>,
}

pub async fn run(args: DescribeArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let Some(request) = InspectRequest::new(&args.inspect, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let collected = request.collect(&mut console, async |session| {
        read(session, &args.table).await
    });
    let Some(collected) = collected.await? else {
        return Ok(Exit::Interrupted);
    };
    let collected = collected.try_map(united)?;
    let Described {
        shape, references, ..
    } = &collected.data;
    let shown = rows::table(shape, references, collected.servers, Reader::of(format));
    let unread = shape.unread.iter().flat_map(|unread| &unread.shards);
    let report = InspectReport {
        collected: &collected,
        warnings: Vec::new(),
        found: rows::summary(shape),
        unread: unread.copied().collect(),
        runs: Vec::new(),
    };
    let (output, interrupt) = (&args.inspect.output, &request.interrupt);
    report
        .print(&shown, format, output, interrupt, &mut console)
        .await
}

async fn read(session: &InspectSession<'_>, table: &str) -> Result<Described, Error> {
    let compared = ComparedArgs::default();
    let shape = catalog::shape(session, &compared, Scope::Table(table)).await?;
    if shape.objects.is_empty() && shape.unread.is_empty() {
        return Ok(Described {
            shape,
            references: Vec::new(),
            no_table: Some(session.no_table(table).await),
        });
    }
    let sql = sql_template::fill(
        include_str!("../../../../sql/inspect/references.sql"),
        &[
            ("shards", &session.shards_sql()),
            ("table", &Literal(table).to_string()),
        ],
    );
    let found = session.query(&sql).await?;
    let references = found.into_iter().filter_map(|row| {
        let [table, name, definition, which] = <[Option<String>; 4]>::try_from(row).ok()?;
        Some(Reference {
            name: format!("{}.{}", table?, name?),
            definition: definition?,
            shards: positions(which.as_deref(), session.shards()),
        })
    });
    Ok(Described {
        shape,
        references: references.collect(),
        no_table: None,
    })
}

/// What all databases have.
fn united(of_databases: Vec<Described>) -> Result<Described, Error> {
    let (mut shapes, mut references, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let databases = of_databases.len();
    for described in of_databases {
        shapes.push(described.shape);
        references.extend(described.references);
        errors.extend(described.no_table);
    }
    if errors.len() == databases {
        let first = errors.into_iter().next();
        return Err(first.map_or(Error::NoneReachable, Into::into));
    }
    Ok(Described {
        shape: Shape::union(shapes),
        references: rows::united(references),
        no_table: None,
    })
}
