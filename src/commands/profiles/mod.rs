//! `shardq profiles`: lists profiles, and checks that they connect.

mod init;

use std::path::PathBuf;

use futures::future::join_all;

use super::error::Error;
use crate::cli::profiles::{ProfilesArgs, ProfilesCommand};
use crate::client::ConnectionPool;
use crate::config::profile::{Profile, ProfileError, ProfileFile, ProfileSelection};
use crate::config::{ConnectionFlags, Environment, Server, Settings};
use crate::exec::fanout::result_rows;
use crate::exec::plan::shards_sql;
use crate::output::format::{Finish, Format, RenderOptions, Renderer};
use crate::output::sink;
use crate::pg::row_batch::Column;
use crate::sharding::discovered::Discovered;
use crate::sharding::layout::Layout;
use crate::sharding::pattern::Pattern;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::text::escape::one_line;

pub async fn run(args: ProfilesArgs) -> Result<Exit, Error> {
    match args.command {
        Some(ProfilesCommand::Init(args)) => init::run(&args).await,
        None => list(args.config, args.check).await,
    }
}

async fn list(config: Option<PathBuf>, check: bool) -> Result<Exit, Error> {
    let environment = Environment::of_process()?;
    let selection = ProfileSelection {
        name: None,
        file: config,
    };
    let path = path(&selection, &environment)?;
    let Some(file) = ProfileFile::read(&path, selection.file.is_some())? else {
        Console::new(false).note(&format!(
            "shardq: hint: there is no \"{}\"; shardq profiles init NAME writes one",
            path.display()
        ));
        return Ok(Exit::Complete);
    };
    let mut columns = vec![Column::text("profile"), Column::text("connects to")];
    if check {
        columns.push(Column::text("check"));
    }
    let profiles: Result<Vec<_>, ProfileError> =
        file.names().map(|name| file.profile(name)).collect();
    let profiles = profiles?;
    let places = profiles.iter().flat_map(|profile| {
        let places = places(profile).into_iter();
        places.map(move |server| (profile, server))
    });
    let rows = places.map(async |(profile, server)| {
        let label = server.as_ref().and_then(|server| server.label());
        let label = label.map(|label| format!(" {label}")).unwrap_or_default();
        let settings = resolve(profile, server.clone(), &environment);
        let is_default = file.default() == Some(profile.name.as_str());
        let mark = if is_default { " (default)" } else { "" };
        let target = match &settings {
            Ok(settings) => settings.to_string(),
            Err(reason) => reason.clone(),
        };
        let checked = match (check, settings) {
            (true, Ok(settings)) => Some(connect(settings, profile).await),
            (true, Err(_)) => Some(Err("not checked".to_owned())),
            (false, _) => None,
        };
        (format!("{}{label}{mark}", profile.name), target, checked)
    });
    let rows = join_all(rows).await;
    let all_connect = rows
        .iter()
        .all(|(.., checked)| !matches!(checked, Some(Err(_))));
    let text = table(&columns, &rows)?;
    sink::print(text).await?;
    Ok(if all_connect {
        Exit::Complete
    } else {
        Exit::Failed
    })
}

type Listed = (String, String, Option<Result<String, String>>);

fn table(columns: &[Column], rows: &[Listed]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let mut renderer = Renderer::new(Format::Table, RenderOptions::default());
    renderer.begin(columns, &mut text)?;
    for (name, target, checked) in rows {
        let checked = checked.as_ref().map(|checked| match checked {
            Ok(said) | Err(said) => said.as_str(),
        });
        let cells = [Some(name.as_str()), Some(target), checked];
        renderer.row(cells.into_iter().take(columns.len()), &mut text)?;
    }
    while let Finish::More = renderer.finish(&mut text) {}
    Ok(text)
}

fn path(selection: &ProfileSelection, environment: &Environment) -> Result<PathBuf, Error> {
    let path = selection.path(environment);
    path.ok_or_else(|| Error::Usage("no home directory; give the file with --config".to_owned()))
}

/// Each of its servers, if there are several.
fn places(profile: &Profile) -> Vec<Option<Server>> {
    match profile.servers.as_slice() {
        [] => vec![None],
        servers => servers.iter().cloned().map(Some).collect(),
    }
}

/// What `-P` would connect to.
fn resolve(
    profile: &Profile,
    server: Option<Server>,
    environment: &Environment,
) -> Result<Settings, String> {
    let flags = ConnectionFlags {
        server,
        no_password: true,
        profile: Some(profile.clone()),
        ..ConnectionFlags::default()
    };
    Settings::resolve(&flags, environment).map_err(|error| error.to_string())
}

/// `128 shards`, or why not. What a statement of the user's lists is not counted.
async fn connect(settings: Settings, profile: &Profile) -> Result<String, String> {
    let patterns = |flag: &str| -> Result<Vec<Pattern>, String> {
        let mut values = profile.flags.iter().filter(|(known, _)| *known == flag);
        let values = values.next().map(|(_, values)| values.as_slice());
        let parsed = values.unwrap_or_default().iter().map(|text| text.parse());
        parsed
            .collect::<Result<_, _>>()
            .map_err(|error: <Pattern as std::str::FromStr>::Err| error.to_string())
    };
    let is_listed = profile
        .flags
        .iter()
        .any(|(flag, _)| ["schemas-from", "databases"].contains(flag));
    let layout = Layout::new(patterns("schemas")?, patterns("exclude-schemas")?);
    let opened = ConnectionPool::open(settings, 1).await;
    let opened = opened.map_err(|error| one_line(&error.to_string()))?;
    let answer = opened.first.simple_query(&shards_sql(&layout, None)).await;
    drop(opened.first);
    opened.server.close().await;
    let answer = answer.map_err(|error| error.to_string())?;
    let schemas = result_rows(&answer).into_iter().flatten();
    let found = Discovered::new(&layout, schemas.filter_map(|row| row.get(0)));
    match found.shards.len() {
        _ if is_listed => Ok("connects".to_owned()),
        0 => Err(format!("no schema is {}", layout.naming())),
        1 => Ok("1 shard".to_owned()),
        many => Ok(format!("{many} shards")),
    }
}
