//! `shardq profiles`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::connection::{CONFIG_HELP, ConnectionArgs};
use super::layout::LayoutArgs;

/// List the profiles, or write one
///
/// A profile is a named set of connection settings and flags in a TOML file. `-P NAME` selects
/// one; flags and PG* variables win over it.
///
/// Exit status: 0 success, 1 with --check: a profile does not connect, 2 usage error.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  shardq profiles init live -h db7 -d builder_originsrv -U ops
  shardq profiles --check
  shardq query -P live \"SELECT count(*) FROM origins\""
)]
pub struct ProfilesArgs {
    #[command(subcommand)]
    pub command: Option<ProfilesCommand>,

    /// Connect with each profile, and count its shards
    #[arg(long)]
    pub check: bool,

    #[arg(long, value_name = "FILE", help = CONFIG_HELP)]
    pub config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum ProfilesCommand {
    Init(Box<ProfilesInitArgs>),
}

/// Write a profile from flags and PG* variables, once they connect
///
/// Adds the profile to the file, which it creates if necessary. All servers must connect, and have
/// databases that match --databases. Never writes a password.
#[derive(Args)]
pub struct ProfilesInitArgs {
    /// Name of the profile
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub name: String,

    #[command(flatten)]
    pub layout: LayoutArgs,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// A key that TOML takes without quotes.
fn profile_name(text: &str) -> Result<String, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if text.is_empty() || !text.chars().all(is_plain) || text == "default" {
        return Err("expected letters, digits, - and _ (and not \"default\")");
    }
    Ok(text.to_owned())
}
