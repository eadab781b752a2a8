//! Which of the shards that exist are queried, and what may be missing among them.

use std::num::NonZeroU32;

use crate::cli::query::ShardArgs;
use crate::commands::databases::OpenDatabases;
use crate::commands::error::Error;
use crate::commands::keys;
use crate::exec::fanout::Preflight;
use crate::exec::plan::Plan;
use crate::exec::unknown_name::UnknownName;
use crate::sharding::selection::Selection;
use crate::sharding::topology::{Topology, TopologyError};
use crate::terminal::console::Console;

/// The shards to query. Warns about what may be missing.
pub async fn select_shards(
    args: &ShardArgs,
    plan: &Plan,
    databases: &OpenDatabases<'_>,
    console: &mut Console,
) -> Result<Selection, Error> {
    let topology = databases.topology;
    check_count(topology, args.expect_shards)?;
    warn_of_names(topology, console);
    // Use the expected number: the highest shard may be missing.
    let expected = args.expect_shards.and_then(NonZeroU32::new);
    let by_key = &plan.filter.keys;
    let selection = if !by_key.is_empty() {
        // Boxed because the future is large, and most runs have no keys.
        Box::pin(keys::select(by_key, plan, databases, expected, console)).await?
    } else if args.origin.is_empty() {
        filtered(plan, databases.first()?, topology).await?
    } else {
        let is_known = topology.unreachable().is_empty();
        let counted = is_known.then(|| topology.shard_count());
        let Some(shard_count) = expected.or(counted) else {
            let unreachable = topology.unreachable().to_vec();
            return Err(TopologyError::CountUnknown { unreachable }.into());
        };
        Selection::of_origins(topology, &args.origin, shard_count)?
    };
    let are_all_meant = !plan.filter.is_by_list() && args.origin.is_empty();
    let expected = args.expect_shards.map(|expected| ExpectedCount {
        expected,
        are_all_meant,
    });
    Ok(with_expected_count(selection, topology, expected))
}

/// The shards that the plan's filter lets through, where there is no other way to select some.
/// Warns about what may be missing.
pub async fn select_listed(
    expected: Option<u32>,
    plan: &Plan,
    preflight: &Preflight,
    topology: &Topology,
    console: &mut Console,
) -> Result<Selection, Error> {
    check_count(topology, expected)?;
    warn_of_names(topology, console);
    let selection = filtered(plan, preflight, topology).await?;
    let expected = expected.map(|expected| ExpectedCount {
        expected,
        are_all_meant: !plan.filter.is_by_list(),
    });
    Ok(with_expected_count(selection, topology, expected))
}

/// What `--expect-shards` says.
#[derive(Clone, Copy)]
struct ExpectedCount {
    expected: u32,
    /// No shards are named.
    are_all_meant: bool,
}

/// Without all databases, nobody knows how many shards there are.
fn check_count(topology: &Topology, expected: Option<u32>) -> Result<(), Error> {
    match expected {
        Some(expected) if topology.unreachable().is_empty() => Ok(topology.expect(expected)?),
        _ => Ok(()),
    }
}

fn with_expected_count(
    mut selection: Selection,
    topology: &Topology,
    expected: Option<ExpectedCount>,
) -> Selection {
    let Some(ExpectedCount {
        expected,
        are_all_meant,
    }) = expected
    else {
        return selection;
    };
    if topology.unreachable().is_empty() {
        // The number is right, but not that listed shards exist.
        selection.doubt = selection
            .doubt
            .filter(|doubt| !doubt.nonexistent.is_empty());
    } else if are_all_meant {
        selection.total = usize::try_from(expected).ok();
    }
    selection
}

/// All shards that the plan's filter lets through. If none has the table of `--having-table`, the
/// error names the nearest.
pub async fn filtered(
    plan: &Plan,
    preflight: &Preflight,
    topology: &Topology,
) -> Result<Selection, Error> {
    let error = match Selection::filtered(topology, &plan.filter) {
        Err(error @ TopologyError::NoneHasTable(_)) => error,
        selection => return Ok(selection?),
    };
    let unknown = UnknownName::table(plan.filter.having_table.as_deref().unwrap_or_default());
    let connection = preflight.session.connection();
    Err(Error::NoneHasTable {
        error,
        hint: unknown.hint_in_shards(connection, &plan.layout).await,
    })
}

/// As [`select_shards`], but an error if shards may be missing.
pub async fn select_all_shards(
    args: &ShardArgs,
    plan: &Plan,
    databases: &OpenDatabases<'_>,
    console: &mut Console,
) -> Result<Selection, Error> {
    let selection = select_shards(args, plan, databases, console).await?;
    match selection.doubt {
        Some(doubt) => Err(TopologyError::InDoubt(doubt).into()),
        None => Ok(selection),
    }
}

/// Warns about unusual numbering and look-alikes.
pub fn warn_of_names(topology: &Topology, console: &mut Console) {
    if let (Some(first), Some(numbering)) = (topology.late_start(), topology.numbering()) {
        console.warning(&format!(
            "shard numbers start at {first}, not at {} or {}",
            numbering.shard(0),
            numbering.shard(1)
        ));
    }
    let gaps = topology.gaps();
    if !gaps.is_empty() {
        console.warning(&format!("{gaps} missing (gap in shard numbers)"));
    }
    let look_alikes = topology.look_alikes();
    if !look_alikes.is_empty() {
        console.warning(&format!(
            "not queried, because shards are {}: {look_alikes}",
            topology.naming()
        ));
    }
}
