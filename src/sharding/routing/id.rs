//! Ids that encode in which shard, and usually when, they were created. Pure: any 63-bit number
//! decodes to something.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::sharding::routing::id_layout::IdLayout;

/// A bigint that encodes a shard by its layout. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    number: i64,
    layout: IdLayout,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("invalid id '{0}': an id has only digits")]
    NotANumber(String),
    #[error("invalid id '{0}': the largest is {max}", max = i64::MAX)]
    TooLarge(String),
}

impl Id {
    /// # Errors
    /// If it is not a bigint of digits only.
    pub fn new(text: &str, layout: IdLayout) -> Result<Self, IdError> {
        // `parse` alone would accept a sign.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(IdError::NotANumber(text.to_owned()));
        }
        text.parse()
            .map(|number| Self { number, layout })
            .map_err(|_| IdError::TooLarge(text.to_owned()))
    }

    /// One of Habitat Builder's.
    ///
    /// # Errors
    /// If it is not a bigint of digits only.
    pub fn habitat(text: &str) -> Result<Self, IdError> {
        Self::new(text, IdLayout::HABITAT)
    }

    pub fn layout(self) -> IdLayout {
        self.layout
    }

    /// The number of the shard that the id was created in.
    pub fn shard(self) -> u32 {
        self.layout.shard.of(self.number)
    }

    /// The value of the shard's sequence, as far as the id has it.
    pub fn sequence(self) -> Option<u32> {
        self.layout.sequence.map(|field| field.of(self.number))
    }

    /// When the id was created, to the millisecond, if the layout has a time.
    pub fn created(self) -> Option<Timestamp> {
        self.layout.time.map(|time| time.of(self.number))
    }

    /// As RFC 3339 in UTC: `2017-05-19T21:00:27.943Z`.
    pub fn created_text(self) -> Option<String> {
        self.created().map(|created| format!("{created:.3}"))
    }

    /// Whether the encoded time is plausible. Every number has one, but a plain sequence number
    /// decodes to the first moments after the layout's epoch.
    pub fn is_credible(self, now: Timestamp) -> bool {
        /// Tolerates clock differences.
        const AHEAD: SignedDuration = SignedDuration::from_hours(24);
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        self.layout.time.is_none_or(|time| {
            time.milliseconds(self.number) >= time.earliest && time.of(self.number) <= latest
        })
    }

    pub fn number(self) -> i64 {
        self.number
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(text: &str) -> Id {
        Id::habitat(text).unwrap()
    }

    #[test]
    fn an_id_says_when_and_where_it_was_made() {
        let core = id("721096797631602688");
        assert_eq!(core.created_text().unwrap(), "2017-05-19T21:00:27.943Z");
        assert_eq!(core.sequence(), Some(7));
        assert_eq!(core.shard(), 0);
        assert_eq!(core.to_string(), "721096797631602688");
    }

    #[test]
    fn only_an_id_of_a_likely_time_is_credible() {
        let now = id("721096797631602688").created().unwrap();
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
        assert_eq!(id("0").created_text().unwrap(), "2014-08-28T22:49:51.000Z");
        assert_eq!(id("0").shard(), 0);
        let largest = id("9223372036854775807");
        assert_eq!(largest.created_text().unwrap(), "2049-07-01T18:43:38.775Z");
        assert_eq!(largest.sequence(), Some(1023));
        assert_eq!(largest.shard(), 8191);
    }

    #[test]
    fn what_is_no_bigint_of_digits_is_refused() {
        for text in ["", "-1", "+1", "1.0", "1e3", " 1", "core", "١"] {
            assert_eq!(Id::habitat(text), Err(IdError::NotANumber(text.into())));
        }
        for text in ["9223372036854775808", "99999999999999999999"] {
            assert_eq!(Id::habitat(text), Err(IdError::TooLarge(text.into())));
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
            prop_assert_eq!(id.created().unwrap().as_millisecond(), 1_409_266_191_000 + millisecond);
            prop_assert_eq!(id.sequence(), Some(sequence));
            prop_assert_eq!(id.shard(), shard);
            prop_assert_eq!(id.number(), number);
        }
    }
}
