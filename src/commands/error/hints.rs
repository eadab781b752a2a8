//! What to do next, after an error that ends a command or that a shard reports: other databases,
//! schemas that look like shards, a grant. Each is appended to the error's own text.

use tokio_postgres::error::SqlState;

use crate::exec::fanout::ShardError;
use crate::exec::hints;
use crate::sharding::discovered::LookAlikes;
use crate::sharding::guess::Guess;
use crate::text::escape::one_line;

/// Patterns that would make schemas shards.
pub(super) fn guessed(guesses: &[Guess]) -> String {
    let hints = guesses.iter().map(|guess| {
        format!(
            "\nshardq: hint: {} schemas look like shards; to query them, add --schemas '{}'",
            guess.schemas, guess.pattern
        )
    });
    hints.collect()
}

pub(super) fn close_to(look_alikes: &LookAlikes) -> String {
    if look_alikes.is_empty() {
        String::new()
    } else {
        format!("; these only look similar: {look_alikes}")
    }
}

pub(super) fn there_are(databases: &[String]) -> String {
    const FEW: usize = 20;
    if databases.is_empty() {
        return String::new();
    }
    let names: Vec<_> = databases.iter().take(FEW).map(|it| one_line(it)).collect();
    let more = match databases.len().saturating_sub(FEW) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "\nshardq: hint: databases on this server (select one with -d): {}{more}",
        names.join(", ")
    )
}

pub(super) fn elsewhere(others: &[(String, usize)]) -> String {
    if others.is_empty() {
        return "\nshardq: hint: no other database on this server has any, as far as this user can \
             see"
            .to_owned();
    }
    let list: Vec<_> = others
        .iter()
        .map(|(name, shards)| {
            let plural = if *shards == 1 { "" } else { "s" };
            format!("\n  {name} ({shards} shard{plural})")
        })
        .collect();
    format!(
        "\nshardq: hint: databases on this server that have some (select one with -d):{}",
        list.concat()
    )
}

/// A hint for a failed shard.
pub fn advice(error: &ShardError) -> Option<String> {
    let report = match error {
        ShardError::Server(report) => report,
        ShardError::SchemaDenied => {
            return Some("grant access with GRANT USAGE ON SCHEMA shard_… TO …".to_owned());
        }
        ShardError::Disagrees { .. } => {
            return Some(
                "finish the migration, or cast or rename the column in the query (column::text AS name)"
                    .to_owned(),
            );
        }
        ShardError::NotUtf8 { .. } => return Some(hints::NOT_UTF8.to_owned()),
        _ => return None,
    };
    if report.code == SqlState::LOCK_NOT_AVAILABLE {
        return Some(hints::LOCKED.to_owned());
    }
    if report.code == SqlState::QUERY_CANCELED {
        return Some(hints::cancelled_hint(report).to_owned());
    }
    if report.code == SqlState::CHARACTER_NOT_IN_REPERTOIRE {
        return Some(hints::NOT_UTF8.to_owned());
    }
    None
}
