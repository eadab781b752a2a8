//! How an id encodes its shard, its time and its sequence number: as fields of bits. Pure.

use std::fmt;

use jiff::Timestamp;

/// The bits that an id has: those of a bigint without its sign.
const ID_BITS: u8 = 63;

/// Some bits of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BitField {
    bits: u8,
    shift: u8,
}

/// The time of an id: all bits from `shift` on, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeField {
    pub shift: u8,
    /// Milliseconds since 1970.
    pub epoch: i64,
    /// Milliseconds since the epoch before which no id was created. A plain sequence number decodes
    /// to the first moments after the epoch.
    pub earliest: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdLayout {
    pub shard: BitField,
    pub time: Option<TimeField>,
    pub sequence: Option<BitField>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bits must be from 1 to 32, and bits and shift together at most {ID_BITS}")]
pub struct BitFieldError;

impl BitField {
    /// # Errors
    /// If an id does not have these bits.
    pub fn new(bits: u8, shift: u8) -> Result<Self, BitFieldError> {
        let fits = (1..=32).contains(&bits) && shift <= ID_BITS - bits;
        fits.then_some(Self { bits, shift }).ok_or(BitFieldError)
    }

    const fn at(bits: u8, shift: u8) -> Self {
        Self { bits, shift }
    }

    pub fn bits(self) -> u8 {
        self.bits
    }

    pub fn shift(self) -> u8 {
        self.shift
    }

    /// `the low 13 bits`, or `bits 10 to 22`
    pub fn with_article(self) -> String {
        let article = if self.shift == 0 && self.bits > 1 {
            "the "
        } else {
            ""
        };
        format!("{article}{self}")
    }

    /// The value of the field in an id that is not negative.
    pub fn of(self, id: i64) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "masked to at most 32 bits"
        )]
        let value = ((id >> self.shift) & ((1 << self.bits) - 1)) as u32;
        value
    }
}

impl TimeField {
    /// A day: 86,400,000 ms shifted by 20 bits or more, so no plain sequence number gets there.
    pub const EARLIEST: i64 = 24 * 60 * 60 * 1000;

    pub fn milliseconds(self, id: i64) -> i64 {
        id >> self.shift
    }

    /// To the millisecond.
    pub fn of(self, id: i64) -> Timestamp {
        let since_1970 = self.epoch.saturating_add(self.milliseconds(id));
        Timestamp::from_millisecond(since_1970).unwrap_or(Timestamp::MAX)
    }
}

impl IdLayout {
    /// `(milliseconds since 1409266191000) << 23 | (sequence % 1024) << 13 | shard`. Source: Habitat
    /// Builder's datastore, the function `next_id_v1` of each shard.
    pub const HABITAT: Self = Self {
        shard: BitField::at(13, 0),
        time: Some(TimeField {
            shift: 23,
            epoch: 1_409_266_191_000,
            // To the end of 2014, before such ids existed.
            earliest: 125 * TimeField::EARLIEST,
        }),
        sequence: Some(BitField::at(10, 13)),
    };

    /// `(milliseconds since 1314220021721) << 23 | shard << 10 | sequence % 1024`. Source:
    /// Instagram Engineering, "Sharding & IDs at Instagram", 2012.
    pub const INSTAGRAM: Self = Self {
        shard: BitField::at(13, 10),
        time: Some(TimeField {
            shift: 23,
            epoch: 1_314_220_021_721,
            earliest: TimeField::EARLIEST,
        }),
        sequence: Some(BitField::at(10, 0)),
    };
}

/// `low 13 bits`, or `bits 10 to 22`, of which bit 0 is the lowest.
impl fmt::Display for BitField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bits, shift } = *self;
        match (bits, shift) {
            (1, shift) => write!(f, "bit {shift}"),
            (_, 0) => write!(f, "low {bits} bits"),
            _ => write!(f, "bits {shift} to {}", shift + bits - 1),
        }
    }
}

/// As an inline table of a profile: `{ shard = { bits = 13, shift = 0 }, … }`
impl fmt::Display for IdLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |name: &str, field: BitField| {
            let BitField { bits, shift } = field;
            format!("{name} = {{ bits = {bits}, shift = {shift} }}")
        };
        let time = |TimeField { shift, epoch, .. }| {
            format!("time = {{ shift = {shift}, epoch = {epoch} }}")
        };
        let parts = [
            Some(field("shard", self.shard)),
            self.time.map(time),
            self.sequence.map(|it| field("sequence", it)),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        write!(f, "{{ {} }}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_articles_id_decodes() {
        // The article's: user 31341 is in shard 1341 of 2,000; the sequence is at 5001.
        let time = 1_387_263_000;
        let id = (time << 23) | (1341 << 10) | (5001 % 1024);
        let layout = IdLayout::INSTAGRAM;
        assert_eq!(layout.shard.of(id), 1341);
        assert_eq!(layout.sequence.unwrap().of(id), 905);
        let milliseconds = layout.time.unwrap().milliseconds(id);
        assert_eq!(milliseconds, time);
    }

    #[test]
    fn a_field_is_within_the_id() {
        assert!(BitField::new(32, 31).is_ok());
        for (bits, shift) in [(0, 0), (33, 0), (13, 51), (1, 63), (1, 255)] {
            assert_eq!(BitField::new(bits, shift), Err(BitFieldError));
        }
        let all = BitField::new(32, 31).unwrap();
        assert_eq!(all.of(i64::MAX), u32::MAX);
    }

    #[test]
    fn layouts_are_written_as_a_profile_takes_them() {
        assert_eq!(
            IdLayout::INSTAGRAM.to_string(),
            "{ shard = { bits = 13, shift = 10 }, time = { shift = 23, epoch = 1314220021721 }, \
             sequence = { bits = 10, shift = 0 } }"
        );
    }
}
