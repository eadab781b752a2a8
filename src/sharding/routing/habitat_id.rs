//! Ids of Habitat Builder's datastore, which encode when and in which shard they were created.
//! Pure: any 63-bit number decodes to something.
//!
//! An id is `(milliseconds since 1409266191000) << 23 | (sequence % 1024) << 13 | shard`. Source:
//! Habitat Builder's datastore, the function `next_id_v1` of each shard.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// Time zero of the ids: 1409266191000 ms after 1970, on 2014-08-28.
const EPOCH: Timestamp = Timestamp::constant(1_409_266_191, 0);
const SHARD_BITS: u32 = 13;
const SEQUENCE_BITS: u32 = 10;

/// A bigint that encodes a time, a sequence number and a shard. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(i64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("invalid id '{0}': an id has only digits")]
    NotANumber(String),
    #[error("invalid id '{0}': the largest is {max}", max = i64::MAX)]
    TooLarge(String),
}

impl Id {
    /// The number of the shard that the id was created in: its low 13 bits.
    pub fn shard(self) -> u32 {
        self.bits(0, SHARD_BITS)
    }

    /// The value of the shard's sequence, modulo 1024.
    pub fn sequence(self) -> u32 {
        self.bits(SHARD_BITS, SEQUENCE_BITS)
    }

    /// When the id was created, to the millisecond. Prints as UTC.
    pub fn created(self) -> Timestamp {
        // 40 bits of milliseconds end in 2049, so the sum cannot overflow.
        EPOCH + SignedDuration::from_millis(self.0 >> (SHARD_BITS + SEQUENCE_BITS))
    }

    /// As RFC 3339 in UTC: `2017-05-19T21:00:27.943Z`.
    pub fn created_text(self) -> String {
        format!("{:.3}", self.created())
    }

    /// Whether the encoded time is plausible. Every number has one, but a plain sequence number
    /// decodes to August 2014, before such ids existed.
    pub fn is_credible(self, now: Timestamp) -> bool {
        /// 2015-01-01.
        const FIRST: Timestamp = Timestamp::constant(1_420_070_400, 0);
        /// Tolerates clock differences.
        const AHEAD: SignedDuration = SignedDuration::from_hours(24);
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        (FIRST..=latest).contains(&self.created())
    }

    pub fn number(self) -> i64 {
        self.0
    }

    fn bits(self, first: u32, count: u32) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "masked to at most 13 bits"
        )]
        let bits = ((self.0 >> first) & ((1 << count) - 1)) as u32;
        bits
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // `parse` alone would accept a sign.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(IdError::NotANumber(text.to_owned()));
        }
        text.parse()
            .map(Self)
            .map_err(|_| IdError::TooLarge(text.to_owned()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_says_when_and_where_it_was_made() {
        let core = id("721096797631602688");
        assert_eq!(core.created_text(), "2017-05-19T21:00:27.943Z");
        assert_eq!(core.sequence(), 7);
        assert_eq!(core.shard(), 0);
        assert_eq!(core.to_string(), "721096797631602688");
    }

    #[test]
    fn only_an_id_of_a_likely_time_is_credible() {
        let now = id("721096797631602688").created();
        let credible = |text: &str| id(text).is_credible(now);
        assert!(credible("721096797631602718"));
        for plain in ["0", "12345", "1000000000", "9007199254740993"] {
            assert!(!credible(plain), "{plain}");
        }
        // The year 2049.
        assert!(!credible("9223372036854775807"));
    }

    #[test]
    fn the_smallest_and_the_largest_id_decode() {
        assert_eq!(id("0").created_text(), "2014-08-28T22:49:51.000Z");
        assert_eq!(id("0").shard(), 0);
        let largest = id("9223372036854775807");
        assert_eq!(largest.created_text(), "2049-07-01T18:43:38.775Z");
        assert_eq!(largest.sequence(), 1023);
        assert_eq!(largest.shard(), 8191);
    }

    #[test]
    fn what_is_no_bigint_of_digits_is_refused() {
        for text in ["", "-1", "+1", "1.0", "1e3", " 1", "core", "١"] {
            assert_eq!(text.parse::<Id>(), Err(IdError::NotANumber(text.into())));
        }
        for text in ["9223372036854775808", "99999999999999999999"] {
            assert_eq!(text.parse::<Id>(), Err(IdError::TooLarge(text.into())));
        }
    }

    proptest! {
        #[test]
        fn the_parts_come_back_as_they_went_in(
            millisecond in 0..1i64 << 40,
            sequence in 0..1024u32,
            shard in 0..8192u32,
        ) {
            let number = millisecond << 23 | i64::from(sequence) << 13 | i64::from(shard);
            let id = id(&number.to_string());
            prop_assert_eq!(id.created().as_millisecond(), 1_409_266_191_000 + millisecond);
            prop_assert_eq!(id.sequence(), sequence);
            prop_assert_eq!(id.shard(), shard);
            prop_assert_eq!(id.number(), number);
        }
    }
}
