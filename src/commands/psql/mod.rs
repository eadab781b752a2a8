//! `shardq psql`: starts psql in a shard, with the connection settings of this run.

pub mod error;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::cli::psql::PsqlArgs;
use crate::commands::databases::Targets;
use crate::commands::error::Error;
use crate::commands::find::{self, LocatedKey};
use crate::commands::inspect::request::InspectRequest;
use crate::config::{PasswordPrompt, Settings, escape_option};
use crate::sharding::ranges::Ranges;
use crate::sharding::search_path::SearchPath;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use error::PsqlError;

/// Whether transactions may change anything unless they say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    ReadOnly,
    Write,
}

/// Returns only if psql was not started: it takes the place of this process.
pub async fn run(args: PsqlArgs) -> Result<Exit, Error> {
    match prepare(args).await? {
        Ok(mut psql) => Err(not_started(psql.exec()).into()),
        Err(exit) => Ok(exit),
    }
}

pub fn not_started(error: io::Error) -> PsqlError {
    match error.kind() {
        io::ErrorKind::NotFound => PsqlError::NotInstalled,
        _ => PsqlError::NotRun(error),
    }
}

/// psql in the shard that the arguments select, or how the run ends without one.
pub async fn prepare(args: PsqlArgs) -> Result<Result<Command, Exit>, Error> {
    let mut console = Console::new(args.quiet);
    // Boxed because the futures are large.
    let place = match args.find() {
        Some(find_args) => Box::pin(of_key(&find_args, &mut console)).await?,
        None => Box::pin(of_list(&args, &mut console)).await?,
    };
    let Place { shard, settings } = match place {
        Ok(place) => place,
        Err(exit) => return Ok(Err(exit)),
    };
    let server = shard.database();
    let server = server.map_or(String::new(), |it| format!(" on {}", it.place()));
    let access = if args.write {
        Access::Write
    } else {
        Access::ReadOnly
    };
    console.note(&match access {
        Access::ReadOnly => format!("{shard}{server}, read-only (--write to change data)"),
        Access::Write => format!("{shard}{server}, read-write"),
    });
    let path = if args.shards.layout().is_database() {
        SearchPath::of_database()
    } else {
        args.search_path.clone()
    };
    let mut psql = command(&settings, &path, shard, access);
    psql.args(&args.psql_args);
    Ok(Ok(psql))
}

/// A shard, and how to connect to its database.
struct Place {
    shard: Shard,
    settings: Settings,
}

impl Place {
    fn of(shard: Shard, targets: &Targets) -> Result<Self, Error> {
        let target = targets.of_shard(shard).ok_or(Error::NoneReachable)?;
        Ok(Self {
            shard,
            settings: target.settings.clone(),
        })
    }
}

/// The shard that holds the key, or how the run ends without one.
async fn of_key(
    args: &crate::cli::FindArgs,
    console: &mut Console,
) -> Result<Result<Place, Exit>, Error> {
    let Some(LocatedKey { report, targets }) = find::locate(args, console).await? else {
        return Ok(Err(Exit::Interrupted));
    };
    match (
        report.stderr_message(args.form()),
        report.shards()[..].is_empty(),
    ) {
        (Some(message), true) => console.error(&message),
        // psql is what was asked for, and starts.
        (Some(message), false) => console.warning(&message),
        (None, _) => {}
    }
    if let Some(hint) = report.hint() {
        console.note(&hint);
    }
    match report.shards()[..] {
        [] => Ok(Err(report.exit())),
        [shard] => Ok(Ok(Place::of(shard, &targets)?)),
        ref several => Err(PsqlError::KeyInSeveral(Ranges::of(several).brief()).into()),
    }
}

/// The one shard that the list selects.
async fn of_list(args: &PsqlArgs, console: &mut Console) -> Result<Result<Place, Exit>, Error> {
    let (connection, limits) = (&args.connection, args.limits.into());
    let request = InspectRequest::of(connection, &args.shards, limits, console).await?;
    let Some(request) = request else {
        return Ok(Err(Exit::Interrupted));
    };
    let Some(collected) = request.collect(console, async |_| Ok(())).await? else {
        return Ok(Err(Exit::Interrupted));
    };
    match collected.selection.shards[..] {
        [shard] => Ok(Ok(Place::of(shard, request.targets())?)),
        ref several => Err(PsqlError::SeveralShards {
            count: several.len(),
            shards: Ranges::of(several).brief(),
        }
        .into()),
    }
}

fn command(settings: &Settings, path: &SearchPath, shard: Shard, access: Access) -> Command {
    let mut psql = Command::new("psql");
    psql.arg("-d").arg(settings.conninfo_of_client());
    if settings.password_prompt() == PasswordPrompt::Never {
        psql.arg("-w");
    }
    psql.env("PGOPTIONS", options(settings, path, shard, access));
    // All of it is in the connection string; options in it would win over the variable.
    psql.env_remove("PGSERVICE");
    if let Some(password) = settings.password_of_client() {
        psql.env("PGPASSWORD", OsStr::from_bytes(password.as_bytes()));
    }
    psql
}

fn options(settings: &Settings, path: &SearchPath, shard: Shard, access: Access) -> String {
    let path = if path.is_of_database() {
        String::new()
    } else {
        format!("-c search_path={}", escape_option(&path.in_shard(shard)))
    };
    let given = settings.options().map(|options| format!("{options} "));
    let read_only = match access {
        Access::ReadOnly => " -c default_transaction_read_only=on",
        Access::Write => "",
    };
    format!("{}{path}{read_only}", given.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConnectionFlags, Environment};

    fn settings(environment: &[(&str, &str)], dbname: &str) -> Settings {
        let flags = ConnectionFlags {
            dbname: vec![dbname.to_owned()],
            ..ConnectionFlags::default()
        };
        let environment = Environment::new(environment).with_user("hab");
        Settings::resolve(&flags, &environment).unwrap()
    }

    #[test]
    fn the_search_path_is_one_option_whatever_the_name() {
        let settings = settings(&[("PGOPTIONS", "-c work_mem=1GB")], "x");
        let shard = Shard::named("Te na\\nt");
        let path = SearchPath::default();
        assert_eq!(
            options(&settings, &path, shard, Access::ReadOnly),
            "-c work_mem=1GB -c search_path=\"Te\\ na\\\\nt\",\\ \"pg_temp\" \
             -c default_transaction_read_only=on"
        );
        assert_eq!(
            options(&settings, &path, Shard::new(3), Access::Write),
            "-c work_mem=1GB -c search_path=\"shard_3\",\\ \"pg_temp\""
        );
    }

    #[test]
    fn a_password_and_options_are_not_on_the_command_line() {
        let given =
            "postgresql://ada:secret@db1:5433/builder?options=-c%20geqo%3Doff&sslmode=require";
        let settings = settings(&[], given);
        let psql = command(
            &settings,
            &SearchPath::default(),
            Shard::new(3),
            Access::Write,
        );
        let arguments: Vec<_> = psql.get_args().map(|it| it.to_string_lossy()).collect();
        assert_eq!(
            arguments,
            [
                "-d",
                "dbname=builder host=db1 port=5433 sslmode=require user=ada"
            ]
        );
        let password = psql.get_envs().find(|(name, _)| *name == "PGPASSWORD");
        assert_eq!(password.unwrap().1, Some(OsStr::new("secret")));
    }

    #[test]
    fn the_socket_is_the_one_that_was_found() {
        let found = settings(&[], "x").conninfo_of_client();
        assert!(found.contains("dbname=x host=/"), "{found}");
    }
}
