//! Which kind of key it is, and where it belongs.

use jiff::Timestamp;

use super::lookup_plan;
use super::search::Search;
use crate::cli::find::FindArgs;
use crate::commands::error::Error;
use crate::config::Settings;
use crate::find::batch::key_state::{KeyRule, ShardCount};
use crate::find::route;
use crate::find::tables::Tables;
use crate::sharding::layout::Layout;
use crate::sharding::routing::key::{Key, RouteScope, ServerAnswer};
use crate::sharding::routing::key_kind::KeyKind;
use crate::sharding::routing::key_kinds::{KeyKinds, KindError};
use crate::sharding::routing::rule::{NoRoute, Route};
use crate::sharding::topology::TopologyError;

pub fn key(args: &FindArgs, kinds: &KeyKinds) -> Result<Key, Error> {
    let text = args.key.clone().unwrap_or_default();
    Ok(match &args.in_column {
        Some(column) => Key::Value {
            column: column.clone(),
            kind: None,
            text,
        },
        None => Key::new(&text, kind(args.kind.as_deref(), &text, kinds)?)?,
    })
}

/// The kind that is named, else what the key looks like.
fn kind<'a>(name: Option<&str>, text: &str, kinds: &'a KeyKinds) -> Result<&'a KeyKind, KindError> {
    match name {
        Some(name) => kinds.named(name),
        None => kinds.guess(text),
    }
}

/// Habitat's keys are in shards by number, which is an error where there are none.
pub fn route(
    key: &Key,
    scope: &RouteScope<'_>,
    computed: Option<&ServerAnswer>,
) -> Result<Result<Route, NoRoute>, Error> {
    match key.route(scope, computed) {
        Err(NoRoute::NoNumbers) => Err(TopologyError::NoNumbers.into()),
        route => Ok(route),
    }
}

/// What the server computes for the key, if its route depends on that.
pub async fn computed(
    search: &Search<'_>,
    settings: &Settings,
) -> Result<Option<ServerAnswer>, Error> {
    let key = search.lookup.key;
    let Some(rule) = key.server_rule() else {
        return Ok(None);
    };
    let tables = if rule.needs_type() {
        search.typed_tables().await?
    } else {
        Tables::default()
    };
    if let (true, None, Key::Value { column, .. }) = (rule.needs_type(), tables.key_type(), key) {
        return Err(Error::NoColumn {
            column: column.clone(),
            others: lookup_plan::others(search.lookup, settings).await,
        });
    }
    let keys = [key.to_string()];
    let answers = route::compute(search.lookup, key, &tables, &keys).await?;
    Ok(answers.into_iter().next())
}

/// # Errors
/// If keys are computed, but shards have names.
pub fn key_rule(
    args: &FindArgs,
    layout: Layout,
    shard_count: ShardCount,
) -> Result<KeyRule, Error> {
    if let Some(column) = &args.in_column {
        return Ok(KeyRule::InColumn(column.clone()));
    }
    let kinds = args.connection.key_kinds();
    let kind = args.kind.as_deref().map(|name| kinds.named(name));
    let kind = kind.transpose()?.cloned();
    let needs_numbers = kind
        .as_ref()
        .map_or_else(|| kinds.need_numbers(), KeyKind::needs_numbers);
    if needs_numbers && layout.numbering().is_none() {
        return Err(TopologyError::NoNumbers.into());
    }
    Ok(KeyRule::Computed {
        kind,
        kinds,
        layout,
        shard_count,
        now: Timestamp::now(),
    })
}

/// A key for what needs one before any is read.
pub fn any_key(args: &FindArgs) -> Result<Key, Error> {
    if let Some(column) = &args.in_column {
        return Ok(Key::Value {
            column: column.clone(),
            kind: None,
            text: String::new(),
        });
    }
    let kinds = args.connection.key_kinds();
    Ok(match &args.kind {
        Some(name) => Key::any(kinds.named(name)?),
        None => Key::Origin(String::new()),
    })
}
