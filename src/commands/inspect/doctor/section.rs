//! The findings of each database, and those over all of them. Pure.

use super::facts::DatabaseFacts;
use super::finding::{Finding, Level, Section};
use super::{server_checks, shard_checks};
use crate::commands::inspect::drift::findings;
use crate::commands::inspect::drift::report;
use crate::commands::inspect::drift::shape::Shape;
use crate::sharding::database::Database;
use crate::sharding::layout::Layout;
use crate::sharding::ranges::Ranges;
use crate::sharding::topology::Topology;
use crate::sharding::unreachable::Unreachable;

/// What is over all servers.
const ALL: &str = "all servers";

/// Of the only database.
pub fn of_one(facts: DatabaseFacts) -> Vec<Section> {
    let mut findings = of_server(&facts);
    findings.push(shard_checks::shards(&facts.shards));
    findings.extend(of_database(&facts));
    findings.push(drift(vec![facts.shape]));
    vec![Section {
        place: None,
        findings,
    }]
}

/// Of several. What holds for a server is checked in the first of its databases.
pub fn of_several(
    databases: Vec<(Database, DatabaseFacts)>,
    unreachable: Vec<Unreachable>,
    layout: &Layout,
    preferred: &[String],
) -> Vec<Section> {
    let mut sections = Vec::new();
    let (mut parts, mut shapes) = (Vec::new(), Vec::new());
    let mut previous = None;
    for (database, facts) in databases {
        let server = Some(database.server());
        let is_first = server != std::mem::replace(&mut previous, server);
        let mut findings = if is_first {
            of_server(&facts)
        } else {
            Vec::new()
        };
        findings.push(shard_checks::own_shards(&facts.shards));
        findings.extend(of_database(&facts));
        if !is_first {
            // Of hundreds of databases, only what needs attention.
            findings.retain(|finding| finding.level != Level::Ok);
        }
        if !findings.is_empty() {
            sections.push(Section {
                place: Some(database.place()),
                findings,
            });
        }
        shapes.push(facts.shape);
        parts.extend(facts.shards.topology);
    }
    for Unreachable { place, reason } in &unreachable {
        sections.push(Section {
            place: Some(place.clone()),
            findings: vec![Finding::failure("connection", reason.clone())],
        });
    }
    let mut findings = duplicates(parts, layout, unreachable, preferred);
    findings.push(drift(shapes));
    sections.push(Section {
        place: Some(ALL.to_owned()),
        findings,
    });
    sections
}

fn of_server(facts: &DatabaseFacts) -> Vec<Finding> {
    server_checks::all(&facts.server, &facts.connection)
}

fn of_database(facts: &DatabaseFacts) -> Vec<Finding> {
    let mut findings = shard_checks::anomalies(&facts.anomalies);
    findings.push(shard_checks::sequences(&facts.sequences));
    findings
}

/// Whether a shard is on several servers, and otherwise which there are.
fn duplicates(
    parts: Vec<Topology>,
    layout: &Layout,
    unreachable: Vec<Unreachable>,
    preferred: &[String],
) -> Vec<Finding> {
    const NAME: &str = "duplicates";
    let topology = match Topology::union(parts, layout, unreachable, preferred) {
        Err(error) => return vec![Finding::failure(NAME, error.to_string())],
        Ok(None) => return Vec::new(),
        Ok(Some(topology)) => topology,
    };
    let shards = topology.shards();
    let message = format!("{}: {}", shards.len(), Ranges::of(shards).brief());
    let gaps = topology.lacking();
    let shards = if gaps.is_empty() {
        Finding::ok("shards", message)
    } else {
        Finding::warning("shards", format!("{message}; missing: {gaps}"))
            .advise("add --expect-shards N to scripts, so that a missing shard is an error")
    };
    let none = if preferred.is_empty() {
        "no shard is on several servers".to_owned()
    } else {
        format!("none, with --prefer {}", preferred.join(", "))
    };
    vec![shards, Finding::ok(NAME, none)]
}

fn drift(shapes: Vec<Result<Shape, String>>) -> Finding {
    const NAME: &str = "drift";
    let shapes: Result<Vec<_>, String> = shapes.into_iter().collect();
    let shape = match shapes {
        Ok(shapes) => Shape::union(shapes),
        Err(reason) => return Finding::warning(NAME, format!("not compared: {reason}")),
    };
    if shape.shards.is_empty() {
        return Finding::ok(NAME, "none, without shards");
    }
    let norm = findings::majority(&shape);
    let found = findings::findings(&shape, &norm);
    let message = report::summary(&found, &shape.unread, "");
    if found.is_empty() && shape.unread.is_empty() {
        return Finding::ok(NAME, "all shards have the same schema");
    }
    Finding::warning(NAME, message).advise("shardq drift  -- shows what differs, and where")
}
