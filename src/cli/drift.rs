//! `shardq drift`.

use std::path::PathBuf;

use clap::Args;

use super::inspect::InspectArgs;
use super::values;

/// Find shards whose schema differs from the others'
///
/// Compares every object of all shards: tables, columns, constraints, indexes, triggers, rules,
/// policies, views, functions, types, sequences, owners, privileges, comments and more. What most
/// shards have is the norm. One row per difference: the shards, the kind of object, the object,
/// what these shards have, and what is expected. Only the catalog is read, with one
/// statement, and the tables that record applied migrations.
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
  shardq drift --no-owner --no-privileges -x
  shardq drift --sql > repair.sql
  shardq drift --save base.json
  shardq drift -P live --against base.json
  shardq drift -P live --against acceptance")]
pub struct DriftArgs {
    /// Save what most shards have to FILE, for --against
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "against",
        help_heading = "Comparison"
    )]
    pub save: Option<PathBuf>,

    /// Compare every shard with a saved file, a profile's database or another database
    ///
    /// TARGET is a file that --save wrote, the name of a profile, or a connection string
    /// (`postgresql://…` or `key=value`). Of another database, what most of its shards have is
    /// expected. A profile brings its own layout; with a connection string, the layout is the same
    /// as here.
    #[arg(long, value_name = "TARGET", help_heading = "Comparison")]
    pub against: Option<String>,

    /// Print SQL that would make each differing shard like the norm, as a draft to review
    ///
    /// One transaction per shard, with --lock-timeout. Nothing is run. What would delete data, and
    /// what cannot be drafted, is a comment.
    #[arg(long, conflicts_with_all = ["any_format", "output"], help_heading = "Comparison")]
    pub sql: bool,

    #[command(flatten)]
    pub compared: ComparedArgs,

    #[command(flatten)]
    pub inspect: InspectArgs,
}

/// What to compare.
#[derive(Args, Default)]
#[command(next_help_heading = "Comparison")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
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

    /// Compare the rows of this table, which records applied migrations
    ///
    /// Without it, those of common tools are compared where they exist: `alembic_version`,
    /// `builder_db_migrations`, `django_migrations`, `flyway_schema_history`, `schema_migrations`
    /// and others. Columns with times or with numbers from a sequence are left out.
    #[arg(long, value_name = "TABLE", value_parser = values::table_name, conflicts_with = "no_migrations")]
    pub migrations: Option<String>,

    /// Do not compare the rows of tables that record applied migrations
    #[arg(long)]
    pub no_migrations: bool,
}
