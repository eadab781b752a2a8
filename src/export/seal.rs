//! The checksum in the last line of a manifest, over the bytes of all lines before it.
//!
//! ```sh
//! sed '/^  "seal": /,$d' packages.csv.manifest.json | sha256sum
//! ```
//!
//! Older manifests have a checksum over the parsed values, which did not detect a duplicate
//! key: a program reads the last one, a person the first. They are still accepted, but only
//! without duplicate keys.

use std::collections::BTreeSet;
use std::fmt;

use ring::digest::{SHA256, digest};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::compress;

const KEY: &str = "seal";
const OPENING: &str = "  \"seal\": \"sha256:";
const END: &str = "\"\n}\n";
const DIGITS: usize = 64;

/// Adds the last line to an object that `serde_json` has pretty-printed.
pub fn add(mut text: Vec<u8>) -> Vec<u8> {
    let brace = text.strip_suffix(b"\n}").map_or(text.len(), <[u8]>::len);
    text.truncate(brace);
    text.extend_from_slice(b",\n");
    let line = format!("{OPENING}{}{END}", hash(&text));
    text.extend_from_slice(line.as_bytes());
    text
}

/// Whether the text is unmodified.
///
/// # Errors
/// If it is not JSON.
pub fn is_whole(text: &[u8]) -> serde_json::Result<bool> {
    match split(text) {
        Some((front, digits)) => Ok(hash(front).as_bytes() == digits),
        None => has_old_seal(text),
    }
}

/// Everything before the last line, and the checksum in that.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits_end = text.len().checked_sub(END.len())?;
    let digits = digits_end.checked_sub(DIGITS)?;
    let front = digits.checked_sub(OPENING.len())?;
    let has_form =
        &text[front..digits] == OPENING.as_bytes() && &text[digits_end..] == END.as_bytes();
    has_form.then(|| (&text[..front], &text[digits..digits_end]))
}

/// Over the compact JSON without the seal, with keys in alphabetical order.
fn has_old_seal(text: &[u8]) -> serde_json::Result<bool> {
    let mut value: Value = serde_json::from_slice(text)?;
    let seal = value.as_object_mut().and_then(|map| map.remove(KEY));
    let is_same = seal == Some(hash(value.to_string().as_bytes()).into());
    Ok(is_same && serde_json::from_slice::<EachKeyOnce>(text).is_ok())
}

fn hash(bytes: &[u8]) -> String {
    compress::hexadecimal(digest(&SHA256, bytes).as_ref())
}

/// Any JSON in which no object has duplicate keys.
struct EachKeyOnce;

impl<'de> Deserialize<'de> for EachKeyOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for EachKeyOnce {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value::<Self>()?;
            if !keys.insert(key) {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn manifest() -> Value {
        json!({ "rows": 7, "statement": "SELECT 'žluť'\n  \"seal\": \"", "options": {"jobs": 4}, "missing": [] })
    }

    fn written() -> Vec<u8> {
        add(serde_json::to_vec_pretty(&manifest()).unwrap())
    }

    /// In the format of older versions.
    fn written_before() -> String {
        let mut value = manifest();
        value["seal"] = hash(value.to_string().as_bytes()).into();
        serde_json::to_string_pretty(&value).unwrap() + "\n"
    }

    #[test]
    fn what_is_written_is_json_with_the_checksum_of_the_lines_in_front() {
        let text = written();
        assert!(is_whole(&text).unwrap());
        let value: Value = serde_json::from_slice(&text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (front, _) = text.split_once("\n  \"seal\": ").unwrap();
        let sum = hash(format!("{front}\n").as_bytes());
        assert_eq!(value["seal"], format!("sha256:{sum}"));
        assert!(text.ends_with("\"\n}\n"));
    }

    #[test]
    fn an_older_one_is_read_however_it_is_laid_out_but_has_no_key_twice() {
        let text = written_before();
        assert!(is_whole(text.as_bytes()).unwrap());
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(is_whole(value.to_string().as_bytes()).unwrap());
        for (from, to) in [
            ("{", "{\"rows\": 9,"),
            ("\"jobs\"", "\"jobs\": 9, \"jobs\""),
            ("7", "8"),
            ("\"rows\": 7", "\"rows\": 7, \"rows\": 7"),
        ] {
            let edited = text.replacen(from, to, 1);
            assert!(!is_whole(edited.as_bytes()).unwrap(), "{edited}");
        }
        assert!(is_whole(b"{").is_err());
    }

    proptest! {
        #[test]
        fn every_byte_counts(at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..3) {
            let text = written();
            let at = at.index(text.len());
            let mut edited = text.clone();
            match kind {
                0 => edited[at] = byte,
                1 => edited.insert(at, byte),
                _ => _ = edited.remove(at),
            }
            let same = edited == text;
            prop_assert_eq!(is_whole(&edited).unwrap_or(false), same);
        }
    }
}
