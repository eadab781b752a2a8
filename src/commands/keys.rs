//! `--key` and `--key-from`: looks for the keys in the run's own transaction, before the run, so
//! that only the shards that have them are queried.

use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::query::ShardArgs;
use crate::cli::statement::StatementArgs;
use crate::commands::databases::OpenDatabases;
use crate::commands::error::Error;
use crate::commands::find::batch_search::BatchSearch;
use crate::commands::find::lookup_plan;
use crate::commands::find::search::{Search, SearchedShards};
use crate::commands::shard_lists::{self, ListError, StandardInput};
use crate::exec::fanout;
use crate::exec::plan::Plan;
use crate::find::batch::input::InputFile;
use crate::find::batch::key_list;
use crate::find::batch::key_state::{KeyRule, ShardCount};
use crate::find::batch::keys::ChunkKeys;
use crate::find::lookup::LookupError;
use crate::sharding::routing::key::Key;
use crate::sharding::routing::key_kinds::KeyKinds;
use crate::sharding::selected_keys::{SelectedKey, SelectedKeys};
use crate::sharding::selection::{Selection, ShardFilter};
use crate::terminal::console::Console;

/// The filter of a run, with the keys.
///
/// # Errors
/// If a list of shards or keys cannot be read, or makes no sense.
pub(super) fn filter(args: &ShardArgs, sql: &StatementArgs) -> Result<Arc<ShardFilter>, Error> {
    let file = args.key_from.as_deref().map(InputFile::new);
    let standard_input = match (&file, shard_lists::held_by(sql)) {
        (Some(file), StandardInput::HoldsSql) if file.is_standard_input() => {
            return Err(ListError::SqlFromKeys.into());
        }
        (Some(file), _) if file.is_standard_input() => StandardInput::HoldsKeys,
        (_, standard_input) => standard_input,
    };
    let filter = shard_lists::filter(&args.select, standard_input)?;
    let kinds = &args.key_kinds;
    let kind = args.kind.as_deref().map(|name| kinds.named(name));
    let kind = kind.transpose()?;
    let keys = if let Some(file) = &file {
        key_list::read(file, kinds, kind)?
    } else {
        let key = |text: &String| -> Result<Key, Error> {
            Ok(Key::new(text, kind.map_or_else(|| kinds.guess(text), Ok)?)?)
        };
        args.key.iter().map(key).collect::<Result<_, _>>()?
    };
    Ok(Arc::new(ShardFilter {
        keys,
        ..ShardFilter::clone(&filter)
    }))
}

/// Keys of one statement, an array of them. As many as rows of a chunk of `find --from`.
const CHUNK: usize = 50_000;

/// The shards of these keys. There is at least one. The number of shards is `shard_count` if it is
/// given.
pub(super) async fn select(
    keys: &[Key],
    plan: &Plan,
    databases: &OpenDatabases<'_>,
    shard_count: Option<NonZeroU32>,
    console: &mut Console,
) -> Result<Selection, Error> {
    let OpenDatabases {
        listed,
        later,
        topology,
    } = databases;
    let Some(any) = keys.first() else {
        return Ok(Selection::filtered(topology, &plan.filter)?);
    };
    if *later > 0 {
        let all = listed.len() + later;
        return Err(Error::Usage(format!(
            "keys are looked up in each of {all} databases at once; add -j {all}, or name fewer \
             with --databases"
        )));
    }
    let lookup_plan = lookup_plan::plan(plan.limits, plan.layout.clone(), Arc::default(), any)?;
    let shards = SearchedShards {
        waiting: &[],
        databases: listed,
        plan: &lookup_plan,
        topology,
        selection: &Selection::filtered(topology, &lookup_plan.filter)?,
        shard_count,
    };
    let search = shards.search(any)?;
    let rule = KeyRule::Computed {
        kinds: KeyKinds::default(),
        kind: None,
        layout: plan.layout.clone(),
        shard_count: search
            .shard_count
            .map_or(ShardCount::Unknown, ShardCount::Known),
        now: Timestamp::now(),
    };
    let selected = find(keys, search, &rule, console).await?;
    for database in listed {
        // Releases the locks, and recovers from an error of the last lookup.
        let recovered = database.preflight.session.recover().await;
        recovered.map_err(|error| LookupError::Lost(fanout::cause(&error)))?;
    }
    let shards = selected.shards(topology.shards());
    if shards.is_empty() {
        return Err(Error::KeysNowhere(selected.missing().unwrap_or_default()));
    }
    Ok(Selection::of_keys(shards, selected))
}

/// Looks for each where it belongs, and for those that are not there in all shards.
async fn find(
    keys: &[Key],
    search: Search<'_>,
    rule: &KeyRule,
    console: &mut Console,
) -> Result<SelectedKeys, Error> {
    let mut searches = BatchSearch::new(search, "a key");
    let mut selected = Vec::new();
    for chunk in keys.chunks(CHUNK) {
        let mut chunk = ChunkKeys::of(chunk, rule)?;
        searches.chunk(&mut chunk, rule, console).await?;
        selected.extend(chunk.states.into_iter().map(|state| SelectedKey {
            key: state.key,
            expected: state.expected,
            found: state.found,
        }));
    }
    if let Some((column, _)) = searches.missing_column() {
        let others = Vec::new();
        return Err(Error::NoColumn { column, others });
    }
    let (coverage, unanswered) = searches.coverage().await;
    for unanswered in unanswered {
        unanswered.say(console);
    }
    Ok(SelectedKeys {
        keys: selected,
        unsearched: (!coverage.is_complete()).then(|| coverage.to_string()),
    })
}
