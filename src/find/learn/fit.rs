//! How well the rules fit the sample. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::Timestamp;

use crate::find::learn::moduli;
use crate::find::learn::sample::{Sample, SampleKey};
use crate::find::learn::series::Series;
use crate::sharding::routing::buckets::{Buckets, Modulo};
use crate::sharding::routing::id::Id;
use crate::sharding::routing::id_layout::{BitField, IdLayout};
use crate::sharding::routing::key_kind::RoutingRule;
use crate::sharding::routing::server_rule::ServerRule;

/// Bits of evidence below which a rule may fit by chance. Some 3,000 rules are tried, about 2^12,
/// so that one in a million samples fits a wrong one.
const EVIDENCE: f64 = 32.0;

/// The widest field of a shard's number that is tried.
const WIDEST: u8 = 20;

/// A rule, and how many keys it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    pub rule: RoutingRule,
    pub keys: usize,
    /// The first keys that it does not fit, by their index.
    pub wrong: Vec<usize>,
}

/// How many of them are kept.
const WRONG: usize = 4;

impl Fit {
    pub(super) fn new(
        rule: RoutingRule,
        keys: &[SampleKey],
        is_right: impl Fn(usize) -> bool,
    ) -> Self {
        let wrong: Vec<_> = (0..keys.len()).filter(|index| !is_right(*index)).collect();
        Self {
            rule,
            keys: keys.len() - wrong.len(),
            wrong: wrong.into_iter().take(WRONG).collect(),
        }
    }
}

/// What was learned from a sample.
#[derive(Debug)]
pub struct Learned {
    /// The best of each hash and layout of ids, the best first.
    fits: Vec<Fit>,
}

/// Whether keys of so many shards tell a rule from chance: each is another choice of one of them.
pub fn is_enough(sample: &Sample) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most thousands of keys and shards"
    )]
    let (keys, shards) = (sample.keys.len() as f64, sample.shards() as f64);
    keys * shards.log2() >= EVIDENCE
}

impl Learned {
    /// Of rules that were tried elsewhere.
    pub fn of(fits: impl Iterator<Item = Fit>) -> Self {
        let mut fits: Vec<_> = fits.collect();
        fits.sort_by_key(|fit| std::cmp::Reverse(fit.keys));
        Self { fits }
    }

    pub fn new(sample: &Sample, series: &[Series], now: Timestamp) -> Self {
        let keys = &sample.keys;
        let highest = keys.iter().map(|key| key.number).max().unwrap_or(0);
        let plausible = moduli::plausible(highest, sample.shards());
        let ids = known_ids(keys, now);
        let hashes = series.iter().filter_map(|it| hash(keys, it, &plausible));
        let fields = bit_field(keys, highest);
        let mut fits: Vec<_> = ids.into_iter().chain(hashes).chain(fields).collect();
        // Stable: of those that fit as well, the likeliest stays first.
        fits.sort_by_key(|fit| std::cmp::Reverse(fit.keys));
        Self { fits }
    }

    pub fn best(&self) -> Option<&Fit> {
        self.fits.first()
    }

    /// Other rules that fit as many keys as the best, but not the same one in other words: bits of
    /// an id are also its remainder.
    pub fn others(&self) -> impl Iterator<Item = &Fit> {
        let best = self.best();
        let is_of_numbers =
            |fit: &Fit| matches!(fit.rule, RoutingRule::Bits(_) | RoutingRule::Number(_));
        // Most expressions are a hash in other words, and most parts of a key are the key.
        let is_sql = |fit: &Fit| {
            let rule = fit.rule.server();
            matches!(rule, Some(ServerRule::Sql { .. } | ServerRule::Lookup(_)))
        };
        self.fits.iter().skip(1).filter(move |fit| {
            best.is_some_and(|best| {
                fit.keys == best.keys
                    && !(is_of_numbers(best) && is_of_numbers(fit))
                    && !is_sql(fit)
            })
        })
    }
}

/// Ids of layouts that are known, whose times must be credible.
fn known_ids(keys: &[SampleKey], now: Timestamp) -> Vec<Fit> {
    let fits = |layout: IdLayout| {
        let is_right = |index: usize| {
            let key = &keys[index];
            let id = Id::new(&key.text, layout);
            id.is_ok_and(|id| id.is_credible(now) && id.shard() == key.number)
        };
        Fit::new(RoutingRule::Bits(layout), keys, is_right)
    };
    [IdLayout::HABITAT, IdLayout::INSTAGRAM].map(fits).into()
}

/// The best modulus and offset.
fn hash(keys: &[SampleKey], series: &Series, plausible: &[NonZeroU32]) -> Option<Fit> {
    let exact = moduli::exact(keys, &series.values);
    let candidates = plausible.iter().copied().chain(exact);
    // The first of equal ones.
    let (mut best, mut most) = (None, 0);
    for modulus in candidates {
        let (offset, fitting) = offset(keys, series, modulus);
        if fitting > most {
            (best, most) = (Some((modulus, offset)), fitting);
        }
    }
    let (modulus, offset) = best?;
    let rule = series.hash.rule(Buckets {
        modulo: Modulo::By(modulus),
        offset,
    });
    Some(Fit::new(rule, keys, |index| {
        let value = series.values.get(index).copied().flatten();
        let number = value.map(|value| value.modulo(modulus) + offset);
        number == Some(keys[index].number)
    }))
}

/// The offset that fits most keys, and how many. The lowest of equal ones.
fn offset(keys: &[SampleKey], series: &Series, modulus: NonZeroU32) -> (u32, usize) {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for (key, value) in keys.iter().zip(&series.values) {
        let remainder = value.map(|value| value.modulo(modulus));
        if let Some(offset) = remainder.and_then(|it| key.number.checked_sub(it)) {
            *counts.entry(offset).or_default() += 1;
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| **count);
    most.map_or((0, 0), |(offset, count)| (*offset, *count))
}

/// The best field of bits in ids of any layout, and of those that fit as well the widest: the
/// highest bits are zero where there are few shards.
fn bit_field(keys: &[SampleKey], highest: u32) -> Option<Fit> {
    let ids = keys.iter().map(|key| {
        let number: i64 = key.text.parse().ok()?;
        (number >= 0).then_some((number, key.number))
    });
    let ids: Vec<_> = ids.collect::<Option<_>>()?;
    let narrowest = (1..=WIDEST).find(|bits| u64::from(highest) < 1 << bits)?;
    let fields = (narrowest..=WIDEST)
        .rev()
        .flat_map(|bits| (0..=63 - bits).filter_map(move |shift| BitField::new(bits, shift).ok()));
    let (mut best, mut most) = (None, 0);
    for shard in fields {
        let keys = count_above(&ids, shard, most);
        if keys > most {
            (best, most) = (Some(shard), keys);
        }
    }
    let shard = best?;
    let layout = IdLayout {
        shard,
        time: None,
        sequence: None,
    };
    Some(Fit::new(RoutingRule::Bits(layout), keys, |index| {
        ids.get(index)
            .is_some_and(|(id, number)| shard.of(*id) == *number)
    }))
}

/// How many ids have the number of their shard in this field; 0 as soon as it cannot be more than
/// `most`.
fn count_above(ids: &[(i64, u32)], field: BitField, most: usize) -> usize {
    let mut wrong = 0;
    for (id, number) in ids {
        if field.of(*id) != *number {
            wrong += 1;
            if ids.len() - wrong <= most {
                return 0;
            }
        }
    }
    ids.len() - wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::learn::series::SeriesHash;
    use crate::sharding::routing::buckets::HashValue;
    use crate::sharding::routing::hash::Hash;
    use crate::sharding::shard::Shard;

    fn sample(keys: impl IntoIterator<Item = (String, u32)>) -> Sample {
        let keys = keys.into_iter().map(|(text, number)| SampleKey {
            text,
            shard: Shard::new(number),
            number,
        });
        Sample {
            keys: keys.collect(),
            ..Sample::default()
        }
    }

    fn crc(sample: &Sample) -> Series {
        let value = |key: &SampleKey| Some(HashValue::Unsigned(Hash::Crc32.of(&key.text)));
        Series {
            hash: SeriesHash::Here(Hash::Crc32),
            values: sample.keys.iter().map(value).collect(),
        }
    }

    fn best(sample: &Sample, series: &[Series]) -> (String, usize) {
        let learned = Learned::new(sample, series, Timestamp::now());
        let best = learned.best().unwrap();
        let buckets = best.rule.buckets();
        let divisor = buckets.and_then(|buckets| buckets.divisor(None));
        (best.rule.describe(divisor), best.keys)
    }

    #[test]
    fn the_modulus_and_the_offset_are_found_although_a_key_is_misplaced() {
        let number = |text: &str| u32::try_from(Hash::Crc32.of(text) % 64).unwrap() + 1;
        let keys = (0..500).map(|n| format!("key {n}"));
        let mut sample = sample(keys.map(|text| (text.clone(), number(&text))));
        sample.keys[3].number = 65;
        let series = [crc(&sample)];
        let rule = "CRC-32 of the key, modulo 64, plus 1".to_owned();
        assert_eq!(best(&sample, &series), (rule, 499));
        let learned = Learned::new(&sample, &series, Timestamp::now());
        assert_eq!(learned.best().unwrap().wrong, [3]);
    }

    #[test]
    fn a_field_of_an_unknown_layout_is_found_with_its_width() {
        let id = |n: u64| ((n * 7_919) << 27) | ((n % 40) << 17) | (((n * 31) % 1024) << 7);
        let keys = (1..500).map(|n| (id(n).to_string(), u32::try_from(n % 40).unwrap()));
        assert_eq!(
            best(&sample(keys), &[]),
            ("bits 17 to 26 of the key".to_owned(), 499)
        );
    }

    #[test]
    fn keys_that_chance_would_fit_are_too_few() {
        let keys =
            |count, shards: u32| sample((0..count).map(|n: u32| (n.to_string(), n % shards)));
        assert!(!is_enough(&keys(1000, 1)));
        assert!(!is_enough(&keys(31, 2)));
        assert!(is_enough(&keys(32, 2)));
        assert!(is_enough(&keys(128, 128)));
    }
}
