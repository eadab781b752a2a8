//! `MurmurHash3_x86_32` with seed 0. In 25 lines, since no dependency has it.

/// Source: Austin Appleby's `MurmurHash3.cpp`, which is in the public domain.
pub fn murmur3(bytes: &[u8]) -> u32 {
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0, |hash: u32, block| {
        (hash ^ mixed(u32::from_le_bytes(*block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    });
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(tail) {
        *to = *from;
    }
    hash ^= mixed(u32::from_le_bytes(last));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the reference takes the length modulo 2^32"
    )]
    let length = bytes.len() as u32;
    hash ^= length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// 0 stays 0, so a missing tail changes nothing.
fn mixed(block: u32) -> u32 {
    block
        .wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seed 0, of each length modulo 4. Source: the reference implementation's output, as listed in
    /// the test suites of Guava and of Python's mmh3.
    #[test]
    fn the_hash_gives_the_references_values() {
        for (text, hash) in [
            ("", 0),
            ("test", 0xba6b_d213),
            ("Hello, world!", 0xc036_3e43),
            ("The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
            ("foo", 0xf6a5_c420),
        ] {
            assert_eq!(murmur3(text.as_bytes()), hash, "{text}");
        }
    }
}
