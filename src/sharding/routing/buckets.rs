//! From the number that a key hashes to, to the number of its shard. Pure.

use std::fmt;
use std::num::NonZeroU32;

/// What a key hashes to. Postgres's hashes are signed, MD5 has 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashValue {
    Unsigned(u128),
    Signed(i128),
}

/// `number modulo n, plus offset`. The remainder is never negative, unlike that of `%` in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    pub modulo: Modulo,
    pub offset: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modulo {
    /// By the number of shards, which is known once they are.
    ShardCount,
    By(NonZeroU32),
    /// The number is that of the shard.
    None,
}

impl HashValue {
    pub fn modulo(self, divisor: NonZeroU32) -> u32 {
        let remainder = match self {
            Self::Unsigned(number) => number % u128::from(divisor.get()),
            Self::Signed(number) => number.rem_euclid(i128::from(divisor.get())).cast_unsigned(),
        };
        // Less than the divisor.
        u32::try_from(remainder).unwrap_or_default()
    }

    /// `None` if it is that of no shard.
    pub fn number(self) -> Option<u32> {
        match self {
            Self::Unsigned(number) => number.try_into().ok(),
            Self::Signed(number) => number.try_into().ok(),
        }
    }
}

impl fmt::Display for HashValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
        }
    }
}

impl Buckets {
    /// The number of shards, as far as it counts.
    pub fn divisor(self, shards: Option<NonZeroU32>) -> Option<NonZeroU32> {
        match self.modulo {
            Modulo::By(divisor) => Some(divisor),
            // The highest number and one, less what precedes the first.
            Modulo::ShardCount => NonZeroU32::new(shards?.get().saturating_sub(self.offset)),
            Modulo::None => None,
        }
    }

    /// The number of the shard; `None` if no shard can have it.
    pub fn shard(self, value: HashValue, divisor: Option<NonZeroU32>) -> Option<u32> {
        let number = match divisor {
            Some(divisor) => value.modulo(divisor),
            None => value.number()?,
        };
        number.checked_add(self.offset)
    }

    /// What follows the name of a hash: `, modulo 64, plus 1`
    pub fn describe(self, divisor: Option<NonZeroU32>) -> String {
        let divisor = divisor.map(|divisor| format!(", modulo {divisor}"));
        let offset = (self.offset > 0).then(|| format!(", plus {}", self.offset));
        [divisor, offset].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_never_negative() {
        let by = |n| NonZeroU32::new(n).unwrap();
        assert_eq!(HashValue::Signed(-1).modulo(by(64)), 63);
        assert_eq!(HashValue::Signed(i32::MIN.into()).modulo(by(128)), 0);
        assert_eq!(HashValue::Unsigned(u128::MAX).modulo(by(10)), 5);
    }

    #[test]
    fn shards_that_begin_at_1_are_one_less_than_the_highest() {
        let buckets = |modulo| Buckets { modulo, offset: 1 };
        let counted = buckets(Modulo::ShardCount);
        // shard_1 to shard_64.
        let divisor = counted.divisor(NonZeroU32::new(65));
        assert_eq!(divisor, NonZeroU32::new(64));
        assert_eq!(counted.shard(HashValue::Unsigned(64), divisor), Some(1));
        assert_eq!(counted.divisor(None), None);
        let whole = buckets(Modulo::None);
        assert_eq!(whole.shard(HashValue::Signed(7), None), Some(8));
        assert_eq!(whole.shard(HashValue::Signed(-7), None), None);
        assert_eq!(whole.shard(HashValue::Signed(u32::MAX.into()), None), None);
    }
}
