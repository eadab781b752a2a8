//! psql's connection flags, for every command that connects.
//!
//! `-h` is the host, as in psql: commands that flatten this must disable clap's own `-h` and
//! keep `--help`.

use std::path::PathBuf;

use crate::config::ConnectionFlags;
use crate::config::profile::{Profile, ProfileSelection};
use crate::sharding::routing::key_kinds::KeyKinds;
use crate::sharding::snapshots::SharedSnapshots;

pub(super) const CONFIG_HELP: &str =
    "Read profiles from FILE [env: SHARDQ_CONFIG] [default: ~/.config/shardq/config.toml]";

/// Values stay text here: libpq's lists (`-h a,b -p 5432,5433`) and its error
/// messages are the business of [`crate::config`].
// No `Debug`, because a URI can contain a password.
#[derive(Clone, Default, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ConnectionArgs {
    #[arg(
        short = 'P',
        long,
        value_name = "NAME",
        help = "Use the settings of this profile [env: SHARDQ_PROFILE]",
        long_help = "Use the settings of this profile [env: SHARDQ_PROFILE]\n\nFlags and PG* \
                     variables win over it. `shardq profiles` lists the profiles.",
        help_heading = "Connection"
    )]
    pub profile: Option<String>,

    #[arg(long, value_name = "FILE", help = CONFIG_HELP, help_heading = "Connection")]
    pub config: Option<PathBuf>,

    /// The selected profile, once it is loaded.
    #[arg(skip)]
    pub selected: Option<Profile>,

    /// Only those of several servers, once a shell has chosen.
    #[arg(skip)]
    pub only_servers: Vec<String>,

    /// Read instead of new ones, once a shell has taken them.
    #[arg(skip)]
    pub snapshots: Option<SharedSnapshots>,

    /// Connect to this host or socket directory [env: PGHOST]
    ///
    /// Several hosts, separated by commas, are tried in order.
    #[arg(
        short = 'h',
        long,
        value_name = "HOSTNAME",
        help_heading = "Connection"
    )]
    pub host: Option<String>,

    /// Connect to this port [env: PGPORT] [default: 5432]
    #[arg(short = 'p', long, value_name = "PORT", help_heading = "Connection")]
    pub port: Option<String>,

    /// Connect as this user [env: PGUSER] [default: your user name]
    #[arg(
        short = 'U',
        long,
        value_name = "USERNAME",
        help_heading = "Connection"
    )]
    pub username: Option<String>,

    /// Connect to this database [env: PGDATABASE] [default: the user name]
    ///
    /// Also accepts a `postgresql://` URI or a `key=value` connection string.
    // Collects all values, so that a repeated flag is not silently ignored.
    #[arg(short = 'd', long, value_name = "DBNAME", action = clap::ArgAction::Append, help_heading = "Connection")]
    pub dbname: Vec<String>,

    /// One of several servers that hold the shards: a connection string (repeatable)
    ///
    /// All are read in one run, each at its own snapshot. What the string leaves open comes from
    /// the other flags and the environment, e.g. -d and -U.
    #[arg(
        long,
        value_name = "CONNINFO",
        conflicts_with_all = ["host", "port"],
        help_heading = "Connection"
    )]
    pub server: Vec<String>,

    /// Of servers that have the same shard, read it on this one (repeatable; the first wins)
    #[arg(long, value_name = "SERVER", help_heading = "Connection")]
    pub prefer: Vec<String>,

    /// Never prompt for a password
    #[arg(
        short = 'w',
        long,
        overrides_with = "password",
        help_heading = "Connection"
    )]
    pub no_password: bool,

    /// Prompt for a password before connecting
    #[arg(
        short = 'W',
        long,
        overrides_with = "no_password",
        help_heading = "Connection"
    )]
    pub password: bool,

    /// Use a standby if one of the hosts is one
    ///
    /// The same as `target_session_attrs=prefer-standby` in a connection string.
    #[arg(long, help_heading = "Connection")]
    pub prefer_standby: bool,

    /// Print every statement that is sent to the server, on stderr
    #[arg(
        short = 'E',
        long,
        visible_alias = "echo-hidden",
        help_heading = "Connection"
    )]
    pub verbose: bool,
}

impl ConnectionArgs {
    /// Those of the selected profile, else Habitat's.
    pub fn key_kinds(&self) -> KeyKinds {
        let profile = self.selected.as_ref();
        profile.map_or_else(KeyKinds::default, |profile| profile.keys.clone())
    }

    pub fn profile_selection(&self) -> ProfileSelection {
        ProfileSelection {
            name: self.profile.clone(),
            file: self.config.clone(),
        }
    }
}

impl From<&ConnectionArgs> for ConnectionFlags {
    fn from(args: &ConnectionArgs) -> Self {
        let args = args.clone();
        Self {
            host: args.host,
            port: args.port,
            username: args.username,
            dbname: args.dbname,
            no_password: args.no_password,
            password: args.password,
            prefer_standby: args.prefer_standby,
            profile: args.selected,
            server: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    #[command(disable_help_flag = true)]
    struct Cli {
        #[command(flatten)]
        connection: ConnectionArgs,
        #[arg(long, action = clap::ArgAction::Help)]
        help: Option<bool>,
    }

    fn parse(args: &[&str]) -> ConnectionArgs {
        Cli::try_parse_from(["shardq"].iter().chain(args))
            .unwrap_or_else(|error| panic!("{error}"))
            .connection
    }

    #[test]
    fn the_flags_are_those_of_psql() {
        Cli::command().debug_assert();
        let short = parse(&["-h", "db1", "-p", "5433", "-U", "hab", "-d", "x", "-w"]);
        let long = parse(&[
            "--host=db1",
            "--port=5433",
            "--username=hab",
            "--dbname=x",
            "--no-password",
        ]);
        for args in [short, long] {
            assert_eq!(args.host.as_deref(), Some("db1"));
            assert_eq!(args.port.as_deref(), Some("5433"));
            assert_eq!(args.username.as_deref(), Some("hab"));
            assert_eq!(args.dbname, ["x"]);
            assert!(args.no_password && !args.password);
        }
    }

    #[test]
    fn of_w_and_capital_w_the_last_wins() {
        let args = parse(&["-w", "-W"]);
        assert!(args.password && !args.no_password);
        let args = parse(&["-W", "-w"]);
        assert!(args.no_password && !args.password);
    }
}
