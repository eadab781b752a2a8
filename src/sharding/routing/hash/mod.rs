//! Hashes of keys that are computed here, each as a number without a sign. Those that only the
//! server computes are in [`super::server_rule`].

mod fnv1a;
mod murmur3;

use std::fmt;

use md5::{Digest, Md5};

pub use fnv1a::fnv1a64;
pub use murmur3::murmur3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// FNV-1a, 64 bits.
    Fnv1a64,
    /// CRC-32 as in zlib and PNG.
    Crc32,
    /// `MurmurHash3_x86_32` with seed 0.
    Murmur3,
    /// All 128 bits, the first byte the highest: `int(hashlib.md5(key).hexdigest(), 16)` in Python.
    Md5,
}

impl Hash {
    pub const ALL: [Self; 4] = [Self::Fnv1a64, Self::Crc32, Self::Murmur3, Self::Md5];

    /// As it is written in a profile.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fnv1a64 => "fnv1a64",
            Self::Crc32 => "crc32",
            Self::Murmur3 => "murmur3",
            Self::Md5 => "md5",
        }
    }

    pub fn of(self, key: &str) -> u128 {
        let bytes = key.as_bytes();
        match self {
            Self::Fnv1a64 => fnv1a64(bytes).into(),
            Self::Crc32 => crc32fast::hash(bytes).into(),
            Self::Murmur3 => murmur3(bytes).into(),
            Self::Md5 => u128::from_be_bytes(Md5::digest(bytes).into()),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fnv1a64 => "FNV-1a 64",
            Self::Crc32 => "CRC-32",
            Self::Murmur3 => "Murmur3",
            Self::Md5 => "MD5",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_give_their_published_check_values() {
        assert_eq!(Hash::Fnv1a64.of("foobar"), 0x8594_4171_f739_67e8);
        // The check value of the catalogue of parametrised CRC algorithms.
        assert_eq!(Hash::Crc32.of("123456789"), 0xcbf4_3926);
        assert_eq!(Hash::Murmur3.of("test"), 0xba6b_d213);
        // RFC 1321, A.5.
        assert_eq!(
            Hash::Md5.of("abc"),
            0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72
        );
        assert_eq!(Hash::Md5.of(""), 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
    }
}
