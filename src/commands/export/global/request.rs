//! What the flags of an export mean for a global query: those that it refuses, the plan and the
//! encoder without a shard column, and the options that its manifest records.

use std::collections::BTreeMap;

use crate::cli::export::ExportArgs;
use crate::commands::error::Error;
use crate::commands::export::ExportRequest;
use crate::commands::global::flags;
use crate::commands::session_setup::ServerInfo;
use crate::exec::copy::{CopyOptions, ResultProtocol};
use crate::exec::merge::Order;
use crate::exec::plan::{Consistency, Determinism, Plan};
use crate::export::encoder::EncoderOptions;
use crate::global::Strategy;

/// Refuses flags that have no meaning for a global query.
pub(super) fn check(args: &ExportArgs) -> Result<(), Error> {
    let output = &args.output;
    flags::refuse(&[
        (
            output.resume,
            "--resume",
            "a global query is exported as a whole; remove the flag and --per-shard",
        ),
        (
            output.per_shard,
            "--per-shard",
            "a global query is exported to one file; remove the flag, or remove --global to export \
             the rows of each shard",
        ),
        (
            output.allow_partial,
            "--allow-partial",
            "a global result without one of its shards is a different result; use --skip-missing \
             to skip shards that lack a table or a column, or --shards to select shards",
        ),
        (
            output.order == Order::Arrival,
            "--order arrival",
            "the statement determines the order of a global query; remove the flag",
        ),
        (args.run.no_snapshot, "--no-snapshot", flags::ONE_INSTANT),
        (
            !args.shards.search_path.begins_with_shard(),
            "a schema before {shard} in --search-path",
            flags::SHARDED_FIRST,
        ),
        (
            output.no_shard_column,
            "--no-shard-column",
            flags::NO_COLUMN,
        ),
        (
            output.shard_column.is_some(),
            "--shard-column",
            flags::NAME_THE_COLUMN,
        ),
    ])
}

/// The same plan without a shard column.
pub(super) fn plan(plan: &Plan) -> Plan {
    let transfer = match &plan.transfer {
        ResultProtocol::SimpleQuery => ResultProtocol::SimpleQuery,
        ResultProtocol::Copy(copying) => ResultProtocol::Copy(CopyOptions {
            shard_column: false,
            ..copying.clone()
        }),
    };
    Plan {
        transfer,
        instant: Consistency::SharedSnapshot,
        // A single statement needs its parallel workers for speed; ORDER BY alone decides the
        // order.
        pinned: Determinism::ScanStart,
        ..plan.clone()
    }
}

pub(super) fn encoder(request: &ExportRequest<'_>, server: &ServerInfo) -> EncoderOptions {
    let mut options = request.encoder(server);
    options.shard_column = None;
    options.options.shard_column = false;
    options
}

/// For the manifest: the request, in terms of the flags.
pub(super) fn options(request: &ExportRequest<'_>) -> BTreeMap<String, serde_json::Value> {
    let args = request.args;
    let mut options = request.options();
    options.insert("global".to_owned(), true.into());
    if args.global.colocated {
        options.insert("colocated".to_owned(), true.into());
    }
    if args.global.float_sums_in_parts {
        options.insert("float-sums-in-parts".to_owned(), true.into());
    }
    if args.global.skip_missing {
        options.insert("skip-missing".to_owned(), true.into());
    }
    let strategy = match args.global.strategy {
        Strategy::Auto => "auto",
        Strategy::One => "one",
        Strategy::Partial => "partial",
    };
    options.insert("strategy".to_owned(), strategy.into());
    options
}
