//! The shard of a name, by computation. Pure: only a query in that shard shows whether the name
//! exists.

use std::num::NonZeroU32;

use crate::sharding::routing::hash::fnv1a64;

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHARDS: NonZeroU32 = NonZeroU32::new(128).unwrap();

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
