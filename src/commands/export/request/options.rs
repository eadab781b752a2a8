//! The flags of an export as its manifest records them: everything that decides what is in the
//! file, under the name of its flag, without the connection flags.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::ExportRequest;
use crate::exec::merge::Order;
use crate::sharding::pattern::Pattern;
use crate::sharding::shard_list::ShardList;

impl ExportRequest<'_> {
    /// For the manifest: the request, in terms of the flags.
    pub fn options(&self) -> BTreeMap<String, Value> {
        let args = self.args;
        let text = |value: &Option<String>| value.clone().map(Value::from);
        let flag = |given: bool| given.then_some(Value::from(true));
        let options = [
            ("connections", Some(args.run.connections.into())),
            ("statement-timeout", Some(milliseconds(args.limits.timeout))),
            ("lock-timeout", Some(milliseconds(args.limits.lock_timeout))),
            ("no-snapshot", flag(args.run.no_snapshot)),
            ("row-security", flag(args.run.row_security)),
            ("order-arrival", flag(args.output.order == Order::Arrival)),
            ("allow-partial", flag(args.output.allow_partial)),
            ("excel", flag(args.output.excel)),
            ("tuples-only", flag(args.output.tuples_only)),
            ("bigint-as-string", flag(args.output.bigint_as_string)),
            ("per-shard", flag(args.output.per_shard)),
            ("shard-column", text(&args.output.shard_column)),
            ("no-shard-column", flag(args.output.no_shard_column)),
            ("shards", list(self.plan.filter.listed.as_ref())),
            ("exclude-shards", list(self.plan.filter.excluded.as_ref())),
            ("having-table", text(&self.plan.filter.having_table)),
            ("schemas", patterns(&args.shards.layout.patterns.schemas)),
            (
                "exclude-schemas",
                patterns(&args.shards.layout.patterns.exclude_schemas),
            ),
            (
                "schemas-from",
                (args.shards.layout.schemas_from.as_ref()).map(|sql| sql.as_str().into()),
            ),
            ("origin", origins(&args.shards.origin)),
            ("key", origins(&args.shards.key)),
            (
                "key-from",
                (args.shards.key_from.as_ref()).map(|file| file.display().to_string().into()),
            ),
            ("kind", text(&args.shards.kind)),
            ("null", text(&args.output.null)),
            (
                "delimiter",
                text(&args.output.delimiter.as_ref().map(ToString::to_string)),
            ),
            ("expect-shards", args.shards.expect_shards.map(Value::from)),
        ];
        options
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

/// What was in the files, which may change.
fn list(list: Option<&ShardList>) -> Option<Value> {
    list.map(|list| list.to_string().into())
}

fn patterns(patterns: &[Pattern]) -> Option<Value> {
    let listed: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    (!listed.is_empty()).then(|| listed.into())
}

/// A single value as text, several as a list.
fn origins(names: &[String]) -> Option<Value> {
    match names {
        [] => None,
        [only] => Some(only.clone().into()),
        several => Some(several.to_vec().into()),
    }
}

fn milliseconds(time: Duration) -> Value {
    format!("{} ms", time.as_millis()).into()
}
