//! What a hash may have been taken modulo: plausible numbers, and the only one that makes a hash
//! fit all keys. Pure.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use crate::find::learn::sample::SampleKey;
use crate::sharding::routing::buckets::HashValue;

/// Moduli of a hash, by numbers of shards that people choose, the likeliest first.
pub fn plausible(highest: u32, shards: usize) -> Vec<NonZeroU32> {
    let shards = u32::try_from(shards).unwrap_or(u32::MAX);
    let round = (0..5).flat_map(|power| [10_u32.pow(power), 5 * 10_u32.pow(power)]);
    let powers = (1..=16).map(|power| 1 << power);
    let counted = [highest.saturating_add(1), highest, shards];
    let mut known = BTreeSet::new();
    let others: BTreeSet<u32> = powers.chain(round).collect();
    let all = counted.into_iter().chain(others);
    all.filter(|modulus| *modulus > 1 && known.insert(*modulus))
        .filter_map(NonZeroU32::new)
        .collect()
}

/// The modulus by which a hash gives the numbers of all these shards, up to an offset: it divides
/// the difference between any two keys' hashes less that between their shards. `None` if the hash
/// is not the right one.
pub fn exact(keys: &[SampleKey], values: &[Option<HashValue>]) -> Option<NonZeroU32> {
    let mut rests = keys.iter().zip(values).map(|(key, value)| {
        let value = i128_of((*value)?)?;
        value.checked_sub(i128::from(key.number))
    });
    let first = rests.next()??;
    let mut divisor: u128 = 0;
    for rest in rests {
        divisor = gcd(divisor, rest?.abs_diff(first));
        if divisor == 1 {
            return None;
        }
    }
    u32::try_from(divisor).ok().and_then(NonZeroU32::new)
}

/// MD5's 128 bits do not all fit.
fn i128_of(value: HashValue) -> Option<i128> {
    match value {
        HashValue::Signed(number) => Some(number),
        HashValue::Unsigned(number) => number.try_into().ok(),
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::routing::hash::Hash;
    use crate::sharding::shard::Shard;

    fn sample(modulus: u32, offset: u32) -> (Vec<SampleKey>, Vec<Option<HashValue>>) {
        let keys = (0..50).map(|n| format!("key {n}"));
        keys.map(|text| {
            let hash = HashValue::Unsigned(Hash::Crc32.of(&text));
            let number = hash
                .modulo(NonZeroU32::new(modulus).unwrap())
                .saturating_add(offset);
            let shard = Shard::new(number);
            let key = SampleKey {
                text,
                shard,
                number,
            };
            (key, Some(hash))
        })
        .unzip()
    }

    #[test]
    fn any_modulus_is_found_whatever_the_offset() {
        for (modulus, offset) in [(7, 0), (64, 1), (97, 1000)] {
            let (keys, values) = sample(modulus, offset);
            assert_eq!(exact(&keys, &values), NonZeroU32::new(modulus));
        }
        let (mut keys, values) = sample(64, 0);
        keys[7].number += 1;
        assert_eq!(exact(&keys, &values), None);
    }

    #[test]
    fn the_number_of_shards_is_tried_first() {
        let first: Vec<_> = plausible(127, 120).into_iter().take(3).collect();
        let numbers: Vec<_> = first.into_iter().map(NonZeroU32::get).collect();
        assert_eq!(numbers, [128, 127, 120]);
    }
}
