//! The scope of a shell: which shards of which servers its commands ask, unless they say otherwise.

use super::Command;
use super::query::{OutputArgs, QueryArgs};
use super::select::SelectArgs;
use crate::cli::inspect::InspectArgs;

impl Command {
    /// The command in a shell whose statements run with `scope`.
    #[must_use]
    pub fn in_scope(mut self, scope: &QueryArgs) -> Self {
        match &mut self {
            Self::Find(args) => {
                args.connection.clone_from(&scope.connection);
                args.layout.clone_from(&scope.shards.layout);
                select(&mut args.select, scope);
                args.limits = scope.limits;
            }
            Self::Export(args) => {
                args.connection.clone_from(&scope.connection);
                let is_selected = is_selected(&args.shards.select)
                    || !args.shards.origin.is_empty()
                    || !args.shards.key.is_empty();
                if !is_selected {
                    args.shards.clone_from(&scope.shards);
                }
                args.global.global |= scope.global.global;
                args.run.connections = scope.run.connections;
            }
            Self::Shards(args) => inspect(&mut args.inspect, scope),
            Self::Activity(args) => inspect(&mut args.inspect, scope),
            Self::Drift(args) => inspect(&mut args.inspect, scope),
            Self::Tables(args) => inspect(&mut args.inspect, scope),
            Self::Describe(args) => inspect(&mut args.inspect, scope),
            Self::Indexes(args) => inspect(&mut args.inspect, scope),
            Self::Functions(args) => inspect(&mut args.inspect, scope),
            Self::Databases(args) => {
                args.connection.clone_from(&scope.connection);
                args.layout.clone_from(&scope.shards.layout.patterns);
                output(&mut args.output, scope);
            }
            Self::Doctor(args) => {
                args.connection.clone_from(&scope.connection);
                args.layout.clone_from(&scope.shards.layout.patterns);
                output(&mut args.output, scope);
            }
            Self::Psql(args) => {
                args.connection.clone_from(&scope.connection);
                args.shards.layout.clone_from(&scope.shards.layout);
            }
            // They have no scope, or their own.
            Self::Query(_)
            | Self::Shell(_)
            | Self::Federate(_)
            | Self::Watch(_)
            | Self::Verify(_)
            | Self::Profiles(_)
            | Self::Demo(_)
            | Self::Completions(_)
            | Self::Man => {}
        }
        self
    }
}

fn inspect(args: &mut InspectArgs, scope: &QueryArgs) {
    args.connection.clone_from(&scope.connection);
    args.shards.layout.clone_from(&scope.shards.layout);
    select(&mut args.shards.select, scope);
    output(&mut args.output, scope);
    args.quiet |= scope.run.quiet;
}

fn select(args: &mut SelectArgs, scope: &QueryArgs) {
    if !is_selected(args) {
        args.clone_from(&scope.shards.select);
    }
}

fn is_selected(args: &SelectArgs) -> bool {
    !args.shards.is_empty() || !args.exclude_shards.is_empty() || args.having_table.is_some()
}

fn output(args: &mut OutputArgs, scope: &QueryArgs) {
    args.pager |= scope.output.pager;
    args.no_pager |= scope.output.no_pager;
    args.null = args.null.take().or_else(|| scope.output.null.clone());
}
