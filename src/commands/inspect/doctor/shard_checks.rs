//! Checks of the shards and of what keeps them from VACUUM: a function of facts each. Pure.

use super::facts::{Anomaly, FullSequence, ShardFacts};
use super::finding::{Finding, Level};
use crate::pg::quote::{Identifier, Literal};
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::text::humanize::{Bytes, HumanDuration, counted};

/// How many things are listed before the rest is only counted.
const LISTED: usize = 3;

pub fn shards(facts: &ShardFacts) -> Finding {
    const NAME: &str = "shards";
    let count = facts.shards.len();
    if count == 0 {
        let none = Finding::failure(NAME, format!("none: no schema is {}", facts.naming));
        let guesses = facts.guesses.iter();
        let advised = guesses.fold(none, |finding, guess| {
            let (pattern, schemas) = (&guess.pattern, guess.schemas);
            finding.advise(format!("--schemas '{pattern}'  ({schemas} schemas)"))
        });
        return advised.advise("shardq databases lists which databases have shards");
    }
    let message = format!("{count}: {}", Ranges::of(&facts.shards).brief());
    let mut problems = Vec::new();
    if !facts.gaps.is_empty() {
        problems.push(format!("missing: {}", facts.gaps));
    }
    if !facts.look_alikes.is_empty() {
        problems.push(format!("not taken for shards: {}", facts.look_alikes));
    }
    if problems.is_empty() {
        return Finding::ok(NAME, message);
    }
    Finding::warning(NAME, format!("{message}; {}", problems.join("; ")))
        .advise("add --expect-shards N to scripts, so that a missing shard is an error")
}

/// The shards of one of several databases. Gaps are none if another has them.
pub fn own_shards(facts: &ShardFacts) -> Finding {
    let none = Finding::warning("shards", format!("none: no schema is {}", facts.naming));
    match facts.shards.len() {
        0 => none.advise("leave it out, if it should have none"),
        count => {
            let shards = Ranges::of(&facts.shards).brief();
            let finding = Finding::ok("shards", format!("{count}: {shards}"));
            if facts.look_alikes.is_empty() {
                return finding;
            }
            let message = format!(
                "{}; not taken for shards: {}",
                finding.message, facts.look_alikes
            );
            Finding::warning("shards", message)
        }
    }
}

/// Those of one kind, as one finding.
fn of_kind(
    anomalies: &[Anomaly],
    kind: &str,
    (check, none): (&'static str, &str),
    describe: impl Fn(&[&Anomaly]) -> Finding,
) -> Finding {
    let found: Vec<_> = anomalies.iter().filter(|it| it.kind == kind).collect();
    if found.is_empty() {
        Finding::ok(check, none)
    } else {
        describe(&found)
    }
}

pub fn anomalies(anomalies: &[Anomaly]) -> Vec<Finding> {
    let mut findings = vec![
        of_kind(
            anomalies,
            "unanalyzed",
            ("statistics", "every table was analyzed"),
            unanalyzed,
        ),
        of_kind(
            anomalies,
            "invalid_index",
            ("indexes", "all are valid"),
            invalid_indexes,
        ),
    ];
    let old = ["transaction", "prepared"].map(|kind| {
        let none = (
            "transactions",
            "none is older than an hour, as far as this role may see",
        );
        of_kind(anomalies, kind, none, transactions)
    });
    // One line if both are as they should be.
    let [processes, prepared] = old;
    if prepared.level == Level::Ok || processes.level != Level::Ok {
        findings.push(processes);
    }
    if prepared.level != Level::Ok {
        findings.push(prepared);
    }
    let none = ("replication slots", "none is without a reader");
    findings.push(of_kind(anomalies, "slot", none, slots));
    findings
}

fn unanalyzed(found: &[&Anomaly]) -> Finding {
    let shards: Vec<Shard> = found.iter().filter_map(|it| it.shard).collect();
    let tables: u64 = found.iter().filter_map(|it| it.figure).sum();
    let were = if tables == 1 { "was" } else { "were" };
    let tables = counted(usize::try_from(tables).unwrap_or(usize::MAX), "table");
    Finding::warning(
        "statistics",
        format!(
            "{tables} {were} never analyzed, in {}: plans and estimates are guesses",
            Ranges::of(&shards).brief()
        ),
    )
    .advise("ANALYZE  -- as the owner of the tables; autovacuum may be off")
}

fn invalid_indexes(found: &[&Anomaly]) -> Finding {
    let name = |it: &&Anomaly| {
        let shard = it.shard.map(Shard::schema).unwrap_or_default();
        format!("{}.{}", Identifier(shard), Identifier(&it.name))
    };
    let finding = Finding::warning(
        "indexes",
        format!(
            "{} invalid: writes maintain them, no query uses them",
            found.len()
        ),
    );
    let listed = found.iter().take(LISTED);
    let finding = listed.fold(finding, |finding, it| {
        finding.advise(format!("REINDEX INDEX CONCURRENTLY {}", name(it)))
    });
    more(finding, found.len())
}

fn transactions(found: &[&Anomaly]) -> Finding {
    let age = |it: &&&Anomaly| it.figure.unwrap_or(0);
    let oldest = found.iter().map(|it| age(&it)).max().unwrap_or(0);
    let is_prepared = found.iter().any(|it| it.kind == "prepared");
    let kind = if is_prepared {
        "prepared transaction"
    } else {
        "transaction"
    };
    let plural = if found.len() == 1 { "" } else { "s" };
    let oldest = HumanDuration(std::time::Duration::from_secs(oldest));
    let finding = Finding::warning(
        "transactions",
        format!(
            "{} {kind}{plural} older than an hour, the oldest {oldest}: VACUUM keeps all rows that \
             were deleted since",
            found.len()
        ),
    );
    let mut oldest_first = found.to_vec();
    oldest_first.sort_by_key(|it| std::cmp::Reverse(it.figure));
    let finding = oldest_first
        .iter()
        .take(LISTED)
        .fold(finding, |finding, it| {
            finding.advise(if is_prepared {
                format!("ROLLBACK PREPARED {}", Literal(&it.name))
            } else {
                format!("SELECT pg_terminate_backend({})", it.name)
            })
        });
    more(finding, found.len())
}

fn slots(found: &[&Anomaly]) -> Finding {
    let kept: u64 = found.iter().filter_map(|it| it.figure).sum();
    let finding = Finding::warning(
        "replication slots",
        format!(
            "{} without a reader, for which {} of WAL are kept",
            found.len(),
            Bytes(kept)
        ),
    );
    let listed = found.iter().take(LISTED);
    let finding = listed.fold(finding, |finding, it| {
        finding.advise(format!(
            "SELECT pg_drop_replication_slot({})",
            Literal(&it.name)
        ))
    });
    more(finding, found.len())
}

fn more(finding: Finding, count: usize) -> Finding {
    match count.saturating_sub(LISTED) {
        0 => finding,
        more => finding.advise(format!("and {more} more")),
    }
}

/// `Err` is why they could not be read.
pub fn sequences(found: &Result<Vec<FullSequence>, String>) -> Finding {
    const NAME: &str = "sequences";
    /// In percent.
    const URGENT: f64 = 95.0;
    let found = match found {
        Ok(found) if found.is_empty() => {
            return Finding::ok(NAME, "none has used four fifths of its numbers");
        }
        Ok(found) => found,
        Err(reason) => return Finding::warning(NAME, format!("not checked: {reason}")),
    };
    let fullest = found.iter().map(|it| it.percent).fold(0.0, f64::max);
    let message = format!("{} nearly used up, at most to {fullest:.1} %", found.len());
    let finding = if fullest < URGENT {
        Finding::warning(NAME, message)
    } else {
        Finding::failure(NAME, message)
    };
    let listed = found.iter().take(LISTED);
    let finding = listed.fold(finding, |finding, it| {
        let name = format!("{}.{}", Identifier(it.shard.schema()), Identifier(&it.name));
        finding.advise(format!(
            "ALTER SEQUENCE {name} AS bigint MAXVALUE 9223372036854775807  -- and its column to bigint"
        ))
    });
    more(finding, found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anomaly(kind: &str, name: &str, figure: u64) -> Anomaly {
        Anomaly {
            kind: kind.to_owned(),
            shard: Some(Shard::new(3)),
            name: name.to_owned(),
            figure: Some(figure),
        }
    }

    #[test]
    fn without_anomalies_all_is_ok() {
        let findings = anomalies(&[]);
        assert!(
            findings.iter().all(|it| it.level == Level::Ok),
            "{findings:?}"
        );
        assert_eq!(findings.len(), 4);
        assert_eq!(sequences(&Ok(Vec::new())).level, Level::Ok);
    }

    #[test]
    fn what_to_do_is_sql() {
        let found = [
            anomaly("invalid_index", "I \"x\"", 0),
            anomaly("transaction", "77", 3_700),
            anomaly("transaction", "78", 9_000),
            anomaly("prepared", "it's", 4_000),
            anomaly("slot", "s", 5_000_000),
        ];
        let findings = anomalies(&found);
        let advice: Vec<_> = findings.iter().flat_map(|it| it.advice.clone()).collect();
        assert_eq!(
            advice,
            [
                "REINDEX INDEX CONCURRENTLY \"shard_3\".\"I \"\"x\"\"\"",
                "SELECT pg_terminate_backend(78)",
                "SELECT pg_terminate_backend(77)",
                "ROLLBACK PREPARED 'it''s'",
                "SELECT pg_drop_replication_slot('s')",
            ]
        );
        assert!(
            findings[2].message.contains("the oldest 150 min 00 s"),
            "{findings:?}"
        );
    }

    #[test]
    fn many_are_counted() {
        let found = ["1", "2", "3", "4", "5"].map(|pid| anomaly("transaction", pid, 4_000));
        assert_eq!(anomalies(&found)[2].advice.last().unwrap(), "and 2 more");
    }

    #[test]
    fn without_shards_the_layout_is_guessed() {
        let facts = ShardFacts {
            naming: "named shard_0, shard_1, …".to_owned(),
            guesses: vec![crate::sharding::guess::Guess {
                pattern: "t_{n}".to_owned(),
                schemas: 9,
            }],
            ..ShardFacts::default()
        };
        let finding = shards(&facts);
        assert_eq!(finding.level, Level::Failure);
        assert_eq!(finding.advice[0], "--schemas 't_{n}'  (9 schemas)");
        let gap = ShardFacts {
            shards: [0, 2].map(Shard::new).to_vec(),
            gaps: "shard_1".to_owned(),
            ..facts
        };
        assert_eq!(
            shards(&gap).message,
            "2: shard_0, shard_2; missing: shard_1"
        );
    }

    #[test]
    fn a_sequence_that_is_nearly_used_up_is_a_failure() {
        let at = |percent| {
            let shard = Shard::new(3);
            let name = "s".to_owned();
            sequences(&Ok(vec![FullSequence {
                shard,
                name,
                percent,
            }]))
            .level
        };
        assert_eq!((at(81.0), at(99.0)), (Level::Warning, Level::Failure));
    }
}
