//! `shardq drift`.

use clap::Args;

use super::inspect::InspectArgs;

/// Find shards whose schema differs from the others'
///
/// Compares every object of all shards: tables, columns, constraints, indexes, triggers, rules,
/// policies, views, functions, types, sequences, owners, privileges, comments and more. What most
/// shards have is the norm. One row per difference: the shards, the kind of object, the object,
/// what these shards have, and what is expected. Only the catalog is read, with one statement.
///
/// A table that another session has locked exclusively cannot be read; it is reported as locked.
///
/// Exit status: 0 no differences, 1 differences or failed, 2 usage error, 3 no differences, but
/// not everything could be read, or shards may be missing, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq drift
  shardq drift --json | jq -r '.[].object'
  shardq drift --no-owner --no-privileges -x")]
pub struct DriftArgs {
    #[command(flatten)]
    pub compared: ComparedArgs,

    #[command(flatten)]
    pub inspect: InspectArgs,
}

/// What to compare.
#[derive(Args)]
#[command(next_help_heading = "Comparison")]
pub struct ComparedArgs {
    /// Do not compare owners
    #[arg(long)]
    pub no_owner: bool,

    /// Do not compare privileges (GRANT, REVOKE)
    #[arg(long)]
    pub no_privileges: bool,

    /// Do not compare comments
    #[arg(long)]
    pub no_comments: bool,
}
