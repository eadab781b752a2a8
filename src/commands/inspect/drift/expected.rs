//! Where `--against` gets what shards should have: a file, or another database.

use std::ffi::OsString;
use std::path::Path;

use super::Inspected;
use super::baseline::{Baseline, Compared};
use super::catalog::Scope;
use super::findings::{self, Norm};
use crate::cli::connection::ConnectionArgs;
use crate::cli::drift::{ComparedArgs, DriftArgs};
use crate::cli::{Cli, Command};
use crate::commands::error::Error;
use crate::commands::inspect::request::InspectRequest;
use crate::config::{Environment, Settings};
use crate::terminal::console::Console;
use crate::text::humanize::counted;

/// What every shard should have.
pub struct Expected {
    pub norm: Norm,
    /// `base.json`, `builder on db1`.
    pub source: String,
    pub compared: Compared,
    /// `server_version_num`.
    pub version: u32,
}

impl Expected {
    /// What most of the shards have.
    pub fn of_majority(inspected: &Inspected, compared: Compared) -> Self {
        Self {
            norm: findings::majority(&inspected.shape),
            source: String::new(),
            compared,
            version: inspected.version(),
        }
    }

    /// What the target of `--against` has. `None` if interrupted.
    pub async fn of_target(
        target: &str,
        args: &DriftArgs,
        request: &InspectRequest,
        console: &mut Console,
    ) -> Result<Option<Self>, Error> {
        let compared = &args.compared;
        if is_conninfo(target) {
            let connection = ConnectionArgs {
                dbname: vec![target.to_owned()],
                ..ConnectionArgs::default()
            };
            let settings = Settings::resolve(&(&connection).into(), &Environment::of_process()?)?;
            let request = request.elsewhere(&settings);
            return Self::of_database(&request, compared, console).await;
        }
        if is_file(target) {
            return Self::of_file(Path::new(target), compared).map(Some);
        }
        let other = profile(target, &args.inspect.connection)?.inspect;
        // Variables such as PGHOST are for the database that is compared.
        let environment = Environment::of_process()?.without_connection();
        let Some(request) = request.of_others(&other, &environment).await? else {
            return Ok(None);
        };
        Self::of_database(&request, compared, console).await
    }

    fn of_file(file: &Path, compared: &ComparedArgs) -> Result<Self, Error> {
        let baseline = Baseline::read(file)?;
        Ok(Self {
            source: file.display().to_string(),
            compared: Compared::from(compared).and(baseline.compared),
            version: baseline.server_version,
            norm: baseline.into_norm(),
        })
    }

    async fn of_database(
        request: &InspectRequest,
        compared: &ComparedArgs,
        console: &mut Console,
    ) -> Result<Option<Self>, Error> {
        let collected = super::collect(request, compared, Scope::All, console);
        let Some(collected) = collected.await? else {
            return Ok(None);
        };
        collected.say_what_is_missing(console);
        let norm = findings::majority(&collected.data.shape);
        let own = findings::findings(&collected.data.shape, &norm).len();
        let source = collected.scope.location.to_string();
        if own > 0 {
            let own = counted(own, "difference");
            console.warning(&format!(
                "{source}: {own} among its own shards; what most of them have is \
                 expected"
            ));
        }
        Ok(Some(Self {
            norm,
            source,
            compared: compared.into(),
            version: collected.data.version(),
        }))
    }
}

fn is_conninfo(target: &str) -> bool {
    target.contains("://") || target.contains('=')
}

/// A name of a profile has neither a dot nor a slash.
fn is_file(target: &str) -> bool {
    target.contains(['.', '/']) || Path::new(target).is_file()
}

/// The arguments that `drift -P` would have: connection and layout of the profile.
fn profile(name: &str, connection: &ConnectionArgs) -> Result<DriftArgs, Error> {
    let mut arguments: Vec<OsString> = ["shardq", "drift", "-P", name].map(Into::into).into();
    if let Some(file) = &connection.config {
        arguments.extend(["--config".into(), file.into()]);
    }
    let read = Cli::try_read(arguments.iter().cloned());
    let read = read.map_err(|error| Error::Usage(error.to_string()))?;
    let cli = read.with_profile(arguments);
    let cli = cli.map_err(|error| Error::Usage(format!("--against: {error}")))?;
    match cli.command {
        Command::Drift(args) => Ok(*args),
        _ => Err(Error::Usage(format!("--against: no profile \"{name}\""))),
    }
}
