//! The values that there are: names of profiles from the file, all others from the servers that the
//! words so far lead to. Prompts for nothing and runs no `password_command`, which may prompt.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use futures::future::join_all;

use super::words::{Asked, Kind};
use crate::cli::Cli;
use crate::cli::connection::ConnectionArgs;
use crate::cli::layout::ListedLayoutArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::databases;
use crate::commands::other_databases::column;
use crate::config::profile::ProfileFile;
use crate::config::{Environment, Settings};
use crate::exec::plan::shards_sql;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template::fill;
use crate::sharding::discovered::Discovered;
use crate::sharding::layout::Layout;

/// Sorted, without those that do not begin as typed.
pub async fn of(asked: &Asked) -> Vec<String> {
    let found = match asked.kind {
        Kind::Profiles => profiles(asked),
        _ => from_servers(asked).await,
    };
    found.unwrap_or_default()
}

fn profiles(asked: &Asked) -> Option<Vec<String>> {
    let connection = connection(&matches(&asked.before)?)?;
    let path = connection
        .profile_selection()
        .path(&Environment::of_process().ok()?)?;
    let file = ProfileFile::read(&path, false).ok()??;
    let names = file.names().filter(|name| name.starts_with(&asked.prefix));
    Some(names.map(str::to_owned).collect())
}

async fn from_servers(asked: &Asked) -> Option<Vec<String>> {
    let (connection, layout) = arguments(asked)?;
    let servers = databases::servers(&connection).ok()?;
    let asks = servers.iter().map(|settings| async {
        // Nobody may be able to connect to the database that is being replaced.
        match asked.kind {
            Kind::Databases => on(&settings.with_database("postgres"), asked, &layout).await,
            _ => on(settings, asked, &layout).await,
        }
    });
    let answers = join_all(asks).await;
    if asked.kind == Kind::Shards {
        return Some(answers.into_iter().flatten().flatten().collect());
    }
    let names: BTreeSet<_> = answers.into_iter().flatten().flatten().collect();
    Some(names.into_iter().collect())
}

async fn on(settings: &Settings, asked: &Asked, layout: &Layout) -> Option<Vec<String>> {
    let server = ConnectionPool::new(settings.clone(), 1).ok()?;
    let connection = server.connection().await.ok()?;
    let session = include_str!("../../../sql/complete/session.sql");
    connection.simple_query(&fill(session, &[])).await.ok()?;
    let found = match asked.kind {
        Kind::Databases => databases_like(&connection, &asked.prefix).await,
        Kind::Origins => origins(&connection, layout, &asked.prefix).await,
        _ => shards(&connection, layout, &asked.prefix).await,
    };
    drop(connection);
    server.close().await;
    Some(found)
}

async fn databases_like(connection: &Connection, prefix: &str) -> Vec<String> {
    let sql = include_str!("../../../sql/session/databases.sql");
    let names = column(connection, &fill(sql, &[])).await;
    let fit = names.into_iter().filter(|name| name.starts_with(prefix));
    fit.collect()
}

/// The last entry of the list may be a number (`30`), a label (`acme`) or the name of a schema.
async fn shards(connection: &Connection, layout: &Layout, prefix: &str) -> Vec<String> {
    let at = prefix.rfind(',').map_or(0, |comma| comma + 1);
    let (before, entry) = prefix.split_at(at);
    let schemas = column(connection, &shards_sql(layout, None)).await;
    let found = Discovered::new(layout, schemas.iter().map(String::as_str));
    let numbering = layout.numbering();
    let value = |shard| {
        let number = numbering.as_ref().and_then(|it| it.number(shard));
        let label = number.map(|number| number.to_string());
        let label = label.or_else(|| layout.label(shard));
        let names = label.into_iter().chain([shard.name().to_owned()]);
        names
            .filter(|name| name.starts_with(entry) && !name.contains(','))
            .map(|name| format!("{before}{name}"))
            .next()
    };
    found.shards.into_iter().filter_map(value).collect()
}

/// One statement per shard that has the table, in one message: 8,192 take half a second.
async fn origins(connection: &Connection, layout: &Layout, prefix: &str) -> Vec<String> {
    let listed = shards_sql(layout, Some("origins"));
    let having = format!(
        "SELECT nspname FROM ({listed}) AS s (nspname, has_parents, has_table) WHERE has_table"
    );
    let schemas = column(connection, &having).await;
    let found = Discovered::new(layout, schemas.iter().map(String::as_str));
    let sql = include_str!("../../../sql/complete/origins.sql");
    let statements = found.shards.into_iter().map(|shard| {
        let table = format!("{}.origins", Identifier(shard.schema()));
        let prefix = Literal(prefix).to_string();
        fill(sql, &[("table", &table), ("prefix", &prefix)])
    });
    let statements: Vec<_> = statements.collect();
    column(connection, &statements.join(";\n")).await
}

/// Where the words lead, with the profile that they select, and which schemas are shards there.
fn arguments(asked: &Asked) -> Option<(ConnectionArgs, Layout)> {
    let given = matches(&asked.before)?;
    let mut connection = connection(&given)?;
    let environment = Environment::of_process().ok()?;
    connection.selected = connection.profile_selection().load(&environment).ok()?;
    connection.no_password = true;
    connection.password = false;
    let mut words = asked.before.clone();
    let names_layout = ["schemas", "exclude_schemas", "schemas_from", "databases"]
        .iter()
        .any(|id| is_given(&given, id));
    if let Some(profile) = connection.selected.as_ref().filter(|_| !names_layout) {
        let of_layout = |flag: &str| flag.ends_with("schemas") || flag == "schemas-from";
        let flags = profile.flags.iter().filter(|(flag, _)| of_layout(flag));
        words.extend(flags.flat_map(|(flag, values)| {
            let values = values.iter();
            values.map(move |value| OsString::from(format!("--{flag}={value}")))
        }));
    }
    let given = matches(&words)?;
    let layout = subcommand(&given)
        .and_then(|given| ListedLayoutArgs::from_arg_matches(given).ok())
        .filter(|args| args.schemas_from.is_none())
        .map(|args| args.layout());
    // A statement of the user's is not run for a keystroke.
    Some((connection, layout.unwrap_or_default()))
}

fn is_given(given: &ArgMatches, id: &str) -> bool {
    subcommand(given).is_some_and(|given| {
        given.try_contains_id(id).is_ok()
            && given.value_source(id) == Some(ValueSource::CommandLine)
    })
}

/// The words so far, however incomplete.
fn matches(words: &[OsString]) -> Option<ArgMatches> {
    let program = OsString::from("shardq");
    let line = [&program].into_iter().chain(words);
    let command = Cli::command().ignore_errors(true);
    command.try_get_matches_from(line).ok()
}

fn subcommand(given: &ArgMatches) -> Option<&ArgMatches> {
    given.subcommand().map(|(_, given)| given)
}

fn connection(given: &ArgMatches) -> Option<ConnectionArgs> {
    ConnectionArgs::from_arg_matches(subcommand(given)?).ok()
}
