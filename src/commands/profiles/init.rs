//! `shardq profiles init`: writes a profile from flags that connect.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::cli::profiles::ProfilesInitArgs;
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::commands::setup;
use crate::config::profile::ProfileFile;
use crate::config::profile::write::{connections, toml_list, toml_string};
use crate::config::{Environment, Settings};
use crate::exec::cancel::Interrupt;
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
    let servers = databases::servers(&args.connection)?;
    let interrupt = setup::listen()?;
    if !try_out(args, &servers, &interrupt, &mut console).await? {
        return Ok(Exit::Interrupted);
    }
    let text = written(args, &servers, before.is_none());
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

/// Connects to each server, or finds databases of these patterns on each. `false` if interrupted.
async fn try_out(
    args: &ProfilesInitArgs,
    servers: &[Settings],
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<bool, Error> {
    let patterns = &args.layout.databases;
    for server in servers {
        if !patterns.is_empty() {
            let server = std::slice::from_ref(server);
            let layout = args.layout.layout();
            let found = databases::targets(server, patterns, &layout, None, interrupt).await?;
            if found.is_none() {
                return Ok(false);
            }
            continue;
        }
        let opened = tokio::select! {
            opened = session_setup::open(server, 1, ConnectRetry::FailFast, console) => opened?,
            () = interrupt.requested() => return Ok(false),
        };
        drop(opened.first);
        opened.server.close().await;
    }
    Ok(true)
}

/// The profile, with the keys that it does not set as comments.
fn written(args: &ProfilesInitArgs, servers: &[Settings], is_first: bool) -> String {
    let list = |patterns: &[Pattern]| toml_list(patterns.iter().map(ToString::to_string));
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
    let prefer = match &args.connection.prefer[..] {
        [] => String::new(),
        some => format!("prefer = {}\n", toml_list(some)),
    };
    format!(
        "{header}\n[{}]\n{}{prefer}{}{}{}{OTHER_KEYS}",
        args.name,
        connections(servers),
        or_comment("databases", &args.layout.databases, "[\"tenant_{name}\"]"),
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
