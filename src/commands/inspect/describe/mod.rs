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
use super::session::{Collected, InspectRequest, InspectSession};
use super::table::{self, Reader};
use rows::Reference;

/// What is read in one database.
struct Described {
    shape: Shape,
    references: Vec<Reference>,
}

pub async fn run(args: DescribeArgs) -> Result<Exit, Error> {
    let format = table::format(&args.inspect.output)?;
    let mut console = Console::new(args.inspect.quiet);
    let request = InspectRequest::new(&args.inspect, &mut console)?;
    let collected = request.collect(&mut console, async |session| {
        read(session, &args.table).await
    });
    let Some(collected) = collected.await? else {
        return Ok(Exit::Interrupted);
    };
    let Described { shape, references } = &collected.data;
    let shown = rows::table(shape, references, Reader::of(format));
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
    let is_complete = collected.selection.doubt.is_none() && shape.unread.is_empty();
    Ok(match printed.await? {
        None => Exit::Interrupted,
        Some(()) if is_complete => Exit::Complete,
        Some(()) => Exit::Incomplete,
    })
}

async fn read(session: &InspectSession, table: &str) -> Result<Described, Error> {
    let compared = ComparedArgs::default();
    let shape = catalog::shape(session, &compared, Scope::Table(table)).await?;
    if shape.objects.is_empty() && shape.unread.is_empty() {
        return Err(session.no_table(table).await.into());
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
    let references = references.collect();
    Ok(Described { shape, references })
}

fn say(collected: &Collected<Described>, console: &mut Console) {
    let Described { shape, .. } = &collected.data;
    if let Some(doubt) = &collected.selection.doubt {
        console.error(doubt);
    }
    let unread = shape.unread.iter().flat_map(|unread| &unread.shards);
    let unread = unread.copied().collect();
    let found = rows::summary(shape);
    console.summary(&collected.summary_without(found, &unread, console));
}
