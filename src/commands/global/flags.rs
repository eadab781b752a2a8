//! What flags mean for a global query, and those that it refuses.

use crate::cli::query::GlobalArgs;
use crate::commands::error::Error;
use crate::global::{Colocation, FloatAggregation, GlobalOptions, OnSchemaDrift, Strategy};

/// A flag that has no meaning for a global query: whether it is given, its name, and the
/// alternative.
pub(in crate::commands) type IncompatibleFlag = (bool, &'static str, &'static str);

pub(in crate::commands) const ONE_INSTANT: &str =
    "a global query reads one snapshot; remove the flag";

pub(in crate::commands) const SHARDED_FIRST: &str = "a name means the sharded table if there is one; put \
     {shard} first, and write public.t for another table";

pub(in crate::commands) const NO_COLUMN: &str =
    "a global query has no shard column; remove the flag";

pub(in crate::commands) const NAME_THE_COLUMN: &str = "a global query has no shard column; select the column \
     shard, which every sharded table has: SELECT shard AS … FROM …";

/// Refuses flags that have no meaning for a global query.
pub(in crate::commands) fn refuse(flags: &[IncompatibleFlag]) -> Result<(), Error> {
    match flags.iter().find(|(given, ..)| *given) {
        Some((_, flag, instead)) => Err(Error::Usage(format!(
            "{flag} cannot be used with --global: {instead}"
        ))),
        None => Ok(()),
    }
}

pub(super) fn options(args: &GlobalArgs, strategy: Strategy) -> GlobalOptions {
    GlobalOptions {
        strategy,
        drift: if args.skip_missing {
            OnSchemaDrift::Skip
        } else {
            OnSchemaDrift::Refuse
        },
        colocation: if args.colocated {
            Colocation::Asserted
        } else {
            Colocation::Unknown
        },
        float_sums: if args.float_sums_in_parts {
            FloatAggregation::AnyOrder
        } else {
            FloatAggregation::Exact
        },
    }
}
