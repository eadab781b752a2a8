//! What `drift` says on stderr, beside its rows.

use super::expected::Expected;
use super::findings::Finding;
use super::migrations::{self, MIGRATION};
use super::shape::{Object, Shape};
use super::{Inspected, report, unread};
use crate::commands::inspect::session::Collected;
use crate::sharding::ranges::Ranges;
use crate::terminal::console::Console;

/// Warnings, then the summary.
pub fn say(
    findings: &[Finding],
    collected: &Collected<Inspected>,
    expected: &Expected,
    console: &mut Console,
) {
    let inspected = &collected.data;
    for holder in &inspected.lock_holders {
        console.warning(holder);
    }
    let is_majority = expected.source.is_empty();
    if is_majority {
        for warning in half_applied(findings, &inspected.shape) {
            console.warning(&warning);
        }
    }
    if let Some(warning) =
        other_version(inspected.version, expected).filter(|_| !findings.is_empty())
    {
        console.warning(&warning);
    }
    if let Some(doubt) = &collected.selection.doubt {
        console.error(doubt);
    }
    let summary = report::summary(findings, &inspected.shape.unread, &expected.source);
    let unread = unread(&inspected.shape.unread);
    console.summary(&collected.summary_without(summary, &unread, console));
}

/// Shards that differ in what migrations do, and not in which they have recorded.
fn half_applied(findings: &[Finding], shape: &Shape) -> Vec<String> {
    let differing = findings.iter().filter(|finding| finding.is_of_migrations());
    let differing = differing.flat_map(|finding| finding.shards.iter().copied());
    let is_record = |object: &&Object| object.name.kind == MIGRATION;
    let records: Vec<_> = shape.objects.iter().filter(is_record).cloned().collect();
    let alike = migrations::recorded_alike(&records, &differing.collect());
    let warnings = alike.into_iter().map(|(table, shards)| {
        format!(
            "{}: {table} records the same migrations as in most shards, but the schema differs: a \
             migration was applied in part, or the schema was changed by hand",
            Ranges::of(&shards).brief()
        )
    });
    warnings.collect()
}

/// Servers print the same definition differently.
fn other_version(version: u32, expected: &Expected) -> Option<String> {
    let [ours, theirs] = [version, expected.version].map(|version| version / 10_000);
    (ours != theirs).then(|| {
        format!(
            "the servers are Postgres {ours} and {theirs}, which may print the same definition \
             differently"
        )
    })
}
