//! `shardq profiles init`: writes a profile from flags that connect.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::cli::profiles::ProfilesInitArgs;
use crate::commands::error::Error;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::commands::setup;
use crate::config::profile::ProfileFile;
use crate::config::profile::write::toml_string;
use crate::config::{Environment, Settings};
use crate::sharding::pattern::Pattern;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::text::io_reason::io_reason;

use super::path;

/// Connects with the flags, then writes them.
pub async fn run(args: &ProfilesInitArgs) -> Result<Exit, Error> {
    let mut console = Console::new(false);
    let environment = Environment::of_process()?;
    let path = path(&args.connection.profile_selection(), &environment)?;
    let before = ProfileFile::read(&path, false)?;
    let is_known = |file: &ProfileFile| file.names().any(|name| name == args.name);
    if before.as_ref().is_some_and(is_known) {
        return Err(Error::Usage(format!(
            "\"{}\" has a profile \"{}\" already",
            path.display(),
            args.name
        )));
    }
    let settings = setup::settings(&args.connection, &args.layout.databases)?;
    let interrupt = setup::listen()?;
    let opened = tokio::select! {
        opened = session_setup::open(&settings, 1, ConnectRetry::FailFast, &mut console) => opened?,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    drop(opened.first);
    opened.server.close().await;
    let text = written(args, &settings, before.is_none());
    append(&path, &text).map_err(|error| {
        Error::Usage(format!(
            "could not write \"{}\": {}",
            path.display(),
            io_reason(&error)
        ))
    })?;
    console.note(&format!(
        "wrote profile \"{}\" to \"{}\"; to use it: shardq query -P {} …",
        args.name,
        path.display(),
        args.name
    ));
    Ok(Exit::Complete)
}

/// The profile, with the keys that it does not set as comments.
fn written(args: &ProfilesInitArgs, settings: &Settings, is_first: bool) -> String {
    let list = |patterns: &[Pattern]| {
        let quoted: Vec<_> = patterns
            .iter()
            .map(|it| toml_string(&it.to_string()))
            .collect();
        format!("[{}]", quoted.join(", "))
    };
    let or_comment = |key: &str, patterns: &[Pattern], example: &str| match patterns {
        [] => format!("# {key} = {example}\n"),
        some => format!("{key} = {}\n", list(some)),
    };
    let header = if is_first {
        format!(
            "# Profiles of shardq. `shardq query -P NAME` uses one; flags and PG* variables win \
             over it.\n\n# The profile of runs without -P:\n# default = {}\n",
            toml_string(&args.name)
        )
    } else {
        String::new()
    };
    format!(
        "{header}\n[{}]\nconnection = {}\n{}{}{OTHER_KEYS}",
        args.name,
        toml_string(&settings.conninfo()),
        or_comment("schemas", &args.layout.schemas, "[\"shard_{n}\"]"),
        or_comment("exclude_schemas", &args.layout.exclude_schemas, "[]"),
    )
}

const OTHER_KEYS: &str = "\
# The program that prints the password, without a shell:
# password_command = [\"pass\", \"show\", \"db/live\"]
# How summaries call it, and in which color (red, yellow, green, blue, magenta, cyan):
# label = \"LIVE\"
# color = \"red\"
# expect_shards = 128
# search_path = \"{shard}, public\"
# timeout = \"60s\"
# lock_timeout = \"1s\"
# connections = 4
# inherit = \"another profile\"
";

/// It says which servers there are: for nobody else to read.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
