//! `shardq doctor`: checks of the server, the connection, the role and the shards.
//!
//! The facts are read with five statements, whatever the number of shards; each check is a function
//! of them.

mod facts;
mod finding;
mod server_checks;
mod shard_checks;

use std::io;
use std::time::Instant;

use super::connection::{self, Answer};
use super::error::InspectError;
use super::session::array_sql;
use super::statement::rows;
use super::table;
use crate::cli::doctor::DoctorArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::exec::plan::shards_sql;
use crate::output::format::Format;
use crate::pg::sql_template;
use crate::sharding::discovered::Discovered;
use crate::sharding::guess;
use crate::sharding::layout::Layout;
use crate::sharding::topology::Topology;
use crate::terminal::color::Paint;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

use facts::{Anomaly, ConnectionFacts, FullSequence, ServerFacts, ShardFacts};
use finding::{Finding, Level};

/// Nothing that is waited for is worth more of somebody's time.
const LIMITS: &str = "BEGIN READ ONLY;
SET LOCAL statement_timeout = '60s';
SET LOCAL lock_timeout = '1s'";

pub async fn run(args: DoctorArgs) -> Result<Exit, Error> {
    let format = table::format(&args.output)?;
    let mut console = Console::new(args.quiet);
    let layout = args.layout.layout();
    let read = connection::read(
        &args.connection,
        &args.layout,
        &mut console,
        async |first, server| findings(first, server, &layout).await,
    );
    let Some(Answer {
        data: findings,
        location,
        interrupt,
    }) = read.await?
    else {
        return Ok(Exit::Interrupted);
    };
    let say = |console: &mut Console| {
        let found = finding::count(&findings);
        let is_healthy = findings.iter().all(|it| it.level != Level::Failure);
        console.summary(&SummaryLine {
            before: vec![SummaryPart::complete_if(is_healthy, found)],
            location,
            after: vec![HumanDuration(console.elapsed()).to_string()],
        });
    };
    let is_page = format == Format::Table && args.output.file().is_none();
    let printed = if is_page {
        let text = finding::lines(&findings, Paint::on(&io::stdout()));
        let printed = setup::print(text, &interrupt).await?;
        (printed == Exit::Complete).then(|| say(&mut console))
    } else {
        let rows = finding::table(&findings);
        table::print(&rows, format, &args.output, &interrupt, &mut console, say).await?
    };
    let worst = findings.iter().map(|it| it.level).max();
    Ok(match (printed, worst) {
        (None, _) => Exit::Interrupted,
        (Some(()), Some(Level::Failure)) => Exit::Failed,
        _ => Exit::Complete,
    })
}

async fn findings(
    connection: &Connection,
    server: &ConnectionPool,
    layout: &Layout,
) -> Result<Vec<Finding>, InspectError> {
    connection.mark_busy();
    connection.begin_transaction();
    let began = Instant::now();
    rows(connection, LIMITS).await?;
    let round_trip = began.elapsed();
    let shards = shards(connection, layout).await?;
    let settings = include_str!("../../../../sql/inspect/session.sql");
    rows(connection, &sql_template::fill(settings, &[])).await?;
    let names = array_sql(&shards.shards);
    let read = async |template| {
        rows(
            connection,
            &sql_template::fill(template, &[("shards", &names)]),
        )
        .await
    };
    let of_server = read(include_str!("../../../../sql/inspect/doctor_server.sql")).await?;
    let of_server = of_server
        .first()
        .map(ServerFacts::of_row)
        .unwrap_or_default();
    let anomalies = read(include_str!("../../../../sql/inspect/doctor_findings.sql")).await?;
    let anomalies = anomalies
        .iter()
        .map(|row| Anomaly::of_row(row, &shards.shards));
    // Last, because it may wait for locks: if it fails, so has the transaction.
    let sequences = read(include_str!("../../../../sql/inspect/doctor_sequences.sql")).await;
    let sequences = match sequences {
        Ok(rows) => {
            let sequences = rows.iter();
            Ok(sequences
                .filter_map(|row| FullSequence::of_row(row, &shards.shards))
                .collect())
        }
        Err(error) => {
            let error = error.to_string();
            Err(error.lines().next().unwrap_or_default().to_owned())
        }
    };
    // Its response does not matter: the connection closes after it.
    let _ = rows(connection, "ROLLBACK").await;
    connection.mark_done();
    connection.end_transaction();
    let of_connection = ConnectionFacts {
        ssl_mode: server.settings().tls().mode,
        process: connection.process_id(),
        round_trip,
    };
    let mut findings = server_checks::all(&of_server, &of_connection);
    findings.push(shard_checks::shards(&shards));
    findings.extend(shard_checks::anomalies(&anomalies.collect::<Vec<_>>()));
    findings.push(shard_checks::sequences(&sequences));
    Ok(findings)
}

async fn shards(connection: &Connection, layout: &Layout) -> Result<ShardFacts, InspectError> {
    let first = |row: Vec<Option<String>>| row.into_iter().next().flatten();
    let schemas = rows(connection, &shards_sql(layout, None)).await?;
    let schemas: Vec<_> = schemas.into_iter().filter_map(first).collect();
    let discovered = Discovered::new(layout, schemas.iter().map(String::as_str));
    let mut facts = ShardFacts {
        naming: layout.naming(),
        look_alikes: discovered.look_alikes.to_string(),
        ..ShardFacts::default()
    };
    if let Some(topology) = Topology::new(discovered, layout) {
        facts.shards = topology.shards().to_vec();
        facts.gaps = topology.lacking().to_string();
    } else {
        let all = include_str!("../../../../sql/session/schemas.sql");
        let all = rows(connection, &sql_template::fill(all, &[])).await?;
        let all: Vec<_> = all.into_iter().filter_map(first).collect();
        facts.guesses = guess::layouts(&all);
    }
    Ok(facts)
}
