//! How the name of a shard follows from a key, where shards have names: a key or a part of it,
//! between fixed texts. Pure.

use std::collections::BTreeSet;

use crate::find::learn::fit::Fit;
use crate::find::learn::sample::SampleKey;
use crate::pg::quote::Literal;
use crate::sharding::routing::key_kind::RoutingRule;
use crate::sharding::routing::server_rule::{KeySql, ServerRule};

/// A part of a key.
type PartOf = fn(&str) -> String;

/// What a shard may be named after, in SQL and here. The likeliest first.
const PARTS: [(&str, PartOf); 14] = [
    ("$1", str::to_owned),
    ("lower($1)", str::to_lowercase),
    ("replace(lower($1), '-', '_')", |key| {
        key.to_lowercase().replace('-', "_")
    }),
    ("replace(lower($1), '.', '_')", |key| {
        key.to_lowercase().replace('.', "_")
    }),
    ("replace(lower($1), ' ', '_')", |key| {
        key.to_lowercase().replace(' ', "_")
    }),
    ("split_part($1, '.', 1)", |key| part(key, '.', 0)),
    ("split_part($1, '-', 1)", |key| part(key, '-', 0)),
    ("split_part($1, '_', 1)", |key| part(key, '_', 0)),
    ("split_part($1, ':', 1)", |key| part(key, ':', 0)),
    ("split_part($1, '/', 1)", |key| part(key, '/', 0)),
    ("split_part($1, '@', 2)", |key| part(key, '@', 1)),
    ("split_part(split_part($1, '@', 2), '.', 1)", |key| {
        part(&part(key, '@', 1), '.', 0)
    }),
    ("left($1, 1)", |key| key.chars().take(1).collect()),
    ("left($1, 2)", |key| key.chars().take(2).collect()),
];

/// Keys from which the fixed texts are taken: some may be misplaced.
const TAKEN_FROM: usize = 16;

fn part(key: &str, separator: char, index: usize) -> String {
    key.split(separator)
        .nth(index)
        .unwrap_or_default()
        .to_owned()
}

/// The best rule of each part of the key, if it fits some.
pub fn fits(keys: &[SampleKey]) -> impl Iterator<Item = Fit> {
    PARTS.iter().filter_map(|(sql, part)| fit(keys, sql, *part))
}

fn fit(keys: &[SampleKey], sql: &str, part: PartOf) -> Option<Fit> {
    let is_right = |key: &SampleKey, (before, after): &(String, String)| {
        let (name, part) = (key.shard.name(), part(&key.text));
        name.strip_prefix(before.as_str())
            .and_then(|rest| rest.strip_suffix(after.as_str()))
            .is_some_and(|middle| !part.is_empty() && middle == part)
    };
    let surroundings: BTreeSet<_> = (keys.iter().take(TAKEN_FROM))
        .flat_map(|key| surroundings(key.shard.name(), &part(&key.text)))
        .collect();
    let count = |around: &_| keys.iter().filter(|key| is_right(key, around)).count();
    let best = surroundings.into_iter().max_by_key(count)?;
    let rule = ServerRule::Lookup(KeySql::new(&lookup(sql, &best)).ok()?);
    let fit = Fit::new(RoutingRule::Server(rule), keys, |index| {
        is_right(&keys[index], &best)
    });
    (fit.keys > 0).then_some(fit)
}

/// What is before and after each occurrence of this part in the name.
fn surroundings(name: &str, part: &str) -> Vec<(String, String)> {
    if part.is_empty() {
        return Vec::new();
    }
    let found = name.match_indices(part);
    let around = |at: usize| (name[..at].to_owned(), name[at + part.len()..].to_owned());
    found.map(|(at, _)| around(at)).collect()
}

fn lookup(part: &str, (before, after): &(String, String)) -> String {
    let fixed = |text: &str| (!text.is_empty()).then(|| Literal(text).to_string());
    let parts = [fixed(before), Some(part.to_owned()), fixed(after)];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("SELECT {}", parts.join(" || "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::shard::Shard;

    fn best(keys: &[(&str, &str)]) -> (String, usize) {
        let keys: Vec<_> = keys
            .iter()
            .map(|(text, shard)| SampleKey {
                text: (*text).to_owned(),
                shard: Shard::named(shard),
                number: 0,
            })
            .collect();
        // The first of those that fit as many.
        let best = fits(&keys).reduce(|best, it| if it.keys > best.keys { it } else { best });
        let best = best.unwrap();
        (best.rule.describe(None), best.keys)
    }

    #[test]
    fn a_shard_is_named_after_the_key_or_a_part_of_it() {
        let by = |sql: &str, keys: usize| (format!("by SELECT {sql}"), keys);
        assert_eq!(
            best(&[("acme", "acme"), ("beta", "beta"), ("gamma", "acme")]),
            by("$1", 2)
        );
        assert_eq!(
            best(&[("Acme", "tenant_acme_eu"), ("BETA", "tenant_beta_eu")]),
            by("'tenant_' || lower($1) || '_eu'", 2)
        );
        assert_eq!(
            best(&[
                ("ann@acme.example", "t_acme"),
                ("bob@beta.example", "t_beta")
            ]),
            by("'t_' || split_part(split_part($1, '@', 2), '.', 1)", 2)
        );
        assert_eq!(
            best(&[("acme:1", "acme"), ("beta:22", "beta")]),
            by("split_part($1, ':', 1)", 2)
        );
    }
}
