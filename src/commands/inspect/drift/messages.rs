//! What `drift` says on stderr, beside its rows.

use std::collections::BTreeSet;

use super::expected::Expected;
use super::findings::Finding;
use super::migrations::{self, MIGRATION};
use super::shape::{Object, Shape};
use super::{Inspected, report, unread};
use crate::commands::inspect::collected::Collected;
use crate::commands::inspect::report::InspectReport;
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
    let mut warnings = inspected.lock_holders.clone();
    if expected.source.is_empty() {
        warnings.extend(half_applied(findings, &inspected.shape));
    }
    let versions = inspected.versions.iter().copied();
    let versions = versions.chain([expected.version]).collect();
    warnings.extend(other_versions(&versions).filter(|_| !findings.is_empty()));
    let report = InspectReport {
        collected,
        warnings,
        found: report::summary(findings, &inspected.shape.unread, &expected.source),
        unread: unread(&inspected.shape.unread),
        runs: Vec::new(),
    };
    report.say(console);
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

/// Servers print the same definition differently. `None` if all have the same major version.
fn other_versions(versions: &BTreeSet<u32>) -> Option<String> {
    let majors: BTreeSet<_> = versions.iter().map(|version| version / 10_000).collect();
    let majors: Vec<_> = majors.iter().map(ToString::to_string).collect();
    (majors.len() > 1).then(|| {
        format!(
            "the servers are Postgres {}, which may print the same definition differently",
            majors.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_major_versions_print_differently() {
        let of = |versions: &[u32]| other_versions(&versions.iter().copied().collect());
        assert_eq!(of(&[150_004, 150_018]), None);
        assert_eq!(
            of(&[150_018, 160_002, 150_004]).unwrap(),
            "the servers are Postgres 15 and 16, which may print the same definition differently"
        );
    }
}
