//! `shardq indexes` and `shardq functions`: one kind of object over all shards.

mod rows;

use crate::cli::inspect::InspectArgs;
use crate::commands::error::Error;
use crate::pg::sql_template;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use super::drift::shape::Shape;
use super::report::InspectReport;
use super::request::InspectRequest;
use super::session::InspectSession;
use super::table;

/// Which objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Index,
    Function,
}

impl ObjectKind {
    /// Returns the rows of [`Shape::new`].
    fn sql(self) -> &'static str {
        match self {
            Self::Index => include_str!("../../../../sql/inspect/indexes.sql"),
            Self::Function => include_str!("../../../../sql/inspect/functions.sql"),
        }
    }
}

pub async fn run(args: InspectArgs, kind: ObjectKind) -> Result<Exit, Error> {
    let format = table::format(&args.output)?;
    let mut console = Console::new(args.quiet);
    let Some(request) = InspectRequest::new(&args, &mut console).await? else {
        return Ok(Exit::Interrupted);
    };
    let collected = request.collect(&mut console, async |session| read(session, kind).await);
    let Some(collected) = collected.await? else {
        return Ok(Exit::Interrupted);
    };
    let collected = collected.map(Shape::union);
    let shape = &collected.data;
    let shown = rows::table(shape, kind);
    let unread = shape.unread.iter().flat_map(|unread| &unread.shards);
    let report = InspectReport {
        collected: &collected,
        warnings: Vec::new(),
        found: rows::summary(shape, kind),
        runs: Vec::new(),
        unread: unread.copied().collect(),
    };
    let (output, interrupt) = (&args.output, &request.interrupt);
    report
        .print(&shown, format, output, interrupt, &mut console)
        .await
}

async fn read(session: &InspectSession<'_>, kind: ObjectKind) -> Result<Shape, Error> {
    let sql = sql_template::fill(kind.sql(), &[("shards", &session.shards_sql())]);
    let rows = match session.query(&sql).await {
        // A table was locked after the locks were listed; now it is on the list.
        Err(error) if error.is_lock_timeout() => session.query(&sql).await?,
        rows => rows?,
    };
    Ok(Shape::new(rows, session.shards()))
}
