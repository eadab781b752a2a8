//! The shard of a name, by computation. Pure: only a query in that shard shows whether the name
//! exists.

use std::num::NonZeroU32;

/// The shard of a name: FNV-1a 64 of its bytes, modulo the number of shards.
///
/// With one shard everything is in `shard_0`. Source: Habitat Builder's datastore, which
/// distributes origins and accounts by name over 128 shards.
pub fn by_name(name: &str, shards: NonZeroU32) -> u32 {
    let shard = fnv1a64(name.as_bytes()) % u64::from(shards.get());
    #[expect(clippy::cast_possible_truncation, reason = "less than a u32")]
    let shard = shard as u32;
    shard
}

/// The 64-bit FNV-1a hash.
///
/// Source: draft-eastlake-fnv, "The FNV Non-Cryptographic Hash Algorithm".
fn fnv1a64(bytes: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHARDS: NonZeroU32 = NonZeroU32::new(128).unwrap();

    #[test]
    fn the_hash_gives_the_drafts_test_vectors() {
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("b", 0xaf63_df4c_8601_f1a5),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a64(text.as_bytes()), hash, "{text}");
        }
    }

    #[test]
    fn core_is_in_shard_30_of_128() {
        assert_eq!(by_name("core", SHARDS), 30);
    }

    #[test]
    fn one_shard_holds_every_name() {
        for name in ["core", "", "žluť'; DROP"] {
            assert_eq!(by_name(name, NonZeroU32::MIN), 0);
        }
    }

    proptest! {
        #[test]
        fn every_name_has_a_shard_that_exists(name in any::<String>(), shards in 1..=u32::MAX) {
            let shards = NonZeroU32::new(shards).unwrap();
            prop_assert!(by_name(&name, shards) < shards.get());
        }
    }
}
