//! `shardq doctor`: checks of the servers, the connection, the role and the shards. The facts are
//! read with a few statements per database (`read`); each check is a function of them.

mod facts;
mod finding;
mod read;
mod section;
mod server_checks;
mod shard_checks;

use std::io;

use super::connection::{self, Answers};
use super::table;
use crate::cli::doctor::DoctorArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::databases::{self, Target};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::output::format::Format;
use crate::sharding::layout::Layout;
use crate::terminal::color::Paint;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

use facts::DatabaseFacts;
use finding::{Level, Section};

pub async fn run(args: DoctorArgs) -> Result<Exit, Error> {
    let format = table::format(&args.output)?;
    let mut console = Console::new(args.quiet);
    let layout = args.layout.layout();
    let servers = databases::servers(&args.connection)?;
    let interrupt = setup::listen()?;
    setup::say_warnings(&servers, &mut console);
    let patterns = &args.layout.databases;
    let targets = databases::targets(&servers, patterns, &layout, None, &interrupt).await?;
    let Some(targets) = targets else {
        return Ok(Exit::Interrupted);
    };
    let read = async |target: &Target, first: &Connection, server: &ConnectionPool| {
        read::facts(first, server, &target.layout(&layout)).await
    };
    let answers = connection::read(&targets, &interrupt, &mut console, read);
    let Some(mut answers) = answers.await? else {
        return Ok(Exit::Interrupted);
    };
    let location = std::mem::take(&mut answers.location);
    let sections = sections(answers, &layout, &args.connection.prefer);
    let findings = sections.iter().flat_map(|section| &section.findings);
    let worst = findings.map(|it| it.level).max();
    let say = |console: &mut Console| {
        let found = finding::count(&sections);
        let is_healthy = worst != Some(Level::Failure);
        console.summary(&SummaryLine {
            before: vec![SummaryPart::complete_if(is_healthy, found)],
            location,
            after: vec![HumanDuration(console.elapsed()).to_string()],
        });
    };
    let is_page = format == Format::Table && args.output.file().is_none();
    let printed = if is_page {
        let text = finding::page(&sections, Paint::on(&io::stdout()));
        let printed = setup::print(text, &interrupt).await?;
        (printed == Exit::Complete).then(|| say(&mut console))
    } else {
        let rows = finding::table(&sections);
        table::print(&rows, format, &args.output, &interrupt, &mut console, say).await?
    };
    Ok(match (printed, worst) {
        (None, _) => Exit::Interrupted,
        (Some(()), Some(Level::Failure)) => Exit::Failed,
        _ => Exit::Complete,
    })
}

fn sections(
    answers: Answers<DatabaseFacts>,
    layout: &Layout,
    preferred: &[String],
) -> Vec<Section> {
    let (mut several, mut only) = (Vec::new(), Vec::new());
    for (target, facts) in answers.of_databases {
        match target.database {
            Some(database) => several.push((database, facts)),
            None => only.extend(section::of_one(facts)),
        }
    }
    if several.is_empty() {
        return only;
    }
    section::of_several(several, answers.unreachable, layout, preferred)
}
