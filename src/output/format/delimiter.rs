//! The field delimiter of CSV.

use std::fmt;
use std::str::FromStr;

/// One ASCII character, as for `COPY … (DELIMITER …)`. Characters of shard names are excluded,
/// so that the names need no quotes and can be found again in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

impl Delimiter {
    pub const COMMA: Self = Self(b',');

    pub fn byte(self) -> u8 {
        self.0
    }
}

impl Default for Delimiter {
    fn default() -> Self {
        Self::COMMA
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(self.0))
    }
}

impl FromStr for Delimiter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [b'"' | b'\n' | b'\r' | b'\0'] => {
                Err("a quote or a line break has a special meaning in CSV")
            }
            [byte] if byte.is_ascii_alphanumeric() || *byte == b'_' => {
                Err("a letter, a digit or _ can be part of a value; use another character")
            }
            [byte] => Ok(Self(*byte)),
            _ => Err("expected one ASCII character, e.g. ';' or $'\\t'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_that_is_no_part_of_a_name() {
        for text in [",", ";", "|", "\t", " ", "\\", "-"] {
            assert_eq!(text.parse::<Delimiter>().unwrap().to_string(), text);
        }
        for text in ["", ";;", "€", "\"", "\n", "\r", "a", "0", "_"] {
            assert!(text.parse::<Delimiter>().is_err(), "{text}");
        }
    }
}
